//! Key files: the accepted formats, and the checks of the public numbers in them.
//!
//! Like OpenSSL, this module skips text around a block and accepts any line width and line ending.
//! If the text has several blocks, this module reads only the first block of the wanted kind: the
//! first private key, or the first public key or certificate. If that key is for another algorithm,
//! this module returns an error, unlike jsonwebtoken.

use jsonwebtoken::{DecodingKey, EncodingKey};
use pem::Pem;
use pkcs1::UintRef;
use pkcs8::der::asn1::{ObjectIdentifier, OctetStringRef};
use pkcs8::der::{Decode as _, Encode as _};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{PrivateKeyInfoRef, SubjectPublicKeyInfoRef};
use x509_cert::Certificate;
use zeroize::Zeroizing;

use crate::error::KeyError;

const MIN_RSA_BITS: usize = 2048;

const RSA: ObjectIdentifier = pkcs1::ALGORITHM_OID;
/// `id-ecPublicKey`, RFC 5480 section 2.1.1.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1`, RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `id-Ed25519`, RFC 8410 section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Algorithms and curves, with the names that errors show.
const NAMES: [(ObjectIdentifier, &str); 9] = [
    (RSA, "RSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"), "RSA-PSS"),
    (P256, "P-256"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), "P-384"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), "P-521"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), "secp256k1"),
    (ED25519, "Ed25519"),
    (ObjectIdentifier::new_unwrap("1.3.101.113"), "Ed448"),
    (ObjectIdentifier::new_unwrap("1.3.101.110"), "X25519"),
];

/// The kind of key that the caller wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Rsa,
    P256,
    Ed25519,
}

/// Reads a private RSA key (PKCS#8 or PKCS#1) and returns it with its public half.
pub(crate) fn rsa_private(text: &[u8]) -> Result<(EncodingKey, DecodingKey), KeyError> {
    let der = private(text, Wanted::Rsa)?;
    let key = pkcs1::RsaPrivateKey::from_der(&der).map_err(|_| KeyError::Damaged)?;
    let public = rsa_numbers(key.modulus, key.public_exponent)?;
    Ok((EncodingKey::from_rsa_der(&der), public))
}

/// Reads a public RSA key (`SubjectPublicKeyInfo` or PKCS#1), or the public RSA key of a
/// certificate.
pub(crate) fn rsa_public(text: &[u8]) -> Result<DecodingKey, KeyError> {
    let der = public(text, Wanted::Rsa)?;
    let key = pkcs1::RsaPublicKey::from_der(&der).map_err(|_| KeyError::Damaged)?;
    rsa_numbers(key.modulus, key.public_exponent)
}

/// Reads a private P-256 key (PKCS#8 or SEC1).
pub(crate) fn ec_private(text: &[u8]) -> Result<EncodingKey, KeyError> {
    Ok(EncodingKey::from_ec_der(&private(text, Wanted::P256)?))
}

/// Reads a public P-256 key, or the key of a certificate. The point must be uncompressed, as
/// OpenSSL writes it.
pub(crate) fn ec_public(text: &[u8]) -> Result<DecodingKey, KeyError> {
    match &*public(text, Wanted::P256)? {
        point @ [4, ..] if point.len() == 65 => Ok(DecodingKey::from_ec_der(point)),
        point @ [2 | 3, ..] if point.len() == 33 => Err(KeyError::Compressed),
        _ => Err(KeyError::Damaged),
    }
}

/// Reads a private Ed25519 key (PKCS#8).
pub(crate) fn ed_private(text: &[u8]) -> Result<EncodingKey, KeyError> {
    Ok(EncodingKey::from_ed_der(&private(text, Wanted::Ed25519)?))
}

/// Reads a public Ed25519 key, or the key of a certificate.
pub(crate) fn ed_public(text: &[u8]) -> Result<DecodingKey, KeyError> {
    let point = public(text, Wanted::Ed25519)?;
    if point.len() == 32 { Ok(DecodingKey::from_ed_der(&point)) } else { Err(KeyError::Damaged) }
}

