//! Reads the token text from the request headers.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;

#[cfg(feature = "routes")]
use super::cookies::cookies;
use super::cookies::{checked_name, cookie, is_token_char};
use crate::error::{AuthError, AuthErrorKind, ConfigError};

const SCHEME: &str = "Bearer";

/// The places where a layer looks for the access token of a request: only the `Authorization`
/// header (the default), or also a cookie. Cheap to clone.
///
/// # Tokens in a cookie
///
/// A cookie works for pages without scripts, because the browser adds it to each request itself.
/// The browser also adds it to a request that another site caused. **If a layer reads a cookie,
/// every route that changes something or opens a WebSocket needs protection against cross-site
/// requests.** Put a [`SameOriginLayer`](crate::same_origin::SameOriginLayer) around these routes,
/// and set `SameSite` on the cookie. The library's own [routes](crate::routes) already do both.
///
/// ```
/// use axum::Router;
/// use axum::routing::post;
/// use tower_session_auth::error::ConfigError;
/// use tower_session_auth::same_origin::SameOriginLayer;
/// use tower_session_auth::{Session, SessionAuthLayer, SessionManager, TokenSource};
///
/// async fn order(session: Session) -> String {
///     format!("thank you, {}", session.user_id())
/// }
///
/// fn app(manager: SessionManager) -> Result<Router, ConfigError> {
///     let source = TokenSource::header_or_cookie("__Host-access_token")?;
///     Ok(Router::new()
///         .route("/orders", post(order))
///         .layer(SessionAuthLayer::new(manager).token_source(source))
///         .layer(SameOriginLayer::new())) // outside: what another site sends is not even looked at
/// }
/// # let _ = app;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSource {
    cookie: Option<Arc<str>>,
}

impl TokenSource {
    /// Reads only the header. This is the default of a layer.
    #[must_use]
    pub fn header() -> Self {
        Self::default()
    }

    /// Reads the header, or the cookie `name` if the header has no bearer token. `name` is the full
    /// name of the cookie, including a prefix such as `__Host-`.
    ///
    /// If the header has a bearer token, the cookie is ignored, even if the two tokens differ. The
    /// two tokens differ after another tab has refreshed the session, and both are then valid. A
    /// header with another scheme, such as the `Basic` credentials of a proxy, has no bearer token.
    ///
    /// If the cookie is read and the request has two cookies with this name, the request is
    /// rejected. Such a request does not show which cookie belongs to which path or host.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if `name` is not a valid cookie name (RFC 6265 section 4.1.1).
    pub fn header_or_cookie(name: impl AsRef<str>) -> Result<Self, ConfigError> {
        Ok(Self { cookie: Some(checked_name(name.as_ref())?.into()) })
    }

    /// Returns the token of a request, for handlers outside of a layer. The token is not verified.
    ///
    /// # Errors
    ///
    /// The errors of [`bearer`], and [`InvalidRequest`](AuthErrorKind::InvalidRequest) for two
    /// cookies with the configured name.
    pub fn token<'a>(&self, headers: &'a HeaderMap) -> Result<&'a str, AuthError> {
        text(self.credential(headers)?)
    }

    /// Returns every token of a request, for a logout. The token of the header is first. The tokens
    /// of the first 8 cookies with the configured name follow. Duplicates are left out. If a value
    /// is not a token, the list contains an error in its place.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](AuthErrorKind::InvalidRequest) for two `Authorization` fields.
    #[cfg(feature = "routes")]
    pub(crate) fn every_token<'a>(
        &self,
        headers: &'a HeaderMap,
    ) -> Result<Vec<Result<&'a str, AuthError>>, AuthError> {
        const MAX_COOKIES: usize = 8;
        let mut shown = match credential(headers) {
            Err(error) if error.kind() == AuthErrorKind::InvalidRequest => return Err(error),
            Err(error) if error.kind() == AuthErrorKind::MissingToken => Vec::new(),
            shown => vec![shown.and_then(text)],
        };
        let name = self.cookie.as_deref();
        let values = name.into_iter().flat_map(|name| cookies(headers, name));
        for token in values.take(MAX_COOKIES).map(text) {
            let known =
                shown.iter().any(|known| matches!((known, &token), (Ok(a), Ok(b)) if a == b));
            if !known {
                shown.push(token);
            }
        }
        Ok(shown)
    }

    /// Returns the name of the cookie if the layer reads this request's token from the cookie. The
    /// layer does so if a cookie is configured and the header has no bearer token.
    pub(crate) fn counting_cookie(&self, headers: &HeaderMap) -> Option<&str> {
        let name = self.cookie.as_deref()?;
        let in_header = credential(headers).err()?.kind() != AuthErrorKind::MissingToken;
        (!in_header).then_some(name)
    }

    /// Like [`token`](Self::token), but returns the token as raw bytes.
    pub(crate) fn credential<'a>(&self, headers: &'a HeaderMap) -> Result<&'a [u8], AuthError> {
        match &self.cookie {
            None => credential(headers),
            Some(name) => either(headers, name),
        }
    }
}

fn either<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a [u8], AuthError> {
    match credential(headers) {
        Err(error) if error.kind() == AuthErrorKind::MissingToken => {
            cookie(headers, name)?.ok_or(error)
        }
        shown => shown,
    }
}

