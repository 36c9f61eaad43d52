//! Errors of a configuration.

use std::fmt;

/// Why a configuration cannot work. `build()` and the constructors return this error, before the
/// first request.
///
/// `Debug` shows the text of `Display` and its cause, because Rust prints the `Debug` text of an
/// error that `main` returns.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting without a default is missing.
    #[error("`{0}` is not set")]
    Missing(&'static str),
    /// The value of a setting cannot work.
    #[error("`{setting}` {rule}")]
    OutOfRange {
        /// The name of the setting.
        setting: &'static str,
        /// What the value must be.
        rule: &'static str,
    },
    /// The application set an idle TTL that is longer than the lifetime. The lifetime ends a
    /// session before this idle TTL has passed. If the application sets no idle TTL, the default
    /// idle TTL is cut to the lifetime, and there is no error.
    #[error(
        "`idle_ttl` ({idle_ttl:?}) is longer than `lifetime` ({lifetime:?}), which ends the \
         session first: set a `lifetime` of at least the `idle_ttl`, or a shorter `idle_ttl`"
    )]
    IdleTtlAboveLifetime {
        /// The idle TTL that was set.
        idle_ttl: std::time::Duration,
        /// The lifetime, as set or by default.
        lifetime: std::time::Duration,
    },
    /// A key cannot be used.
    #[error("a key cannot be used")]
    Key(#[source] KeyError),
    /// Two keys of one set have the same `kid`.
    #[error("two keys have the same kid {0:?}: give each key of a set a kid of its own")]
    DuplicateKid(String),
    /// This build has no cryptography: neither the default feature `aws-lc-rs` nor a backend of
    /// jsonwebtoken is enabled.
    #[error(
        "this build has no crypto backend: turn on the feature `aws-lc-rs` of tower-session-auth \
         (a default feature), or a backend of jsonwebtoken"
    )]
    CryptoBackend,
    /// A key failed the self-test at start. In the test, each key must sign, verify its own
    /// signature, and reject a forged signature.
    #[error("key {kid:?} failed its self-test: {failure}")]
    SelfTest {
        /// The `kid` of the key.
        kid: String,
        /// What the key failed to do.
        failure: &'static str,
    },
    /// The store's settings cannot work. The text never contains the URL, because the URL may
    /// contain a password.
    #[error("invalid settings of the session store: {0}")]
    Store(&'static str),
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(cause) => write!(f, "{self}: {cause}"),
            _ => write!(f, "{self}"),
        }
    }
}

impl From<KeyError> for ConfigError {
    // Without a backend the key was not examined, so the error does not blame the key.
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::CryptoBackend => Self::CryptoBackend,
            error => Self::Key(error),
        }
    }
}

