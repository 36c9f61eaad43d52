//! Invalid tokens for tests of rejections: any header with any payload, and any number of parts.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails at the first unexpected result")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};

/// Signs this header and this payload with HMAC-SHA-256 without checking their contents.
pub(crate) fn forge(header_json: &str, payload_json: &str, secret: &[u8]) -> String {
    seal(&segment(header_json), &segment(payload_json), secret)
}

/// Signs two encoded parts unchanged.
pub(crate) fn seal(header: &str, payload: &str, secret: &[u8]) -> String {
    let signed = format!("{header}.{payload}");
    let signature = hs256(signed.as_bytes(), secret);
    format!("{signed}.{signature}")
}

/// Returns a JSON object from `good` with members changed or added (`Some`, as JSON) or removed
/// (`None`).
pub(crate) fn object(good: &[(&str, &str)], changes: &[(&str, Option<&str>)]) -> String {
    let changed = |name: &str| changes.iter().any(|(change, _)| *change == name);
    let kept = good.iter().filter(|(name, _)| !changed(name)).copied();
    let added = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let members: Vec<_> =
        kept.chain(added).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// Encodes one part: base64url without padding.
pub(crate) fn segment(content: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(content)
}

/// Splits a token into its three encoded parts.
pub(crate) fn parts(token: &str) -> (&str, &str, &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    (header, payload, signature)
}

/// Decodes a part to text.
pub(crate) fn decoded(segment: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

fn hs256(message: &[u8], secret: &[u8]) -> String {
    // Selects the provider explicitly: with `--all-features` both are compiled in, and
    // jsonwebtoken's automatic choice then panics.
    let key = EncodingKey::from_secret(secret);
    let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &key).unwrap();
    segment(signer.try_sign(message).unwrap())
}
