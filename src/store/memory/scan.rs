//! Pages of all sessions, ordered by user and session id.

use std::ops::Bound::{Excluded, Included, Unbounded};

use super::state::State;
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::{Page, ScanCursor};

/// How many sessions a page may examine in addition to its length. The page skips expired sessions,
/// and holds the lock while it examines sessions.
const LOOK_AT_ONCE: usize = 256;

/// The maximum length of a page.
const MAX_PAGE: usize = 1_000;

/// The cursor of a cleanup. It contains no position: a cleanup removes sessions in the order of
/// their deadlines, so the next step starts with the earliest remaining deadline.
const DUE: &str = "m1.due";

/// A cursor: the last session that a scan has examined.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CursorParts(UserId, SessionId);

impl CursorParts {
    /// Parses the output of [`to_cursor`](Self::to_cursor).
    pub(super) fn parse(cursor: &ScanCursor) -> Option<Self> {
        let (id, user) = cursor.as_str().strip_prefix("m1.")?.split_once('.')?;
        Some(Self(UserId::parse(user).ok()?, SessionId::parse(id).ok()?))
    }

    fn to_cursor(user: &UserId, id: &SessionId) -> ScanCursor {
        ScanCursor::new(format!("m1.{id}.{user}"))
    }
}

pub(super) fn page(
    state: &State,
    now: Timestamp,
    from: Option<&CursorParts>,
    limit: usize,
) -> Page {
    let limit = limit.clamp(1, MAX_PAGE);
    let (mut sessions, mut looked_at, mut last) = (Vec::new(), 0, None);
    let first = from.map_or(Unbounded, |CursorParts(user, _)| Included(user));
    for user in state.order.range((first, Unbounded)) {
        let Some(found) = state.users.get(user) else { continue };
        let after = match from {
            Some(CursorParts(same, id)) if same == user => Excluded(id),
            _ => Unbounded,
        };
        for (id, entry) in found.live.range((after, Unbounded)) {
            if sessions.len() == limit || looked_at == limit + LOOK_AT_ONCE {
                return Page::new(
                    sessions,
                    last.map(|(user, id)| CursorParts::to_cursor(user, id)),
                );
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
pub(super) fn is_due(cursor: &ScanCursor) -> bool {
    cursor.as_str() == DUE
}

/// Returns the cursor of a cleanup.
pub(super) fn due() -> ScanCursor {
    ScanCursor::new(DUE)
}
