//! Cursors as text. A text to parse may come from another version of the store, or a caller may
//! have invented it.

use crate::id::{SessionId, UserId};
use crate::store::ScanCursor;

use crate::store::redis::keys::{decoded, encoded};

/// The cursor of a scan over all sessions: `r1,<cursor>,<after>,<user>,<user>…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CursorParts {
    /// The `SCAN` cursor with which the search continues after the users in `users`. `None` when
    /// `SCAN` is at its end.
    pub(crate) cursor: Option<u64>,
    /// The session after which the next user's list continues. `None` if no session of that user
    /// has been returned yet.
    pub(crate) after: Option<SessionId>,
    /// The users that `SCAN` has found and that have not been returned yet. The next user is the
    /// last element.
    pub(crate) users: Vec<UserId>,
}

impl CursorParts {
    /// The maximum number of users in a cursor. One answer of the server contains far fewer.
    const MAX_USERS: usize = 20_000;

    pub(crate) fn start() -> Self {
        Self { cursor: Some(0), after: None, users: Vec::new() }
    }

    pub(crate) fn is_end(&self) -> bool {
        self.cursor.is_none() && self.users.is_empty()
    }

    /// Parses the output of [`to_cursor`](Self::to_cursor).
    pub(crate) fn parse(cursor: &ScanCursor) -> Option<Self> {
        let mut words = cursor.as_str().strip_prefix("r1,")?.split(',');
        let cursor = digits(words.next()?)?;
        let after = words.next()?;
        let after = if after.is_empty() { None } else { Some(SessionId::parse(after).ok()?) };
        let users = words.take(Self::MAX_USERS + 1).map(decoded).collect::<Option<Vec<_>>>()?;
        let parts = Self { cursor: (cursor != 0).then_some(cursor), after, users };
        let fits = parts.users.len() <= Self::MAX_USERS;
        let made = fits && !parts.is_end() && (parts.after.is_none() || !parts.users.is_empty());
        made.then_some(parts)
    }

    /// Returns the cursor as text; `None` at the end of the scan.
    pub(crate) fn to_cursor(&self) -> Option<ScanCursor> {
        if self.is_end() {
            return None;
        }
        let after = self.after.as_ref().map_or("", SessionId::as_str);
        let mut text = format!("r1,{},{after}", self.cursor.unwrap_or(0));
        for user in &self.users {
            text.push(',');
            text.extend(encoded(user));
        }
        Some(ScanCursor::new(text))
    }
}

/// Parses the cursor of a cleanup: `c1,<cursor>`.
pub(crate) fn parse_cleanup(cursor: &ScanCursor) -> Option<u64> {
    cursor.as_str().strip_prefix("c1,").and_then(digits).filter(|cursor| *cursor != 0)
}

/// Returns the cursor of a cleanup; `None` at the end of the cleanup.
pub(crate) fn cleanup(cursor: u64) -> Option<ScanCursor> {
    (cursor != 0).then(|| ScanCursor::new(format!("c1,{cursor}")))
}

/// Parses a `SCAN` cursor in its canonical form: no sign, no leading zeros.
fn digits(text: &str) -> Option<u64> {
    text.parse().ok().filter(|cursor: &u64| cursor.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[test]
    fn cursor_is_read_back_unchanged() {
        let id = SessionId::parse("-").unwrap();
        let names = ["jeju", "a,b", "r1,", "%2C", "ä\r\n\0", "-", " "];
        for cursor in [None, Some(1), Some(u64::MAX)] {
            for count in 1..=names.len() {
                let users: Vec<_> = names.iter().take(count).map(|name| user(name)).collect();
                for after in [None, Some(id.clone())] {
                    let parts = CursorParts { cursor, after, users: users.clone() };
                    let cursor = parts.to_cursor().unwrap();
                    assert_eq!(CursorParts::parse(&cursor), Some(parts), "{cursor:?}");
                    assert_eq!(parse_cleanup(&cursor), None);
                }
            }
        }
        let parts = CursorParts { cursor: Some(7), after: None, users: Vec::new() };
        assert_eq!(parts.to_cursor(), Some(ScanCursor::new("r1,7,")));
        assert_eq!(CursorParts::parse(&ScanCursor::new("r1,7,")), Some(parts));
        assert_eq!(parse_cleanup(&cleanup(7).unwrap()), Some(7));
        assert_eq!(cleanup(0), None);
        assert_eq!(CursorParts { cursor: None, ..CursorParts::start() }.to_cursor(), None);
    }

    #[test]
    fn malformed_cursors_are_rejected() {
        for foreign in [
            "",
            "0",
            "r1",
            "r1,",
            "r1,7",
            "r1,0,",
            "r1,7,abc",
            "r1,7,a b,jeju",
            "r1,7,,",
            "r1,7,,jeju,",
            "r1,7,,%41",
            "r1,7,,%2c",
            "r1,7,,a b",
            "r1,+7,",
            "r1,07,",
            "r1, 7,",
            "r1,-1,",
            "r1,18446744073709551616,",
            "r2,7,",
            "m1.abc.jeju",
            "c1,7",
        ] {
            assert_eq!(CursorParts::parse(&ScanCursor::new(foreign)), None, "{foreign:?}");
        }
        for foreign in ["", "c1", "c1,", "c1,0", "c1,+7", "c1,7,", "c1,x", "r1,7,", "m1.due"] {
            assert_eq!(parse_cleanup(&ScanCursor::new(foreign)), None, "{foreign:?}");
        }
        let many = format!("r1,7,{}", ",a".repeat(CursorParts::MAX_USERS + 1));
        assert_eq!(CursorParts::parse(&ScanCursor::new(many)), None);
        let long = format!("r1,7,,{}", "x".repeat(257));
        assert_eq!(CursorParts::parse(&ScanCursor::new(long)), None);
    }
}
