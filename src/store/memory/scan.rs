//! Pages of all sessions, ordered by user and session id.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::state::State;
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::{Page, Position};

/// How many expired sessions a page may skip, on top of its length, while it holds the lock.
const LOOK_AT_ONCE: usize = 256;

/// The maximum length of a page.
const MAX_PAGE: usize = 1_000;

/// The cursor of a cleanup. It holds no place: the store keeps the remaining deadlines in their
/// order.
const DUE: &str = "m1.due";

/// A cursor: the last session that a scan has looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place(UserId, SessionId);

impl Place {
    /// Reads what [`position`](Self::position) wrote.
    pub(super) fn parse(position: &Position) -> Option<Self> {
        let (id, user) = position.as_str().strip_prefix("m1.")?.split_once('.')?;
        Some(Self(UserId::parse(user)?, SessionId::parse(id)?))
    }

    fn position(user: &UserId, id: &SessionId) -> Position {
        Position::new(format!("m1.{id}.{user}"))
    }
}

pub(super) fn page(state: &State, now: Timestamp, from: Option<&Place>, limit: usize) -> Page {
    let limit = limit.clamp(1, MAX_PAGE);
    let (mut sessions, mut looked_at, mut last) = (Vec::new(), 0, None);
    let first = from.map_or(Unbounded, |Place(user, _)| Included(user));
    for user in state.order.range((first, Unbounded)) {
        let Some(found) = state.users.get(user) else { continue };
        let after = match from {
            Some(Place(same, id)) if same == user => Excluded(id),
            _ => Unbounded,
        };
        for (id, entry) in found.live.range((after, Unbounded)) {
            if sessions.len() == limit || looked_at == limit + LOOK_AT_ONCE {
                return Page::new(sessions, last.map(|(user, id)| Place::position(user, id)));
            }
            looked_at += 1;
            last = Some((user, id));
            if entry.idle_deadline > now {
                sessions.push(entry.listed(user, id));
            }
        }
    }
    Page::new(sessions, None)
}

/// Returns whether this is the cursor of a cleanup.
pub(super) fn is_due(position: &Position) -> bool {
    position.as_str() == DUE
}

/// Returns the cursor of a cleanup.
pub(super) fn due() -> Position {
    Position::new(DUE)
}