/// Returns the first private key: PKCS#1 for RSA, PKCS#8 for other keys. The returned key is wiped
/// from memory when it is dropped.
fn private(text: &[u8], wanted: Wanted) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let blocks = blocks(text)?;
    let is_private = |block: &&Pem| block.tag().ends_with("PRIVATE KEY");
    let Some(block) = blocks.iter().find(is_private) else {
        let public = blocks.iter().any(|block| block.tag().ends_with("PUBLIC KEY"));
        return Err(if public { KeyError::PublicKey } else { KeyError::Certificate });
    };
    let encrypted = block.headers().get("Proc-Type").is_some_and(|kind| kind.contains("ENCRYPTED"));
    if encrypted || block.tag() == "ENCRYPTED PRIVATE KEY" {
        return Err(KeyError::Encrypted);
    }
    let der = block.contents();
    match block.tag() {
        "PRIVATE KEY" => {
            let info = PrivateKeyInfoRef::from_der(der).map_err(|_| KeyError::Damaged)?;
            wanted.fits(&info.algorithm)?;
            let key = if wanted == Wanted::Rsa { info.private_key.as_bytes() } else { der };
            Ok(Zeroizing::new(key.to_vec()))
        }
        "RSA PRIVATE KEY" => wanted.is(RSA).map(|()| Zeroizing::new(der.to_vec())),
        "EC PRIVATE KEY" => {
            let key = sec1::EcPrivateKey::from_der(der).map_err(|_| KeyError::Damaged)?;
            let curve = key.parameters.and_then(|parameters| parameters.named_curve());
            wanted.is(curve.ok_or(KeyError::Damaged)?)?;
            to_pkcs8(der)
        }
        "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
        _ => Err(wanted.instead_of("another algorithm")),
    }
}

/// Returns the content of the first public key or certificate: PKCS#1 for RSA, a point for other
/// keys.
fn public(text: &[u8], wanted: Wanted) -> Result<Vec<u8>, KeyError> {
    let blocks = blocks(text)?;
    let is_public = |block: &&Pem| !block.tag().ends_with("PRIVATE KEY");
    let block = blocks.iter().find(is_public).ok_or(KeyError::PrivateKey)?;
    let der = block.contents();
    match block.tag() {
        "RSA PUBLIC KEY" => wanted.is(RSA).map(|()| der.to_vec()),
        "PUBLIC KEY" => public_bits(der, wanted),
        _ => {
            let certificate = Certificate::from_der(der).map_err(|_| KeyError::Damaged)?;
            let info = certificate.tbs_certificate().subject_public_key_info().to_der();
            public_bits(&info.map_err(|_| KeyError::Damaged)?, wanted)
        }
    }
}

fn public_bits(info: &[u8], wanted: Wanted) -> Result<Vec<u8>, KeyError> {
    let info = SubjectPublicKeyInfoRef::from_der(info).map_err(|_| KeyError::Damaged)?;
    wanted.fits(&info.algorithm)?;
    info.subject_public_key.as_bytes().map(<[u8]>::to_vec).ok_or(KeyError::Damaged)
}

/// Returns all blocks that hold a key or a certificate. There is at least one.
fn blocks(text: &[u8]) -> Result<Vec<Pem>, KeyError> {
    // The parser skips everything outside of complete blocks, so it also skips a truncated block.
    let mut blocks = pem::parse_many(text).map_err(|_| KeyError::Damaged)?;
    blocks.retain(|block| {
        let tag = block.tag();
        tag.ends_with("PRIVATE KEY") || tag.ends_with("PUBLIC KEY") || tag.ends_with("CERTIFICATE")
    });
    if blocks.is_empty() { Err(KeyError::NotPem) } else { Ok(blocks) }
}

/// Converts a SEC1 key on P-256 to PKCS#8, the only form that every cryptography backend reads.
fn to_pkcs8(sec1: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let algorithm = AlgorithmIdentifierRef { oid: EC, parameters: Some((&P256).into()) };
    let key = OctetStringRef::new(sec1).map_err(|_| KeyError::Damaged)?;
    let info = PrivateKeyInfoRef::new(algorithm, key).to_der().map_err(|_| KeyError::Damaged)?;
    Ok(Zeroizing::new(info))
}

