//! Secrets that are derived from keys. Every instance with the same key derives the same secret.
//!
//! Derived secrets are the keys of two kinds of MACs. The pseudonyms, which the store holds instead
//! of names and addresses, are MACs of the first kind. The MACs of device cookies are the second
//! kind. A private key of any algorithm is secret, so a secret derived from it is also secret. The
//! derived secret is `HMAC-SHA256(private key, label)`, so it reveals nothing about the private
//! key.

use std::fmt;

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode as _;

use super::backend;
use super::key_set::KeySet;
use crate::error::ConfigError;

const LABEL: &[u8] = b"tower-session-auth derived secret 1";

/// A key of HMAC-SHA256: a secret that is derived from one key of the application. When the value
/// is dropped, the secret is wiped from memory.
#[derive(Clone)]
pub(crate) struct DerivedKey {
    sign: EncodingKey,
    verify: DecodingKey,
}

impl DerivedKey {
    /// Derives the secret from the bytes of a private key.
    fn from_bytes(key: &[u8]) -> Result<Self, Error> {
        let root = EncodingKey::from_secret(canonical(key));
        let secret = backend::sign(LABEL, &root, Algorithm::HS256)?;
        let secret = secret.as_bytes();
        Ok(Self {
            sign: EncodingKey::from_secret(secret),
            verify: DecodingKey::from_secret(secret),
        })
    }

    /// Returns the MAC of a message: 43 characters of base64url.
    pub(crate) fn mac(&self, message: &[u8]) -> Result<String, Error> {
        backend::sign(message, &self.sign, Algorithm::HS256)
    }

    /// Returns whether `mac` is the MAC of the message. The comparison takes constant time.
    pub(crate) fn is_mac(&self, mac: &str, message: &[u8]) -> bool {
        matches!(backend::verify(mac, message, &self.verify, Algorithm::HS256), Ok(true))
    }
}

// `Debug` shows no key material.
impl fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedKey").finish_non_exhaustive()
    }
}

/// The derived keys of a key set.
#[derive(Debug)]
pub(crate) struct DerivedKeys {
    pub(crate) signing: DerivedKey,
    /// The keys derived from retired HMAC secrets. A retired public key is not secret, so no key is
    /// derived from it.
    pub(crate) retired: Vec<DerivedKey>,
}

impl DerivedKeys {
    pub(crate) fn new(keys: &KeySet) -> Result<Self, ConfigError> {
        let derive = |kid: &str, bytes| {
            DerivedKey::from_bytes(bytes).map_err(|_| ConfigError::SelfTest {
                kid: kid.to_owned(),
                failure: "no secret can be derived from it",
            })
        };
        let signing = keys.signing();
        let retired = keys.verifying().skip(1);
        let retired = retired.filter_map(|key| Some(derive(key.kid(), key.secret_bytes()?)));
        Ok(Self {
            signing: derive(signing.kid(), signing.private_bytes())?,
            retired: retired.collect::<Result<_, _>>()?,
        })
    }
}

