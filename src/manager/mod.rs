//! The session manager: its builder, its operations and their results.
//!
//! [`SessionManager`] has the operations for applications, which open, read, list, change and
//! revoke sessions. [`SessionManagerBuilder`] has the settings, with their units, limits and
//! defaults.

// The module `shared` contains the manager and its state. The check of a request (`authenticate`)
// uses this module. The operations use both `shared` and `authenticate`. The builder makes the
// manager.

mod active_user;
mod builder;
#[cfg(feature = "routes")]
mod devices;
mod get;
mod health;
mod keys;
mod list;
mod login;
mod near_cache;
mod page_cursor;
mod refresh;
mod revoke;
mod roles;
pub(crate) mod run_to_completion;
mod scan;
#[cfg(feature = "routes")]
mod several_tokens;
pub(crate) mod shared;
mod token_without_session;
mod update;

pub use self::builder::SessionManagerBuilder;
pub use self::health::Health;
pub use self::list::{OwnSession, SessionPage};
pub use self::login::Login;
pub use self::page_cursor::Cursor;
pub use self::scan::Progress;
pub use self::shared::SessionManager;
pub(crate) use self::shared::Shared;
pub use self::shared::statistics::Statistics;
pub use crate::cache::{NearCacheState, NearCacheStats};
