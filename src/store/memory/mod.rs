//! A store in the memory of this process.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use self::attempts::Attempts;
use self::state::{Entry, Stamp, State};
use self::time::StoreClock;
use super::{
    Activity, Created, FenceValue, Listed, NewRecord, Opened, Record, Replacement, Rotate, Rotated,
    Rotation, SessionLimit, SessionStore, StoreError, StoreHealth, Touch, Touched, Updated,
    UpdatedAll, WhenFull, span,
};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{Replicas, Revoked, Target};

pub(crate) mod attempts;
mod optional;
mod rotation;
mod scan;
mod state;
mod time;

/// Sessions in the memory of this process. Needs no installation; all sessions are lost at exit.
///
/// Clones share one store. Later logins and [`upkeep`](crate::store::MaintainStore::upkeep) remove
/// expired data in the order of its expiry, so memory use follows the number of live sessions.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    clock: StoreClock,
    state: Mutex<State>,
    /// Separate, so that attempts and sessions do not wait for each other's lock.
    attempts: Mutex<Attempts>,
}

impl MemoryStore {
    /// Creates an empty store on the clock of the operating system.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// Creates an empty store on a custom clock, such as `testing::ManualClock` (feature
    /// `testing`).
    ///
    /// This function reads [`Clock::now`] one time. After that, the store reads only
    /// [`Clock::monotonic`]. A change of the wall clock, even by days, therefore does not affect a
    /// session, a wait or a grace period.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        let clock = StoreClock::anchored(Arc::new(clock));
        let (state, attempts) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { clock, state, attempts }) }
    }

    /// Returns the number of sessions in memory, including expired sessions that are not removed
    /// yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().sessions
    }

    /// Returns whether there is no session in memory.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.shared.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No change can panic half-way, so the state behind a poisoned lock is consistent.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionStore for MemoryStore {
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    async fn create(
        &self,
        user: &UserId,
        id: &SessionId,
        new: &NewRecord,
    ) -> Result<Created, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        state.reap(now);
        if state.living(now, user, id).is_some() {
            return Ok(Created::AlreadyExists);
        }
        let stone = state.users.get(user).and_then(|user| user.gone.get(id));
        if stone.is_some_and(|stone| stone.until > now) {
            return Ok(Created::AlreadyExists);
        }
        if let Some(expected) = &new.login_fence
            && Stamp::of(expected, now).value() != state.login_fence(now, user).value()
        {
            return Ok(Created::Superseded);
        }
        let Some(surplus) = surplus(&state, now, user, new.limit) else {
            return Ok(Created::LimitReached);
        };
        // If a session with this id is in memory, it has expired. One call of `reap` removes a
        // limited number of entries, so it did not reach this session.
        state.remove(user, id);
        state.unbury(user, id);
        let idle_ttl = span(new.idle_ttl);
        let absolute_deadline = now.saturating_add(span(new.lifetime));
        let entry = Entry {
            revision: 1,
            created: now,
            idle_ttl,
            idle_deadline: now.saturating_add(idle_ttl).min(absolute_deadline),
            absolute_deadline,
            last_activity: now,
            payload: new.payload.clone(),
            rotation: new.salt.clone().map(|salt| Rotation::new(0, now, salt)),
            used_rotation: 0,
        };
        state.insert(user, id, entry);
        let mut opened = Opened::new(now);
        opened.evicted = state.end(now, user, surplus, RevokeReason::Evicted);
        if let Some(window) = new.count_within {
            opened.recent = state.count(now, user, span(window).max(Duration::from_millis(1)));
        }
        Ok(Created::Created(opened))
    }

    async fn login_fence(&self, user: &UserId) -> Result<FenceValue, StoreError> {
        let now = self.now();
        Ok(self.lock().login_fence(now, user))
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        _idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        let now = self.now();
        Ok(self.lock().living(now, user, id).map(|entry| entry.record()))
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        let now = self.now();
        Ok(self.lock().living(now, user, id).map(|entry| entry.activity()))
    }

    async fn touch(&self, touches: &[Touch]) -> Result<Vec<Touched>, StoreError> {
        Ok(touches.iter().map(|touch| self.touch_one(touch)).collect())
    }

    async fn update(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Result<Updated, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        let Some(entry) = state.living(now, user, id) else { return Ok(Updated::Gone) };
        if entry.revision != expected {
            return Ok(Updated::Conflict);
        }
        entry.revision += 1;
        entry.payload = payload;
        Ok(Updated::Written(entry.revision))
    }

    async fn update_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        let mut new: BTreeMap<_, _> = replacements.iter().map(|new| (&new.id, new)).collect();
        let found = state.users.get(user).into_iter().flat_map(|found| found.living(now));
        let mut living = 0;
        for (id, entry) in found {
            if new.get(id).is_none_or(|new| new.expected != entry.revision) {
                return Ok(UpdatedAll::Conflict);
            }
            living += 1;
        }
        if living != replacements.len() {
            return Ok(UpdatedAll::Conflict);
        }
        for (id, entry) in state.users.get_mut(user).into_iter().flat_map(|found| &mut found.live) {
            if let Some(new) = new.remove(id) {
                entry.revision += 1;
                entry.payload = new.payload.clone();
            }
        }
        state.renew_guard(now, user);
        Ok(UpdatedAll::Written)
    }

    async fn rotate(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        let now = self.now();
        Ok(self.lock().rotate(now, user, id, rotate))
    }

    async fn revoke(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Result<Revoked, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        let all = |state: &State, keep: Option<&SessionId>| -> Vec<_> {
            let held = state.users.get(user).into_iter().flat_map(|user| user.live.keys());
            held.filter(|id| Some(*id) != keep).cloned().collect()
        };
        let ids = match target {
            Target::One(id) => vec![id.clone()],
            Target::All => all(&state, None),
            Target::AllExcept(keep) => all(&state, Some(keep)),
        };
        if !matches!(target, Target::One(_)) {
            state.renew_for(now, user, reason);
        }
        Ok(Revoked::new(state.end(now, user, ids, reason), Replicas::NotAsked))
    }

    async fn list(&self, user: &UserId) -> Result<Vec<Listed>, StoreError> {
        let now = self.now();
        let state = self.lock();
        let found = state.users.get(user).into_iter().flat_map(|found| found.living(now));
        Ok(found.map(|(id, entry)| entry.listed(user, id)).collect())
    }

    async fn revoke_reason(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<RevokeReason>, StoreError> {
        let now = self.now();
        let state = self.lock();
        let stone = state.users.get(user).and_then(|user| user.gone.get(id));
        Ok(stone.filter(|stone| stone.until > now).map(|stone| stone.reason))
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        Ok(StoreHealth::new(None))
    }

    fn kind(&self) -> &'static str {
        "memory"
    }
}

