//! Changing living sessions.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::SessionManager;
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::events::Event;
use crate::gate::Verb;
use crate::id::{SessionId, UserId};
use crate::session::{Content, Session, SessionData, SessionEdit};
use crate::store::{Record, Replacement, Touch, Touched, Updated, UpdatedAll};
use crate::trace;

/// How often a change is tried against others' before it gives up.
const TRIES: usize = 16;

impl<D: SessionData> SessionManager<D> {
    /// Changes the content of a living session, and returns it as it is then. Every process sees the change at once.
    ///
    /// Nobody else's change is lost: `change` is called again, on the newer content, if somebody was faster (16 times
    /// at most). Its deadlines stay. If nothing is different afterwards, nothing is written.
    ///
    /// ```
    /// # use tower_session_auth::{SessionError, SessionManager, SessionId, UserId};
    /// # async fn demote(manager: SessionManager, user: UserId, id: SessionId) -> Result<(), SessionError> {
    /// let session = manager.update(&user, &id, |session| session.role = Some("user".to_owned())).await?;
    /// assert_eq!(session.role(), Some("user"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if the session has ended, also meanwhile; [`Contended`](SessionError::Contended) if
    /// others were faster each time; [`Store`](SessionError::Store) when the store cannot answer (the change may then
    /// be written or not); the kinds that say that the new content cannot be stored.
    pub async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        mut change: impl FnMut(&mut SessionEdit<D>) + Send,
    ) -> Result<Session<D>, SessionError> {
        let (session, written) =
            self.rewrite(user, id, |content, _| content.edited(&mut change)).await?;
        if written {
            self.tell_updated(user, id.clone());
        }
        Ok(session)
    }

    /// Changes the content of all living sessions of a user in one step, as when a role is taken away; tells how many of
    /// them are different now. A login that is under way, and may have read what is changed, does not survive if it holds a
    /// [`LoginGuard`](crate::session::LoginGuard).
    ///
    /// `change` is called for each session, and for all again if somebody was faster (16 times at most). A session
    /// whose data this version cannot read stays as it is, and is logged.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update), but for [`Gone`](SessionError::Gone): no session at all is 0.
    pub async fn update_all(
        &self,
        user: &UserId,
        mut change: impl FnMut(&SessionId, &mut SessionEdit<D>) + Send,
    ) -> Result<usize, SessionError> {
        let gate = &self.shared.gate;
        let deadline = gate.deadline();
        for _ in 0..TRIES {
            let listed = gate.ask_aside(Verb::List, |store| store.list(user)).await?;
            let mut changed = HashSet::new();
            let mut replacements = Vec::with_capacity(listed.len());
            for entry in listed {
                let Record { revision, payload, .. } = entry.record;
                let next = match Content::<D>::decode(&payload) {
                    Ok(content) => content.edited(|edit| change(&entry.id, edit)).encode()?,
                    Err(_) => {
                        trace::warn!(
                            "a session that cannot be read stays as it is",
                            session = entry.id.short(),
                        );
                        payload.clone()
                    }
                };
                if next != payload {
                    changed.insert(entry.id.clone());
                }
                replacements.push(Replacement::new(entry.id, revision, next));
            }
            let written = gate
                .ask(Verb::UpdateAll, deadline, |store| store.update_all(user, &replacements))
                .await?;
            if written == UpdatedAll::Written {
                let count = changed.len();
                for id in changed {
                    self.tell_updated(user, id);
                }
                return Ok(count);
            }
        }
        Err(SessionError::Contended)
    }

    /// Notes that the user of a living session proved once more who they are: [`Session::authenticated_at`] is now, and
    /// `acr` and `amr` are what this proof was. So a guard that asks for a recent or stronger login (RFC 9470) is
    /// content without a new login; the access token stays the same.
    ///
    /// # Errors
    ///
    /// As for [`update`](Self::update).
    pub async fn reauthenticate(
        &self,
        user: &UserId,
        id: &SessionId,
        acr: Option<&str>,
        amr: &[&str],
    ) -> Result<Session<D>, SessionError> {
        let renew = |mut content: Content<D>, now| {
            content.authenticated_at = Some(now);
            content.acr = acr.map(str::to_owned);
            content.amr = amr.iter().map(|method| (*method).to_owned()).collect();
            content
        };
        let (session, _) = self.rewrite(user, id, renew).await?;
        let (user, session_id) = (user.clone(), id.clone());
        self.shared.events.emit(Event::Reauthenticated { user, session: session_id });
        Ok(session)
    }

    /// Lets the idle TTL of a living session start anew, bounded by its absolute lifetime. Returns the new idle
    /// deadline. (Requests do this in the background; this is for a "keep me logged in" button.)
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if the session has ended, [`Store`](SessionError::Store) when the store cannot answer.
    pub async fn refresh(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<DateTime<Utc>, SessionError> {
        let gate = &self.shared.gate;
        let touch = [Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX)];
        let touched = gate.ask(Verb::Touch, gate.deadline(), |store| store.touch(&touch)).await?;
        let Some(Touched::Lives(idle_deadline)) = touched.into_iter().next() else {
            return Err(SessionError::Gone);
        };
        let (user, session) = (user.clone(), id.clone());
        self.shared.events.emit(Event::Refreshed { user, session });
        Ok(idle_deadline.to_datetime())
    }

    /// Compare-and-set on the revision, within one deadline. Tells whether anything had to be written.
    async fn rewrite(
        &self,
        user: &UserId,
        id: &SessionId,
        mut change: impl FnMut(Content<D>, Timestamp) -> Content<D> + Send,
    ) -> Result<(Session<D>, bool), SessionError> {
        let gate = &self.shared.gate;
        let deadline = gate.deadline();
        for _ in 0..TRIES {
            let record = gate.ask(Verb::Load, deadline, |store| store.load(user, id, None)).await?;
            let Some(mut record) = record else { return Err(SessionError::Gone) };
            let next = change(self.content(&record.payload)?, gate.now()).encode()?;
            if next == record.payload {
                return Ok((self.as_it_is(user, id, record, deadline).await?, false));
            }
            let expected = record.revision;
            let write = gate.ask(Verb::Update, deadline, |store| {
                store.update(user, id, expected, next.clone())
            });
            match write.await? {
                Updated::Written(revision) => {
                    record.revision = revision;
                    record.payload = next;
                    return Ok((self.as_it_is(user, id, record, deadline).await?, true));
                }
                Updated::Conflict => {}
                Updated::Gone => return Err(SessionError::Gone),
            }
        }
        Err(SessionError::Contended)
    }

    /// A session from its record and its true activity.
    pub(super) async fn as_it_is(
        &self,
        user: &UserId,
        id: &SessionId,
        record: Record,
        deadline: Instant,
    ) -> Result<Session<D>, SessionError> {
        let activity = self
            .shared
            .gate
            .ask(Verb::Activity, deadline, |store| store.activity(user, id))
            .await?;
        let activity = activity.ok_or(SessionError::Gone)?;
        Ok(self.session(user.clone(), id.clone(), record, activity, None)?)
    }

    fn tell_updated(&self, user: &UserId, session: SessionId) {
        self.shared.events.emit(Event::Updated { user: user.clone(), session });
    }
}
