//! Cryptography by direct calls of `aws-lc-rs`.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};

pub(super) const fn is_present() -> bool {
    true
}

pub(super) fn sign(
    message: &[u8],
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<Vec<u8>, Error> {
    fits(key.family(), algorithm)?;
    let der = key.as_bytes();
    match algorithm {
        Algorithm::HS256 => {
            Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, der), message).as_ref().to_vec())
        }
        Algorithm::RS256 => {
            let pair = RsaKeyPair::from_der(der)
                .map_err(|error| ErrorKind::InvalidRsaKey(error.to_string()))?;
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                .map_err(|_| ErrorKind::InvalidRsaKey("the RSA key cannot sign".to_owned()))?;
            Ok(signature)
        }
        Algorithm::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map_err(|_| ErrorKind::InvalidEcdsaKey)?;
            let signature = pair.sign(&SystemRandom::new(), message);
            Ok(signature.map_err(|_| ErrorKind::InvalidEcdsaKey)?.as_ref().to_vec())
        }
        Algorithm::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| ErrorKind::InvalidEddsaKey)?;
            Ok(pair.sign(message).as_ref().to_vec())
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

pub(super) fn verify(
    signature: &[u8],
    message: &[u8],
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<bool, Error> {
    fits(key.family(), algorithm)?;
    Ok(match (algorithm, key.kind()) {
        (Algorithm::HS256, DecodingKeyKind::SecretOrDer(secret)) => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::verify(&key, message, signature).is_ok()
        }
        (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            let public = RsaPublicKeyComponents { n, e };
            public.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
        }
        (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
            let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
            public.verify(message, signature).is_ok()
        }
        (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(point)) => {
            UnparsedPublicKey::new(&ED25519, point).verify(message, signature).is_ok()
        }
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    })
}

/// Returns the public point, uncompressed, of a private P-256 key in PKCS#8.
pub(super) fn ec_public(key: &EncodingKey) -> Option<Vec<u8>> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes()).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

/// Returns the public bytes of a private Ed25519 key in PKCS#8.
pub(super) fn ed_public(key: &EncodingKey) -> Option<Vec<u8>> {
    let pair = Ed25519KeyPair::from_pkcs8(key.as_bytes()).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

/// Checks that a key is used with an algorithm of its own family.
fn fits(family: AlgorithmFamily, algorithm: Algorithm) -> Result<(), Error> {
    if family == algorithm.family() { Ok(()) } else { Err(ErrorKind::InvalidKeyFormat.into()) }
}
