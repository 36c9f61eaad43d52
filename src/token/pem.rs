//! Key files: which kinds of them are taken, and the public numbers in them.
//!
//! jsonwebtoken takes any PEM text from which it can dig a bit string: a certificate, a public key as a private one, a
//! point on another curve. Here a key file is what its first line says (RFC 7468), and its algorithm is the one that was
//! asked for.

use jsonwebtoken::{DecodingKey, EncodingKey};
use pkcs1::UintRef;
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::der::{Decode as _, SecretDocument};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{PrivateKeyInfoRef, SubjectPublicKeyInfoRef};

use crate::error::KeyError;

const MIN_RSA_BITS: usize = 2048;

const RSA: ObjectIdentifier = pkcs1::ALGORITHM_OID;
/// `id-ecPublicKey`, RFC 5480 section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1`, RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `id-Ed25519`, RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private RSA key (PKCS#8 or PKCS#1) and its public half.
pub(super) fn rsa_private(pem: &[u8]) -> Result<(EncodingKey, DecodingKey), KeyError> {
    let file = read(pem, &["PRIVATE KEY", "RSA PRIVATE KEY"])?;
    let der = match PrivateKeyInfoRef::from_der(file.as_bytes()) {
        Ok(info) if info.algorithm.oid == RSA => info.private_key.as_bytes(),
        Ok(_) => return Err(KeyError::Pem),
        Err(_) => file.as_bytes(),
    };
    let key = pkcs1::RsaPrivateKey::from_der(der).map_err(|_| KeyError::Pem)?;
    let public = rsa_numbers(key.modulus, key.public_exponent)?;
    Ok((EncodingKey::from_rsa_der(der), public))
}

/// A public RSA key (`SubjectPublicKeyInfo` or PKCS#1).
pub(super) fn rsa_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    let file = read(pem, &["PUBLIC KEY", "RSA PUBLIC KEY"])?;
    let der = match SubjectPublicKeyInfoRef::from_der(file.as_bytes()) {
        Ok(info) if info.algorithm.oid == RSA => {
            info.subject_public_key.as_bytes().ok_or(KeyError::Pem)?
        }
        Ok(_) => return Err(KeyError::Pem),
        Err(_) => file.as_bytes(),
    };
    let key = pkcs1::RsaPublicKey::from_der(der).map_err(|_| KeyError::Pem)?;
    rsa_numbers(key.modulus, key.public_exponent)
}

/// A private P-256 key (PKCS#8).
pub(super) fn ec_private(pem: &[u8]) -> Result<EncodingKey, KeyError> {
    let file = private(pem, is_p256)?;
    Ok(EncodingKey::from_ec_der(file.as_bytes()))
}

/// A public P-256 key, uncompressed, as OpenSSL writes it.
pub(super) fn ec_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    match &*public(pem, is_p256)? {
        point @ [4, ..] if point.len() == 65 => Ok(DecodingKey::from_ec_der(point)),
        _ => Err(KeyError::Pem),
    }
}

/// A private Ed25519 key (PKCS#8).
pub(super) fn ed_private(pem: &[u8]) -> Result<EncodingKey, KeyError> {
    let file = private(pem, is_ed25519)?;
    Ok(EncodingKey::from_ed_der(file.as_bytes()))
}

/// A public Ed25519 key.
pub(super) fn ed_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    let point = public(pem, is_ed25519)?;
    if point.len() == 32 { Ok(DecodingKey::from_ed_der(&point)) } else { Err(KeyError::Pem) }
}

fn is_p256(algorithm: AlgorithmIdentifierRef<'_>) -> bool {
    algorithm.oid == EC && algorithm.parameters_oid().is_ok_and(|curve| curve == P256)
}

fn is_ed25519(algorithm: AlgorithmIdentifierRef<'_>) -> bool {
    algorithm.oid == ED25519 && algorithm.parameters.is_none()
}

