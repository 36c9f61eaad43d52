//! Loads a session from the store, and fills the near cache with the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::lookup::Verified;
use super::request_policy::RequestPolicy;
use crate::cache::{CacheEntry, Ended, Live, LoadError, NearCache};
use crate::clock::Timestamp;
use crate::coherence::{Stamp, Tick, Validity, ValidityBounds, increment};
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::manager::shared::accounts::ASKED_AT_MOST;
use crate::manager::{SessionManager, Shared};
use crate::resilience::{CallError, Operation};
use crate::session::{SessionData, State, StoredContent, Undecodable};
use crate::store::{Activity, Record, StoreError, StoreErrorKind, Tracked};
use crate::timer_elision;
use crate::token::VerifiedClaims;
use crate::trace;
use crate::worker::Life;

/// How long a cache entry for "no such session" is valid.
const ENDED_KEPT: Duration = Duration::from_secs(5);

/// What this process knew before it sent a load.
struct Before {
    at: Tick,
    /// Shows whether an invalidation has arrived after `at`. `None` if the read is not tracked.
    stamp: Option<Stamp>,
    /// A lower bound of the session's idle deadline, and the time of the session's last use.
    remembered: Option<(Timestamp, Timestamp)>,
}

impl<D: SessionData> SessionManager<D> {
    /// Returns the session of a verified token, if it is live. If the request can join a load of
    /// another request, this method fails with `overloaded` at the deadline `end`. If the request
    /// cannot join a load, only the timeout of each call applies.
    pub(crate) async fn load(
        &self,
        verified: &Verified<D>,
        request_policy: &RequestPolicy,
        end: Instant,
    ) -> Result<Arc<Live<D>>, LoadError> {
        let known = match (&self.shared.near, &verified.key) {
            (Some(near), Some(key)) => match request_policy.staleness.within(near.lease()) {
                // While the invalidation connection is down, a request never joins another
                // request's load: that load may have started before this request arrived.
                Some(bound) if near.tracker().is_coherent() => {
                    let still_holds = |known: &CacheEntry<D>| {
                        let serves = |validity: &Validity| {
                            validity.serves(verified.policy, Tick::now(), bound)
                        };
                        known.validity().is_some_and(serves)
                    };
                    // `true` while this request makes calls of its own that certainly end before
                    // the deadline. In that case, the request needs no timer for the deadline.
                    let ends_in_time = &AtomicBool::new(false);
                    let ask = || async {
                        let longest = self.shared.store_client.limit() + self.longest_after_load();
                        ends_in_time.store(Instant::now() + longest <= end, Ordering::Relaxed);
                        let answer = self.fill(near, verified).await;
                        // From here on, the request may again wait for another request's load.
                        ends_in_time.store(false, Ordering::Relaxed);
                        answer
                    };
                    let ends_in_time = || ends_in_time.load(Ordering::Relaxed);
                    let late = || LoadError::Refused(overloaded());
                    let join = near.single_flight().join(key, still_holds, ask);
                    timer_elision::timeout_at(end, join, ends_in_time, late).await?
                }
                _ => self.ask(verified).await?,
            },
            _ => self.ask(verified).await?,
        };
        match known {
            CacheEntry::Live(live) => {
                self.note_use(&live);
                Ok(live)
            }
            CacheEntry::Ended(ended) => Err(ended.error.clone().into()),
        }
    }

    /// Returns an upper limit for the time of the calls that follow a load. If the load found no
    /// session, this is the timeout of one store call, which reads the reason of a revocation. If
    /// the load found a session, this is the timeout of `ASKED_AT_MOST` directory calls. The result
    /// is the greater of the two limits.
    fn longest_after_load(&self) -> Duration {
        self.shared.store_client.limit().max(ASKED_AT_MOST * self.directory_limit())
    }

