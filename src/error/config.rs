//! What can be wrong with a configuration.

/// Why a configuration cannot work. Found by `build()`, before the first request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting without a default was not given.
    #[error("`{0}` is not set")]
    Missing(&'static str),
    /// A setting's value cannot work.
    #[error("`{setting}` {rule}")]
    OutOfRange {
        /// The setting's name.
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The idle TTL was set to more than the lifetime, which ends the session first. An idle TTL that
    /// was not set is cut instead.
    #[error(
        "`idle_ttl` ({idle_ttl:?}) is longer than `lifetime` ({lifetime:?}), which ends the session \
         first: set a `lifetime` of at least the `idle_ttl`, or a shorter `idle_ttl`"
    )]
    IdleTtlAboveLifetime {
        /// The idle TTL that was set.
        idle_ttl: std::time::Duration,
        /// The lifetime, set or by default.
        lifetime: std::time::Duration,
    },
    /// A key cannot be used.
    #[error("a key cannot be used")]
    Key(#[source] KeyError),
    /// Two keys of one set have the same `kid`.
    #[error("two keys share the kid {0:?}")]
    DuplicateKid(String),
    /// No cryptography is compiled in, or two and nobody chose.
    ///
    /// jsonwebtoken says so by a panic, which is caught: its message still goes to the panic hook, and under
    /// `panic = "abort"` the process ends. Either way at start-up, never on a request.
    #[error(
        "jsonwebtoken has no single crypto backend in this build: turn on the feature `aws-lc-rs` or `rust-crypto` of \
         tower-session-auth, or exactly one backend of jsonwebtoken"
    )]
    CryptoBackend,
    /// A key did not do at start-up what it is for: sign, verify its own signature, refuse a forged one.
    #[error("key {kid:?} failed its self-test: {failure}")]
    SelfTest {
        /// Which key.
        kid: String,
        /// What went wrong.
        failure: &'static str,
    },
    /// The store's settings cannot work. The text never holds the URL, which may hold a password.
    #[error("the session store's settings cannot work: {0}")]
    Store(&'static str),
}

impl From<KeyError> for ConfigError {
    // A key that could not even be looked at says nothing against the key.
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::CryptoBackend => Self::CryptoBackend,
            error => Self::Key(error),
        }
    }
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A `kid` is 1 to 64 bytes of visible ASCII.
    #[error("a kid is 1 to 64 bytes of visible ASCII")]
    Kid,
    /// RFC 7518 section 3.2: at least as long as the hash.
    #[error("an HS256 secret is at least 32 bytes long")]
    SecretTooShort,
    /// The secret is one that stands in tutorials, says that it is to be replaced, or is a short text over and over.
    #[error("this HS256 secret is publicly known or has no entropy")]
    SecretKnown,
    /// The secret is the text of a key file: a public key must never become an HMAC key.
    #[error("this HS256 secret is the text of a PEM file")]
    SecretIsPem,
    /// The PEM text holds no key of this kind: another algorithm or curve, a public key for a private one or the
    /// reverse, a certificate, a password-protected key, or anything in front of `-----BEGIN`.
    #[error("the PEM text holds no such key for this algorithm")]
    Pem,
    /// RFC 7518 section 3.3: an RSA key is at least 2048 bits long.
    #[error("an RSA key is at least 2048 bits long")]
    RsaTooShort,
    /// No cryptography is compiled in, or two and nobody chose: see [`ConfigError::CryptoBackend`].
    #[error("jsonwebtoken has no single crypto backend in this build")]
    CryptoBackend,
}
