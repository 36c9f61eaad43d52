//! Cryptography by the backend that the application turned on in jsonwebtoken.

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// A placeholder for a backend that is not compiled into jsonwebtoken. It neither signs nor
/// verifies.
static ABSENT: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    // Never called: the callers of `ec_public` and `ed_public` check `is_present` first.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Modules with the same names as jsonwebtoken's backends.
mod absent {
    pub(super) mod aws_lc {
        pub(in super::super) use super::super::ABSENT as DEFAULT_PROVIDER;
    }
    pub(super) mod rust_crypto {
        pub(in super::super) use super::super::ABSENT as DEFAULT_PROVIDER;
    }
}
use absent::{aws_lc, rust_crypto};

/// Returns jsonwebtoken's backend, or [`ABSENT`]. If both backends are compiled in, returns
/// aws-lc-rs.
///
/// A `cfg` cannot test which features of another crate are enabled, but name resolution can. If
/// jsonwebtoken has a module `aws_lc`, then inside of this function the name `aws_lc` means that
/// module. Otherwise, the name means the module in `absent`. The same applies to `rust_crypto`.
fn provider() -> &'static CryptoProvider {
    use jsonwebtoken::crypto::*;
    let [first, second]: [&'static CryptoProvider; 2] =
        [&aws_lc::DEFAULT_PROVIDER, &rust_crypto::DEFAULT_PROVIDER];
    if std::ptr::eq(first, &raw const ABSENT) { second } else { first }
}

pub(super) fn is_present() -> bool {
    !std::ptr::eq(provider(), &raw const ABSENT)
}

pub(super) fn sign(
    message: &[u8],
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<Vec<u8>, Error> {
    Ok((provider().signer_factory)(&algorithm, key)?.try_sign(message)?)
}

pub(super) fn verify(
    signature: &[u8],
    message: &[u8],
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<bool, Error> {
    let verifier = (provider().verifier_factory)(&algorithm, key)?;
    Ok(verifier.verify(message, &signature.to_vec()).is_ok())
}

/// Returns the public point, uncompressed, of a private P-256 key in PKCS#8.
pub(super) fn ec_public(key: &EncodingKey) -> Option<Vec<u8>> {
    let derive = provider().key_utils.ec_pub_components_from_private_key;
    let (curve, x, y) = derive(key.as_bytes(), Algorithm::ES256).ok()?;
    (curve == EllipticCurve::P256).then(|| [&[4], x.as_slice(), y.as_slice()].concat())
}

/// Returns the public bytes of a private Ed25519 key in PKCS#8.
pub(super) fn ed_public(key: &EncodingKey) -> Option<Vec<u8>> {
    let derive = provider().key_utils.ed_pub_components_from_private_key;
    derive(key.as_bytes(), &EllipticCurve::Ed25519).ok()
}
