//! An [`AuthError`] to a response.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{
    Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version,
};
use serde::Serialize;

use crate::error::{AuthError, AuthErrorKind};
use crate::reason::EndReason;

/// Seconds in `Retry-After` while the store is away: it is probed ten times a second.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Turns a refusal into a response. [`JsonRejection`] does unless the application says otherwise.
///
/// A closure `Fn(&AuthError, Head<'_>) -> Response<B>` is one. Whatever it returns, the layer puts the error into the
/// response's extensions.
///
/// Implementations must not panic.
pub trait Reject<ResBody> {
    /// The response to a request that is not let in.
    fn reject(&self, error: &AuthError, head: Head<'_>) -> Response<ResBody>;
}

impl<F, ResBody> Reject<ResBody> for F
where
    F: Fn(&AuthError, Head<'_>) -> Response<ResBody>,
{
    fn reject(&self, error: &AuthError, head: Head<'_>) -> Response<ResBody> {
        self(error, head)
    }
}

/// All of a request but its body.
///
/// It holds the `Authorization` header: do not log it whole. `Debug` leaves headers and extensions out.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Head<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's target.
    pub uri: &'a Uri,
    /// The HTTP version.
    pub version: Version,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// What outer layers left there.
    pub extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl std::fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("method", self.method).finish_non_exhaustive()
    }
}

/// The default: `{"detail": …, "code": …}` as JSON, with `reason` for a session that was ended.
///
/// 401 carries `WWW-Authenticate: Bearer` (RFC 6750 section 3), 503 carries `Retry-After`, each `Cache-Control:
/// no-store`. Works for every body that can be made from a `String`: axum's, `Full<Bytes>`, `String`. For another one
/// (tonic's, a `BoxBody`) give [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject) a closure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing that it could hold")]
pub struct JsonRejection;

impl<ResBody: From<String>> Reject<ResBody> for JsonRejection {
    fn reject(&self, error: &AuthError, _: Head<'_>) -> Response<ResBody> {
        error.to_response()
    }
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl AuthError {
    /// The default response to this refusal, as [`JsonRejection`] gives it.
    #[must_use]
    pub fn to_response<ResBody: From<String>>(&self) -> Response<ResBody> {
        let body = Body {
            detail: &self.detail(),
            code: self.kind().code(),
            reason: self.reason().map(EndReason::as_str),
        };
        // Strings and nothing else: serde_json has no reason to fail.
        let body = serde_json::to_string(&body).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.kind().status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = challenge(self.kind()) {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.kind().status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// RFC 6750 section 3.1: who showed no credentials gets no error code.
fn challenge(kind: AuthErrorKind) -> Option<&'static str> {
    match kind {
        AuthErrorKind::MissingToken => Some("Bearer"),
        AuthErrorKind::InvalidRequest => Some(r#"Bearer error="invalid_request""#),
        AuthErrorKind::InvalidToken
        | AuthErrorKind::TokenExpired
        | AuthErrorKind::SessionExpired
        | AuthErrorKind::SessionRevoked => Some(r#"Bearer error="invalid_token""#),
        AuthErrorKind::InsufficientScope => Some(r#"Bearer error="insufficient_scope""#),
        AuthErrorKind::InsufficientUserAuthentication => {
            Some(r#"Bearer error="insufficient_user_authentication""#)
        }
        AuthErrorKind::AccountInactive
        | AuthErrorKind::StoreUnavailable
        | AuthErrorKind::DirectoryUnavailable => None,
    }
}

/// The response of `reject`, with the error in its extensions.
pub(crate) fn respond<R, ResBody>(reject: &R, error: AuthError, head: Head<'_>) -> Response<ResBody>
where
    R: Reject<ResBody> + ?Sized,
{
    let mut response = reject.reject(&error, head);
    response.extensions_mut().insert(error);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_the_contracts_to_the_letter() {
        let invalid = Some(r#"Bearer error="invalid_token""#);
        let cases = [
            (
                AuthErrorKind::InvalidRequest,
                400,
                Some(r#"Bearer error="invalid_request""#),
                "Malformed request",
            ),
            (AuthErrorKind::MissingToken, 401, Some("Bearer"), "Not authenticated"),
            (AuthErrorKind::InvalidToken, 401, invalid, "Could not validate credentials"),
            (AuthErrorKind::TokenExpired, 401, invalid, "Token expired"),
            (AuthErrorKind::SessionExpired, 401, invalid, "Session expired, please login again"),
            (AuthErrorKind::StoreUnavailable, 503, None, "Session store unavailable"),
        ];
        for (kind, status, challenge, detail) in cases {
            let response: Response<String> = AuthError::new(kind).to_response();
            assert_eq!(response.status(), status, "{kind:?}");
            let seen =
                response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            assert_eq!(seen, challenge, "{kind:?}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json", "{kind:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store", "{kind:?}");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503, "{kind:?}");
            let body = format!(r#"{{"detail":"{detail}","code":"{}"}}"#, kind.code());
            assert_eq!(*response.body(), body, "{kind:?}");
        }
    }

    #[test]
    fn a_revoked_session_says_why() {
        let response: Response<String> = AuthError::revoked(EndReason::LogoutAll).to_response();
        let body = r#"{"detail":"Session was ended: logout_all","code":"session_revoked","reason":"logout_all"}"#;
        assert_eq!(response.body(), body);
    }
}