    /// Loads the session with a tracked read and caches the answer. Redis reports later changes.
    async fn fill(
        &self,
        near: &NearCache<D>,
        verified: &Verified<D>,
    ) -> Result<CacheEntry<D>, LoadError> {
        let claims = verified.claims();
        let (user, id) = (claims.user(), claims.session_id());
        let at = Tick::now();
        // Take the stamp before sending the read. In the opposite order, a change after the read
        // and before the stamp would go unnoticed.
        let Some(stamp) = near.stamp(user, at) else { return self.ask(verified).await };
        let remembered = self.shared.touches.remembered(user, id);
        let idle_bound = idle_bound(remembered);
        let tracker = near.tracker();
        let loaded = self
            .shared
            .store_client
            .try_ask(Operation::Load, |_| tracker.load(&stamp, user, id, idle_bound))
            .await;
        let Tracked { record, is_tracked } = match loaded {
            Ok(loaded) => loaded,
            Err(CallError::Unavailable(away)) => return Err(LoadError::StoreUnavailable(away)),
            Err(CallError::Answered(error)) => {
                return Ok(self.unread(verified, claims, error, Some(stamp), at)?);
            }
        };
        is_not_ahead(claims, record.as_ref())?;
        increment(&near.counters().fills);
        let stamp = is_tracked.then_some(stamp);
        let before = Before { at, stamp, remembered };
        Ok(self.answered(verified, claims, record, before).await?)
    }

    /// Loads the session with an untracked read: Redis does not report later changes. So each later
    /// request loads the record again. If the near cache has the decoded session, and the record
    /// has not changed, the request does not decode the record again.
    async fn ask(&self, verified: &Verified<D>) -> Result<CacheEntry<D>, LoadError> {
        let claims = verified.claims();
        let (user, id) = (claims.user(), claims.session_id());
        let at = Tick::now();
        let remembered = self.shared.touches.remembered(user, id);
        let idle_bound = idle_bound(remembered);
        let loaded = self
            .shared
            .store_client
            .try_ask(Operation::Load, |store| store.load(user, id, idle_bound))
            .await;
        let record = loaded.map_err(|failure| match failure {
            CallError::Unavailable(away) => LoadError::StoreUnavailable(away),
            CallError::Answered(error) => refusal(error, id).into(),
        })?;
        is_not_ahead(claims, record.as_ref())?;
        // An unchanged record need not be decoded again.
        if let (Some(record), Some(live)) = (&record, verified.last_seen())
            && live.state.is_of(record)
        {
            let Some(accounts) = &self.shared.accounts else {
                return Ok(CacheEntry::Live(Arc::clone(live)));
            };
            let granted = Box::pin(self.account_of_session(accounts, user)).await?;
            return Ok(CacheEntry::Live(self.with_role(live, granted.role)));
        }
        let before = Before { at, stamp: None, remembered };
        Ok(self.answered(verified, claims, record, before).await?)
    }

    /// Turns the store's answer into a cache entry.
    async fn answered(
        &self,
        verified: &Verified<D>,
        claims: &VerifiedClaims,
        record: Option<Record>,
        before: Before,
    ) -> Result<CacheEntry<D>, AuthError> {
        let (user, id) = (claims.user(), claims.session_id());
        let Before { at, stamp, remembered } = before;
        let Some(mut record) = record else {
            // Boxed because it is rare: this keeps the future of each request small.
            let (error, reason_is_known) = Box::pin(self.why_ended(user, id)).await;
            self.shared.ended.insert((user.clone(), id.clone()), error.clone());
            let (ends, ask_again) = (at.after(ENDED_KEPT), Tick::NEVER);
            let validity = self.validity(verified, claims, stamp, at, ends, ask_again);
            let validity = validity.filter(|_| reason_is_known);
            let ended = Ended { claims: claims.clone(), error, validity };
            return Ok(self.remember(verified, CacheEntry::Ended(Arc::new(ended))));
        };
        let activity = Activity::new(
            remembered.map_or(record.created, |(_, last_use)| last_use.max(record.created)),
            record.idle_deadline,
        );
        let payload = std::mem::take(&mut record.payload);
        let stored = self.shared_content(user, id, payload);
        let state = stored
            .map(|stored| self.state(user.clone(), id.clone(), &record, stored, activity, at));
        let state = match state {
            Ok(state) => state,
            Err(error) => return self.unread(verified, claims, error, stamp, at),
        };
        let left = state.idle_deadline.min(state.absolute_deadline).saturating_since(state.read);
        // The remaining time is counted from a moment before the read was sent. So the entry can
        // end slightly too early, but never too late.
        let ends = at.after(left);
        let (state, ask_again) = match &self.shared.accounts {
            None => (state, Tick::NEVER),
            Some(accounts) => {
                let mut state = state;
                let active = async move {
                    let granted = self.account_of_session(accounts, user).await?;
                    self.apply_role(&mut state, granted.role);
                    Ok::<_, AuthError>((state, Tick::now().after(granted.left)))
                };
                Box::pin(active).await?
            }
        };
        let ask_again = ask_again.min(at.after(self.shared.revalidate_after));
        let validity = self.validity(verified, claims, stamp, at, ends, ask_again);
        let live = Live { validity, state, claims: claims.clone() };
        Ok(self.remember(verified, CacheEntry::Live(Arc::new(live))))
    }

