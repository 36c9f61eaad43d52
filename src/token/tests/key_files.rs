//! Tests which files yield which keys, and that each key works only with its one algorithm.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, EncodingKey};

use super::forge::{SECRET, claims, forge, header, now, settings, signed};
use crate::error::KeyError;
use crate::token::jwt::compact;
use crate::token::jwt::policy::Policy;
use crate::token::keys::backend;
use crate::token::keys::key_set::KeySet;
use crate::token::keys::{SigningKey, VerifyingKey};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/keys/", $name)).as_slice()
    };
}

type Signing = fn(&str, &[u8]) -> Result<SigningKey, KeyError>;
type Verifying = fn(&str, &[u8]) -> Result<VerifyingKey, KeyError>;

const PRIVATE: [(&str, Signing, &[u8]); 5] = [
    ("RS256", SigningKey::rs256_pem, file!("rsa.pem")),
    ("RS256", SigningKey::rs256_pem, file!("rsa-pkcs1.pem")),
    ("ES256", SigningKey::es256_pem, file!("p256.pem")),
    ("ES256", SigningKey::es256_pem, file!("p256-sec1.pem")),
    ("EdDSA", SigningKey::eddsa_pem, file!("ed25519.pem")),
];
// The first five rows hold the public keys of the keys in `PRIVATE`, in the same order. The other
// rows hold certificates of some of these keys.
const PUBLIC: [(Verifying, &[u8]); 8] = [
    (VerifyingKey::rs256_pem, file!("rsa.pub.pem")),
    (VerifyingKey::rs256_pem, file!("rsa-pkcs1.pub.pem")),
    (VerifyingKey::es256_pem, file!("p256.pub.pem")),
    (VerifyingKey::es256_pem, file!("p256.crt.pem")),
    (VerifyingKey::eddsa_pem, file!("ed25519.pub.pem")),
    (VerifyingKey::rs256_pem, file!("rsa.crt.pem")),
    (VerifyingKey::es256_pem, file!("p256.crt.pem")),
    (VerifyingKey::eddsa_pem, file!("ed25519.crt.pem")),
];

#[test]
fn token_verifies_with_the_private_and_with_the_public_key() {
    let elsewhere = || KeySet::new(SigningKey::hs256("hs", SECRET).unwrap());
    for ((name, private, pem), (public, public_pem)) in PRIVATE.into_iter().zip(PUBLIC) {
        let key = private("k1", pem).unwrap();
        assert_eq!(key.algorithm().as_str(), name);
        let policy = Policy::new(settings(key.clone())).unwrap();
        let token = signed(&policy, None);
        assert!(policy.verify(&token, now()).is_ok(), "{name}");

        for half in [public("k1", public_pem).unwrap(), key.verifying_key()] {
            let policy = policy.with_keys(elsewhere().also_verify(half)).unwrap();
            assert!(policy.verify(&token, now()).is_ok(), "{name}");
        }
    }
}

#[test]
fn key_rejects_tokens_of_other_algorithms() {
    let secret = SigningKey::hs256("k1", SECRET).unwrap();
    let all = PRIVATE.map(|(_, private, pem)| private("k1", pem).unwrap());
    for key in &all {
        let policy = Policy::new(settings(key.clone())).unwrap();
        for signer in all.iter().chain([&secret]).filter(|s| s.algorithm() != key.algorithm()) {
            for claimed in [signer.algorithm(), key.algorithm()] {
                let alg = format!("\"{claimed}\"");
                let token = forge(signer, header(&[("alg", Some(&alg))]), claims(&[]));
                let verified = policy.verify(&token, now());
                assert!(verified.is_err(), "{key:?} {signer:?} {claimed}");
            }
        }
    }
}

// CVE-2016-5431 and related attacks.
#[test]
fn public_key_is_rejected_as_an_hmac_secret() {
    for pem in [file!("rsa.pub.pem"), file!("p256.pub.pem"), file!("rsa.pem")] {
        assert_eq!(SigningKey::hs256("k1", pem).unwrap_err(), KeyError::SecretIsPem);
    }
    let rsa = Policy::new(settings(SigningKey::rs256_pem("k1", file!("rsa.pem")).unwrap()));
    let rsa = rsa.unwrap();
    let secret = EncodingKey::from_secret(file!("rsa.pub.pem"));
    for alg in ["\"HS256\"", "\"RS256\""] {
        let signed = format!(
            "{}.{}",
            compact::encode(header(&[("alg", Some(alg))])),
            compact::encode(claims(&[]))
        );
        let mac = backend::sign(signed.as_bytes(), &secret, Algorithm::HS256).unwrap();
        assert!(rsa.verify(&format!("{signed}.{mac}"), now()).is_err());
    }
}

