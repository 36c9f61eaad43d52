//! User name and password, asked for at each connect.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// The user name and the password of a connection to Redis: an answer of a [`CredentialsProvider`].
#[derive(Clone)]
pub struct Credentials {
    pub(super) username: Option<String>,
    pub(super) password: String,
}

impl Credentials {
    /// A password, for the user name of the address. Without one there, Redis takes the user `default`.
    #[must_use]
    pub fn password(password: impl Into<String>) -> Self {
        Self { username: None, password: password.into() }
    }

    /// A user of the server's ACL, and its password. Neither is percent-encoded.
    #[must_use]
    pub fn user(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: Some(username.into()), password: password.into() }
    }
}

// Neither the user name nor the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Supplies the credentials for connections to Redis. Implementors write `async fn`.
///
/// ```
/// use std::error::Error;
/// use tower_session_auth::store::redis::{Credentials, CredentialsProvider};
///
/// struct PasswordFile; // rewritten by the secrets manager
///
/// impl CredentialsProvider for PasswordFile {
///     async fn credentials(&self) -> Result<Credentials, Box<dyn Error + Send + Sync>> {
///         let password = std::fs::read_to_string("/run/secrets/redis-password")?;
///         Ok(Credentials::user("sessions", password.trim_end()))
///     }
/// }
/// # let _ = PasswordFile;
/// ```
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Returns the credentials that are valid now.
    ///
    /// The store calls this once for each connection that it makes: at the first use, after a connection was lost,
    /// and for each new invalidation connection. Calls may overlap. A provider that asks a remote service should
    /// therefore remember the answer while it is valid.
    ///
    /// A connection is given up when this takes longer than 10 seconds. Requests do not wait that long: each still
    /// fails after its own timeout, while the connection is being made in the background. The future may be dropped
    /// at any await point.
    ///
    /// # Errors
    ///
    /// Any. The connection is not made, and the operation that needed it fails with
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) and this error as its cause. The log (feature
    /// `tracing`) shows the error's text, so keep secrets out of it. A panic counts as an error.
    fn credentials(
        &self,
    ) -> impl Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send;
}

type Provided<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

/// [`CredentialsProvider`] as a trait object.
pub(super) trait ErasedProvider: Send + Sync + 'static {
    fn credentials(&self) -> Provided<'_>;
}

impl<T: CredentialsProvider> ErasedProvider for T {
    fn credentials(&self) -> Provided<'_> {
        Box::pin(CredentialsProvider::credentials(self))
    }
}