/// Returns the part of a private key that is the same in every file format. So one key always
/// yields the same derived secret.
///
/// An RSA key (PKCS#1) and an HMAC secret are returned whole. Of any other key (PKCS#8), only the
/// private number is returned, because only some files of the key also contain the public key.
fn canonical(key: &[u8]) -> &[u8] {
    let info = PrivateKeyInfoRef::from_der(key);
    let inner = info.as_ref().map_or(key, |info| info.private_key.as_bytes());
    match inner {
        // RFC 8410 section 7: an octet string of 32 bytes.
        [0x04, 32, number @ ..] if number.len() == 32 => number,
        // RFC 5915 section 3: a sequence of version 1, an octet string of 32 bytes, and optional
        // fields.
        [0x30, _, 0x02, 1, 1, 0x04, 32, rest @ ..] => rest.get(..32).unwrap_or(inner),
        _ => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{SigningKey, VerifyingKey};

    const SECRET: &[u8] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
    const OTHER: &[u8] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";

    fn first_mac(keys: impl Into<KeySet>) -> String {
        DerivedKeys::new(&keys.into()).unwrap().signing.mac(b"message").unwrap()
    }

    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/keys/", $name))
        };
    }

    #[test]
    fn each_signing_key_has_its_own_derived_key() {
        let keys = [
            ("HS256", SigningKey::hs256("1", SECRET)),
            ("HS256, another", SigningKey::hs256("1", OTHER)),
            ("RS256", SigningKey::rs256_pem("1", file!("rsa.pem"))),
            ("RS256, another", SigningKey::rs256_pem("1", file!("rsa-other.pem"))),
            ("ES256", SigningKey::es256_pem("1", file!("p256.pem"))),
            ("ES256, another", SigningKey::es256_pem("1", file!("p256-other.pem"))),
            ("EdDSA", SigningKey::eddsa_pem("1", file!("ed25519.pem"))),
            ("EdDSA, another", SigningKey::eddsa_pem("1", file!("ed25519-other.pem"))),
        ];
        let mut macs = Vec::new();
        for (name, key) in keys {
            let key = key.unwrap();
            let mac = first_mac(key.clone());
            assert_eq!(first_mac(key.clone()), mac, "{name}: all instances agree");
            assert_ne!(
                key.sign(b"message").unwrap(),
                mac,
                "{name}: the MAC is not made with the signing key itself"
            );
            let unkeyed = DerivedKey::from_bytes(b"").unwrap().mac(b"message").unwrap();
            assert_ne!(unkeyed, mac, "{name}");
            assert!(!macs.contains(&mac), "{name}");
            macs.push(mac);
        }
    }

    #[test]
    fn private_key_in_two_file_formats_has_one_derived_key() {
        let pkcs8 =
            SigningKey::rs256_pem("1", include_bytes!("../../../tests/keys/rsa.pem")).unwrap();
        let pkcs1 = include_bytes!("../../../tests/keys/rsa-pkcs1.pem");
        let pkcs1 = SigningKey::rs256_pem("1", pkcs1).unwrap();
        assert_eq!(first_mac(pkcs8), first_mac(pkcs1));

        // The same P-256 private number, with and without its public key.
        let number = [7; 32];
        let short = [&[0x30, 0x25, 2, 1, 1, 4, 32][..], &number].concat();
        let long = [&[0x30, 0x6b, 2, 1, 1, 4, 32][..], &number, &[0xa1, 0x44], &[9; 68]].concat();
        for inner in [short, long] {
            let body = [
                &[2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8][..],
                &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, u8::try_from(inner.len()).unwrap()],
                &inner,
            ]
            .concat();
            let length = u8::try_from(body.len()).unwrap();
            let head: &[u8] = if length < 0x80 { &[0x30, length] } else { &[0x30, 0x81, length] };
            assert_eq!(canonical(&[head, &body].concat()), number);
        }
        // An Ed25519 key as in RFC 8410 section 10.3.
        let seed = [5; 32];
        let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 32];
        assert_eq!(canonical(&[&head[..], &seed].concat()), seed);
        assert_eq!(canonical(SECRET), SECRET);
    }

    #[test]
    fn retired_secret_has_a_derived_key_and_a_retired_public_key_has_none() {
        let public = include_bytes!("../../../tests/keys/p256.pub.pem");
        let keys = KeySet::new(SigningKey::hs256("2", OTHER).unwrap())
            .also_verify(VerifyingKey::hs256("1", SECRET).unwrap())
            .also_verify(VerifyingKey::es256_pem("0", public).unwrap());
        let DerivedKeys { signing, retired } = DerivedKeys::new(&keys).unwrap();
        assert_eq!(retired.len(), 1);
        let old = first_mac(SigningKey::hs256("1", SECRET).unwrap());
        assert!(retired[0].is_mac(&old, b"message") && !signing.is_mac(&old, b"message"));
        assert!(!retired[0].is_mac(&old, b"another message"));
    }
}
