//! Which files make which keys, and that a key then works with its one algorithm only.

use jsonwebtoken::{Algorithm, EncodingKey};

use super::forge::{SECRET, claims, forge, header, now, settings, signed};
use super::keys::{SigningKey, VerifyingKey};
use super::policy::Policy;
use super::set::KeySet;
use super::verify::Expiry;
use super::{backend, jws};
use crate::error::KeyError;

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
        let signed =
            format!("{}.{}", jws::encode(header(&[("alg", Some(alg))])), jws::encode(claims(&[])));
        let mac = backend::sign(signed.as_bytes(), &secret, Algorithm::HS256).unwrap();
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
