//! The user directory: the application's source of users. Its answer states whether an account is
//! active.
//!
//! A session proves that a user has logged in. Only the application knows whether the user's
//! account is still active. With
//! [`SessionManagerBuilder::directory`](crate::manager::SessionManagerBuilder::directory), the
//! layer accepts a request only if all of these conditions hold: the JWT is valid, the session is
//! live, the user exists, and the account is active.
//!
//! # Roles
//!
//! A user's role has one source, which the application chooses.
//!
//! **By default the source is the session.** Its role was set by the login, or by a later
//! [`update`](crate::SessionManager::update) or [`update_all`](crate::SessionManager::update_all).
//! Guards, routes, extractors and `GET /me` use this role. The [role](User::role) in an answer of
//! the directory is ignored.
//!
//! **With [`directory_roles`](crate::manager::SessionManagerBuilder::directory_roles) the source is the
//! directory.**
//!
//! - An answer contains [`Role::Unchanged`] (the session's role is used), [`Role::None`] or
//!   [`Role::Is`].
//! - Guards, routes, extractors and refreshed tokens use the directory's role. A change takes
//!   effect in each process after at most
//!   [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after) (30 seconds by
//!   default). A login calls the directory, and its session starts with the directory's role.
//! - A background task writes the directory's role to all of the user's stored sessions in one
//!   step. A process starts this task when it reads a session whose stored role differs from the
//!   directory's role. For one session and one role, it does so only once, until the directory's
//!   answer changes. For each user, it does so at most once per `revalidate_after`. No request
//!   waits for the task. If another process stores a different role later, this process does not
//!   write its role again. So two processes that get different answers, for example from replicas
//!   of a database, do not keep overwriting each other's roles.
//! - [`get`](crate::SessionManager::get), the lists, and the results of `update` and
//!   `reauthenticate` do not call the directory. They return the role in the latest answer that
//!   this process got, so that they agree with the guards of this process. They use an answer for
//!   `revalidate_after` plus one minute. After that time, or if this process remembers no answer
//!   for the user, they return the stored role. The closures of `update` and `update_all` get the
//!   stored role. [`statistics`](crate::SessionManager::statistics) counts stored roles.
//! - A session that was marked as [narrowed](crate::NewSession::narrowed) at its login never gets a
//!   greater role. The directory's answer changes the session's role only if the answer is `None`.
//!
//! This library does not know which of two roles permits more. A narrowed session therefore keeps
//! its role when the directory's role changes to any other role. If the kept role permits too much,
//! revoke the session ([`revoke`](crate::SessionManager::revoke)), or let the directory answer
//! `None`.
//!
//! # Memory
//!
//! A process remembers the latest answers for 65,536 users. When there are more users, it evicts
//! users whose answers are rarely used, and calls the directory for them again.
//!
//! Answers are ordered by the time at which their calls started: the answer to an earlier call does
//! not replace the answer to a later call. If a call started before a
//! [`suspend`](crate::SessionManager::suspend), its answer is not used. When a process evicts a
//! user, it also forgets the order of that user's answers. If a process evicts a user during a call
//! for that user, the process uses the answer to this call, even if the evicted answer belonged to
//! a later call. A call takes at most
//! [`directory_timeout`](crate::manager::SessionManagerBuilder::directory_timeout).

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::id::UserId;

/// The error type of a directory. The error is logged, and never shown to a client.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The application's source of users. Implementors write `async fn`.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user directory",
    note = "implement `UserDirectory`: `async fn find(&self, user: &UserId) -> Result<Option<User>, \
            BoxError>`"
)]
pub trait UserDirectory: Send + Sync + 'static {
    /// Finds a user. `None` means that the user does not exist or no longer exists. Such a user is
    /// treated like a user whose account is not active.
    ///
    /// The manager calls this method at a login, in [`account`](crate::SessionManager::account),
    /// and when it checks a session. If this process remembers that the account is active, a
    /// session check calls the directory again only after
    /// [`revalidate_after`](crate::manager::SessionManagerBuilder::revalidate_after). If several
    /// requests need the answer at the same moment, each of them can call the directory. The
    /// manager can drop the future at any await point: a request waits for it no longer than
    /// [`directory_timeout`](crate::manager::SessionManagerBuilder::directory_timeout).
    ///
    /// # Errors
    ///
    /// Any error, if the directory cannot answer. The response to the request is then 503, never
    /// 401 or 403.
    fn find(&self, user: &UserId) -> impl Future<Output = Result<Option<User>, BoxError>> + Send;
}

/// A user, as the directory describes it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// Whether the account is active.
    pub active: bool,
    /// The display name.
    pub user_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The role. Used only with [`directory_roles`](crate::manager::SessionManagerBuilder::directory_roles),
    /// see [Roles](self#roles).
    pub role: Role,
}

/// The directory's answer about a user's role. See [Roles](self#roles).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The directory names no role: the session's role is used.
    #[default]
    Unchanged,
    /// The user has no role.
    None,
    /// The user has this role, of at most 512 bytes
    /// ([`NewSession::FIELD_LEN`](crate::NewSession::FIELD_LEN)). An answer with a longer role is
    /// treated as an error of the directory.
    Is(String),
}

impl Role {
    /// Returns the name of the role, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unchanged | Self::None => None,
            Self::Is(name) => Some(name),
        }
    }
}

/// Converts `Some` to [`Role::Is`], and `None` to [`Role::None`].
impl From<Option<&str>> for Role {
    fn from(role: Option<&str>) -> Self {
        role.map_or(Self::None, |name| Self::Is(name.to_owned()))
    }
}

impl User {
    /// Creates a user without name and e-mail address. The role is [unchanged](Role::Unchanged).
    #[must_use]
    pub fn new(active: bool) -> Self {
        Self { active, user_name: None, email: None, role: Role::Unchanged }
    }

    /// Sets the display name.
    #[must_use]
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.user_name = Some(name.into());
        self
    }

    /// Sets the e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// Sets the role to [`Role::Is`].
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.role = Role::Is(role.into());
        self
    }

    /// Sets the role to [`Role::None`]: the user has no role.
    #[must_use]
    pub fn without_role(mut self) -> Self {
        self.role = Role::None;
        self
    }
}

// `Debug` shows neither name nor e-mail address, so they stay out of logs.
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
