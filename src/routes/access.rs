//! The access that a route requires, and the problems that follow from it.

use super::error_code::Code;

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// None.
    Open,
    /// A refresh token.
    Refresh,
    /// An access token or a refresh token that one of the keys has made. Its `exp` may have passed,
    /// and its session may be over.
    Token,
    /// An access token whose session is live.
    Session,
    /// A live session with an administrator role.
    Admin,
}

impl Access {
    /// Returns the problems that every route with this access may answer.
    pub(super) fn problems(self) -> &'static [Code] {
        const ALL: [Code; 11] = [
            Code::InvalidRequest,
            Code::MissingToken,
            Code::InvalidToken,
            Code::RequestTimeout,
            Code::StoreUnavailable,
            Code::Internal,
            // With a session:
            Code::TokenExpired,
            Code::SessionExpired,
            Code::SessionRevoked,
            Code::AccountInactive,
            // With a role:
            Code::InsufficientScope,
        ];
        let count = match self {
            Self::Open => 0,
            Self::Refresh | Self::Token => 6,
            Self::Session => 10,
            Self::Admin => ALL.len(),
        };
        ALL.get(..count).unwrap_or(&ALL)
    }
}
