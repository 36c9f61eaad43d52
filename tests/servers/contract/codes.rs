//! The error codes of the contract, with the status, text, and challenge of each.

/// The expected answer for one error code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) detail: &'static str,
    /// The `WWW-Authenticate` header.
    pub(crate) challenge: Option<&'static str>,
}

const fn code(status: u16, code: &'static str, detail: &'static str) -> Code {
    Code { code, status, detail, challenge: None }
}

const fn challenged(
    status: u16,
    code: &'static str,
    detail: &'static str,
    challenge: &'static str,
) -> Code {
    Code { code, status, detail, challenge: Some(challenge) }
}

const INVALID_TOKEN: &str = r#"Bearer error="invalid_token""#;

/// All error codes that a client can cause at these servers. The tests of the routes themselves
/// cover `session_limit`, `overloaded`, and `internal`.
const CODES: [Code; 17] = [
    code(400, "invalid_request", "Malformed request"),
    challenged(401, "missing_token", "Not authenticated", "Bearer"),
    challenged(401, "invalid_token", "Could not validate credentials", INVALID_TOKEN),
    challenged(401, "token_expired", "Token expired", INVALID_TOKEN),
    challenged(401, "session_expired", "Session expired, please login again", INVALID_TOKEN),
    challenged(401, "session_revoked", "Session was ended: ", INVALID_TOKEN),
    challenged(401, "invalid_credentials", "Incorrect user id or password", "Bearer"),
    code(403, "account_inactive", "Account is not active"),
    challenged(
        403,
        "insufficient_scope",
        "Not enough permissions",
        r#"Bearer error="insufficient_scope""#,
    ),
    code(403, "cross_site", "Cross-site request refused"),
    code(404, "not_found", "Not found"),
    code(405, "method_not_allowed", "Method not allowed"),
    code(408, "request_timeout", "Request timed out"),
    code(413, "payload_too_large", "Body too large"),
    code(415, "unsupported_media_type", "Expected application/json"),
    code(422, "invalid_body", ""),
    code(503, "store_unavailable", "Session store unavailable"),
];

pub(crate) fn of(name: &str) -> &'static Code {
    CODES.iter().find(|code| code.code == name).unwrap_or_else(|| panic!("no code {name}"))
}
