//! The data of a session: the description of a new session, the state of a stored one, and its
//! content.

mod content;
mod edit;
mod new;
mod role;
mod state;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::content::{Content, StoredContent, StoredSizes, Undecodable, same_payload};
pub use self::edit::SessionEdit;
pub use self::new::{LoginFence, NewSession};
pub(crate) use self::role::role_of;
pub(crate) use self::state::State;

/// Types of data that an application can keep in its sessions: all types that serde can write as
/// JSON and read back.
///
/// The trait is implemented for every such type. `()` is the default and stores nothing. If the
/// type changes and stored data can no longer be read, requests with these sessions are rejected
/// with 401, and an error is logged. To avoid that, give new fields `#[serde(default)]`.
///
/// By default, the data are limited to 16 KiB of JSON: see
/// [`session_data_limit`](crate::manager::SessionManagerBuilder::session_data_limit). The near
/// cache assumes that decoded data take 8 times as much memory as their JSON, unless
/// [`near_cache_data_size`](crate::manager::SessionManagerBuilder::near_cache_data_size) computes
/// their size.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the data of a session",
    label = "must implement `Serialize`, `DeserializeOwned`, `Send` and `Sync`",
    note = "derive them: `#[derive(serde::Serialize, serde::Deserialize)]`; a borrowed field such as \
            `&str` must become an owned one such as `String`"
)]
pub trait SessionData: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> SessionData for T {}
