//! For tests: a clock to set by hand, and the suite that every store must pass.
//!
//! Meant for `[dev-dependencies]`; turn on the feature `testing` there.

mod clock;
mod store_contract;
mod tokio_clock;

pub use self::clock::ManualClock;
pub use self::store_contract::store_contract;
pub use self::tokio_clock::TokioClock;
