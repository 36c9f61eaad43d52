//! Keys: each has a name and exactly one algorithm.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::{DecodingKey, EncodingKey};

use super::{backend, pem, secret};
use crate::error::KeyError;

/// The longest `kid`, in bytes.
const MAX_KID_LEN: usize = 64;

/// How a token is signed. A key has one, and a token is verified with no other, whatever its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256: whoever verifies can also sign.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// EdDSA on Curve25519, no other curve.
    EdDsa,
}

impl Algorithm {
    /// The name in a token's header.
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

/// A key that signs tokens, and verifies what it signed.
///
/// Its `kid` (1 to 64 bytes of visible ASCII) stands in each token and tells which key verifies it: never give a new key
/// an old name. Cheap to clone; `Debug` shows no key material, and the memory is wiped when the last clone is dropped.
#[derive(Clone)]
pub struct SigningKey {
    private: Arc<EncodingKey>,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// A secret for HMAC, of at least 32 random bytes: `openssl rand -base64 32`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a bad `kid`, and for a secret that is too short, publicly known, a placeholder, a short text over
    /// and over, or the text of a PEM file.
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::hs256(kid, secret)?;
        Ok(Self { private: Arc::new(EncodingKey::from_secret(secret)), verifying })
    }

    /// A private RSA key of at least 2048 bits, in PKCS#8 or PKCS#1: `openssl genrsa 3072`.
    ///
    /// Reads what OpenSSL reads: any line width and line end, blank lines, text around the block. Of several blocks
    /// the first private key counts. A key that is encrypted with a passphrase is refused.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a bad `kid`, and for a text without such a key; it says what the text holds instead, and which
    /// `openssl` command converts it.
    pub fn rs256_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let (private, public) = pem::rsa_private(private_pem)?;
        Self::new(kid, Algorithm::Rs256, private, public)
    }

    /// A private key on P-256, in PKCS#8 or SEC1 (`EC PRIVATE KEY`): `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
    ///
    /// # Errors
    ///
    /// As [`rs256_pem`](Self::rs256_pem); also [`KeyError::CryptoBackend`], as the public half is derived here.
    pub fn es256_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let private = pem::ec_private(private_pem)?;
        let public = backend::ec_public(&private)?;
        Self::new(kid, Algorithm::Es256, private, public)
    }

    /// A private Ed25519 key, in PKCS#8: `openssl genpkey -algorithm ed25519`.
    ///
    /// # Errors
    ///
    /// As [`es256_pem`](Self::es256_pem).
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

    /// What verifies this key's tokens, to keep when another key begins to sign.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The key's one algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm
    }

    pub(super) fn as_verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The secret of an HMAC key, the DER file of another: what other secrets are derived from.
    #[cfg(feature = "routes")]
    pub(super) fn private_bytes(&self) -> &[u8] {
        self.private.as_bytes()
    }

    /// Signs; the signature comes as base64url text.
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

/// A key that verifies tokens. An HMAC one can also forge them: it is as secret as the one that signs.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Arc<str>,
    algorithm: Algorithm,
    public: Arc<DecodingKey>,
}

impl VerifyingKey {
    /// The secret of another [`SigningKey::hs256`].
    ///
    /// # Errors
    ///
    /// As [`SigningKey::hs256`].
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        secret::check(secret)?;
        Self::new(kid, Algorithm::Hs256, DecodingKey::from_secret(secret))
    }

    /// A public RSA key of at least 2048 bits, or a certificate of one: `openssl pkey -pubout`.
    ///
    /// Of several blocks the first public key or certificate counts. Of a certificate only the key is read: neither
    /// its dates nor its issuer count.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a bad `kid`, and for a text without such a key; it says what the text holds instead, and which
    /// `openssl` command converts it.
    pub fn rs256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Rs256, pem::rsa_public(public_pem)?)
    }

    /// A public key on P-256, not compressed, or a certificate of one: `openssl pkey -pubout`.
    ///
    /// # Errors
    ///
    /// As [`rs256_pem`](Self::rs256_pem).
    pub fn es256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Es256, pem::ec_public(public_pem)?)
    }

    /// A public Ed25519 key, or a certificate of one: `openssl pkey -pubout`.
    ///
    /// # Errors
    ///
    /// As [`rs256_pem`](Self::rs256_pem).
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

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's one algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The secret of an HMAC key; `None` for a public key.
    #[cfg(feature = "routes")]
    pub(super) fn secret_bytes(&self) -> Option<&[u8]> {
        let is_secret = self.algorithm == Algorithm::Hs256;
        self.public.try_get_as_bytes().ok().filter(|_| is_secret)
    }

    /// Whether this is the key's signature. An error: the key itself does not work.
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