/// Why a key cannot be used. `Debug` shows the same text as `Display`.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The `kid` is not 1 to 64 bytes of visible ASCII.
    #[error("invalid kid: it must be 1 to 64 bytes of visible ASCII")]
    Kid,
    /// The secret is too short: it must be at least as long as the hash (RFC 7518 section 3.2).
    #[error("the HS256 secret is too short: use at least 32 random bytes")]
    SecretTooShort,
    /// The secret appears in tutorials, is a placeholder, or repeats a short text.
    #[error(
        "the HS256 secret is publicly known, a placeholder or a repeated text: use at least 32 \
         random bytes"
    )]
    SecretKnown,
    /// The secret is the text of a key file. A public key must never become an HMAC key.
    #[error(
        "the HS256 secret is the text of a PEM file: use at least 32 random bytes, or load the \
         file with the constructor for its algorithm"
    )]
    SecretIsPem,
    /// The text has no PEM block with a key or a certificate.
    #[error(
        "the text holds no PEM block with a key, which starts with a line such as \
         `-----BEGIN PRIVATE KEY-----`: convert a DER file with \
         `openssl pkey -inform DER -in key.der -out key.pem`"
    )]
    NotPem,
    /// The private key is encrypted with a passphrase.
    #[error(
        "the private key is encrypted with a passphrase: decrypt it with \
         `openssl pkey -in key.pem -out plain.pem`"
    )]
    Encrypted,
    /// The private key is in OpenSSH format, which `ssh-keygen` writes by default.
    #[error(
        "the private key is in OpenSSH format: convert an RSA or P-256 key in place with \
         `ssh-keygen -p -N \"\" -m PKCS8 -f key.pem`, or make a new Ed25519 key with \
         `openssl genpkey -algorithm ed25519 -out key.pem`"
    )]
    OpenSsh,
    /// The text holds a certificate, but a private key is needed.
    #[error(
        "the text holds a certificate, not a private key: give the key file that belongs to it (if \
         that is PKCS#12, `openssl pkcs12 -in file.p12 -nocerts -nodes -out key.pem`)"
    )]
    Certificate,
    /// The text holds a public key, but a private key is needed.
    #[error(
        "the text holds a public key, not a private key: give the file from which it was made with \
         `openssl pkey -in key.pem -pubout`"
    )]
    PublicKey,
    /// The text holds a private key, but a public key is needed.
    #[error(
        "the text holds a private key, not a public key: make the public one with \
         `openssl pkey -in key.pem -pubout -out key.pub.pem`"
    )]
    PrivateKey,
    /// The key is for another algorithm or on another curve.
    #[error(
        "the key is for {found}, but a key for {wanted} is needed: make one with \
         `openssl {command}`"
    )]
    OtherAlgorithm {
        /// The algorithm, or the curve, of the key.
        found: &'static str,
        /// The needed algorithm or curve.
        wanted: &'static str,
        /// The arguments of `openssl` that make a private key of that kind.
        command: &'static str,
    },
    /// The point of the public key on P-256 is compressed.
    #[error(
        "the point of the public key is compressed: convert it with \
         `openssl pkey -pubin -in key.pub.pem -ec_conv_form uncompressed -pubout -out uncompressed.pub.pem`"
    )]
    Compressed,
    /// The content of the PEM block cannot be read as a key, or its numbers cannot belong to a key.
    #[error(
        "the key in the PEM block is damaged: look at it with \
         `openssl pkey -in key.pem -check -noout`, or with \
         `openssl pkey -pubin -in key.pub.pem -pubcheck -noout`"
    )]
    Damaged,
    /// The RSA key is too short. RFC 7518 section 3.3: it must have at least 2048 bits.
    #[error(
        "the RSA key has fewer than 2048 bits: make a longer one with \
         `openssl genrsa -out key.pem 3072`"
    )]
    RsaTooShort,
    /// This build has no cryptography, see [`ConfigError::CryptoBackend`].
    #[error(
        "this build has no crypto backend: turn on the feature `aws-lc-rs` of tower-session-auth \
         (a default feature), or a backend of jsonwebtoken"
    )]
    CryptoBackend,
}

impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::super::{DirectoryError, SessionError, StoreError, StoreErrorKind};
    use super::*;

    /// Returns what `main() -> Result<(), Box<dyn Error>>` prints.
    fn printed(error: impl Into<Box<dyn Error + Send + Sync>>) -> String {
        format!("{:?}", error.into())
    }

    #[test]
    fn errors_returned_from_main_print_their_display_text() {
        assert_eq!(printed(ConfigError::Missing("issuer")), "`issuer` is not set");
        assert_eq!(printed(KeyError::SecretTooShort), KeyError::SecretTooShort.to_string());
        assert_eq!(
            printed(ConfigError::Key(KeyError::SecretTooShort)),
            format!("a key cannot be used: {}", KeyError::SecretTooShort)
        );
        let store = StoreError::with_source(StoreErrorKind::Unavailable, "redis.internal:6379");
        assert_eq!(printed(store.clone()), "the session store does not answer");
        assert_eq!(
            printed(SessionError::Store(store)),
            "an operation of the session store failed: the session store does not answer"
        );
        let failed = DirectoryError::Failed("db.internal".into());
        assert_eq!(
            printed(SessionError::Directory(failed)),
            "the user directory gave no usable answer: its call failed"
        );
        assert_eq!(printed(SessionError::Gone), "the session has expired or was revoked");
    }
}
