//! User name and password for Redis. The store requests them each time it connects.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// User name and password for a connection to Redis. A [`CredentialsProvider`] returns them.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) username: Option<String>,
    pub(crate) password: String,
}

impl Credentials {
    /// Creates credentials with a password for the user name in the address. If the address has no
    /// user name, Redis uses the user `default`.
    #[must_use]
    pub fn password(password: impl Into<String>) -> Self {
        Self { username: None, password: password.into() }
    }

    /// Creates credentials for a user in the server's ACL. Neither value is percent-encoded.
    #[must_use]
    pub fn user(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: Some(username.into()), password: password.into() }
    }
}

// `Debug` shows neither the user name nor the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Supplies the credentials for connections to Redis. Implementations can write `async fn`.
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
    /// The store calls this once for each connection that it makes: at the first use of the store,
    /// after a connection was lost, for each new invalidation connection, and for each [address
    /// check](crate::store::redis::RedisStoreBuilder::address_check) (by default every second).
    /// Because the calls are frequent, a provider that asks a remote service should cache the
    /// answer while the answer is valid. Calls can overlap.
    ///
    /// If a call takes longer than 10 seconds, the store does not make the connection. A request
    /// does not wait for 10 seconds: it fails after its own timeout, while the store continues to
    /// make the connection in the background. The store can drop the future of the call at any
    /// await point.
    ///
    /// # Errors
    ///
    /// Any error is allowed. After an error, the store does not make the connection. The operation
    /// that needed the connection fails with
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable), and the source of that error is
    /// the provider's error. With the feature `tracing`, the store logs the text of the provider's
    /// error, so the text must hold no secret. A panic is treated as an error.
    fn credentials(
        &self,
    ) -> impl Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send;
}

type Provided<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

/// [`CredentialsProvider`] as a trait object.
pub(crate) trait ErasedProvider: Send + Sync + 'static {
    fn credentials(&self) -> Provided<'_>;
}

impl<T: CredentialsProvider> ErasedProvider for T {
    fn credentials(&self) -> Provided<'_> {
        Box::pin(CredentialsProvider::credentials(self))
    }
}
