//! Keys. Each key has a `kid` and exactly one algorithm.

pub(crate) mod backend;
#[cfg_attr(
    not(feature = "routes"),
    expect(dead_code, reason = "only device tokens verify a MAC, and only the routes use them")
)]
pub(crate) mod derived;
pub(crate) mod key_set;
mod pem;
mod secret;

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::error::KeyError;

/// The maximum length of a `kid`, in bytes.
const MAX_KID_LEN: usize = 64;

/// The algorithm that signs a token.
///
/// Each key has one algorithm. A token is verified only with its key's algorithm, whatever the
/// token's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256. A key that verifies can also sign.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// EdDSA on Curve25519 only.
    EdDsa,
}

impl Algorithm {
    /// Returns the algorithm's name in a token's header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    const fn inner(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key that signs tokens, and verifies the tokens that it has signed.
///
/// Each token contains the `kid` of its key (1 to 64 bytes of visible ASCII). The `kid` selects the
/// key that verifies the token, so never give a new key the `kid` of an old key. Cheap to clone.
/// `Debug` shows no key material. When the last clone is dropped, the key is wiped from memory.
#[derive(Clone)]
pub struct SigningKey {
    private: Arc<EncodingKey>,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// Creates an HMAC key from a secret of at least 32 random bytes: `openssl rand -base64 32`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for an invalid `kid`, and for a secret that is too short, publicly known, a
    /// placeholder, a repetition of a short text, or the text of a PEM file.
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::hs256(kid, secret)?;
        Ok(Self { private: Arc::new(EncodingKey::from_secret(secret)), verifying })
    }

    /// Creates a key from a private RSA key of at least 2048 bits, in PKCS#8 or PKCS#1. The command
    /// `openssl genrsa 3072` makes such a key.
    ///
    /// This function accepts the same files as OpenSSL: any line width and line ending, blank
    /// lines, and text around the block. If the text has several blocks, the first private key is
    /// used. If the key is encrypted with a passphrase, the result is an error.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the `kid` is invalid, or if the text does not contain such a key. The error
    /// says what the text contains instead. If a command can convert the text, the error names the
    /// command.
    pub fn rs256_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let (private, public) = pem::rsa_private(private_pem)?;
        Self::new(kid, Algorithm::Rs256, private, public)
    }

    /// Creates a key from a private key on P-256, in PKCS#8 or SEC1 (`EC PRIVATE KEY`). This
    /// command makes such a key: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
    ///
    /// # Errors
    ///
    /// As for [`rs256_pem`](Self::rs256_pem). Also [`KeyError::CryptoBackend`] if this build has no
    /// cryptography backend, because a backend must derive the public half of the key.
    pub fn es256_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let private = pem::ec_private(private_pem)?;
        let public = backend::ec_public(&private)?;
        Self::new(kid, Algorithm::Es256, private, public)
    }

    /// Creates a key from a private Ed25519 key, in PKCS#8: `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    ///
    /// As for [`es256_pem`](Self::es256_pem).
    pub fn eddsa_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let private = pem::ed_private(private_pem)?;
        let public = backend::ed_public(&private)?;
        Self::new(kid, Algorithm::EdDsa, private, public)
    }

    fn new(
        kid: &str,
        algorithm: Algorithm,
        private: EncodingKey,
        public: DecodingKey,
    ) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::new(kid, algorithm, public)?;
        Ok(Self { private: Arc::new(private), verifying })
    }

    /// Returns the key that verifies this key's tokens. When a new key replaces this key as the
    /// signing key, keep the verifying key in the [`KeySet`](super::KeySet) until the last token of
    /// this key has expired.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// Returns the key's `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// Returns the key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm
    }

    pub(super) fn as_verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Returns the secret of an HMAC key, or the DER encoding of any other private key. The derived
    /// secrets are computed from these bytes.
    pub(super) fn private_bytes(&self) -> &[u8] {
        self.private.as_bytes()
    }

    /// Signs a message. Returns the signature as base64url text.
    pub(super) fn sign(&self, message: &[u8]) -> Result<String, jsonwebtoken::errors::Error> {
        backend::sign(message, &self.private, self.algorithm().inner())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// A key that verifies tokens.
///
/// An HMAC key can also forge tokens, so keep it as secret as the key that signs.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Arc<str>,
    algorithm: Algorithm,
    public: Arc<DecodingKey>,
}

impl VerifyingKey {
    /// Creates a key from the secret of another [`SigningKey::hs256`].
    ///
    /// # Errors
    ///
    /// As for [`SigningKey::hs256`].
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        secret::check(secret)?;
        Self::new(kid, Algorithm::Hs256, DecodingKey::from_secret(secret))
    }

    /// Creates a key from a public RSA key of at least 2048 bits, or from a certificate with such a
    /// key. The command `openssl pkey -pubout` writes the public key of a private key.
    ///
    /// If the text has several blocks, the first public key or certificate is used. Only the key of
    /// a certificate is read: its dates and its issuer are ignored.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if the `kid` is invalid, or if the text does not contain such a key. The error
    /// says what the text contains instead. If a command can convert the text, the error names the
    /// command.
    pub fn rs256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Rs256, pem::rsa_public(public_pem)?)
    }

    /// Creates a key from an uncompressed public key on P-256, or from a certificate with such a
    /// key. The command `openssl pkey -pubout` writes the public key of a private key.
    ///
    /// # Errors
    ///
    /// As for [`rs256_pem`](Self::rs256_pem).
    pub fn es256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Es256, pem::ec_public(public_pem)?)
    }

    /// Creates a key from a public Ed25519 key, or from a certificate with such a key. The command
    /// `openssl pkey -pubout` writes the public key of a private key.
    ///
    /// # Errors
    ///
    /// As for [`rs256_pem`](Self::rs256_pem).
    pub fn eddsa_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::EdDsa, pem::ed_public(public_pem)?)
    }

    fn new(kid: &str, algorithm: Algorithm, public: DecodingKey) -> Result<Self, KeyError> {
        let fits = (1..=MAX_KID_LEN).contains(&kid.len());
        if !fits || !kid.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Kid);
        }
        Ok(Self { kid: kid.into(), algorithm, public: Arc::new(public) })
    }

    /// Returns the key's `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the key's algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the secret of an HMAC key; `None` for a public key.
    pub(super) fn secret_bytes(&self) -> Option<&[u8]> {
        let is_secret = self.algorithm == Algorithm::Hs256;
        self.public.try_get_as_bytes().ok().filter(|_| is_secret)
    }

    /// Returns whether `signature` is this key's signature of `message`. The result is an error if
    /// the key itself does not work.
    pub(super) fn verify(
        &self,
        signature: &str,
        message: &[u8],
    ) -> Result<bool, jsonwebtoken::errors::Error> {
        backend::verify(signature, message, &self.public, self.algorithm.inner())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
