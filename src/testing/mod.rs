//! Test support: clocks that a test moves, and the test suite for
//! [`SessionStore`](crate::store::SessionStore) implementations.
//!
//! Use it in `[dev-dependencies]` with the feature `testing`.

mod clock;
mod store_contract;
mod tokio_clock;

pub use self::clock::ManualClock;
pub use self::store_contract::store_contract;
pub use self::tokio_clock::TokioClock;
