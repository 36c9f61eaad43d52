//! The access that a route requires, and the problems that follow from it.

use crate::error::ErrorCode;

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// No token is required.
    Open,
    /// A refresh token.
    Refresh,
    /// An access token or a refresh token that one of the manager's keys has signed or sealed. The
    /// route also accepts an expired token, and a token whose session is over.
    Token,
    /// An access token whose session is live.
    Session,
    /// A live session with an administrator role.
    Admin,
}

impl Access {
    /// Returns the problems that every route with this access can answer.
    pub(super) fn problems(self) -> &'static [ErrorCode] {
        const ALL: [ErrorCode; 11] = [
            ErrorCode::InvalidRequest,
            ErrorCode::MissingToken,
            ErrorCode::InvalidToken,
            ErrorCode::RequestTimeout,
            ErrorCode::StoreUnavailable,
            ErrorCode::Internal,
            // With a session:
            ErrorCode::TokenExpired,
            ErrorCode::SessionExpired,
            ErrorCode::SessionRevoked,
            ErrorCode::AccountInactive,
            // With a role:
            ErrorCode::InsufficientScope,
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
