//! Key files: the shapes of them that are taken, and the public numbers in them.
//!
//! jsonwebtoken takes any PEM text from which it can dig a bit string: a certificate, a public key as a private one, a
//! point on another curve. Here a key file is what its first line says, and the rest of it is as that line demands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{DecodingKey, EncodingKey};

use crate::error::KeyError;

const MIN_RSA_BITS: usize = 2048;

/// What comes before the two coordinates in each `SubjectPublicKeyInfo` with an uncompressed point on P-256: the lengths,
/// `id-ecPublicKey`, `prime256v1`, and the start of the bit string. The 04 of the point is part of the key.
const P256_PREFIX: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The same for Ed25519.
const ED25519_PREFIX: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A private RSA key (PKCS#8 or PKCS#1) and its public half.
pub(super) fn rsa_private(pem: &[u8]) -> Result<(EncodingKey, DecodingKey), KeyError> {
    labelled(pem, &["PRIVATE KEY", "RSA PRIVATE KEY"])?;
    let key = EncodingKey::from_rsa_pem(pem).map_err(|_| KeyError::Pem)?;
    let mut numbers = sequence(key.as_bytes()).ok_or(KeyError::Pem)?;
    // The version: zero says that there are two primes.
    if integer(&mut numbers) != Some(&[]) {
        return Err(KeyError::Pem);
    }
    let public = rsa_numbers(numbers)?;
    Ok((key, public))
}

/// A public RSA key (`SubjectPublicKeyInfo` or PKCS#1).
pub(super) fn rsa_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    labelled(pem, &["PUBLIC KEY", "RSA PUBLIC KEY"])?;
    let key = DecodingKey::from_rsa_pem(pem).map_err(|_| KeyError::Pem)?;
    let der = key.try_get_as_bytes().map_err(|_| KeyError::Pem)?;
    rsa_numbers(sequence(der).ok_or(KeyError::Pem)?)
}

/// A private EC key (PKCS#8); its curve shows when the public half is derived.
pub(super) fn ec_private(pem: &[u8]) -> Result<EncodingKey, KeyError> {
    labelled(pem, &["PRIVATE KEY"])?;
    EncodingKey::from_ec_pem(pem).map_err(|_| KeyError::Pem)
}

/// A public P-256 key, uncompressed, as OpenSSL writes it.
pub(super) fn ec_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    labelled(pem, &["PUBLIC KEY"])?;
    let der = contents(pem).ok_or(KeyError::Pem)?;
    match der.strip_prefix(P256_PREFIX) {
        Some(point @ [4, ..]) if point.len() == 65 => Ok(DecodingKey::from_ec_der(point)),
        _ => Err(KeyError::Pem),
    }
}

/// A private Ed25519 key (PKCS#8).
pub(super) fn ed_private(pem: &[u8]) -> Result<EncodingKey, KeyError> {
    labelled(pem, &["PRIVATE KEY"])?;
    EncodingKey::from_ed_pem(pem).map_err(|_| KeyError::Pem)
}

/// A public Ed25519 key.
pub(super) fn ed_public(pem: &[u8]) -> Result<DecodingKey, KeyError> {
    labelled(pem, &["PUBLIC KEY"])?;
    let der = contents(pem).ok_or(KeyError::Pem)?;
    match der.strip_prefix(ED25519_PREFIX) {
        Some(point) if point.len() == 32 => Ok(DecodingKey::from_ed_der(point)),
        _ => Err(KeyError::Pem),
    }
}

/// Whether the text starts with the line of one of these labels.
fn labelled(pem: &[u8], labels: &[&str]) -> Result<(), KeyError> {
    let rest = pem.strip_prefix(b"-----BEGIN ").ok_or(KeyError::Pem)?;
    let label_ends = |label: &&str| {
        rest.strip_prefix(label.as_bytes()).is_some_and(|rest| rest.starts_with(b"-----"))
    };
    if labels.iter().any(label_ends) { Ok(()) } else { Err(KeyError::Pem) }
}

/// The bytes between the first two marker lines.
fn contents(pem: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(pem).ok()?;
    let (_, body) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let (body, _) = body.split_once("-----END ")?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).ok()
}

fn rsa_numbers(mut numbers: &[u8]) -> Result<DecodingKey, KeyError> {
    let n = integer(&mut numbers).ok_or(KeyError::Pem)?;
    let e = integer(&mut numbers).ok_or(KeyError::Pem)?;
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

/// What is inside a DER sequence.
fn sequence(mut der: &[u8]) -> Option<&[u8]> {
    element(&mut der, 0x30)
}

/// Takes a non-negative DER integer, without leading zeros: empty for zero.
fn integer<'a>(der: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut bytes = element(der, 0x02)?;
    if bytes.first().is_none_or(|byte| *byte >= 0x80) {
        return None;
    }
    while let Some(rest) = bytes.strip_prefix(&[0]) {
        bytes = rest;
    }
    Some(bytes)
}

/// Takes one DER element with this tag, of at most 65 535 bytes.
fn element<'a>(der: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (len, rest) = match *der {
        [first, len @ 0..=0x7f, rest @ ..] if *first == tag => (usize::from(*len), rest),
        [first, 0x81, len, rest @ ..] if *first == tag => (usize::from(*len), rest),
        [first, 0x82, high, low, rest @ ..] if *first == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    let (inside, after) = rest.split_at_checked(len)?;
    *der = after;
    Some(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(der: &[&[u8]]) -> Vec<u8> {
        let body = STANDARD.encode(der.concat());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n").into_bytes()
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
    fn der_that_promises_more_than_there_is_yields_nothing() {
        for bad in [
            &[0x02][..],
            &[0x02, 1],
            &[0x02, 0x81],
            &[0x02, 0x82, 0xff, 0xff, 1],
            &[0x02, 0x84, 0, 0, 0, 1, 1],
            &[0x02, 0x80, 1, 0, 0],
            &[0x02, 0],
            &[0x02, 1, 0x80],
            &[0x03, 1, 1],
        ] {
            assert_eq!(integer(&mut &*bad), None, "{bad:?}");
        }
        let mut two: &[u8] = &[0x02, 2, 0, 0xff, 0x02, 1, 0];
        assert_eq!(integer(&mut two), Some(&[0xff][..]));
        assert_eq!(integer(&mut two), Some(&[][..]));
        assert_eq!(integer(&mut two), None);
    }

    #[test]
    fn numbers_that_make_no_rsa_key_are_refused() {
        let numbers = |n: &[u8], e: &[u8]| {
            let int = |n: &[u8]| {
                let len = u16::try_from(n.len()).unwrap().to_be_bytes();
                [&[0x02, 0x82], &len[..], n].concat()
            };
            rsa_numbers(&[int(n), int(e)].concat()).map(drop)
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
