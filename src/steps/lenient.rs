//! What a layer in optional mode does with credentials that are not good.

use std::error::Error as _;

use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::extract::TokenSource;
use crate::error::{AuthError, AuthErrorKind};

/// What a layer in [optional](crate::SessionAuthLayer::optional_with) mode does with a request whose
/// credentials are not good: [`strict`](Self::strict) by default.
///
/// In every form, a request without credentials passes without a session, a store that cannot tell is 503,
/// and an account that is not active is 403. The refusal of a token is told as an [event](crate::events) also
/// where its request passes.
///
/// ```
/// use tower_session_auth::{OptionalMode, SessionAuthLayer, SessionManager, TokenSource};
///
/// # fn layer(manager: SessionManager) -> Result<SessionAuthLayer, tower_session_auth::ConfigError> {
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
    /// A token that is shown must be good: else 401, wherever it was shown.
    #[must_use]
    pub const fn strict() -> Self {
        Self { cookies: false, bearer: false, clears: false }
    }

    /// A cookie that is not good makes an anonymous request: its session has ended, its token has expired or does not
    /// verify, or there are two of the name. A browser sends the cookie by itself, and cannot act on a 401.
    ///
    /// A bad token in the `Authorization` header stays 401: a program has put it there, and must hear of it.
    #[must_use]
    pub const fn lenient() -> Self {
        Self { cookies: true, bearer: false, clears: false }
    }

    /// Lets a request with a bad token in the `Authorization` header pass without a session too. Two `Authorization`
    /// fields stay 400.
    #[must_use]
    pub const fn also_for_bearer(mut self) -> Self {
        self.bearer = true;
        self
    }

    /// Takes the cookie back where the store says that its session has ended, in the answer to a navigation
    /// (`Sec-Fetch-Mode: navigate`), which then has `Cache-Control: no-store`. Not by default: a login in
    /// another tab may have set a new cookie meanwhile, which this takes back too. Without effect in a strict
    /// mode.
    ///
    /// For a cookie with `Path=/` and without `Domain`, as [`AccessCookie`](crate::routes::AccessCookie) sets it. An
    /// answer that sets the cookie itself keeps it.
    #[must_use]
    pub const fn clear_ended_cookie(mut self) -> Self {
        self.clears = true;
        self
    }

    /// Whether a request that is refused with `error` passes without a session, and the cookie that is to be taken back
    /// in its answer.
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
            // Two cookies of the name.
            AuthErrorKind::InvalidRequest => cookie.is_some() && self.cookies,
            _ => false,
        };
        if !passes {
            return None;
        }
        // A record that cannot be read may be a newer version's: its session may live on.
        let has_ended = kind.is_of_ended_session() && error.source().is_none();
        let cleared = cookie.filter(|_| self.clears && has_ended && is_navigation(headers));
        Some(cleared.and_then(ClearedCookie::new))
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    headers.get(MODE).is_some_and(|mode| mode.as_bytes() == b"navigate")
}

/// A cookie that the answer to a request takes back.
pub(crate) struct ClearedCookie {
    /// Its name with `=`.
    start: Box<str>,
    field: HeaderValue,
}

impl ClearedCookie {
    fn new(name: &str) -> Option<Self> {
        // No browser takes a name with a prefix without it.
        let secure = if name.starts_with("__") { "; Secure" } else { "" };
        let field = format!("{name}=; HttpOnly; SameSite=Strict{secure}; Path=/; Max-Age=0");
        let mut field = HeaderValue::try_from(field).ok()?;
        field.set_sensitive(true);
        Some(Self { start: format!("{name}=").into(), field })
    }

    /// Takes the cookie back, unless the answer sets it.
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

    /// Whether a navigation with a cookie passes in the most lenient mode, and whether its answer clears the cookie.
    fn judged(error: &AuthError) -> (bool, bool) {
        let mode = OptionalMode::lenient().also_for_bearer().clear_ended_cookie();
        let source = TokenSource::header_or_cookie("t").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("t=a.b.c"));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        let passed = mode.pass(error, &source, &headers);
        (passed.is_some(), passed.flatten().is_some())
    }

    #[test]
    fn a_bad_token_passes_a_failure_does_not_and_only_an_ended_session_clears_the_cookie() {
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
            assert_eq!(judged(&AuthError::new(kind)), (passes, clears), "{kind:?}");
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_does_not_clear_the_cookie() {
        let unread = AuthError::with_source(AuthErrorKind::SessionExpired, std::fmt::Error);
        assert_eq!(judged(&unread), (true, false));
    }
}