#[test]
fn kid_rejects_empty_long_and_invisible_text() {
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

fn other(found: &str, refused: KeyError) -> bool {
    matches!(refused, KeyError::OtherAlgorithm { found: other, .. } if other == found)
}

#[test]
fn each_defect_of_a_private_key_file_has_its_own_error() {
    let files = [
        ("public", KeyError::PublicKey, file!("rsa.pub.pem")),
        ("public, PKCS#1", KeyError::PublicKey, file!("rsa-pkcs1.pub.pem")),
        ("public, P-256", KeyError::PublicKey, file!("p256.pub.pem")),
        ("public, Ed25519", KeyError::PublicKey, file!("ed25519.pub.pem")),
        ("certificate", KeyError::Certificate, file!("rsa.crt.pem")),
        ("encrypted", KeyError::Encrypted, file!("rsa-encrypted.pem")),
        ("encrypted, PKCS#1", KeyError::Encrypted, file!("rsa-pkcs1-encrypted.pem")),
        ("OpenSSH", KeyError::OpenSsh, file!("openssh.pem")),
        ("empty", KeyError::NotPem, b""),
        ("not PEM", KeyError::NotPem, b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo"),
        ("no key", KeyError::NotPem, b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n"),
        ("no end", KeyError::NotPem, b"-----BEGIN PRIVATE KEY-----"),
        (
            "damaged",
            KeyError::Damaged,
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ),
        (
            "not base64",
            KeyError::Damaged,
            b"-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----\n",
        ),
    ];
    let others = [
        ("RSA-PSS", file!("rsa-pss.pem")),
        ("P-384", file!("p384.pem")),
        ("P-384", file!("p384-sec1.pem")),
        ("secp256k1", file!("secp256k1.pem")),
        ("Ed448", file!("ed448.pem")),
        ("RSA", file!("rsa.pem")),
        ("RSA", file!("rsa-pkcs1.pem")),
        ("P-256", file!("p256.pem")),
        ("P-256", file!("p256-sec1.pem")),
        ("Ed25519", file!("ed25519.pem")),
    ];
    for (algorithm, private, _) in PRIVATE {
        for (name, error, pem) in &files {
            assert_eq!(private("k1", pem).unwrap_err(), *error, "{name} as {algorithm}");
        }
        let own = match algorithm {
            "RS256" => "RSA",
            "ES256" => "P-256",
            _ => "Ed25519",
        };
        for (found, pem) in others.iter().filter(|(found, _)| *found != own) {
            let refused = private("k1", pem).unwrap_err();
            assert!(other(found, refused), "{found} as {algorithm}: {refused}");
        }
    }
}

#[test]
fn each_defect_of_a_public_key_file_has_its_own_error() {
    let files = [
        ("private", KeyError::PrivateKey, file!("rsa.pem")),
        ("private, PKCS#1", KeyError::PrivateKey, file!("rsa-pkcs1.pem")),
        ("private, P-256", KeyError::PrivateKey, file!("p256.pem")),
        ("private, Ed25519", KeyError::PrivateKey, file!("ed25519.pem")),
        ("empty", KeyError::NotPem, b""),
        ("no end", KeyError::NotPem, b"-----BEGIN PUBLIC KEY-----"),
    ];
    let others = [
        ("P-384", file!("p384.pub.pem")),
        ("secp256k1", file!("secp256k1.pub.pem")),
        ("Ed448", file!("ed448.pub.pem")),
        ("RSA", file!("rsa.pub.pem")),
        ("RSA", file!("rsa-pkcs1.pub.pem")),
        ("RSA", file!("rsa.crt.pem")),
        ("P-256", file!("p256.pub.pem")),
        ("P-256", file!("p256.crt.pem")),
        ("Ed25519", file!("ed25519.pub.pem")),
        ("Ed25519", file!("ed25519.crt.pem")),
    ];
    for (own, public) in [
        ("RSA", VerifyingKey::rs256_pem as Verifying),
        ("P-256", VerifyingKey::es256_pem),
        ("Ed25519", VerifyingKey::eddsa_pem),
    ] {
        for (name, error, pem) in &files {
            assert_eq!(public("k1", pem).unwrap_err(), *error, "{name} as {own}");
        }
        for (found, pem) in others.iter().filter(|(found, _)| *found != own) {
            let refused = public("k1", pem).unwrap_err();
            assert!(other(found, refused), "{found} as {own}: {refused}");
        }
    }
    let compressed = VerifyingKey::es256_pem("k1", file!("p256-compressed.pub.pem"));
    assert_eq!(compressed.unwrap_err(), KeyError::Compressed);
}

#[test]
fn each_key_file_error_names_a_command_that_fixes_it() {
    let errors = [
        KeyError::NotPem,
        KeyError::Encrypted,
        KeyError::OpenSsh,
        KeyError::Certificate,
        KeyError::PublicKey,
        KeyError::PrivateKey,
        KeyError::Compressed,
        KeyError::Damaged,
        KeyError::RsaTooShort,
        SigningKey::es256_pem("k1", file!("p384.pem")).unwrap_err(),
        SigningKey::rs256_pem("k1", file!("p256.pem")).unwrap_err(),
        SigningKey::eddsa_pem("k1", file!("ed448.pem")).unwrap_err(),
    ];
    let texts: HashSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), errors.len());
    for text in texts {
        assert!(text.contains("`openssl ") && text.lines().count() == 1, "{text}");
    }
    let converts = KeyError::OpenSsh.to_string();
    assert!(converts.contains("`ssh-keygen -p -N \"\" -m PKCS8 -f key.pem`"), "{converts}");
    for (private, command) in [
        (SigningKey::rs256_pem as Signing, "`openssl genrsa -out key.pem 3072`"),
        (
            SigningKey::es256_pem,
            "`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem`",
        ),
        (SigningKey::eddsa_pem, "`openssl genpkey -algorithm ed25519 -out key.pem`"),
    ] {
        let makes = private("k1", file!("ed448.pem")).unwrap_err().to_string();
        assert!(makes.ends_with(command), "{makes}");
    }
}

/// Returns the file in other forms that tools and people write. OpenSSL reads all of them.
fn rewritten(pem: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = str::from_utf8(pem).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let (first, last) = (lines[0], lines[lines.len() - 1]);
    let body = lines[1..lines.len() - 1].concat();
    let width = |width: usize| {
        let body: Vec<_> =
            body.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("{first}\n{}\n{last}\n", body.join("\n"))
    };
    let forms = [
        ("CRLF", text.replace('\n', "\r\n")),
        ("a blank line in front", format!("\n{text}")),
        ("a blank line behind", format!("{text}\n\n")),
        ("a blank line within", text.replacen("-----\n", "-----\n\n", 1)),
        ("no line end", text.trim_end().to_owned()),
        ("76 characters a line", width(76)),
        ("48 characters a line", width(48)),
        ("one line", width(usize::MAX)),
        ("text in front", format!("Bag Attributes\n    friendlyName: k1\n{text}")),
        ("text behind", format!("{text}# rotated in May\n")),
        ("spaces at line ends", text.replace('\n', "  \n")),
    ];
    forms.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

#[test]
fn key_file_is_read_in_every_form_that_openssl_reads() {
    for (algorithm, private, pem) in PRIVATE {
        for (form, pem) in rewritten(pem) {
            let key = private("k1", &pem).unwrap_or_else(|e| panic!("{algorithm}, {form}: {e}"));
            assert!(KeySet::new(key).self_test().is_ok(), "{algorithm}, {form}");
        }
    }
    for (public, pem) in PUBLIC {
        for (form, pem) in rewritten(pem) {
            assert!(public("k1", &pem).is_ok(), "{form}");
        }
    }
}

#[test]
fn key_is_found_in_a_file_with_several_pem_blocks() {
    let (certificate, private) = (file!("rsa.crt.pem"), file!("rsa.pem"));
    for both in [[certificate, private].concat(), [private, certificate].concat()] {
        assert!(SigningKey::rs256_pem("k1", &both).is_ok());
        assert!(VerifyingKey::rs256_pem("k1", &both).is_ok());
    }
    assert!(SigningKey::es256_pem("k1", file!("p256-sec1-parameters.pem")).is_ok());
}

#[test]
fn short_rsa_key_is_rejected_as_private_and_as_public_key() {
    let private = SigningKey::rs256_pem("k1", file!("rsa-1024.pem"));
    assert_eq!(private.unwrap_err(), KeyError::RsaTooShort);
    let public = VerifyingKey::rs256_pem("k1", file!("rsa-1024.pub.pem"));
    assert_eq!(public.unwrap_err(), KeyError::RsaTooShort);
}

#[test]
fn damaged_key_file_never_panics() {
    let mut survivors = 0;
    for (_, private, pem) in PRIVATE {
        // Test each byte of the short files, but only a sample of the long files, which are slow.
        for at in (0..pem.len()).step_by((pem.len() / 120).max(1)) {
            assert!(private("k1", &pem[..at]).is_err() || at + 2 > pem.len(), "{at}");
            for with in [b'A', b'/', b'\n', 0xff] {
                let mut damaged = pem.to_vec();
                damaged[at] = with;
                // A damaged file may still parse as a key. The self-test shows whether that key
                // works.
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
    }
    assert!(survivors > 0);
}

#[test]
fn debug_output_hides_key_material() {
    let key = SigningKey::hs256("k1", SECRET).unwrap();
    let text = format!("{key:?} {:?}", key.verifying_key());
    assert!(text.contains("k1") && text.contains("Hs256"), "{text}");
    assert!(!text.contains("7Xvp") && !text.contains("55, 88"), "{text}");
}