impl Wanted {
    /// Checks that a key of this algorithm is of the wanted kind.
    fn fits(self, algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeyError> {
        match algorithm.parameters_oid() {
            Ok(curve) if algorithm.oid == EC => self.is(curve),
            _ if algorithm.oid == ED25519 && algorithm.parameters.is_some() => {
                Err(KeyError::Damaged)
            }
            _ => self.is(algorithm.oid),
        }
    }

    fn is(self, found: ObjectIdentifier) -> Result<(), KeyError> {
        let own = match self {
            Self::Rsa => RSA,
            Self::P256 => P256,
            Self::Ed25519 => ED25519,
        };
        if found == own {
            return Ok(());
        }
        let name = NAMES.iter().find(|(known, _)| *known == found);
        Err(self.instead_of(name.map_or("another algorithm", |(_, name)| name)))
    }

    fn instead_of(self, found: &'static str) -> KeyError {
        let (wanted, command) = match self {
            Self::Rsa => ("RSA", "genrsa -out key.pem 3072"),
            Self::P256 => {
                ("P-256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
            }
            Self::Ed25519 => ("Ed25519", "genpkey -algorithm ed25519 -out key.pem"),
        };
        KeyError::OtherAlgorithm { found, wanted, command }
    }
}

fn rsa_numbers(n: UintRef<'_>, e: UintRef<'_>) -> Result<DecodingKey, KeyError> {
    let (n, e) = (n.as_bytes(), e.as_bytes());
    let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
    if bits < MIN_RSA_BITS {
        return Err(KeyError::RsaTooShort);
    }
    // An RSA key has an odd modulus and an odd exponent, and the exponent is not one.
    let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    if !odd(n) || !odd(e) || e == [1] {
        return Err(KeyError::Damaged);
    }
    Ok(DecodingKey::from_rsa_raw_components(n, e))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The bytes before the point in the `SubjectPublicKeyInfo` of an uncompressed point on P-256.
    const P256_PREFIX: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];

    /// The bytes before the key in the `SubjectPublicKeyInfo` of an Ed25519 key.
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
    fn public_key_with_a_wrong_length_or_point_format_is_rejected() {
        let point = [7; 64];
        assert!(ec_public(&public(&[P256_PREFIX, &[4], &point])).is_ok());
        assert!(ed_public(&public(&[ED25519_PREFIX, &point[..32]])).is_ok());
        for bad in [
            public(&[P256_PREFIX]),
            public(&[P256_PREFIX, &[4], &point[..63]]),
            public(&[P256_PREFIX, &[4], &point, &[0]]),
            // The hybrid form. OpenSSL reads it, but it contains the same information twice.
            public(&[P256_PREFIX, &[6], &point]),
            public(&[ED25519_PREFIX, &point[..31]]),
            public(&[ED25519_PREFIX, &point[..33]]),
            public(&[]),
        ] {
            for refused in [ec_public(&bad).unwrap_err(), ed_public(&bad).unwrap_err()] {
                let other = matches!(refused, KeyError::OtherAlgorithm { .. });
                assert!(other || refused == KeyError::Damaged, "{refused}");
            }
        }
    }

    #[test]
    fn invalid_rsa_numbers_are_rejected() {
        let numbers = |n: &[u8], e: &[u8]| {
            rsa_numbers(UintRef::new(n).unwrap(), UintRef::new(e).unwrap()).map(drop)
        };
        let n = [0x7f; 257];
        assert_eq!(numbers(&n, &[1, 0, 1]), Ok(()));
        assert_eq!(numbers(&n[..255], &[1, 0, 1]), Err(KeyError::RsaTooShort));
        assert_eq!(numbers(&n, &[1]), Err(KeyError::Damaged));
        assert_eq!(numbers(&n, &[2]), Err(KeyError::Damaged));
        assert_eq!(numbers(&n, &[0]), Err(KeyError::Damaged));
        assert_eq!(numbers(&[&n[..256], &[2]].concat(), &[3]), Err(KeyError::Damaged));
        // Leading zeros do not make a number longer.
        assert_eq!(numbers(&[&[0; 100], &n[..200]].concat(), &[3]), Err(KeyError::RsaTooShort));
    }
}
