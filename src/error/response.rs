//! Error responses: one JSON body and one set of headers for the layers, the guards and the routes.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::{AuthError, AuthErrorKind, ErrorCode, StepUp};
use crate::reason::RevokeReason;

/// The seconds in `Retry-After`. If a rate limit rejects a request, the response has the wait of
/// the rate limit instead. While the store is unavailable, one second is enough, because the
/// circuit breaker probes the store ten times a second.
const RETRY_AFTER_SECONDS: u64 = 1;

/// The JSON body of an error response.
#[derive(Serialize)]
pub(crate) struct ErrorBody<'a> {
    pub(crate) detail: &'a str,
    pub(crate) code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<&'a str>,
}

impl ErrorBody<'_> {
    /// Makes the response: the body, its content type and `Cache-Control: no-store`. With the
    /// status 429 or 503, the response also has `Retry-After`.
    pub(crate) fn to_response<B: From<String>>(&self, status: StatusCode) -> Response<B> {
        // The body consists of strings only, so serialization cannot fail.
        let body = serde_json::to_string(self).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status) {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
        }
        response
    }
}

impl AuthError {
    /// Returns the default response for this error.
    /// [`JsonRejection`](crate::auth_layer::JsonRejection) returns the same response.
    #[must_use]
    pub fn to_response<ResBody: From<String>>(&self) -> Response<ResBody> {
        let body = ErrorBody {
            detail: &self.detail(),
            code: self.kind().code(),
            reason: self.reason().map(RevokeReason::as_str),
            request_id: self.request_id(),
        };
        let mut response = body.to_response(self.kind().status());
        if let Some(challenge) = challenge(self) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Returns the `WWW-Authenticate` value. The value contains no error code if the request had no
/// credentials (RFC 6750 section 3.1).
fn challenge(error: &AuthError) -> Option<HeaderValue> {
    let challenge = match error.kind() {
        AuthErrorKind::MissingToken => "Bearer",
        AuthErrorKind::InvalidRequest => r#"Bearer error="invalid_request""#,
        AuthErrorKind::InvalidToken
        | AuthErrorKind::TokenExpired
        | AuthErrorKind::SessionExpired
        | AuthErrorKind::SessionRevoked => r#"Bearer error="invalid_token""#,
        AuthErrorKind::InsufficientScope => r#"Bearer error="insufficient_scope""#,
        AuthErrorKind::InsufficientUserAuthentication => {
            return Some(step_up_challenge(error.step_up()));
        }
        AuthErrorKind::AccountInactive
        | AuthErrorKind::CrossSite
        | AuthErrorKind::StoreUnavailable
        | AuthErrorKind::Overloaded
        | AuthErrorKind::DirectoryUnavailable
        | AuthErrorKind::Unsigned
        | AuthErrorKind::NoLayer => return None,
    };
    Some(HeaderValue::from_static(challenge))
}

/// Returns the step-up challenge of RFC 9470 section 3.
fn step_up_challenge(step_up: Option<&StepUp>) -> HeaderValue {
    const PLAIN: &str = r#"Bearer error="insufficient_user_authentication""#;
    let mut challenge = PLAIN.to_owned();
    if let Some(max_age) = step_up.and_then(StepUp::max_age) {
        challenge.push_str(&format!(r#", max_age="{}""#, max_age.as_secs()));
    }
    if let Some(classes) = step_up.map(StepUp::acr_values).filter(|classes| !classes.is_empty()) {
        challenge.push_str(&format!(r#", acr_values="{}""#, classes.join(" ")));
    }
    // `StepUp` accepts only values that are valid in a header.
    HeaderValue::try_from(challenge).unwrap_or(HeaderValue::from_static(PLAIN))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Checks status, headers and body of every kind against the HTTP contract.
    #[test]
    fn response_of_each_error_kind_matches_the_http_contract() {
        use AuthErrorKind as Kind;
        let bad_request = Some(r#"Bearer error="invalid_request""#);
        let invalid = Some(r#"Bearer error="invalid_token""#);
        let scope = Some(r#"Bearer error="insufficient_scope""#);
        let step_up = Some(r#"Bearer error="insufficient_user_authentication""#);
        let stronger = "A more recent or stronger login is required";
        let store = "Session store unavailable";
        let cases = [
            (Kind::InvalidRequest, 400, bad_request, "invalid_request", "Malformed request"),
            (Kind::MissingToken, 401, Some("Bearer"), "missing_token", "Not authenticated"),
            (Kind::InvalidToken, 401, invalid, "invalid_token", "Could not validate credentials"),
            (Kind::TokenExpired, 401, invalid, "token_expired", "Token expired"),
            (
                Kind::SessionExpired,
                401,
                invalid,
                "session_expired",
                "Session expired, please login again",
            ),
            (Kind::SessionRevoked, 401, invalid, "session_revoked", "Session was ended"),
            (Kind::AccountInactive, 403, None, "account_inactive", "Account is not active"),
            (Kind::CrossSite, 403, None, "cross_site", "Cross-site request refused"),
            (Kind::InsufficientScope, 403, scope, "insufficient_scope", "Not enough permissions"),
            (
                Kind::InsufficientUserAuthentication,
                401,
                step_up,
                "insufficient_user_authentication",
                stronger,
            ),
            (Kind::StoreUnavailable, 503, None, "store_unavailable", store),
            (Kind::Overloaded, 503, None, "overloaded", "Too busy, try again"),
            (Kind::DirectoryUnavailable, 503, None, "store_unavailable", store),
            (Kind::Unsigned, 500, None, "internal", "Internal error"),
            (Kind::NoLayer, 500, None, "internal", "Internal error"),
        ];
        for (kind, status, challenge, code, detail) in cases {
            let response: Response<String> = AuthError::new(kind).to_response();
            assert_eq!(response.status(), status, "{kind:?}");
            let seen =
                response.headers().get(WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
            assert_eq!(seen, challenge, "{kind:?}");
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json", "{kind:?}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store", "{kind:?}");
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503, "{kind:?}");
            assert_eq!(kind.code().as_str(), code);
            let body = format!(r#"{{"detail":"{detail}","code":"{code}"}}"#);
            assert_eq!(*response.body(), body, "{kind:?}");
        }
    }

    #[test]
    fn revoked_session_response_has_a_reason_and_internal_error_a_request_id() {
        let response: Response<String> = AuthError::revoked(RevokeReason::LogoutAll).to_response();
        let body = r#"{"detail":"Session was ended: logout_all","code":"session_revoked","reason":"logout_all"}"#;
        assert_eq!(response.body(), body);
        let response: Response<String> = AuthError::no_layer("id".to_owned()).to_response();
        let body = r#"{"detail":"Internal error","code":"internal","request_id":"id"}"#;
        assert_eq!(response.body(), body);
    }

    #[test]
    fn step_up_challenge_contains_max_age_and_acr_values() {
        let minutes = |minutes: u64| StepUp::fresh(Duration::from_secs(minutes * 60));
        let classes = |classes: &[&str]| StepUp::acr(classes.iter().copied()).unwrap();
        let almost = StepUp::fresh(Duration::from_millis(1_999));
        for (step_up, parameters) in [
            (minutes(5), r#", max_age="300""#),
            // Rounded down: the challenge never promises more than the guard checks.
            (almost, r#", max_age="1""#),
            (minutes(0), r#", max_age="0""#),
            (StepUp::fresh(Duration::MAX), r#", max_age="18446744073709551615""#),
            (classes(&["urn:mfa"]), r#", acr_values="urn:mfa""#),
            (
                classes(&["loa3", "loa2"]).and(minutes(1)),
                r#", max_age="60", acr_values="loa3 loa2""#,
            ),
        ] {
            let response: Response<String> = AuthError::needs(step_up).to_response();
            let plain = r#"Bearer error="insufficient_user_authentication""#;
            let expected = format!("{plain}{parameters}");
            assert_eq!(response.headers()[WWW_AUTHENTICATE], expected);
            assert_eq!(response.headers().get_all(WWW_AUTHENTICATE).iter().count(), 1);
        }
    }
}
