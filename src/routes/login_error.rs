//! Why a login opened no session.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::error_response::Problem;
use super::response::seal;
use crate::error::{ErrorCode, SessionError};
use crate::telemetry::events::LoginRefusal;

/// Why a login of the application ([`Logins`](super::Logins)) opened no session. As a response, the
/// value is the error answer that `POST /login` gives, with `Cache-Control: no-store`.
///
/// | cause | answer | [`refusal`](Self::refusal) |
/// |---|---|---|
/// | all sessions of the user were revoked or changed since the login fence was read, or the fence is of another user | 401 `invalid_credentials` | `Superseded` |
/// | the account is unknown to the user directory, or not active | 401 `invalid_credentials` | `AccountInactive` |
/// | the user is at the session limit, and the manager refuses further sessions | 409 `session_limit` | `SessionLimit` |
/// | the store or the user directory cannot answer | 503 `store_unavailable`, with `Retry-After` | none |
/// | the session cannot be stored, or its token cannot be signed or delivered; the log has the cause | 500 `internal` | none |
pub struct LoginError {
    refusal: Option<LoginRefusal>,
    problem: Problem,
}

impl LoginError {
    /// Returns the reason if the login was refused. Returns `None` if an error prevented a
    /// decision. In that case, a later login can succeed.
    #[must_use]
    pub fn refusal(&self) -> Option<LoginRefusal> {
        self.refusal
    }

    /// Returns the code of the answer.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.problem.code()
    }

    /// Returns the status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.problem.status()
    }

    /// Creates the error of a refused login, with the answer of the contract.
    pub(super) fn refused(refusal: LoginRefusal) -> Self {
        let problem = match refusal {
            LoginRefusal::SessionLimit => ErrorCode::SessionLimit.into(),
            LoginRefusal::Credentials
            | LoginRefusal::AccountInactive
            | LoginRefusal::Superseded => ErrorCode::InvalidCredentials.into(),
            LoginRefusal::RateLimited => ErrorCode::RateLimited.into(),
        };
        Self { refusal: Some(refusal), problem }
    }

    /// Creates the error of a login from its answer, and from the reason if the login was refused.
    pub(super) fn new(refusal: Option<LoginRefusal>, problem: Problem) -> Self {
        Self { refusal, problem }
    }

    pub(super) fn problem(&self) -> &Problem {
        &self.problem
    }

    pub(super) fn into_problem(self) -> Problem {
        self.problem
    }
}

impl From<Problem> for LoginError {
    fn from(problem: Problem) -> Self {
        Self::new(None, problem)
    }
}

impl From<SessionError> for LoginError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::LimitReached => Self::refused(LoginRefusal::SessionLimit),
            SessionError::LoginSuperseded => Self::refused(LoginRefusal::Superseded),
            SessionError::AccountInactive => Self::refused(LoginRefusal::AccountInactive),
            error => Problem::from(error).into(),
        }
    }
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        seal(response.headers_mut());
        response
    }
}

impl std::error::Error for LoginError {}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal {
            Some(refusal) => write!(f, "the login was refused: {}", refusal.as_str()),
            None => write!(f, "the login opened no session: {}", self.code()),
        }
    }
}

impl fmt::Debug for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginError")
            .field("refusal", &self.refusal)
            .field("code", &self.code())
            .finish_non_exhaustive()
    }
}