    /// Maps an error of the store to the response for the client. The near cache keeps the error of
    /// an unreadable record for as long as a "no such session". So such a record is not loaded and
    /// logged at each request.
    fn unread(
        &self,
        verified: &Verified<D>,
        claims: &VerifiedClaims,
        error: StoreError,
        stamp: Option<Stamp>,
        at: Tick,
    ) -> Result<CacheEntry<D>, AuthError> {
        let is_unreadable = error.kind() == StoreErrorKind::Unreadable;
        let error = refusal(error, claims.session_id());
        if !is_unreadable {
            return Err(error);
        }
        let validity =
            self.validity(verified, claims, stamp, at, at.after(ENDED_KEPT), Tick::NEVER);
        let ended = Ended { claims: claims.clone(), error, validity };
        Ok(self.remember(verified, CacheEntry::Ended(Arc::new(ended))))
    }

    /// Returns the validity of a cache entry. `None` if the near cache does not keep this token.
    fn validity(
        &self,
        verified: &Verified<D>,
        claims: &VerifiedClaims,
        stamp: Option<Stamp>,
        at: Tick,
        ends: Tick,
        ask_again: Tick,
    ) -> Option<Validity> {
        verified.key.as_ref()?;
        let token_ends = self.shared.policy.load().end_of(claims);
        let token_ends = at.after(token_ends.saturating_since(self.shared.clock.now()));
        Some(Validity::new(verified.policy, stamp, ValidityBounds { ask_again, token_ends, ends }))
    }

    /// Inserts a cache entry, if there is a near cache and the entry has a validity.
    fn remember(&self, verified: &Verified<D>, known: CacheEntry<D>) -> CacheEntry<D> {
        if let (Some(near), Some(key), Some(_)) =
            (&self.shared.near, &verified.key, known.validity())
        {
            near.insert(key.clone(), known.clone());
        }
        known
    }

    /// Queues a touch of the session, if one is due.
    pub(crate) fn note_use(&self, live: &Live<D>) {
        let (now, Live { validity, state, claims }) = (Tick::now(), live);
        if validity.as_ref().is_some_and(|validity| !validity.is_due(now)) {
            return;
        }
        let Shared { store_client, touches, .. } = &*self.shared;
        let key = (state.user.clone(), state.id.clone());
        let next = touches.used(key, Life::new(state, claims), store_client.now());
        if let Some(validity) = validity {
            validity.set_due(now.after(next));
        }
    }

