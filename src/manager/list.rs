//! Who is logged in: a user's own sessions, and everybody's.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::SessionManager;
use crate::coherence::Tick;
use crate::error::SessionError;
use crate::gate::Verb;
use crate::id::{SessionId, UserId};
use crate::session::{Session, SessionData, StoredContent, Undecodable};
use crate::store::{Listed, Page, Position};
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
    /// Linear in the number of that user's sessions, and in the size of their data:
    /// [`sessions_without_data`](Self::sessions_without_data) reads none of them. One whose data this version cannot
    /// read is left out, and logged.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session<D>>, SessionError> {
        let gate = &self.shared.gate;
        let listed = gate.ask_aside(Verb::List, |store| store.list(user)).await?;
        Ok(latest_first(self.readable(listed, StoredContent::decode)))
    }

    /// As [`sessions`](Self::sessions), without the application's data: they are neither decoded nor, from Redis,
    /// transferred. Sessions whose data this version cannot read are in the list, too.
    ///
    /// # Errors
    ///
    /// As for [`sessions`](Self::sessions).
    pub async fn sessions_without_data(&self, user: &UserId) -> Result<Vec<Session>, SessionError> {
        let gate = &self.shared.gate;
        let listed = gate.ask_aside(Verb::List, |store| store.list_heads(user)).await?;
        Ok(latest_first(self.readable(listed, StoredContent::decode_without_data)))
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
        Ok(own(sessions, current.id()))
    }

    /// As [`own_sessions`](Self::own_sessions), without the application's data, as
    /// [`sessions_without_data`](Self::sessions_without_data).
    ///
    /// # Errors
    ///
    /// As for [`sessions`](Self::sessions).
    pub async fn own_sessions_without_data(
        &self,
        current: &Session<D>,
    ) -> Result<Vec<OwnSession>, SessionError> {
        let sessions = self.sessions_without_data(current.user_id()).await?;
        Ok(own(sessions, current.id()))
    }

    /// Some of everybody's living sessions: `limit` at most (1 to [`MAX_PAGE`](Self::MAX_PAGE); what is outside counts
    /// as the nearest of these), from where an earlier page ended.
    ///
    /// A session that lives from the first page to the last is on one of them at least. One may be on two, while the
    /// store's tables grow or shrink.
    ///
    /// A page of large sessions is large: [`all_sessions_without_data`](Self::all_sessions_without_data) reads none of
    /// their data.
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
        let from = self.place(from)?;
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let gate = &self.shared.gate;
        let page = gate.ask_aside(Verb::Scan, |store| store.scan(from.as_ref(), limit)).await?;
        self.page(page, StoredContent::decode)
    }

    /// As [`all_sessions`](Self::all_sessions), without the application's data, as
    /// [`sessions_without_data`](Self::sessions_without_data).
    ///
    /// # Errors
    ///
    /// As for [`all_sessions`](Self::all_sessions).
    pub async fn all_sessions_without_data(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<SessionPage, SessionError> {
        let from = self.place(from)?;
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let gate = &self.shared.gate;
        let scan = gate.ask_aside(Verb::Scan, |store| store.scan_heads(from.as_ref(), limit));
        self.page(scan.await?, StoredContent::decode_without_data)
    }

    /// Where a page begins.
    fn place(&self, from: Option<&Cursor>) -> Result<Option<Position>, SessionError> {
        let Some(cursor) = from else { return Ok(None) };
        let policy = self.shared.policy.load();
        let text = policy.unseal(Cursor::PURPOSE, cursor.as_str()).map(|(text, _)| text);
        self.position(&text.ok_or(SessionError::Cursor)?).map(Some)
    }

    /// A page of a store as the application sees it; `None` is the store's word that the cursor is none of its own.
    fn page<E>(
        &self,
        page: Option<Page>,
        decode: Decode<E>,
    ) -> Result<SessionPage<E>, SessionError> {
        let page = page.ok_or(SessionError::Cursor)?;
        let policy = self.shared.policy.load();
        let seal = |next: Position| {
            let text = format!("{}\n{}", self.shared.gate.kind(), next.as_str());
            policy.seal(Cursor::PURPOSE, &text).map(Cursor)
        };
        let next = page.next.map(seal).transpose()?;
        Ok(SessionPage { sessions: self.readable(page.sessions, decode), next })
    }

    /// A position of a store of the kind that is there now.
    fn position(&self, text: &str) -> Result<Position, SessionError> {
        let (kind, position) = text.split_once('\n').ok_or(SessionError::Cursor)?;
        if kind != self.shared.gate.kind() {
            return Err(SessionError::Cursor);
        }
        Ok(Position::new(position))
    }

    fn readable<E>(&self, listed: Vec<Listed>, decode: Decode<E>) -> Vec<Session<E>> {
        let all = listed.len();
        let mut why = None;
        let session = |entry: Listed| {
            let activity = entry.activity();
            let Listed { user, id, mut record, .. } = entry;
            match decode(std::mem::take(&mut record.payload)) {
                Ok(stored) => {
                    let (stored, now) = (Arc::new(stored), Tick::now());
                    Some(Session::new(self.state(user, id, &record, stored, activity, now)))
                }
                Err(error) => {
                    why.get_or_insert((id, error));
                    None
                }
            }
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

type Decode<E> = fn(Bytes) -> Result<StoredContent<E>, Undecodable>;

fn latest_first<E>(mut sessions: Vec<Session<E>>) -> Vec<Session<E>> {
    sessions.sort_unstable_by_key(|session| {
        (Reverse(session.last_activity()), Reverse(session.created()), session.id().clone())
    });
    sessions
}

/// Marks the session that asks.
fn own<E>(sessions: Vec<Session<E>>, current: &SessionId) -> Vec<OwnSession<E>> {
    let own = |session: Session<E>| OwnSession { current: session.id() == current, session };
    sessions.into_iter().map(own).collect()
}
