//! Reasons for the revocation of a session.

use std::fmt;

/// Why a session was revoked. Clients get it as `reason` in a `session_revoked` response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevokeReason {
    /// The user logged out.
    Logout,
    /// The user logged out everywhere.
    LogoutAll,
    /// An administrator revoked the session.
    Admin,
    /// The session limit was reached, and a newer session of the same user took its place.
    Evicted,
    /// A refresh token of the session was used again after it had been rotated.
    RefreshReuse,
    /// The user's password was changed.
    PasswordChange,
    /// The user was suspended.
    Suspended,
}

impl RevokeReason {
    /// All reasons.
    pub const ALL: &'static [Self] = &[
        Self::Logout,
        Self::LogoutAll,
        Self::Admin,
        Self::Evicted,
        Self::RefreshReuse,
        Self::PasswordChange,
        Self::Suspended,
    ];

    /// Returns the reason in stable `snake_case`, as stores, responses and metrics contain it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::LogoutAll => "logout_all",
            Self::Admin => "admin",
            Self::Evicted => "evicted",
            Self::RefreshReuse => "refresh_reuse",
            Self::PasswordChange => "password_change",
            Self::Suspended => "suspended",
        }
    }

    /// Returns the reason whose [`as_str`](Self::as_str) is `raw`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == raw)
    }
}

impl fmt::Display for RevokeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_returns_each_reason_from_its_text() {
        for &reason in RevokeReason::ALL {
            assert_eq!(RevokeReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(RevokeReason::parse("Logout"), None);
    }
}
