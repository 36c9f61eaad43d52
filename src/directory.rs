//! Where users come from: who a user is, and whether the account is active.
//!
//! A session tells that somebody logged in; only the application knows whether that account still counts. With
//! [`SessionManagerBuilder::directory`](crate::SessionManagerBuilder::directory) each request also passes this check:
//! JWT, session, user, active.
//!
//! # Roles
//!
//! There is one truth about a user's role, and the application chooses which.
//!
//! **By default it is the session's role**: what the login set, or
//! [`update`](crate::SessionManager::update) and [`update_all`](crate::SessionManager::update_all) since. It counts for
//! guards, routes, extractors and `GET /me`. The [role](User::role) in an answer of the directory is not used.
//!
//! **With [`directory_roles`](crate::SessionManagerBuilder::directory_roles) it is the directory's.**
//!
//! - An answer says [`Role::Unchanged`] (the session's role counts), [`Role::None`] or [`Role::Is`].
//! - A change counts for guards, routes, extractors and refreshed tokens after
//!   [`revalidate_after`](crate::SessionManagerBuilder::revalidate_after) (30 seconds by default) at the latest, in each
//!   process. A login asks, and its session begins with that role.
//! - The sessions in the store are changed in the background, all of the user's in one step: once for each
//!   change of the answer, and at most once per user, process and `revalidate_after`. No request waits for
//!   it. A process writes nothing because another one wrote something else: two that get different answers,
//!   as from replicas of a database, do not rewrite each other's.
//! - [`get`](crate::SessionManager::get), the lists, and what `update` and `reauthenticate` return
//!   do not ask the directory. They show the role of the latest answer that this process got, for
//!   `revalidate_after` and one minute more, so that they agree with its guards. After that, and for
//!   users whose answer this process does not remember, they show the stored role. The closures of
//!   `update` and `update_all` get the stored role, and
//!   [`statistics`](crate::SessionManager::statistics) counts stored roles.
//! - A session that was marked as [narrowed](crate::NewSession::narrowed) at its login never gets a greater
//!   role: of the directory's answers, only `None` changes it.
//!
//! Roles have no order that this library knows. So a narrowed session keeps its role when the
//! directory's role changes to any other one; end it ([`delete`](crate::SessionManager::delete)), or answer `None`, where
//! that is too much.
//!
//! # Memory
//!
//! A process remembers the latest answer for 65,536 users. When that memory is full, it evicts users
//! whose answers are rarely used, and asks about them again.
//!
//! Answers are ordered by when their questions were asked: an older answer does not replace a newer
//! one, and an answer from before a [`suspend`](crate::SessionManager::suspend) does not count. That
//! order is part of the memory: if a process evicts a user while a question about that user is under
//! way, the answer to that question counts, although a newer answer was known. A question takes
//! [`directory_timeout`](crate::SessionManagerBuilder::directory_timeout) at most.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::id::UserId;

/// What a directory may fail with. It is logged, and never shown to a client.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Answers who a user is. Implementors write `async fn`.
///
/// ```
/// use tower_session_auth::directory::{BoxError, User, UserDirectory};
/// use tower_session_auth::UserId;
///
/// struct Accounts; // a connection pool, most likely
///
/// impl UserDirectory for Accounts {
///     async fn find(&self, user: &UserId) -> Result<Option<User>, BoxError> {
///         // SELECT name, email, role, active FROM accounts WHERE id = $1
///         Ok((user.as_str() == "jeju").then(|| User::new(true).role("user")))
///     }
/// }
/// # let _ = Accounts;
/// ```
pub trait UserDirectory: Send + Sync + 'static {
    /// Finds a user; `None` is a user who does not exist (any more), and is treated like one who is not active.
    ///
    /// Asked at a login, by [`account`](crate::SessionManager::account), and when a session is checked; a session check
    /// asks again about an active user of this process only after
    /// [`revalidate_after`](crate::SessionManagerBuilder::revalidate_after) (requests at the same moment may each ask). The future may be dropped at any await
    /// point: a request waits for it no longer than
    /// [`directory_timeout`](crate::SessionManagerBuilder::directory_timeout).
    ///
    /// # Errors
    ///
    /// Any, when the directory cannot tell: the request is then answered with 503, never with 401 or 403.
    fn find(&self, user: &UserId) -> impl Future<Output = Result<Option<User>, BoxError>> + Send;
}

/// A user as the directory has them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Whether the account may be used.
    pub active: bool,
    /// The display name.
    pub user_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The role; counts only with
    /// [`directory_roles`](crate::SessionManagerBuilder::directory_roles), see [Roles](self#roles).
    pub role: Role,
}

/// What a directory says of a user's role. See [Roles](self#roles).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Nothing: the session's role counts.
    #[default]
    Unchanged,
    /// The user has no role.
    None,
    /// The user has this role. 512 bytes at most ([`NewSession::FIELD_LEN`](crate::NewSession::FIELD_LEN)); a directory
    /// that answers with a longer one has failed.
    Is(String),
}

impl Role {
    /// The role's name, where there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unchanged | Self::None => None,
            Self::Is(name) => Some(name),
        }
    }
}

/// A role, or none.
impl From<Option<&str>> for Role {
    fn from(role: Option<&str>) -> Self {
        role.map_or(Self::None, |name| Self::Is(name.to_owned()))
    }
}

impl User {
    /// A user without name and e-mail address, whose role is [unchanged](Role::Unchanged).
    #[must_use]
    pub fn new(active: bool) -> Self {
        Self { active, user_name: None, email: None, role: Role::Unchanged }
    }

    /// The display name.
    #[must_use]
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.user_name = Some(name.into());
        self
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// The role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Role::Is(role.into());
        self
    }

    /// Says that the user has no role.
    #[must_use]
    pub fn without_role(mut self) -> Self {
        self.role = Role::None;
        self
    }
}

// Names and addresses of people stay out of logs.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("active", &self.active).finish_non_exhaustive()
    }
}

pub(crate) type Found<'a> =
    Pin<Box<dyn Future<Output = Result<Option<User>, BoxError>> + Send + 'a>>;

/// [`UserDirectory`] as a trait object.
pub(crate) trait ErasedDirectory: Send + Sync + 'static {
    fn find<'a>(&'a self, user: &'a UserId) -> Found<'a>;
}

impl<T: UserDirectory> ErasedDirectory for T {
    fn find<'a>(&'a self, user: &'a UserId) -> Found<'a> {
        Box::pin(UserDirectory::find(self, user))
    }
}
