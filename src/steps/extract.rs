//! Request headers to token text.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::error::{AuthError, AuthErrorKind};

const SCHEME: &str = "Bearer";

/// Reads the one `Authorization: Bearer` value (RFC 6750 section 2.1).
///
/// Two `Authorization` fields are refused: which of them counts would depend on which hop is asked. Another scheme is
/// no bearer token at all; whatever starts as `Bearer` and goes on wrongly is a bad one. For handlers outside of a layer,
/// such as a logout; nothing of the token itself is checked.
///
/// # Errors
///
/// [`AuthError`] of the kind [`MissingToken`](AuthErrorKind::MissingToken),
/// [`InvalidRequest`](AuthErrorKind::InvalidRequest) or [`InvalidToken`](AuthErrorKind::InvalidToken).
pub fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    str::from_utf8(credential(headers)?).map_err(|_| AuthError::new(AuthErrorKind::InvalidToken))
}

/// The same, as it came.
pub(crate) fn credential(headers: &HeaderMap) -> Result<&[u8], AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes(),
        (None, _) => return Err(AuthError::new(AuthErrorKind::MissingToken)),
        (Some(_), Some(_)) => return Err(AuthError::new(AuthErrorKind::InvalidRequest)),
    };
    // As nearly all clients write it.
    if let Some(token @ [first, ..]) = value.strip_prefix(b"Bearer ")
        && *first != b' '
    {
        return Ok(token);
    }
    let scheme_end = value.iter().position(|byte| !is_token_char(*byte)).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(scheme_end);
    if !scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) {
        return Err(AuthError::new(AuthErrorKind::MissingToken));
    }
    // One space or more stands between scheme and token; a tab does not.
    let start = rest.iter().position(|byte| *byte != b' ').filter(|spaces| *spaces > 0);
    let token = start.and_then(|start| rest.get(start..));
    token.ok_or_else(|| AuthError::new(AuthErrorKind::InvalidToken))
}

/// `tchar` of RFC 9110 section 5.6.2: what a scheme's name consists of.
fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]]) -> Result<String, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        bearer(&headers).map(str::to_owned).map_err(|error| error.kind())
    }

    #[test]
    fn the_scheme_is_case_insensitive_and_followed_by_spaces() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR    a.b.c"] {
            assert_eq!(read(&[value.as_bytes()]).as_deref(), Ok("a.b.c"), "{value}");
        }
    }

    #[test]
    fn what_is_no_bearer_credential_counts_as_none() {
        for value in [
            "",
            "Basic dTpw",
            "DPoP a.b.c",
            "Bearerx a.b.c",
            "Bearer-x a",
            "a.b.c",
            " Bearer a.b.c",
        ] {
            assert_eq!(read(&[value.as_bytes()]), Err(AuthErrorKind::MissingToken), "{value:?}");
        }
        assert_eq!(read(&[]), Err(AuthErrorKind::MissingToken));
    }

    #[test]
    fn a_bearer_credential_that_goes_on_wrongly_is_a_bad_one() {
        let bad: [&[u8]; 6] =
            [b"Bearer", b"Bearer ", b"Bearer\ta.b.c", b"Bearer,a", b"Bearer \xff", b"Bearer=a"];
        for value in bad {
            assert_eq!(read(&[value]), Err(AuthErrorKind::InvalidToken), "{value:?}");
        }
    }

    #[test]
    fn two_fields_are_refused_even_when_they_agree() {
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]), Err(AuthErrorKind::InvalidRequest));
        assert_eq!(read(&[b"Basic dTpw", b"Bearer a.b.c"]), Err(AuthErrorKind::InvalidRequest));
    }
}
