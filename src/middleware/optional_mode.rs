//! How a layer in optional mode handles invalid credentials.

use std::error::Error as _;

use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::extract::TokenSource;
use crate::error::{AuthError, AuthErrorKind};

/// How a layer in [optional](crate::SessionAuthLayer::optional_with) mode handles a request with
/// invalid credentials. Default: [`strict`](Self::strict).
///
/// These rules hold in every mode:
/// - A request without credentials passes without a session.
/// - If the layer cannot check a request because the store is unavailable, the layer answers 503,
///   unless its failure policy lets the request pass.
/// - The layer answers 403 to a request of an inactive account.
/// - The manager emits an [event](crate::telemetry::events) for a rejected token, even if the
///   request passes.
///
/// ```
/// use tower_session_auth::auth_layer::OptionalMode;
/// use tower_session_auth::{SessionAuthLayer, SessionManager, TokenSource};
///
/// # fn layer(manager: SessionManager) -> Result<SessionAuthLayer, tower_session_auth::error::ConfigError> {
/// // Public pages that greet whoever is logged in:
/// let pages = SessionAuthLayer::new(manager)
///     .token_source(TokenSource::header_or_cookie("__Host-access_token")?)
///     .optional_with(OptionalMode::lenient().clear_ended_cookie());
/// # Ok(pages)
/// # }
/// # let _ = layer;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionalMode {
    cookies: bool,
    bearer: bool,
    clears: bool,
}

impl OptionalMode {
    /// Rejects an invalid token with 401, whether it is in the header or in the cookie.
    #[must_use]
    pub const fn strict() -> Self {
        Self { cookies: false, bearer: false, clears: false }
    }

    /// Lets a request with an invalid cookie pass without a session. A browser adds the cookie to
    /// each request by itself and cannot react to a 401. The cookie is invalid in each of these
    /// cases:
    ///
    /// - The session is over.
    /// - The token has expired or does not verify.
    /// - The request has two cookies with the name of the token cookie.
    ///
    /// An invalid token in the `Authorization` header is still answered with 401. A program has set
    /// this header and must learn that the token is invalid.
    #[must_use]
    pub const fn lenient() -> Self {
        Self { cookies: true, bearer: false, clears: false }
    }

    /// Also lets a request with an invalid token in the `Authorization` header pass without a
    /// session. A request with two `Authorization` headers is still answered with 400.
    #[must_use]
    pub const fn also_for_bearer(mut self) -> Self {
        self.bearer = true;
        self
    }

    /// Clears the cookie if the session of its token has expired or was revoked. The layer clears
    /// the cookie only in the response to a navigation (`Sec-Fetch-Mode: navigate`). The layer also
    /// sets `Cache-Control: no-store` in that response. This setting has no effect in strict mode.
    ///
    /// Off by default: while the request is in progress, a login in another tab may set a new
    /// cookie. The response would then clear the new cookie.
    ///
    /// The cookie must have `Path=/` and no `Domain`, as the cookies of
    /// [`AccessCookie`](crate::routes::AccessCookie) have. If the inner service's response sets the
    /// cookie, the layer does not clear it.
    #[must_use]
    pub const fn clear_ended_cookie(mut self) -> Self {
        self.clears = true;
        self
    }

    /// Returns `None` if a request that failed with `error` is rejected. Returns `Some(None)` if
    /// the request passes without a session. Returns `Some(Some(cookie))` if the request passes and
    /// the response must clear this cookie.
    pub(crate) fn pass(
        self,
        error: &AuthError,
        source: &TokenSource,
        headers: &HeaderMap,
    ) -> Option<Option<ClearedCookie>> {
        let kind = error.kind();
        if kind == AuthErrorKind::MissingToken {
            return Some(None);
        }
        let cookie = source.counting_cookie(headers);
        let passes = match kind {
            AuthErrorKind::InvalidToken
            | AuthErrorKind::TokenExpired
            | AuthErrorKind::SessionExpired
            | AuthErrorKind::SessionRevoked => {
                if cookie.is_some() {
                    self.cookies
                } else {
                    self.bearer
                }
            }
            // The request has two cookies with the name.
            AuthErrorKind::InvalidRequest => cookie.is_some() && self.cookies,
            _ => false,
        };
        if !passes {
            return None;
        }
        // An error with a source means that the record exists but cannot be read. A newer version
        // of this library may have written the record, so the session may still be live.
        let has_ended = kind.is_of_ended_session() && error.source().is_none();
        let cleared = cookie.filter(|_| self.clears && has_ended && is_navigation(headers));
        Some(cleared.and_then(ClearedCookie::new))
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    headers.get(MODE).is_some_and(|mode| mode.as_bytes() == b"navigate")
}

/// A cookie that the response to a request clears.
pub(crate) struct ClearedCookie {
    /// The cookie's name, followed by `=`.
    start: Box<str>,
    field: HeaderValue,
}

impl ClearedCookie {
    fn new(name: &str) -> Option<Self> {
        // Browsers accept a name with the prefix `__Host-` or `__Secure-` only with `Secure`.
        let secure = if name.starts_with("__") { "; Secure" } else { "" };
        let field = format!("{name}=; HttpOnly; SameSite=Strict{secure}; Path=/; Max-Age=0");
        let mut field = HeaderValue::try_from(field).ok()?;
        field.set_sensitive(true);
        Some(Self { start: format!("{name}=").into(), field })
    }

    /// Adds a `Set-Cookie` field that clears the cookie, unless the response itself sets that
    /// cookie.
    pub(crate) fn clear_in(self, headers: &mut HeaderMap) {
        let start = self.start.as_bytes();
        let sets = |field: &HeaderValue| field.as_bytes().trim_ascii_start().starts_with(start);
        if !headers.get_all(SET_COOKIE).iter().any(sets) {
            headers.append(SET_COOKIE, self.field);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    /// Checks a navigation with a cookie in the most lenient mode. The first value is whether the
    /// request passes. The second value is whether the response clears the cookie.
    fn passes_and_clears(error: &AuthError) -> (bool, bool) {
        let mode = OptionalMode::lenient().also_for_bearer().clear_ended_cookie();
        let source = TokenSource::header_or_cookie("t").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("t=a.b.c"));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        let passed = mode.pass(error, &source, &headers);
        (passed.is_some(), passed.flatten().is_some())
    }

    #[test]
    fn invalid_token_passes_and_only_a_revoked_or_expired_session_clears_the_cookie() {
        for (kind, passes, clears) in [
            (AuthErrorKind::Overloaded, false, false),
            (AuthErrorKind::InvalidRequest, true, false),
            (AuthErrorKind::MissingToken, true, false),
            (AuthErrorKind::InvalidToken, true, false),
            (AuthErrorKind::TokenExpired, true, false),
            (AuthErrorKind::SessionExpired, true, true),
            (AuthErrorKind::SessionRevoked, true, true),
            (AuthErrorKind::AccountInactive, false, false),
            (AuthErrorKind::StoreUnavailable, false, false),
            (AuthErrorKind::DirectoryUnavailable, false, false),
        ] {
            assert_eq!(passes_and_clears(&AuthError::new(kind)), (passes, clears), "{kind:?}");
        }
    }

    #[test]
    fn unreadable_record_does_not_clear_the_cookie() {
        let unread = AuthError::with_source(AuthErrorKind::SessionExpired, std::fmt::Error);
        assert_eq!(passes_and_clears(&unread), (true, false));
    }
}
