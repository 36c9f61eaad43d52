//! Tokens that no honest issuer makes, for tests of what is refused: any header over any payload, any parts at all.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, EncodingKey};

/// Signs this header and this payload with HMAC-SHA-256, whatever they say.
pub(crate) fn forge(header_json: &str, payload_json: &str, secret: &[u8]) -> String {
    seal(&segment(header_json), &segment(payload_json), secret)
}

/// Signs two parts as they are.
pub(crate) fn seal(header: &str, payload: &str, secret: &[u8]) -> String {
    let signed = format!("{header}.{payload}");
    let signature = hs256(signed.as_bytes(), secret);
    format!("{signed}.{signature}")
}

/// A JSON object with members changed (`Some`, as JSON), added, or taken out (`None`).
pub(crate) fn object(good: &[(&str, &str)], changes: &[(&str, Option<&str>)]) -> String {
    let changed = |name: &str| changes.iter().any(|(change, _)| *change == name);
    let kept = good.iter().filter(|(name, _)| !changed(name)).copied();
    let added = changes.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
    let members: Vec<_> =
        kept.chain(added).map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// One part: base64url without padding.
pub(crate) fn segment(content: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(content)
}

/// The three parts of a token, still encoded.
pub(crate) fn parts(token: &str) -> (&str, &str, &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    (header, payload, signature)
}

/// What a part says, as text.
pub(crate) fn decoded(segment: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

fn hs256(message: &[u8], secret: &[u8]) -> String {
    // The provider by name: jsonwebtoken's own choice panics when both are compiled in, as with `--all-features`.
    let key = EncodingKey::from_secret(secret);
    let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &key).unwrap();
    segment(signer.try_sign(message).unwrap())
}
