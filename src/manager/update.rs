//! Changing the content of live sessions, and extending their idle deadline.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::run_to_completion::run_to_completion;
use super::{SessionManager, Shared};
use crate::cache::Session;
use crate::clock::Timestamp;
use crate::error::SessionError;
use crate::id::{SessionId, UserId};
use crate::resilience::Operation;
use crate::session::{Content, SessionData, SessionEdit, State, StoredContent, same_payload};
use crate::store::{Record, Replacement, Touch, Touched, Updated, UpdatedAll};
use crate::telemetry::events::Event;
use crate::trace;

/// Maximum number of tries of a change. If another change was written first in each try, the change
/// fails.
const TRIES: usize = 16;

impl<D: SessionData> SessionManager<D> {
    /// Changes the content of a live session, and returns the changed session. Another process
    /// applies the change as soon as the invalidation arrives there: see
    /// [`near_cache`](Self::near_cache).
    ///
    /// No concurrent change is lost. If another change was written first, the manager calls
    /// `change` again on the newer content, in at most 16 tries. No retry starts later than
    /// `2 * (store timeout + directory timeout)` after the start of the call.
    ///
    /// The deadlines of the session stay the same. If `change` does not change the content, nothing
    /// is written.
    ///
    /// ```
    /// # use tower_session_auth::error::SessionError;
    /// # use tower_session_auth::{SessionId, SessionManager, UserId};
    /// # async fn demote(manager: SessionManager, user: UserId, id: SessionId) -> Result<(), SessionError> {
    /// let session = manager.update(&user, &id, |session| session.role = Some("user".to_owned())).await?;
    /// assert_eq!(session.role(), Some("user"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SessionError::Gone`]: the session is revoked, expired or unknown. This error is also
    ///   returned if the session is revoked or expires during the call.
    /// - [`Contended`](SessionError::Contended): in each try, another change was written first.
    /// - [`Store`](SessionError::Store): the store cannot answer. It is then unknown whether the
    ///   change was written.
    /// - [`TooLarge`](SessionError::TooLarge): `change` makes the application's data larger, and
    ///   the new data exceed
    ///   [`session_data_limit`](crate::manager::SessionManagerBuilder::session_data_limit). Stored
    ///   data that already exceed the limit can stay the same or become smaller.
    /// - Any other error: the new content cannot be stored.
    pub async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        mut change: impl FnMut(&mut SessionEdit<D>) + Send,
    ) -> Result<Session<D>, SessionError> {
        let told = |user, session| Event::Updated { user, session };
        self.rewrite(user, id, told, |content, _| content.edited(&mut change)).await
    }

    /// Changes the content of all live sessions of a user in one step, for example to remove a
    /// role. Returns the number of sessions that changed. A login in progress fails if it holds a
    /// login fence ([`LoginFence`](crate::session::LoginFence)), because that login may have read a
    /// value that this call changes.
    ///
    /// The manager calls `change` for each session. If another change was written first, the
    /// manager calls `change` again for all sessions, in at most 16 tries. If this version of the
    /// application cannot read the data of a session, the session stays unchanged and the manager
    /// logs a warning.
    ///
    /// # Errors
    ///
    /// The errors of [`update`](Self::update), except [`Gone`](SessionError::Gone). If the user has
    /// no session, this method returns 0.
    pub async fn update_all(
        &self,
        user: &UserId,
        mut change: impl FnMut(&SessionId, &mut SessionEdit<D>) + Send,
    ) -> Result<usize, SessionError> {
        self.rewrite_all(user, |id, content| content.edited(|edit| change(id, edit))).await
    }

    /// Changes the content of all live sessions of a user in one step. Returns how many changed.
    pub(crate) async fn rewrite_all(
        &self,
        user: &UserId,
        mut change: impl FnMut(&SessionId, Content<D>) -> Content<D> + Send,
    ) -> Result<usize, SessionError> {
        let Shared { store_client, limits, .. } = &*self.shared;
        for _ in 0..TRIES {
            let listed = store_client.ask_aside(Operation::List, |store| store.list(user)).await?;
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
                            "a session cannot be read: the update leaves it unchanged",
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
            let written = run_to_completion(async move {
                let Shared { store_client, events, .. } = &*manager.shared;
                let update = store_client
                    .ask(Operation::UpdateAll, |store| store.update_all(&user, &replacements));
                let updated = update.await;
                manager.invalidate(&user);
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

    /// Records that the user of a live session has authenticated again.
    ///
    /// [`Session::authenticated_at`] becomes the present time, and `acr` and `amr` describe this
    /// authentication. After that, the session can pass a guard that requires a recent or stronger
    /// login (RFC 9470), without a new login. The access token stays the same.
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

    /// Touches a live session immediately, and returns the new idle deadline.
    ///
    /// The new idle deadline is one idle TTL after the call, but never later than the absolute
    /// deadline. A request needs no call of this method, because the worker touches the session in
    /// the background. Call this method for example for a "keep me logged in" button.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if the session is revoked, expired or unknown.
    /// [`Store`](SessionError::Store) if the store cannot answer or accepts no writes.
    pub async fn touch(&self, user: &UserId, id: &SessionId) -> Result<Timestamp, SessionError> {
        let (manager, user, id) = (self.clone(), user.clone(), id.clone());
        run_to_completion(async move {
            let Shared { store_client, events, .. } = &*manager.shared;
            let touch = [Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX)];
            let touched = store_client.ask(Operation::Touch, |store| store.touch(&touch));
            let Some(Touched::Lives(idle_deadline)) = touched.await?.into_iter().next() else {
                return Err(SessionError::Gone);
            };
            events.emit(Event::Extended { user, session: id });
            Ok(idle_deadline)
        })
        .await
    }

    /// Changes the content by compare-and-set on the revision. Emits `event` after a write.
    async fn rewrite(
        &self,
        user: &UserId,
        id: &SessionId,
        event: fn(UserId, SessionId) -> Event,
        mut change: impl FnMut(Content<D>, Timestamp) -> Content<D> + Send,
    ) -> Result<Session<D>, SessionError> {
        let store_client = &self.shared.store_client;
        let end = self.request_end();
        for tries in 0..TRIES {
            // Each store call has its own timeout. This condition limits the time of all tries
            // together.
            if tries > 0 && Instant::now() >= end {
                break;
            }
            let record =
                store_client.ask(Operation::Load, |store| store.load(user, id, None)).await?;
            let Some(record) = record else { return Err(SessionError::Gone) };
            let stored = self.content(record.payload.clone())?;
            let sizes = stored.sizes();
            let content = change(stored.content, store_client.now());
            let next = content.encode(self.shared.limits.session_data, sizes)?;
            let changed = !same_payload(&next, &record.payload);
            let expected = record.revision;
            // Everything that can fail must happen before the write.
            let next_record = Record { payload: next.clone(), ..record };
            let mut state = self.exact_state(user, id, next_record).await?;
            if !changed {
                return Ok(Session::of_state(state));
            }
            let (manager, user, id) = (self.clone(), user.clone(), id.clone());
            let written = run_to_completion(async move {
                let store_client = &manager.shared.store_client;
                let update = store_client
                    .ask(Operation::Update, |store| store.update(&user, &id, expected, next));
                let written = update.await;
                manager.invalidate(&user);
                let written = written?;
                if let Updated::Written(_) = written {
                    manager.shared.events.emit(event(user, id));
                }
                Ok(written)
            });
            match written.await? {
                Updated::Written(revision) => {
                    state.revision = revision;
                    return Ok(Session::of_state(state));
                }
                Updated::Conflict => {}
                Updated::Gone => return Err(SessionError::Gone),
            }
        }
        Err(SessionError::Contended)
    }

    /// Builds the state of a session from its record and from the activity that the store reports
    /// now.
    pub(crate) async fn exact_state(
        &self,
        user: &UserId,
        id: &SessionId,
        record: Record,
    ) -> Result<State<D>, SessionError> {
        let activity = self
            .shared
            .store_client
            .ask(Operation::Activity, |store| store.activity(user, id))
            .await?;
        let activity = activity.ok_or(SessionError::Gone)?;
        Ok(self.decoded_state(user.clone(), id.clone(), record, activity)?)
    }
}
