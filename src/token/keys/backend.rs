//! The cryptography backend. This is the only module that depends on the cryptography features of
//! this crate.
//!
//! jsonwebtoken has two features that each turn on a backend, and chooses a process-wide provider
//! by these features. If both or neither of them are turned on, jsonwebtoken panics at the first
//! use of the provider. This library never uses that provider. With the feature `aws-lc-rs` (on by
//! default), this library calls the crate `aws-lc-rs` directly. This library turns on no feature of
//! jsonwebtoken, so the application's own use of jsonwebtoken is unaffected. Without the feature
//! `aws-lc-rs`, this library calls the backend that the application has turned on in jsonwebtoken,
//! if there is one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use crate::error::KeyError;

#[cfg(feature = "aws-lc-rs")]
#[path = "backend/own.rs"]
mod chosen;
#[cfg(not(feature = "aws-lc-rs"))]
#[path = "backend/theirs.rs"]
mod chosen;

/// Returns whether this build has a usable backend. Without one, no key can sign or verify.
pub(crate) fn is_present() -> bool {
    chosen::is_present()
}

/// Signs a message. Returns the signature as base64url text.
pub(crate) fn sign(
    message: &[u8],
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(chosen::sign(message, key, algorithm)?))
}

/// Returns whether `signature`, in canonical base64url, is this key's signature of `message`.
///
/// An error means that the key itself does not work.
pub(crate) fn verify(
    signature: &str,
    message: &[u8],
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Result<bool, Error> {
    // The signature is decoded here, not only in jsonwebtoken, so that every backend requires
    // canonical encoding.
    let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else {
        return Ok(false);
    };
    chosen::verify(&signature, message, key, algorithm)
}

/// Derives the public half of a private ES256 key.
pub(crate) fn ec_public(key: &EncodingKey) -> Result<DecodingKey, KeyError> {
    if !is_present() {
        return Err(KeyError::CryptoBackend);
    }
    chosen::ec_public(key).map(|point| DecodingKey::from_ec_der(&point)).ok_or(KeyError::Damaged)
}

/// Derives the public half of a private Ed25519 key.
pub(crate) fn ed_public(key: &EncodingKey) -> Result<DecodingKey, KeyError> {
    if !is_present() {
        return Err(KeyError::CryptoBackend);
    }
    chosen::ed_public(key).map(|point| DecodingKey::from_ed_der(&point)).ok_or(KeyError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_key_cannot_be_used_as_a_secret() {
        let point = [4; 65];
        let secret = EncodingKey::from_secret(&point);
        let signature = sign(b"message", &secret, Algorithm::HS256).unwrap();
        let verify = |key| verify(&signature, b"message", &key, Algorithm::HS256);
        assert!(verify(DecodingKey::from_secret(&point)).unwrap());
        assert!(verify(DecodingKey::from_ec_der(&point)).is_err());
    }

    #[test]
    fn crypto_backend_is_present() {
        assert!(is_present());
    }

    // RFC 7515 appendix A.1.
    #[test]
    fn the_hs256_example_of_rfc_7515_verifies() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let signed = sign(message, &EncodingKey::from_secret(&key), Algorithm::HS256).unwrap();
        assert_eq!(signed, signature);

        let key = DecodingKey::from_secret(&key);
        assert!(verify(signature, message, &key, Algorithm::HS256).unwrap());
        // The whole MAC is compared. A part of it, a longer value and an empty value are rejected.
        for wrong in ["", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjQ", "dBjf"] {
            assert!(!verify(wrong, message, &key, Algorithm::HS256).unwrap(), "{wrong}");
        }
        let longer = format!("{}AA", URL_SAFE_NO_PAD.encode([7; 33]));
        assert!(!verify(&longer, message, &key, Algorithm::HS256).unwrap());
    }

    // RFC 7515 appendix A.3.
    #[test]
    fn the_es256_example_of_rfc_7515_verifies() {
        let key = DecodingKey::from_ec_components(
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        )
        .unwrap();
        let message = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert!(verify(signature, message, &key, Algorithm::ES256).unwrap());
        assert!(!verify(signature, b"another", &key, Algorithm::ES256).unwrap());
        // CVE-2022-21449: r = s = 0 is not a valid signature of any message.
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        assert!(!verify(&zeros, message, &key, Algorithm::ES256).unwrap());
    }

    // RFC 8037 appendix A.4.
    #[test]
    fn the_eddsa_example_of_rfc_8037_verifies() {
        let key =
            DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert!(verify(signature, message, &key, Algorithm::EdDSA).unwrap());
        assert!(!verify(signature, b"another", &key, Algorithm::EdDSA).unwrap());
    }

    #[test]
    fn signature_in_non_canonical_base64_is_rejected() {
        let key = DecodingKey::from_secret(&[7; 32]);
        let good = sign(b"m", &EncodingKey::from_secret(&[7; 32]), Algorithm::HS256).unwrap();
        assert!(verify(&good, b"m", &key, Algorithm::HS256).unwrap());
        assert!(!verify(&format!("{good}="), b"m", &key, Algorithm::HS256).unwrap());
        // The last of the 43 characters has two spare bits, which must be zero. The next character
        // of the base64url alphabet differs only in these bits, so it decodes to the same MAC.
        let last = good.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).unwrap();
        let twin = format!("{}{}", &good[..42], &alphabet[at + 1..=at + 1]);
        assert!(!verify(&twin, b"m", &key, Algorithm::HS256).unwrap());
    }
}
