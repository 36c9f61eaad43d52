//! HMAC secrets that are not secret and are therefore rejected.

use crate::error::KeyError;

/// The minimum length of a secret, in bytes. RFC 7518 section 3.2: at least as long as the hash.
const MIN_LEN: usize = 32;

/// The longest text, in bytes, whose repetition is rejected. `your-256-bit-secret` has 19 bytes.
const MAX_PERIOD: usize = 20;

/// Publicly known secrets, in lower case, with `-` in place of `_` and spaces.
const KNOWN: &[&str] = &[
    // jwt.io
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    // RFC 7515 appendix A.1
    "aym1sysppbydfgzld3umj1qzkobwvmkoqq-estjqlr-t-1qs0gzh75aktmn3yj0ips4hcguutwjazzr1z9caow",
    // FastAPI's tutorial
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // Spring tutorials
    "404e635266556a586e3272357538782f413f4428472b4b6250645367566b5970",
    // keyboards and alphabets
    "0123456789abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "abcdefghijklmnopqrstuvwxyz123456",
    "abcdefghijklmnopqrstuvwxyzabcdef",
    "qwertyuiopasdfghjklzxcvbnm123456",
];

/// Phrases of placeholders in tutorials and env files, in the same spelling as [`KNOWN`].
const PLACEHOLDERS: &[&str] = &[
    "at-least-32-char",
    "at-least-256-bit",
    "change-in-prod",
    "change-it",
    "change-me",
    "change-this",
    "changeme",
    "changethis",
    "django-insecure",
    "replace-me",
    "replace-this",
    "replace-with",
    "your-256-bit",
    "your-jwt-secret",
    "your-secret",
    "your-super-secret",
    "your-very-secret",
    "yoursecret",
];

/// Rejects a secret that is too short, publicly known, a placeholder, a repetition of a short text,
/// or a PEM file.
pub(crate) fn check(secret: &[u8]) -> Result<(), KeyError> {
    if secret.windows(10).any(|part| part == b"-----BEGIN") {
        return Err(KeyError::SecretIsPem);
    }
    if secret.len() < MIN_LEN {
        return Err(KeyError::SecretTooShort);
    }
    let secret = secret.trim_ascii();
    let known = KNOWN.iter().any(|known| same(secret, known))
        || PLACEHOLDERS.iter().any(|phrase| secret.windows(phrase.len()).any(|w| same(w, phrase)))
        || (1..=MAX_PERIOD).any(|period| repeats(secret, period));
    if known { Err(KeyError::SecretKnown) } else { Ok(()) }
}

// Compares byte by byte, so that no second copy of the secret remains in memory.
fn same(secret: &[u8], text: &str) -> bool {
    let spelled = secret.iter().map(|byte| match byte {
        b'_' | b' ' => b'-',
        byte => byte.to_ascii_lowercase(),
    });
    spelled.eq(text.bytes())
}

/// Returns whether the secret is a repetition of its first `period` bytes.
fn repeats(secret: &[u8], period: usize) -> bool {
    secret.iter().zip(secret.iter().skip(period)).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_shorter_than_the_hash_is_rejected() {
        let random = *b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";
        assert_eq!(check(&random), Ok(()));
        assert_eq!(check(&random[..31]), Err(KeyError::SecretTooShort));
        assert_eq!(check(b""), Err(KeyError::SecretTooShort));
    }

    #[test]
    fn well_known_secrets_are_rejected() {
        for known in [
            "a-string-secret-at-least-256-bits-long",
            "A_STRING_SECRET_AT_LEAST_256_BITS_LONG",
            "your-256-bit-secretyour-256-bit-secret",
            "your-super-secret-jwt-token-with-at-least-32-characters-long",
            "super-secret-jwt-token-with-at-least-32-characters-long",
            "your-secret-key-change-in-production",
            "your_secret_key_change_in_production_please",
            "please change this to a long random string",
            "django-insecure-4$k2^9!x7@z0#q8w&e1r5t(y3u)i6o*p",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            "secretsecretsecretsecretsecretsecret",
            "0123456789abcdef0123456789abcdef",
            "12345678901234567890123456789012",
            "                                 ",
        ] {
            assert_eq!(check(known.as_bytes()), Err(KeyError::SecretKnown), "{known}");
        }
        assert_eq!(check(&[0; 64]), Err(KeyError::SecretKnown));
    }

    #[test]
    fn pem_text_as_a_secret_is_rejected() {
        for pem in [
            include_bytes!("../../../tests/keys/rsa.pub.pem").as_slice(),
            include_bytes!("../../../tests/keys/ed25519.pub.pem"),
            b"  -----BEGIN PUBLIC KEY-----",
        ] {
            assert_eq!(check(pem), Err(KeyError::SecretIsPem));
        }
    }
}