impl MemoryStore {
    fn touch_one(&self, touch: &Touch) -> Touched {
        let now = self.now();
        let mut state = self.lock();
        let Some(entry) = state.living(now, &touch.user, &touch.id) else { return Touched::Ended };
        let used = now.saturating_sub(span(touch.age));
        entry.last_activity = entry.last_activity.max(used);
        entry.used_rotation = entry.used_rotation.max(touch.rotation.unwrap_or(0));
        let old = entry.idle_deadline;
        if old.saturating_since(now) >= span(touch.extend_below) {
            return Touched::Lives(old);
        }
        Touched::Lives(state.extend(&touch.user, &touch.id, used).unwrap_or(old))
    }
}

/// Returns the sessions to evict so that there is room for one more session. Returns `None` if the
/// login must be refused.
fn surplus(
    state: &State,
    now: Timestamp,
    user: &UserId,
    limit: Option<SessionLimit>,
) -> Option<Vec<SessionId>> {
    let (Some(SessionLimit { max, when_full, room }), Some(found)) = (limit, state.users.get(user))
    else {
        return Some(Vec::new());
    };
    let count = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
    let (max, room) = (count(max), count(room));
    // Fast path: this number includes expired sessions. Below the limit, no session is examined.
    if found.live.len() < max {
        return Some(Vec::new());
    }
    let mut living: Vec<_> = found
        .living(now)
        .map(|(id, entry)| (entry.last_activity, entry.created, id.clone()))
        .collect();
    if living.len() < max {
        return Some(Vec::new());
    }
    let excess = (living.len() + room).saturating_sub(max);
    match when_full {
        WhenFull::Refuse => None,
        WhenFull::EvictLeastRecentlyActive => {
            living.sort_unstable();
            Some(living.into_iter().take(excess).map(|(_, _, id)| id).collect())
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("sessions", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