    /// Returns the error for a session that is not live, and whether its reason is certain. If the
    /// store does not return the reason, the error is "expired", and the reason is not certain.
    pub(crate) async fn why_ended(&self, user: &UserId, id: &SessionId) -> (AuthError, bool) {
        match self
            .shared
            .store_client
            .ask(Operation::Ended, |store| store.revoke_reason(user, id))
            .await
        {
            Ok(Some(reason)) => (AuthError::revoked(reason), true),
            Ok(None) => (AuthError::new(AuthErrorKind::SessionExpired), true),
            Err(error) => (AuthError::with_source(AuthErrorKind::SessionExpired, error), false),
        }
    }

    /// Decodes a payload into the application's type.
    pub(crate) fn content(&self, payload: Bytes) -> Result<StoredContent<D>, StoreError> {
        StoredContent::decode(payload).map_err(unreadable)
    }

    /// Decodes a payload into the application's type. With a near cache, all tokens of a session
    /// share one decoded content, unless the content is small.
    fn shared_content(
        &self,
        user: &UserId,
        id: &SessionId,
        payload: Bytes,
    ) -> Result<Arc<StoredContent<D>>, StoreError> {
        match &self.shared.near {
            Some(near) => near.content(user, id, payload, StoredContent::decode),
            None => StoredContent::decode(payload).map(Arc::new),
        }
        .map_err(unreadable)
    }

    /// Decodes a record, and builds the session state from it.
    pub(crate) fn decoded_state(
        &self,
        user: UserId,
        id: SessionId,
        mut record: Record,
        activity: Activity,
    ) -> Result<State<D>, StoreError> {
        let stored = Arc::new(self.content(std::mem::take(&mut record.payload))?);
        Ok(self.state(user, id, &record, stored, activity, Tick::now()))
    }

    /// Builds the session state of a record, with the content decoded from its payload.
    pub(crate) fn state<E>(
        &self,
        user: UserId,
        id: SessionId,
        record: &Record,
        stored: Arc<StoredContent<E>>,
        activity: Activity,
        read_at: Tick,
    ) -> State<E> {
        let Shared { store_client, events, .. } = &*self.shared;
        let Record { revision, created, idle_ttl, absolute_deadline, .. } = *record;
        let Activity { last_activity, idle_deadline } = activity;
        let directory_role = self.remembered_role(&user);
        State {
            user,
            id,
            revision,
            created,
            last_activity,
            idle_ttl,
            idle_deadline,
            absolute_deadline,
            read: store_client.now(),
            read_at,
            stored,
            directory_role,
            events: events.clone(),
        }
    }
}

/// The error for a record that this application cannot decode.
pub(crate) fn unreadable(error: Undecodable) -> StoreError {
    StoreError::with_source(StoreErrorKind::Unreadable, error)
}

/// Returns the remembered idle deadline. Unless the session was revoked, its idle deadline in the
/// store is not before this time.
fn idle_bound(remembered: Option<(Timestamp, Timestamp)>) -> Option<Timestamp> {
    remembered.map(|(idle_deadline, _)| idle_deadline)
}

/// A rotation counter ahead of the record means that the store lost data, so the token is rejected.
fn is_not_ahead(claims: &VerifiedClaims, record: Option<&Record>) -> Result<(), AuthError> {
    match record {
        Some(Record { rotation, .. })
            if claims.rotation() > rotation.as_ref().map(|rotation| rotation.counter) =>
        {
            Err(AuthError::new(AuthErrorKind::InvalidToken))
        }
        _ => Ok(()),
    }
}

/// Maps an error of the store to the response for the client. If the error lasts until an operator
/// acts, logs it once per request.
pub(crate) fn refusal(error: StoreError, id: &SessionId) -> AuthError {
    if matches!(error.kind(), StoreErrorKind::Unreadable | StoreErrorKind::Unsupported) {
        trace::error!(
            "cannot read a session: its record is unreadable, or the session store is unsupported",
            session = id.short(),
            error = trace::Chain(&error),
        );
    }
    error.into()
}

/// The error for a request that reached its deadline. The request waited for calls of other
/// requests, or for several slow answers. This error does not mean that the store is unavailable.
pub(crate) fn overloaded() -> AuthError {
    AuthError::new(AuthErrorKind::Overloaded)
}
