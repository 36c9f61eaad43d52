//! The application's part of a login: it finds the user and verifies the password.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::directory::BoxError;
use crate::id::UserId;
use crate::session::NewSession;
use crate::telemetry::events::LoginRefusal;

/// Finds users and verifies their passwords. Implementors write `async fn`.
///
/// A login calls [`find`](Self::find), reads the user's login fence, and then calls
/// [`verify`](Self::verify). While `verify` is running, all sessions of the user may be revoked, or
/// the password may be changed. In that case, the login opens no session with the result of this
/// `verify`. Instead, it calls both methods once more, so that they see the change.
///
/// ```
/// use tower_session_auth::directory::BoxError;
/// use tower_session_auth::telemetry::events::LoginRefusal;
/// use tower_session_auth::routes::{Credentials, LoginName, Password, Verdict};
/// use tower_session_auth::{NewSession, UserId};
///
/// struct Accounts; // a connection pool, most likely
///
/// impl Credentials for Accounts {
///     async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
///         Ok(match login {
///             LoginName::UserId(id) if id.as_str() == "jeju" => Some(id.clone()),
///             LoginName::Email(email) if email.eq_ignore_ascii_case("jeju@test.com") => Some(UserId::parse("jeju")?),
///             _ => None,
///         })
///     }
///
///     async fn verify(&self, user: Option<&UserId>, password: &Password) -> Result<Verdict, BoxError> {
///         // Really: Argon2id of the password, compared with the user's hash. Without a user, with
///         // a stand-in hash.
///         let right = password.as_str() == "password123";
///         Ok(match user {
///             Some(user) if right => Verdict::Accepted(NewSession::new(user.clone()).role("user")),
///             _ => Verdict::Refused(LoginRefusal::Credentials),
///         })
///     }
/// }
/// # let _ = Accounts;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot verify the credentials of a login whose session has the data `{D}`",
    note = "implement `Credentials<{D}>`, with `async fn find` and `async fn verify`; the data of \
            `NewSession<{D}>` must be those of the manager (`SessionManagerBuilder::data`)"
)]
pub trait Credentials<D = ()>: Send + Sync + 'static {
    /// Returns the user with this name, or `None` if there is no such user. The routes call this
    /// method before they verify the password. This method checks neither the password nor whether
    /// the account is active.
    ///
    /// # Errors
    ///
    /// Any error, if the application cannot answer. In that case, the routes answer the login with
    /// 503 `store_unavailable`.
    fn find(
        &self,
        login: &LoginName,
    ) -> impl Future<Output = Result<Option<UserId>, BoxError>> + Send;

    /// Returns the same text for all spellings of a name. The routes [count](super::LoginLimit)
    /// failed logins under this text, even if no user has this name. User ids and e-mail addresses
    /// have separate counts. The default implementation returns a user id unchanged. It returns an
    /// e-mail address in lower case without surrounding whitespace.
    ///
    /// Compute the text from the name alone. If this method asks a directory, the limit can reveal
    /// which users exist.
    ///
    /// Return the same text for two spellings exactly if [`find`](Self::find) treats them as one
    /// name. If two spellings of one name have different texts, each of them has its own count.
    /// Then only the limit of the account applies to them together. If the names of two users have
    /// the same text, the two users share one count.
    fn normalized(&self, login: &LoginName) -> String {
        match login {
            LoginName::UserId(id) => id.as_str().to_owned(),
            LoginName::Email(email) => email.trim().to_lowercase(),
        }
    }

    /// Verifies the password, and describes the session to open.
    ///
    /// `user` is `None` in two cases: no user has the name, or the account has reached its limit of
    /// failed logins. In both cases, the routes treat [`Verdict::Accepted`] as a refusal.
    ///
    /// If `user` is `None` or the account is not active, this method must take as long as for a
    /// wrong password. To achieve this, compare the password with the hash of a password that no
    /// user has.
    ///
    /// An accepted session must be for `user`. The routes add the client's address and user agent
    /// to it.
    ///
    /// # Errors
    ///
    /// Any error, if the application cannot answer. In that case, the routes answer the login with
    /// 503 `store_unavailable`.
    ///
    /// # Cancel safety
    ///
    /// The routes drop the future when the client disconnects, or when the request takes too long.
    fn verify(
        &self,
        user: Option<&UserId>,
        password: &Password,
    ) -> impl Future<Output = Result<Verdict<D>, BoxError>> + Send;
}

/// The name with which a client logs in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginName {
    /// A name that may be a user id.
    UserId(UserId),
    /// A name that may be an e-mail address. The routes check only its length: 1 to 512 characters.
    Email(String),
}

// Hides the text: a user may have typed a password as the name.
impl fmt::Debug for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId(_) => "UserId(…)",
            Self::Email(_) => "Email(…)",
        })
    }
}

/// A password as the client sent it: 0 to [`MAX_LEN`](Self::MAX_LEN) characters of any kind.
pub struct Password(String);

impl Password {
    /// Largest number of characters of a password. The routes answer a longer password with 422,
    /// and do not verify it.
    pub const MAX_LEN: usize = 1024;

    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text.
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

/// The outcome of the verification of a login.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "each login makes one value and drops it soon")]
pub enum Verdict<D = ()> {
    /// The password is right. The value describes the session to open.
    Accepted(NewSession<D>),
    /// The login is refused. The client gets the same answer for
    /// [`Credentials`](LoginRefusal::Credentials) and for
    /// [`AccountInactive`](LoginRefusal::AccountInactive).
    Refused(LoginRefusal),
    /// The application is hashing too many passwords at the moment. The routes answer 503
    /// `overloaded`.
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
    fn debug_output_hides_password_and_login_name() {
        let typed = "hunter2";
        let id = UserId::parse(typed).unwrap();
        let password = Password::new(typed.to_owned());
        let names = [LoginName::UserId(id), LoginName::Email(typed.to_owned())];
        let shown = format!("{password:?} {names:?}");
        assert!(!shown.contains(typed), "{shown}");
        assert_eq!(password.as_str(), typed);
    }
}
