//! Who is logged in: a user's own sessions, and everybody's.

use std::cmp::Reverse;
use std::fmt;

use super::SessionManager;
use crate::error::SessionError;
use crate::gate::Verb;
use crate::id::UserId;
use crate::session::{Session, SessionData};
use crate::store::{Listed, Position};
use crate::trace;

/// One of a user's own sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OwnSession<D = ()> {
    /// The session.
    pub session: Session<D>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Some of all sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage<D = ()> {
    /// The sessions, in no particular order. May be fewer than were asked for, or none, although more follow.
    pub sessions: Vec<Session<D>>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<Cursor>,
}

/// Where a list of all sessions goes on. It may be handed to a client: it is signed, so that nobody else can make one.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// What cursors are signed as.
    const PURPOSE: &str = "cursor";

    /// A cursor as a client brought it back. Whether it is one of ours is found when it is used.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for a client: letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// It names users.
impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("bytes", &self.0.len()).finish()
    }
}

impl<D: SessionData> SessionManager<D> {
    /// The most sessions that [`all_sessions`](Self::all_sessions) returns at once.
    pub const MAX_PAGE: usize = 1_000;

    /// The living sessions of one user with their exact last activity and idle deadline, the latest used first.
    ///
    /// Linear in the number of that user's sessions. One whose data this version cannot read is left out, and logged.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session<D>>, SessionError> {
        let gate = &self.shared.gate;
        let listed = gate.ask_aside(Verb::List, |store| store.list(user)).await?;
        let mut sessions = self.readable(listed);
        sessions.sort_unstable_by_key(|session| {
            (Reverse(session.last_activity()), Reverse(session.created()), session.id().clone())
        });
        Ok(sessions)
    }

    /// As [`sessions`](Self::sessions), for the user who asks: the session that `current` is, is marked.
    ///
    /// # Errors
    ///
    /// As for [`sessions`](Self::sessions).
    pub async fn own_sessions(
        &self,
        current: &Session<D>,
    ) -> Result<Vec<OwnSession<D>>, SessionError> {
        let sessions = self.sessions(current.user_id()).await?;
        let own =
            |session: Session<D>| OwnSession { current: session.id() == current.id(), session };
        Ok(sessions.into_iter().map(own).collect())
    }

    /// Some of everybody's living sessions: `limit` at most (1 to [`MAX_PAGE`](Self::MAX_PAGE); what is outside counts
    /// as the nearest of these), from where an earlier page ended.
    ///
    /// A session that lives from the first page to the last is on one of them at least. One may be on two, while the
    /// store's tables grow or shrink.
    ///
    /// # Errors
    ///
    /// [`SessionError::Cursor`] for a cursor that this application did not make, [`Store`](SessionError::Store) when
    /// the store cannot answer.
    pub async fn all_sessions(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<SessionPage<D>, SessionError> {
        let gate = &self.shared.gate;
        let policy = self.shared.policy.load();
        let from = match from {
            Some(cursor) => {
                let text = policy.unseal(Cursor::PURPOSE, cursor.as_str()).map(|(text, _)| text);
                Some(self.position(&text.ok_or(SessionError::Cursor)?)?)
            }
            None => None,
        };
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let page = gate.ask_aside(Verb::Scan, |store| store.scan(from.as_ref(), limit)).await?;
        let page = page.ok_or(SessionError::Cursor)?;
        let seal = |next: Position| {
            let text = format!("{}\n{}", gate.kind(), next.as_str());
            policy.seal(Cursor::PURPOSE, &text).map(Cursor)
        };
        let next = page.next.map(seal).transpose()?;
        Ok(SessionPage { sessions: self.readable(page.sessions), next })
    }

    /// A position of a store of the kind that is there now.
    fn position(&self, text: &str) -> Result<Position, SessionError> {
        let (kind, position) = text.split_once('\n').ok_or(SessionError::Cursor)?;
        if kind != self.shared.gate.kind() {
            return Err(SessionError::Cursor);
        }
        Ok(Position::new(position))
    }

    fn readable(&self, listed: Vec<Listed>) -> Vec<Session<D>> {
        let all = listed.len();
        let mut why = None;
        let session = |entry: Listed| {
            let activity = entry.activity();
            let Listed { user, id, record, .. } = entry;
            let short = id.clone();
            self.session(user, id, record, activity)
                .map_err(|error| why.get_or_insert((short, error)))
                .ok()
        };
        let sessions: Vec<_> = listed.into_iter().filter_map(session).collect();
        // One line, however many there are.
        if let Some((first, error)) = why {
            trace::warn!(
                "sessions are missing in a list: they cannot be read",
                missing = all - sessions.len(),
                first = first.short(),
                error = trace::Chain(&error),
            );
        }
        sessions
    }
}
