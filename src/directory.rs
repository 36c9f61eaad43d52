//! Where users come from: who a user is, and whether the account is active.
//!
//! A session tells that somebody logged in; only the application knows whether that account still counts. With
//! [`SessionManagerBuilder::directory`](crate::SessionManagerBuilder::directory) each request also passes this check:
//! JWT, session, user, active.

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
    /// The role.
    pub role: Option<String>,
}

impl User {
    /// A user without name, e-mail address and role.
    #[must_use]
    pub fn new(active: bool) -> Self {
        Self { active, user_name: None, email: None, role: None }
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
        self.role = Some(role.into());
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
