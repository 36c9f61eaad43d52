//! What can be wrong: with a request ([`AuthError`]), with a verb of the manager ([`SessionError`]), with the store
//! ([`StoreError`]), with a configuration ([`ConfigError`]).

mod auth;
mod config;
mod session;
mod step_up;
mod store;

pub use self::auth::{AuthError, AuthErrorKind};
pub use self::config::{ConfigError, KeyError};
pub use self::session::{DirectoryError, SessionError, SignError};
pub use self::step_up::StepUp;
#[cfg_attr(
    not(feature = "redis"),
    expect(unused_imports, reason = "only a remote store has such errors")
)]
pub(crate) use self::store::Fault;
pub use self::store::{StoreError, StoreErrorKind};
