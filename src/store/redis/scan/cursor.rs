//! Cursors as text. A cursor may come from another version, or be made up by a caller.

use crate::id::{SessionId, UserId};
use crate::store::Position;

use crate::store::redis::keys::{decoded, encoded};

/// The cursor of a scan over all sessions: `r1,<cursor>,<after>,<user>,<user>…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The `SCAN` cursor after these users; `None` when `SCAN` is at its end.
    pub(crate) cursor: Option<u64>,
    /// The last returned session of the next user, if only some of its sessions were returned.
    pub(crate) after: Option<SessionId>,
    /// The users that `SCAN` has found and that are not returned yet. The next one is last.
    pub(crate) users: Vec<UserId>,
}

impl Place {
    /// The maximum number of users in a cursor: far more than one answer of the server contains.
    const MAX_USERS: usize = 20_000;

    pub(crate) fn start() -> Self {
        Self { cursor: Some(0), after: None, users: Vec::new() }
    }

    pub(crate) fn is_end(&self) -> bool {
        self.cursor.is_none() && self.users.is_empty()
    }

    /// Reads what [`position`](Self::position) wrote.
    pub(crate) fn parse(position: &Position) -> Option<Self> {
        let mut words = position.as_str().strip_prefix("r1,")?.split(',');
        let cursor = cursor(words.next()?)?;
        let after = words.next()?;
        let after = if after.is_empty() { None } else { Some(SessionId::parse(after)?) };
        let users = words.take(Self::MAX_USERS + 1).map(decoded).collect::<Option<Vec<_>>>()?;
        let place = Self { cursor: (cursor != 0).then_some(cursor), after, users };
        let fits = place.users.len() <= Self::MAX_USERS;
        let made = fits && !place.is_end() && (place.after.is_none() || !place.users.is_empty());
        made.then_some(place)
    }

    /// Returns the cursor as text; `None` at the end of the scan.
    pub(crate) fn position(&self) -> Option<Position> {
        if self.is_end() {
            return None;
        }
        let after = self.after.as_ref().map_or("", SessionId::as_str);
        let mut text = format!("r1,{},{after}", self.cursor.unwrap_or(0));
        for user in &self.users {
            text.push(',');
            text.extend(encoded(user));
        }
        Some(Position::new(text))
    }
}

/// Reads the cursor of a cleanup: `c1,<cursor>`.
pub(crate) fn parse_cleanup(position: &Position) -> Option<u64> {
    position.as_str().strip_prefix("c1,").and_then(cursor).filter(|cursor| *cursor != 0)
}

/// Returns the cursor of a cleanup; `None` at its end.
pub(crate) fn cleanup(cursor: u64) -> Option<Position> {
    (cursor != 0).then(|| Position::new(format!("c1,{cursor}")))
}

/// Parses a `SCAN` cursor in its canonical form: no sign, no leading zeros.
fn cursor(digits: &str) -> Option<u64> {
    digits.parse().ok().filter(|cursor: &u64| cursor.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).unwrap()
    }

    #[test]
    fn a_place_survives_the_trip_through_text() {
        let id = SessionId::parse("-").unwrap();
        let names = ["jeju", "a,b", "r1,", "%2C", "ä\r\n\0", "-", " "];
        for cursor in [None, Some(1), Some(u64::MAX)] {
            for count in 1..=names.len() {
                let users: Vec<_> = names.iter().take(count).map(|name| user(name)).collect();
                for after in [None, Some(id.clone())] {
                    let place = Place { cursor, after, users: users.clone() };
                    let position = place.position().unwrap();
                    assert_eq!(Place::parse(&position), Some(place), "{position:?}");
                    assert_eq!(parse_cleanup(&position), None);
                }
            }
        }
        let place = Place { cursor: Some(7), after: None, users: Vec::new() };
        assert_eq!(place.position(), Some(Position::new("r1,7,")));
        assert_eq!(Place::parse(&Position::new("r1,7,")), Some(place));
        assert_eq!(parse_cleanup(&cleanup(7).unwrap()), Some(7));
        assert_eq!(cleanup(0), None);
        assert_eq!(Place { cursor: None, ..Place::start() }.position(), None);
    }

    #[test]
    fn whatever_else_is_no_place() {
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
            assert_eq!(Place::parse(&Position::new(foreign)), None, "{foreign:?}");
        }
        for foreign in ["", "c1", "c1,", "c1,0", "c1,+7", "c1,7,", "c1,x", "r1,7,", "m1.due"] {
            assert_eq!(parse_cleanup(&Position::new(foreign)), None, "{foreign:?}");
        }
        let many = format!("r1,7,{}", ",a".repeat(Place::MAX_USERS + 1));
        assert_eq!(Place::parse(&Position::new(many)), None);
        let long = format!("r1,7,,{}", "x".repeat(257));
        assert_eq!(Place::parse(&Position::new(long)), None);
    }
}
