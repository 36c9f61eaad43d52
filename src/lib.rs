#![cfg_attr(docsrs, feature(doc_cfg))]
//! Tower middleware that lets a request in only with a valid JWT and a live server-side session.

#[cfg(feature = "axum")]
pub mod axum;
pub mod clock;
pub mod error;
mod future;
mod gate;
mod id;
mod layer;
mod manager;
mod reason;
mod service;
pub mod session;
mod steps;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
pub mod touch;
mod trace;

pub use self::error::{AuthError, AuthErrorKind, ConfigError, KeyError, SessionError};
pub use self::future::ResponseFuture;
pub use self::id::{RandomError, SessionId, UserId};
pub use self::layer::SessionAuthLayer;
pub use self::manager::{Health, Login, SessionManager, SessionManagerBuilder};
pub use self::reason::EndReason;
pub use self::service::SessionAuth;
pub use self::session::{NewSession, Session, SessionData};
pub use self::steps::extract::bearer;
pub use self::steps::reject::{Head, JsonRejection, Reject};
pub use self::store::MemoryStore;
#[cfg(feature = "redis")]
pub use self::store::RedisStore;
pub use self::token::{Algorithm, KeySet, SigningKey, VerifiedClaims, VerifyingKey};