/// A PKCS#8 file whose algorithm fits. Wiped from memory when dropped.
fn private(
    pem: &[u8],
    fits: impl FnOnce(AlgorithmIdentifierRef<'_>) -> bool,
) -> Result<SecretDocument, KeyError> {
    let file = read(pem, &["PRIVATE KEY"])?;
    let info = PrivateKeyInfoRef::from_der(file.as_bytes()).map_err(|_| KeyError::Pem)?;
    if fits(info.algorithm) { Ok(file) } else { Err(KeyError::Pem) }
}

/// The bits of a public key whose algorithm fits.
fn public(
    pem: &[u8],
    fits: impl FnOnce(AlgorithmIdentifierRef<'_>) -> bool,
) -> Result<Vec<u8>, KeyError> {
    let file = read(pem, &["PUBLIC KEY"])?;
    let info = SubjectPublicKeyInfoRef::from_der(file.as_bytes()).map_err(|_| KeyError::Pem)?;
    let bits = info.subject_public_key.as_bytes();
    bits.filter(|_| fits(info.algorithm)).map(<[u8]>::to_vec).ok_or(KeyError::Pem)
}

/// A file that starts with the line of one of these labels.
fn read(pem: &[u8], labels: &[&str]) -> Result<SecretDocument, KeyError> {
    let text = str::from_utf8(pem).map_err(|_| KeyError::Pem)?;
    // RFC 7468 lets explanatory text stand in front. A key file of ours has none.
    if !text.starts_with("-----BEGIN ") {
        return Err(KeyError::Pem);
    }
    let (label, file) = SecretDocument::from_pem(text).map_err(|_| KeyError::Pem)?;
    if labels.contains(&label) { Ok(file) } else { Err(KeyError::Pem) }
}

fn rsa_numbers(n: UintRef<'_>, e: UintRef<'_>) -> Result<DecodingKey, KeyError> {
    let (n, e) = (n.as_bytes(), e.as_bytes());
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if bits < MIN_RSA_BITS {
        return Err(KeyError::RsaTooShort);
    }
    // An even modulus or exponent, or an exponent of one, is no RSA.
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !odd(n) || !odd(e) || e == [1] {
        return Err(KeyError::Pem);
    }
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// What comes before the point in each `SubjectPublicKeyInfo` of an uncompressed point on P-256.
    const P256_PREFIX: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];

    /// The same for Ed25519.
    const ED25519_PREFIX: &[u8] =
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    fn public(der: &[&[u8]]) -> Vec<u8> {
        let body = STANDARD.encode(der.concat());
        let lines: Vec<_> =
            body.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
            .into_bytes()
    }

    #[test]
    fn a_public_key_is_as_long_as_its_kind_and_a_point_uncompressed() {
        let point = [7; 64];
        assert!(ec_public(&public(&[P256_PREFIX, &[4], &point])).is_ok());
        assert!(ed_public(&public(&[ED25519_PREFIX, &point[..32]])).is_ok());
        for bad in [
            public(&[P256_PREFIX]),
            public(&[P256_PREFIX, &[4], &point[..63]]),
            public(&[P256_PREFIX, &[4], &point, &[0]]),
            // The hybrid form: OpenSSL reads it, and it says the same thing twice.
            public(&[P256_PREFIX, &[6], &point]),
            public(&[ED25519_PREFIX, &point[..31]]),
            public(&[ED25519_PREFIX, &point[..33]]),
            public(&[]),
        ] {
            assert_eq!(ec_public(&bad).unwrap_err(), KeyError::Pem);
            assert_eq!(ed_public(&bad).unwrap_err(), KeyError::Pem);
        }
    }

    #[test]
    fn numbers_that_make_no_rsa_key_are_refused() {
        let numbers = |n: &[u8], e: &[u8]| {
            rsa_numbers(UintRef::new(n).unwrap(), UintRef::new(e).unwrap()).map(drop)
        };
        let n = [0x7f; 257];
        assert_eq!(numbers(&n, &[1, 0, 1]), Ok(()));
        assert_eq!(numbers(&n[..255], &[1, 0, 1]), Err(KeyError::RsaTooShort));
        assert_eq!(numbers(&n, &[1]), Err(KeyError::Pem));
        assert_eq!(numbers(&n, &[2]), Err(KeyError::Pem));
        assert_eq!(numbers(&n, &[0]), Err(KeyError::Pem));
        assert_eq!(numbers(&[&n[..256], &[2]].concat(), &[3]), Err(KeyError::Pem));
        // Zeros in front add no bits.
        assert_eq!(numbers(&[&[0; 100], &n[..200]].concat(), &[3]), Err(KeyError::RsaTooShort));
    }
}