/// Returns the token of the single `Authorization: Bearer` header (RFC 6750 section 2.1).
///
/// Use this in handlers outside of a layer, for example for a logout. The token is not verified.
///
/// Two `Authorization` fields are an error, because different hops could choose different fields. A
/// header with another scheme is treated like a missing header. A header with the scheme `Bearer`
/// and a malformed rest is treated as an invalid token.
///
/// # Errors
///
/// [`AuthError`] of one of these kinds:
///
/// - [`MissingToken`](AuthErrorKind::MissingToken): no `Authorization` header, or another scheme;
/// - [`InvalidRequest`](AuthErrorKind::InvalidRequest): two `Authorization` fields;
/// - [`InvalidToken`](AuthErrorKind::InvalidToken): the scheme `Bearer` without a well-formed
///   token.
pub fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    text(credential(headers)?)
}

pub(crate) fn text(token: &[u8]) -> Result<&str, AuthError> {
    str::from_utf8(token).map_err(|_| AuthError::new(AuthErrorKind::InvalidToken))
}

/// Like [`bearer`], but returns the token as raw bytes.
pub(crate) fn credential(headers: &HeaderMap) -> Result<&[u8], AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value.as_bytes(),
        (None, _) => return Err(AuthError::new(AuthErrorKind::MissingToken)),
        (Some(_), Some(_)) => return Err(AuthError::new(AuthErrorKind::InvalidRequest)),
    };
    // Fast path: nearly all clients write exactly `Bearer` and one space.
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
    // One or more spaces separate the scheme and the token. A tab is not a separator.
    let start = rest.iter().position(|byte| *byte != b' ').filter(|spaces| *spaces > 0);
    let token = start.and_then(|start| rest.get(start..));
    token.ok_or_else(|| AuthError::new(AuthErrorKind::InvalidToken))
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
    fn header_without_the_bearer_scheme_counts_as_a_missing_token() {
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
    fn bearer_scheme_without_a_well_formed_token_is_an_invalid_token() {
        let bad: [&[u8]; 6] =
            [b"Bearer", b"Bearer ", b"Bearer\ta.b.c", b"Bearer,a", b"Bearer \xff", b"Bearer=a"];
        for value in bad {
            assert_eq!(read(&[value]), Err(AuthErrorKind::InvalidToken), "{value:?}");
        }
    }

    /// Reads the token of a request with a source that accepts the header or the cookie `t`.
    fn read_either(header: Option<&str>, cookies: &[&str]) -> Result<String, AuthErrorKind> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.append(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        for cookie in cookies {
            headers.append("cookie", HeaderValue::from_str(cookie).unwrap());
        }
        let source = TokenSource::header_or_cookie("t").unwrap();
        source.token(&headers).map(str::to_owned).map_err(|error| error.kind())
    }

    #[test]
    fn cookie_is_read_when_the_header_has_no_bearer_token() {
        let ours = || Ok("a.b.c".to_owned());
        assert_eq!(read_either(None, &["t=a.b.c"]), ours());
        assert_eq!(read_either(Some("Basic dTpw"), &["x=y; t=a.b.c"]), ours());
        assert_eq!(read_either(Some("Bearer a.b.c"), &[]), ours());
        assert_eq!(read_either(Some("Bearer a.b.c"), &["t=a.b.c"]), ours());
        assert_eq!(read_either(None, &["T=a.b.c"]), Err(AuthErrorKind::MissingToken));
        assert_eq!(
            read_either(None, &["t="]),
            Ok(String::new()),
            "an empty token, which verification rejects"
        );
    }

    #[test]
    fn cookies_are_ignored_when_the_header_has_the_bearer_scheme() {
        for cookies in [&["t=d.e.f"][..], &["t="], &["t=d.e.f", "t=d.e.f"], &["t=\u{ff}"]] {
            assert_eq!(read_either(Some("Bearer a.b.c"), cookies), Ok("a.b.c".to_owned()));
            for bad in ["Bearer", "Bearer ", "Bearer\ta.b.c"] {
                let read = read_either(Some(bad), cookies);
                assert_eq!(read, Err(AuthErrorKind::InvalidToken), "{bad}: cookie ignored");
            }
        }
        let two = read_either(Some("Basic dTpw"), &["t=a.b.c", "t=a.b.c"]);
        assert_eq!(two, Err(AuthErrorKind::InvalidRequest));
    }

    #[test]
    fn header_source_ignores_cookies() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", HeaderValue::from_static("t=a.b.c; t=d"));
        let read = TokenSource::header().token(&headers).map_err(|error| error.kind());
        assert_eq!(read, Err(AuthErrorKind::MissingToken));
    }

    #[test]
    fn cookie_name_must_be_an_http_token() {
        for name in ["", "a b", "a=b", "a;b", "\"a\"", "naïve", "a,b"] {
            assert!(TokenSource::header_or_cookie(name).is_err(), "{name:?}");
        }
        assert!(TokenSource::header_or_cookie("__Host-access_token").is_ok());
    }

    #[test]
    fn two_authorization_fields_are_rejected_even_if_they_are_equal() {
        assert_eq!(read(&[b"Bearer a.b.c", b"Bearer a.b.c"]), Err(AuthErrorKind::InvalidRequest));
        assert_eq!(read(&[b"Basic dTpw", b"Bearer a.b.c"]), Err(AuthErrorKind::InvalidRequest));
    }
}
