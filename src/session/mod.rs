//! The session an application sees, its names, and why it ended.

mod id;
mod reason;

pub(crate) use self::id::random_text;
pub use self::id::{RandomError, SessionId, UserId};
pub use self::reason::EndReason;
