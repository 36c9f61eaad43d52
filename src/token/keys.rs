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
    /// # Errors
    ///
    /// [`KeyError`] for a bad `kid`, and for a text that starts with anything but such a key.
    pub fn rs256_pem(kid: &str, private_pem: &[u8]) -> Result<Self, KeyError> {
        let (private, public) = pem::rsa_private(private_pem)?;
        Self::new(kid, Algorithm::Rs256, private, public)
    }

    /// A private key on P-256, in PKCS#8: `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.
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

    /// A public RSA key of at least 2048 bits: `openssl pkey -pubout`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] for a bad `kid`, and for a text that starts with anything but such a key.
    pub fn rs256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Rs256, pem::rsa_public(public_pem)?)
    }

    /// A public key on P-256, not compressed: `openssl pkey -pubout`.
    ///
    /// # Errors
    ///
    /// As [`rs256_pem`](Self::rs256_pem).
    pub fn es256_pem(kid: &str, public_pem: &[u8]) -> Result<Self, KeyError> {
        Self::new(kid, Algorithm::Es256, pem::ec_public(public_pem)?)
    }

    /// A public Ed25519 key: `openssl pkey -pubout`.
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

#[cfg(test)]
mod tests {
    use super::super::forge::{SECRET, claims, forge, header, now, settings, signed};
    use super::super::jws;
    use super::super::policy::Policy;
    use super::super::set::KeySet;
    use super::super::verify::Expiry;
    use super::*;

    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../tests/keys/", $name)).as_slice()
        };
    }

    type Signing = fn(&str, &[u8]) -> Result<SigningKey, KeyError>;
    type Verifying = fn(&str, &[u8]) -> Result<VerifyingKey, KeyError>;

    const PRIVATE: [(&str, Signing, &[u8]); 4] = [
        ("RS256", SigningKey::rs256_pem, file!("rsa.pem")),
        ("RS256", SigningKey::rs256_pem, file!("rsa-pkcs1.pem")),
        ("ES256", SigningKey::es256_pem, file!("p256.pem")),
        ("EdDSA", SigningKey::eddsa_pem, file!("ed25519.pem")),
    ];
    const PUBLIC: [(Verifying, &[u8]); 4] = [
        (VerifyingKey::rs256_pem, file!("rsa.pub.pem")),
        (VerifyingKey::rs256_pem, file!("rsa-pkcs1.pub.pem")),
        (VerifyingKey::es256_pem, file!("p256.pub.pem")),
        (VerifyingKey::eddsa_pem, file!("ed25519.pub.pem")),
    ];

    #[test]
    fn each_algorithm_verifies_what_it_signed_with_either_half() {
        let elsewhere = || KeySet::new(SigningKey::hs256("hs", SECRET).unwrap());
        for ((name, private, pem), (public, public_pem)) in PRIVATE.into_iter().zip(PUBLIC) {
            let key = private("k1", pem).unwrap();
            assert_eq!(key.algorithm().as_str(), name);
            let policy = Policy::new(settings(key.clone())).unwrap();
            let token = signed(&policy, None);
            assert!(policy.verify(&token, now(), Expiry::Enforced).is_ok(), "{name}");

            for half in [public("k1", public_pem).unwrap(), key.verifying_key()] {
                let policy = policy.with_keys(elsewhere().also_verify(half)).unwrap();
                assert!(policy.verify(&token, now(), Expiry::Enforced).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn a_key_verifies_with_its_one_algorithm_only() {
        let secret = SigningKey::hs256("k1", SECRET).unwrap();
        let all = PRIVATE.map(|(_, private, pem)| private("k1", pem).unwrap());
        for key in &all {
            let policy = Policy::new(settings(key.clone())).unwrap();
            for signer in all.iter().chain([&secret]).filter(|s| s.algorithm() != key.algorithm()) {
                for claimed in [signer.algorithm(), key.algorithm()] {
                    let alg = format!("\"{claimed}\"");
                    let token = forge(signer, header(&[("alg", Some(&alg))]), claims(&[]));
                    let verified = policy.verify(&token, now(), Expiry::Enforced);
                    assert!(verified.is_err(), "{key:?} {signer:?} {claimed}");
                }
            }
        }
    }

    // CVE-2016-5431 and its many relatives.
    #[test]
    fn a_public_key_never_becomes_an_hmac_secret() {
        for pem in [file!("rsa.pub.pem"), file!("p256.pub.pem"), file!("rsa.pem")] {
            assert_eq!(SigningKey::hs256("k1", pem).unwrap_err(), KeyError::SecretIsPem);
        }
        let rsa = Policy::new(settings(SigningKey::rs256_pem("k1", file!("rsa.pem")).unwrap()));
        let rsa = rsa.unwrap();
        let secret = EncodingKey::from_secret(file!("rsa.pub.pem"));
        for alg in ["\"HS256\"", "\"RS256\""] {
            let signed = format!(
                "{}.{}",
                jws::encode(header(&[("alg", Some(alg))])),
                jws::encode(claims(&[]))
            );
            let inner = Algorithm::Hs256.inner();
            let mac = backend::sign(signed.as_bytes(), &secret, inner).unwrap();
            assert!(rsa.verify(&format!("{signed}.{mac}"), now(), Expiry::Enforced).is_err());
        }
    }

    #[test]
    fn a_kid_is_short_and_visible() {
        for good in ["a", "2026-01", "a/b\"{}\\", &"k".repeat(64)] {
            let key = SigningKey::hs256(good, SECRET).unwrap();
            assert!(KeySet::new(key).self_test().is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "a\n", "ä", "\0", &"k".repeat(65)] {
            assert_eq!(SigningKey::hs256(bad, SECRET).unwrap_err(), KeyError::Kid, "{bad:?}");
            let pem = SigningKey::eddsa_pem(bad, file!("ed25519.pem"));
            assert_eq!(pem.unwrap_err(), KeyError::Kid, "{bad:?}");
        }
    }

    #[test]
    fn other_files_are_refused_as_private_keys() {
        let mut files = vec![
            ("public", file!("rsa.pub.pem")),
            ("public, PKCS#1", file!("rsa-pkcs1.pub.pem")),
            ("public, P-256", file!("p256.pub.pem")),
            ("public, Ed25519", file!("ed25519.pub.pem")),
            ("certificate", file!("rsa.crt.pem")),
            ("RSA-PSS", file!("rsa-pss.pem")),
            ("P-384", file!("p384.pem")),
            ("secp256k1", file!("secp256k1.pem")),
            ("SEC1", file!("p256-sec1.pem")),
            ("Ed448", file!("ed448.pem")),
            ("empty", b""),
            ("no PEM", b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo"),
            ("no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            ("no end", b"-----BEGIN PRIVATE KEY-----"),
        ];
        files.extend(PRIVATE.map(|(name, _, pem)| (name, pem)));
        for (algorithm, private, _) in PRIVATE {
            for (name, pem) in files.iter().filter(|(name, _)| *name != algorithm) {
                let error = private("k1", pem).unwrap_err();
                assert_eq!(error, KeyError::Pem, "{name} as {algorithm}");
            }
        }
    }

    #[test]
    fn other_files_are_refused_as_public_keys() {
        let mut files = vec![
            ("private", file!("rsa.pem")),
            ("private, PKCS#1", file!("rsa-pkcs1.pem")),
            ("private, P-256", file!("p256.pem")),
            ("private, Ed25519", file!("ed25519.pem")),
            ("certificate", file!("rsa.crt.pem")),
            ("P-384", file!("p384.pub.pem")),
            ("secp256k1", file!("secp256k1.pub.pem")),
            ("P-256, compressed", file!("p256-compressed.pub.pem")),
            ("Ed448", file!("ed448.pub.pem")),
            ("empty", b""),
            ("no end", b"-----BEGIN PUBLIC KEY-----"),
        ];
        let own = PRIVATE.map(|(name, ..)| name);
        files.extend(own.into_iter().zip(PUBLIC.map(|(_, pem)| pem)));
        for (algorithm, (public, _)) in own.into_iter().zip(PUBLIC) {
            for (name, pem) in files.iter().filter(|(name, _)| *name != algorithm) {
                let error = public("k1", pem).unwrap_err();
                assert_eq!(error, KeyError::Pem, "{name} as {algorithm}");
            }
        }
    }

    #[test]
    fn a_short_rsa_key_is_refused_in_either_half() {
        let private = SigningKey::rs256_pem("k1", file!("rsa-1024.pem"));
        assert_eq!(private.unwrap_err(), KeyError::RsaTooShort);
        let public = VerifyingKey::rs256_pem("k1", file!("rsa-1024.pub.pem"));
        assert_eq!(public.unwrap_err(), KeyError::RsaTooShort);
    }

    #[test]
    fn a_damaged_key_file_is_an_error_and_never_a_panic() {
        let mut survivors = 0;
        for (_, private, pem) in PRIVATE {
            // Each byte of the short files; of the long ones, which take their time, some.
            for at in (0..pem.len()).step_by((pem.len() / 120).max(1)) {
                assert!(private("k1", &pem[..at]).is_err() || at + 2 > pem.len(), "{at}");
                for with in [b'A', b'/', b'\n', 0xff] {
                    let mut damaged = pem.to_vec();
                    damaged[at] = with;
                    // What still parses may be a key; whether it works is for the self-test to say.
                    survivors += private("k1", &damaged)
                        .map_or(0, |key| usize::from(KeySet::new(key).self_test().is_ok()));
                }
            }
        }
        for (public, pem) in PUBLIC {
            for at in 0..pem.len() {
                let _ = public("k1", &pem[..at]).map(drop);
                let mut damaged = pem.to_vec();
                damaged[at] = b'A';
                let _ = public("k1", &damaged).map(drop);
            }
            let indented = [b"  ", pem].concat();
            assert_eq!(public("k1", &indented).unwrap_err(), KeyError::Pem);
        }
        assert!(survivors > 0);
    }

    #[test]
    fn debug_shows_no_key_material() {
        let key = SigningKey::hs256("k1", SECRET).unwrap();
        let text = format!("{key:?} {:?}", key.verifying_key());
        assert!(text.contains("k1") && text.contains("Hs256"), "{text}");
        assert!(!text.contains("7Xvp") && !text.contains("55, 88"), "{text}");
    }
}
