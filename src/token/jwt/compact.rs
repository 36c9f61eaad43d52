//! The compact form of a JWS: three base64url parts, separated by dots (RFC 7515 section 7.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::token::MAX_TOKEN_LEN;

/// The three parts of a token, still encoded.
#[derive(Debug)]
pub(crate) struct Compact<'t> {
    pub(crate) header: &'t str,
    pub(crate) payload: &'t str,
    pub(crate) signature: &'t str,
    /// The signed text: header, dot, payload.
    pub(crate) signed: &'t str,
}

/// Splits a token into its parts, without decoding them.
///
/// Returns `None` if the token is too long, contains bytes outside of the alphabet, or does not
/// have three parts.
pub(crate) fn split(token: &str) -> Option<Compact<'_>> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_' | b'.');
    // The fold visits every byte, without an early exit, so that the compiler can check many bytes
    // in one step.
    if token.len() > MAX_TOKEN_LEN || !token.bytes().fold(true, |all, byte| all & allowed(byte)) {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let whole = !header.is_empty() && !payload.is_empty() && !signature.is_empty();
    (whole && !payload.contains('.')).then_some(Compact { header, payload, signature, signed })
}

/// Decodes one part. It must be UTF-8 in canonical base64url: no padding, and all spare bits zero.
pub(crate) fn decode(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Encodes one part.
pub(crate) fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_accepts_exactly_three_base64url_parts() {
        let parts = split("aA0.b-_.c").unwrap();
        assert_eq!((parts.header, parts.payload, parts.signature), ("aA0", "b-_", "c"));
        assert_eq!(parts.signed, "aA0.b-_");
        for bad in [
            "",
            ".",
            "..",
            "a",
            "a.b",
            "a.b.",
            ".b.c",
            "a..c",
            "a.b.c.d",
            "a.b.c.d.e",
            "a.b.c.",
            ".a.b.c",
            "a.b.c=",
            "a.b.c ",
            " a.b.c",
            "a.b\n.c",
            "a.b.c+",
            "a.b/.c",
            "a.b.ü",
            "a.b.c\0",
            "{}.b.c",
        ] {
            assert!(split(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn split_rejects_a_token_over_the_maximum_length() {
        let of = |len: usize| format!("a.{}.c", "b".repeat(len - 4));
        assert!(split(&of(MAX_TOKEN_LEN)).is_some());
        assert!(split(&of(MAX_TOKEN_LEN + 1)).is_none());
    }

    #[test]
    fn decode_accepts_only_canonical_base64url() {
        assert_eq!(decode("e30").unwrap(), "{}");
        // `e31` and `e3_` have the same data bits as `e30`, but their spare bits are not zero.
        for bad in ["e30=", "e31", "e3_", "e", "e3", "e30A=", "_w"] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }
}
