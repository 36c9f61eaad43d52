//! Error types: of a request ([`AuthError`]), of an operation of the manager ([`SessionError`]), of
//! the store ([`StoreError`]), and of a configuration ([`ConfigError`]).

mod auth;
mod code;
mod config;
mod response;
mod session;
mod step_up;
mod store;

pub use self::auth::{AuthError, AuthErrorKind};
pub use self::code::ErrorCode;
pub use self::config::{ConfigError, KeyError};
#[cfg(feature = "routes")]
pub(crate) use self::response::ErrorBody;
pub use self::session::{DirectoryError, SessionError, SignError};
pub use self::step_up::StepUp;
#[cfg_attr(
    not(feature = "redis"),
    expect(unused_imports, reason = "only a remote store makes these errors")
)]
pub(crate) use self::store::Fault;
pub use self::store::{StoreError, StoreErrorKind};
pub use crate::id::{IdError, RandomError};
