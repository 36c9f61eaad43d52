//! Changing living sessions.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::whole::whole;
use super::{SessionManager, Shared};
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::events::Event;
use crate::gate::Verb;
use crate::id::{SessionId, UserId};
use crate::session::{Content, Session, SessionData, SessionEdit, StoredContent, same_payload};
use crate::store::{Record, Replacement, Touch, Touched, Updated, UpdatedAll};
use crate::trace;

/// How often a change is tried against others' before it gives up.
const TRIES: usize = 16;

impl<D: SessionData> SessionManager<D> {
    /// Changes the content of a living session, and returns it as it is then. Every process sees the change at once.
    ///
    /// Nobody else's change is lost: `change` is called again, on the newer content, if somebody was faster (16 times
    /// at most, and no longer than twice the store timeout and the directory timeout together). Its deadlines stay. If nothing is different afterwards, nothing is written.
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
    /// be written or not); [`TooLarge`](SessionError::TooLarge) if the application's data grow, and are over
    /// [`session_data_limit`](crate::SessionManagerBuilder::session_data_limit) then (data that are larger already may
    /// stay or shrink); the other kinds that say that the new content cannot be stored.
    pub async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        mut change: impl FnMut(&mut SessionEdit<D>) + Send,
    ) -> Result<Session<D>, SessionError> {
        let told = |user, session| Event::Updated { user, session };
        self.rewrite(user, id, told, |content, _| content.edited(&mut change)).await
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
        self.rewrite_all(user, |id, content| content.edited(|edit| change(id, edit))).await
    }

    /// Changes the content of all living sessions of a user in one step. Returns how many are different now.
    pub(super) async fn rewrite_all(
        &self,
        user: &UserId,
        mut change: impl FnMut(&SessionId, Content<D>) -> Content<D> + Send,
    ) -> Result<usize, SessionError> {
        let Shared { gate, limits, .. } = &*self.shared;
        for _ in 0..TRIES {
            let listed = gate.ask_aside(Verb::List, |store| store.list(user)).await?;
            let mut changed = HashSet::new();
            let mut replacements = Vec::with_capacity(listed.len());
            for entry in listed {
                let Record { revision, payload, .. } = entry.record;
                let next = match StoredContent::<D>::decode(payload.clone()) {
                    Ok(stored) => {
                        let sizes = stored.sizes();
                        let content = change(&entry.id, stored.content);
                        content.encode(limits.session_data, sizes)?
                    }
                    Err(_) => {
                        trace::warn!(
                            "a session that cannot be read stays as it is",
                            session = entry.id.short(),
                        );
                        payload.clone()
                    }
                };
                if !same_payload(&next, &payload) {
                    changed.insert(entry.id.clone());
                }
                replacements.push(Replacement::new(entry.id, revision, next));
            }
            let (manager, user) = (self.clone(), user.clone());
            let written = whole(async move {
                let Shared { gate, events, .. } = &*manager.shared;
                let update =
                    gate.ask(Verb::UpdateAll, |store| store.update_all(&user, &replacements));
                let updated = update.await;
                manager.changed(&user);
                if updated? == UpdatedAll::Conflict {
                    return Ok(None);
                }
                let count = changed.len();
                for session in changed {
                    events.emit(Event::Updated { user: user.clone(), session });
                }
                Ok(Some(count))
            });
            if let Some(count) = written.await? {
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
        let told = |user, session| Event::Reauthenticated { user, session };
        self.rewrite(user, id, told, renew).await
    }

    /// Lets the idle TTL of a living session start anew, bounded by its absolute lifetime. Returns the new idle
    /// deadline. (Requests do this in the background; this is for a "keep me logged in" button.)
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if the session has ended, [`Store`](SessionError::Store) when the store cannot answer.
    pub async fn touch(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<DateTime<Utc>, SessionError> {
        let (manager, user, id) = (self.clone(), user.clone(), id.clone());
        whole(async move {
            let Shared { gate, events, .. } = &*manager.shared;
            let touch = [Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX)];
            let touched = gate.ask(Verb::Touch, |store| store.touch(&touch));
            let Some(Touched::Lives(idle_deadline)) = touched.await?.into_iter().next() else {
                return Err(SessionError::Gone);
            };
            events.emit(Event::Refreshed { user, session: id });
            Ok(idle_deadline.to_datetime())
        })
        .await
    }

    /// Compare-and-set on the revision. What is written is told as `event`.
    async fn rewrite(
        &self,
        user: &UserId,
        id: &SessionId,
        event: fn(UserId, SessionId) -> Event,
        mut change: impl FnMut(Content<D>, Timestamp) -> Content<D> + Send,
    ) -> Result<Session<D>, SessionError> {
        let gate = &self.shared.gate;
        let end = self.request_end();
        for tries in 0..TRIES {
            // Each call has a limit of its own; together they must not take for ever.
            if tries > 0 && Instant::now() >= end {
                break;
            }
            let record = gate.ask(Verb::Load, |store| store.load(user, id, None)).await?;
            let Some(record) = record else { return Err(SessionError::Gone) };
            let stored = self.content(record.payload.clone())?;
            let sizes = stored.sizes();
            let content = change(stored.content, gate.now());
            let next = content.encode(self.shared.limits.session_data, sizes)?;
            let changed = !same_payload(&next, &record.payload);
            let expected = record.revision;
            // All that can fail comes before the write.
            let next_record = Record { payload: next.clone(), ..record };
            let mut session = self.as_it_is(user, id, next_record).await?;
            if !changed {
                return Ok(session);
            }
            let (manager, user, id) = (self.clone(), user.clone(), id.clone());
            let written = whole(async move {
                let gate = &manager.shared.gate;
                let update =
                    gate.ask(Verb::Update, |store| store.update(&user, &id, expected, next));
                let written = update.await;
                manager.changed(&user);
                let written = written?;
                if let Updated::Written(_) = written {
                    manager.shared.events.emit(event(user, id));
                }
                Ok(written)
            });
            match written.await? {
                Updated::Written(revision) => {
                    session.revised(revision);
                    return Ok(session);
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
    ) -> Result<Session<D>, SessionError> {
        let activity =
            self.shared.gate.ask(Verb::Activity, |store| store.activity(user, id)).await?;
        let activity = activity.ok_or(SessionError::Gone)?;
        Ok(self.session(user.clone(), id.clone(), record, activity)?)
    }
}
