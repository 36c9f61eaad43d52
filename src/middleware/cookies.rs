//! Reads the value of one cookie from the request headers.

use http::HeaderMap;
use http::header::COOKIE;

use crate::error::{AuthError, AuthErrorKind, ConfigError};

/// Returns the value of the cookie `name` (RFC 6265 section 5.4), unchanged. Other cookies are
/// ignored and need not be well-formed.
///
/// Two cookies with this name are an error, even if their values are equal or they are in two
/// header fields. Such cookies were set for different paths or hosts, and the request does not show
/// which cookie belongs to which path or host.
///
/// # Errors
///
/// [`AuthError`] of the kind [`InvalidRequest`](AuthErrorKind::InvalidRequest) for two cookies with
/// this name.
pub(crate) fn cookie<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a [u8]>, AuthError> {
    let mut values = cookies(headers, name);
    match (values.next(), values.next()) {
        (found, None) => Ok(found),
        (_, Some(_)) => Err(AuthError::new(AuthErrorKind::InvalidRequest)),
    }
}

/// Returns the values of all cookies with this name, in the order of the request.
pub(crate) fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    // HTTP/2 may send each cookie in its own header field.
    let fields = headers.get_all(COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(move |pair| value(pair.trim_ascii(), name))
}

fn value<'a>(pair: &'a [u8], name: &str) -> Option<&'a [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

/// Checks that `name` is a cookie name that clients send back unchanged.
///
/// # Errors
///
/// [`ConfigError::OutOfRange`] if it is not.
pub(crate) fn checked_name(name: &str) -> Result<&str, ConfigError> {
    if !name.is_empty() && name.bytes().all(is_token_char) {
        return Ok(name);
    }
    let rule = "must be one or more letters, digits and !#$%&'*+-.^_`|~";
    Err(ConfigError::OutOfRange { setting: "cookie name", rule })
}

/// Returns whether `byte` is a `tchar` (RFC 9110 section 5.6.2). Cookie names and scheme names
/// consist of these characters.
pub(super) fn is_token_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(fields: &[&[u8]]) -> Result<Option<Vec<u8>>, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_bytes(field).unwrap());
        }
        let found = cookie(&headers, "t").map(|value| value.map(<[u8]>::to_vec));
        found.map_err(|error| error.kind())
    }

    #[test]
    fn cookie_is_found_among_other_cookies() {
        let fields: [&[&[u8]]; 8] = [
            &[b"t=v"],
            &[b"a=b; t=v; c=d"],
            &[b"a=b;t=v"],
            &[b"a=b; \t t=v ;"],
            &[b"a=b", b"t=v", b"c=d"],
            &[b"T=x; tt=x; xt=x; t=v; t; =t; t =x"],
            &[b"\xff\xfe;;;=; t=v"],
            &[b"a=\"; t=v; \""],
        ];
        for fields in fields {
            assert_eq!(read(fields), Ok(Some(b"v".to_vec())), "{fields:?}");
        }
    }

    #[test]
    fn cookie_value_is_returned_unchanged() {
        for value in ["", "a=b", "\"v\"", "%41", "a b", "a,t=b"] {
            let field = format!("t={value}");
            assert_eq!(read(&[field.as_bytes()]), Ok(Some(value.into())), "{value}");
        }
    }

    #[test]
    fn request_without_the_cookie_returns_none() {
        let fields: [&[&[u8]]; 5] = [&[], &[b""], &[b"a=b"], &[b"t"], &[b"T=v, t=v"]];
        for fields in fields {
            assert_eq!(read(fields), Ok(None), "{fields:?}");
        }
    }

    #[test]
    fn two_cookies_with_the_name_are_rejected_even_if_they_are_equal() {
        let fields: [&[&[u8]]; 4] =
            [&[b"t=v; t=v"], &[b"t=v", b"t=v"], &[b"t=v; a=b; t=w"], &[b"t=", b"t=v"]];
        for fields in fields {
            assert_eq!(read(fields), Err(AuthErrorKind::InvalidRequest), "{fields:?}");
        }
    }
}
