//! Listing sessions: the sessions of one user, and all sessions page by page.

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;

use super::SessionManager;
use super::page_cursor::Cursor;
use crate::cache::Session;
use crate::coherence::Tick;
use crate::error::SessionError;
use crate::id::{SessionId, UserId};
use crate::resilience::Operation;
use crate::session::{SessionData, StoredContent, Undecodable};
use crate::store::{Listed, Page};
use crate::trace;

/// One of the sessions of the user that a request belongs to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OwnSession<D = ()> {
    /// The session.
    pub session: Session<D>,
    /// Whether this is the session of that request.
    pub current: bool,
}

/// One page of a scan over all sessions.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage<D = ()> {
    /// The sessions, in no particular order. A page can have fewer sessions than the limit. It can
    /// also be empty. In both cases, more pages can follow.
    pub sessions: Vec<Session<D>>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

impl<D: SessionData> SessionManager<D> {
    /// The largest number of sessions that [`all_sessions`](Self::all_sessions) returns per page.
    pub const MAX_PAGE: usize = 1_000;

    /// Returns the live sessions of one user with their exact last activity and idle deadline. The
    /// most recently used session is first.
    ///
    /// The cost is linear in the number of that user's sessions and in the size of their data.
    /// [`sessions_without_data`](Self::sessions_without_data) avoids the cost of the data. If this
    /// version of the library cannot read the data of a session, that session is left out of the
    /// list and logged.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer.
    pub async fn sessions(&self, user: &UserId) -> Result<Vec<Session<D>>, SessionError> {
        let store_client = &self.shared.store_client;
        let listed = store_client.ask_aside(Operation::List, |store| store.list(user)).await?;
        Ok(latest_first(self.readable(listed, StoredContent::decode)))
    }

    /// Returns the same list as [`sessions`](Self::sessions), but without the application's data.
    /// The library does not decode the data, and Redis does not transfer them. The list also
    /// includes sessions whose data this version of the library cannot read.
    ///
    /// # Errors
    ///
    /// As for [`sessions`](Self::sessions).
    pub async fn sessions_without_data(&self, user: &UserId) -> Result<Vec<Session>, SessionError> {
        let store_client = &self.shared.store_client;
        let listed =
            store_client.ask_aside(Operation::List, |store| store.list_heads(user)).await?;
        Ok(latest_first(self.readable(listed, StoredContent::decode_without_data)))
    }

    /// Returns the [`sessions`](Self::sessions) of the user of `current`, and marks which of them
    /// is the session `current`.
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

    /// Returns the same list as [`own_sessions`](Self::own_sessions), but without the application's
    /// data: see [`sessions_without_data`](Self::sessions_without_data).
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

    /// Returns one page of the live sessions of all users: at most `limit` sessions, from the
    /// cursor of an earlier page on. `limit` is clamped to 1 to [`MAX_PAGE`](Self::MAX_PAGE).
    ///
    /// A session that is live from the first page to the last page is on at least one page. If the
    /// store's tables grow or shrink during the scan, the session can be on two pages.
    ///
    /// If the sessions have large data, a page is large.
    /// [`all_sessions_without_data`](Self::all_sessions_without_data) does not read the data.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Cursor`]: the cursor was not made by this application, it was made for a
    ///   store of another kind, or the key that signed it has been removed.
    /// - [`Store`](SessionError::Store): the store cannot answer.
    /// - Any other error: the cursor of the next page cannot be signed.
    pub async fn all_sessions(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<SessionPage<D>, SessionError> {
        let from = self.checked_cursor(from)?;
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let store_client = &self.shared.store_client;
        let page = store_client
            .ask_aside(Operation::Scan, |store| store.scan(from.as_ref(), limit))
            .await?;
        self.page(page, StoredContent::decode)
    }

    /// Returns the same page as [`all_sessions`](Self::all_sessions), but without the application's
    /// data: see [`sessions_without_data`](Self::sessions_without_data).
    ///
    /// # Errors
    ///
    /// As for [`all_sessions`](Self::all_sessions).
    pub async fn all_sessions_without_data(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<SessionPage, SessionError> {
        let from = self.checked_cursor(from)?;
        let limit = limit.clamp(1, Self::MAX_PAGE);
        let store_client = &self.shared.store_client;
        let scan =
            store_client.ask_aside(Operation::Scan, |store| store.scan_heads(from.as_ref(), limit));
        self.page(scan.await?, StoredContent::decode_without_data)
    }

    /// Builds a page for the application and signs its cursor. If `page` is `None`, the store did
    /// not accept the cursor, and the result is an error.
    fn page<E>(
        &self,
        page: Option<Page>,
        decode: Decode<E>,
    ) -> Result<SessionPage<E>, SessionError> {
        let page = page.ok_or(SessionError::Cursor)?;
        let next = page.next.map(|next| self.signed_cursor(&next)).transpose()?;
        Ok(SessionPage { sessions: self.readable(page.sessions, decode), next })
    }

    /// Decodes the listed sessions. Sessions that cannot be read are left out, and the log states
    /// how many were left out.
    fn readable<E>(&self, listed: Vec<Listed>, decode: Decode<E>) -> Vec<Session<E>> {
        let all = listed.len();
        let mut why = None;
        let session = |entry: Listed| {
            let activity = entry.activity();
            let Listed { user, id, mut record, .. } = entry;
            match decode(std::mem::take(&mut record.payload)) {
                Ok(stored) => {
                    let (stored, now) = (Arc::new(stored), Tick::now());
                    Some(Session::of_state(self.state(user, id, &record, stored, activity, now)))
                }
                Err(error) => {
                    why.get_or_insert((id, error));
                    None
                }
            }
        };
        let sessions: Vec<_> = listed.into_iter().filter_map(session).collect();
        // One log line for all of them, because there may be many.
        if let Some((first, error)) = why {
            trace::warn!(
                "a list omits sessions whose records cannot be read",
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

/// Marks the session `current`.
fn own<E>(sessions: Vec<Session<E>>, current: &SessionId) -> Vec<OwnSession<E>> {
    let own = |session: Session<E>| OwnSession { current: session.id() == current, session };
    sessions.into_iter().map(own).collect()
}
