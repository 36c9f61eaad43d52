//! Who may log in: the application's word.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::directory::BoxError;
use crate::events::LoginRefusal;
use crate::id::UserId;
use crate::session::NewSession;

/// Checks logins. Implementors write `async fn`.
///
/// A login asks in two steps, because between them the user's login guard is read: a logout of everything or a change of
/// password that comes while [`verify`](Self::verify) works is then not survived by this login. If it did come, both are
/// asked once more, so that they see what was changed.
///
/// ```
/// use tower_session_auth::directory::BoxError;
/// use tower_session_auth::events::LoginRefusal;
/// use tower_session_auth::routes::{Credentials, LoginName, Password, Verdict};
/// use tower_session_auth::{NewSession, UserId};
///
/// struct Accounts; // a connection pool, most likely
///
/// impl Credentials for Accounts {
///     async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
///         Ok(match login {
///             LoginName::UserId(id) if id.as_str() == "jeju" => Some(id.clone()),
///             LoginName::Email(email) if email.eq_ignore_ascii_case("jeju@test.com") => UserId::parse("jeju"),
///             _ => None,
///         })
///     }
///
///     async fn verify(&self, user: Option<&UserId>, password: &Password) -> Result<Verdict, BoxError> {
///         // Really: Argon2id of the password, compared with the user's hash, or with a hash of nobody's.
///         let right = password.as_str() == "password123";
///         Ok(match user {
///             Some(user) if right => Verdict::Accepted(NewSession::new(user.clone()).role("user")),
///             _ => Verdict::Refused(LoginRefusal::Credentials),
///         })
///     }
/// }
/// # let _ = Accounts;
/// ```
pub trait Credentials<D = ()>: Send + Sync + 'static {
    /// Which user is meant, before anything is verified; `None` is nobody. Neither looks at the password nor at whether
    /// the account is active.
    ///
    /// # Errors
    ///
    /// Any, when that cannot be told: the login is then answered with 503 `store_unavailable`.
    fn find(
        &self,
        login: &LoginName,
    ) -> impl Future<Output = Result<Option<UserId>, BoxError>> + Send;

    /// The one text for all spellings of a name, under which failed logins are [counted](super::LoginLimit), user ids and
    /// e-mail addresses apart, whether or not they are anybody's. By default a user id as it is, and an e-mail address in
    /// lower case and without blanks around it.
    ///
    /// It looks at the text alone: whoever asks a directory here tells by the limit which users exist. If
    /// [`find`](Self::find) takes more spellings for one name than this, each of them counts by itself, up to what the
    /// account allows; if it takes fewer, names of two users may count as one.
    fn normalized(&self, login: &LoginName) -> String {
        match login {
            LoginName::UserId(id) => id.as_str().to_owned(),
            LoginName::Email(email) => email.trim().to_lowercase(),
        }
    }

    /// Checks the password, and describes the session to open.
    ///
    /// With nobody (`None`), and with an account that is not active, this must take as long as with a wrong password:
    /// compare with a hash of nobody's. Whatever it answers for nobody is a refusal. The session must be for `user`;
    /// address and user agent are added to it.
    ///
    /// The future is dropped when the client hangs up.
    ///
    /// # Errors
    ///
    /// Any, when it cannot be told: the login is then answered with 503 `store_unavailable`.
    fn verify(
        &self,
        user: Option<&UserId>,
        password: &Password,
    ) -> impl Future<Output = Result<Verdict<D>, BoxError>> + Send;
}

/// How somebody who logs in names a user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginName {
    /// By what may be a user's id.
    UserId(UserId),
    /// By what may be an e-mail address: 1 to 512 characters, nothing else is checked.
    Email(String),
}

// What people type there may be a password.
impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId(_) => "UserId(…)",
            Self::Email(_) => "Email(…)",
        })
    }
}

/// A password as it was sent: up to [`MAX_LEN`](Self::MAX_LEN) characters, any at all, none for that matter.
pub struct Password(String);

impl Password {
    /// The most characters of a password; a longer one is 422 before anybody hashes it.
    pub const MAX_LEN: usize = 1024;

    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What came of a login.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one a login, and it is not kept")]
pub enum Verdict<D = ()> {
    /// The password is right, and this is the session to open.
    Accepted(NewSession<D>),
    /// It is not. To the client, [`Credentials`](LoginRefusal::Credentials) and
    /// [`AccountInactive`](LoginRefusal::AccountInactive) are one answer.
    Refused(LoginRefusal),
    /// Too many passwords are being hashed: 503 `overloaded`.
    Busy,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// [`Credentials`] as a trait object.
pub(super) trait ErasedCredentials<D>: Send + Sync + 'static {
    fn find<'a>(&'a self, login: &'a LoginName) -> Answer<'a, Option<UserId>>;

    fn normalized(&self, login: &LoginName) -> String;

    fn verify<'a>(
        &'a self,
        user: Option<&'a UserId>,
        password: &'a Password,
    ) -> Answer<'a, Verdict<D>>;
}

impl<D: 'static, T: Credentials<D>> ErasedCredentials<D> for T {
    fn find<'a>(&'a self, login: &'a LoginName) -> Answer<'a, Option<UserId>> {
        Box::pin(Credentials::find(self, login))
    }

    fn normalized(&self, login: &LoginName) -> String {
        Credentials::normalized(self, login)
    }

    fn verify<'a>(
        &'a self,
        user: Option<&'a UserId>,
        password: &'a Password,
    ) -> Answer<'a, Verdict<D>> {
        Box::pin(Credentials::verify(self, user, password))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_that_was_typed() {
        let typed = "hunter2";
        let id = UserId::parse(typed).unwrap();
        let password = Password::new(typed.to_owned());
        let names = [LoginName::UserId(id), LoginName::Email(typed.to_owned())];
        let shown = format!("{password:?} {names:?}");
        assert!(!shown.contains(typed), "{shown}");
        assert_eq!(password.as_str(), typed);
    }
}
