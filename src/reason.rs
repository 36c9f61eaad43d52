//! Why a session was ended.

use std::fmt;

/// Why a session was ended before its time. Clients see it as `reason` beside `session_revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndReason {
    /// Its owner logged out.
    Logout,
    /// Its owner logged out everywhere.
    LogoutAll,
    /// An administrator ended it.
    Admin,
    /// A newer session of the same user took its place.
    Evicted,
    /// One of its refresh tokens was used again after it had been replaced.
    RefreshReuse,
    /// The user's password was changed.
    PasswordChange,
    /// The user was suspended.
    Suspended,
}

impl EndReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::Logout,
        Self::LogoutAll,
        Self::Admin,
        Self::Evicted,
        Self::RefreshReuse,
        Self::PasswordChange,
        Self::Suspended,
    ];

    /// The reason in stable `snake_case`: what stores keep, responses show and metrics carry.
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

    /// The reason that [`as_str`](Self::as_str) calls `raw`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == raw)
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_trip_through_text() {
        for &reason in EndReason::ALL {
            assert_eq!(EndReason::parse(reason.as_str()), Some(reason));
        }
        assert_eq!(EndReason::parse("Logout"), None);
    }
}
