//! Sessions in this process's own memory.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{
    Activity, Cleaned, Created, Guard, Listed, NewRecord, Opened, Page, Position, Record,
    Replacement, SessionStore, StoreError, StoreHealth, TOMBSTONE_LIFE, TOMBSTONES_PER_USER, Touch,
    Touched, Updated, UpdatedAll, span,
};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;

/// Sessions in this process's own memory: nothing to install, gone with the process.
///
/// Clones are the same store. What has expired is freed by later logins and by [`upkeep`](SessionStore::upkeep), in
/// the order of the deadlines, so memory follows the number of living sessions.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    /// The latest time seen: a clock that is set back must not bring back what had expired.
    latest: AtomicI64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    users: HashMap<UserId, User>,
    /// What falls due when: exactly one entry for each session (its idle deadline) and each tombstone (its end).
    due: BTreeSet<Due>,
    sessions: usize,
}

type Due = (Timestamp, What, UserId, SessionId);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Session,
    Tombstone,
}

#[derive(Default)]
struct User {
    live: HashMap<SessionId, Entry>,
    gone: HashMap<SessionId, Tombstone>,
}

struct Entry {
    revision: u64,
    created: Timestamp,
    idle_ttl: Duration,
    /// Never past `absolute_deadline`, so it alone tells whether the session lives.
    idle_deadline: Timestamp,
    absolute_deadline: Timestamp,
    last_activity: Timestamp,
    payload: Bytes,
}

struct Tombstone {
    reason: EndReason,
    until: Timestamp,
}

/// How many due entries one lock hold frees at most.
const REAP_AT_ONCE: usize = 256;

impl MemoryStore {
    /// An empty store on the operating system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store on a clock of your own.
    #[must_use]
    pub fn with_clock(clock: impl Clock) -> Self {
        let latest = AtomicI64::new(i64::MIN);
        let clock = Arc::new(clock);
        Self { shared: Arc::new(Shared { clock, latest, state: Mutex::default() }) }
    }

    /// How many sessions are held: the living, and those whose time has passed and that are not freed yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().sessions
    }

    /// Whether no session is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics between two changes that belong together, so poison carries no news.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn living(&mut self, now: Timestamp, user: &UserId, id: &SessionId) -> Option<&mut Entry> {
        self.users.get_mut(user)?.live.get_mut(id).filter(|entry| entry.idle_deadline > now)
    }

    fn insert(&mut self, user: &UserId, id: &SessionId, entry: Entry) {
        self.due.insert((entry.idle_deadline, What::Session, user.clone(), id.clone()));
        self.users.entry(user.clone()).or_default().live.insert(id.clone(), entry);
        self.sessions += 1;
    }

    fn remove(&mut self, user: &UserId, id: &SessionId) -> Option<Entry> {
        let entry = self.users.get_mut(user)?.live.remove(id)?;
        self.due.remove(&(entry.idle_deadline, What::Session, user.clone(), id.clone()));
        self.sessions -= 1;
        self.forget_if_empty(user);
        Some(entry)
    }

    /// Remembers why sessions ended; beyond the limit, the reasons that end first make room.
    fn bury(
        &mut self,
        now: Timestamp,
        user: &UserId,
        ended: &[(SessionId, Timestamp)],
        why: EndReason,
    ) {
        for (id, absolute_deadline) in ended {
            let until = now.saturating_add(TOMBSTONE_LIFE).min(*absolute_deadline);
            self.unbury(user, id);
            self.due.insert((until, What::Tombstone, user.clone(), id.clone()));
            let gone = &mut self.users.entry(user.clone()).or_default().gone;
            gone.insert(id.clone(), Tombstone { reason: why, until });
        }
        let Some(User { gone, .. }) = self.users.get(user) else { return };
        let Some(excess) = gone.len().checked_sub(TOMBSTONES_PER_USER + 1) else { return };
        let fresh: HashSet<_> = ended.iter().map(|(id, _)| id).collect();
        let mut order: Vec<_> =
            gone.iter().map(|(id, stone)| (fresh.contains(id), stone.until, id.clone())).collect();
        order.sort_unstable();
        for (_, _, id) in order.into_iter().take(excess + 1) {
            self.unbury(user, &id);
        }
    }

    fn unbury(&mut self, user: &UserId, id: &SessionId) {
        let Some(stone) = self.users.get_mut(user).and_then(|user| user.gone.remove(id)) else {
            return;
        };
        self.due.remove(&(stone.until, What::Tombstone, user.clone(), id.clone()));
        self.forget_if_empty(user);
    }

    fn forget_if_empty(&mut self, user: &UserId) {
        if self.users.get(user).is_some_and(|user| user.live.is_empty() && user.gone.is_empty()) {
            self.users.remove(user);
        }
    }

    /// Frees what is due, at most [`REAP_AT_ONCE`]; tells whether there may be more.
    fn reap(&mut self, now: Timestamp) -> bool {
        for _ in 0..REAP_AT_ONCE {
            match self.due.pop_first() {
                Some((at, What::Session, user, id)) if at <= now => drop(self.remove(&user, &id)),
                Some((at, What::Tombstone, user, id)) if at <= now => self.unbury(&user, &id),
                Some(early) => {
                    self.due.insert(early);
                    return false;
                }
                None => return false,
            }
        }
        true
    }
}

impl SessionStore for MemoryStore {
    fn now(&self) -> Timestamp {
        let now = self.shared.clock.now().as_millis();
        Timestamp::from_millis(self.shared.latest.fetch_max(now, Ordering::Relaxed).max(now))
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
        // What is left under this id has expired, and the bounded sweep above has not come to it yet.
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
        };
        state.insert(user, id, entry);
        Ok(Created::Created(Opened::new(now)))
    }

    async fn load(
        &self,
        user: &UserId,
        id: &SessionId,
        _idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        let now = self.now();
        Ok(self.lock().living(now, user, id).map(|entry| Record {
            revision: entry.revision,
            created: entry.created,
            idle_ttl: entry.idle_ttl,
            idle_deadline: entry.idle_deadline,
            absolute_deadline: entry.absolute_deadline,
            payload: entry.payload.clone(),
        }))
    }

    async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        let now = self.now();
        Ok(self.lock().living(now, user, id).map(|entry| Activity {
            last_activity: entry.last_activity,
            idle_deadline: entry.idle_deadline,
        }))
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

    async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        let Some(entry) = state.remove(user, id) else { return Ok(false) };
        let lived = entry.idle_deadline > now;
        if lived {
            state.bury(now, user, &[(id.clone(), entry.absolute_deadline)], reason);
        }
        Ok(lived)
    }

    async fn delete_all(
        &self,
        user: &UserId,
        _keep: Option<&SessionId>,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, StoreError> {
        let now = self.now();
        let mut state = self.lock();
        let Some(User { live, .. }) = state.users.get(user) else { return Ok(Vec::new()) };
        let ids: Vec<_> = live.keys().cloned().collect();
        let mut ended = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(entry) = state.remove(user, &id)
                && entry.idle_deadline > now
            {
                ended.push((id, entry.absolute_deadline));
            }
        }
        state.bury(now, user, &ended, reason);
        Ok(ended.into_iter().map(|(id, _)| id).collect())
    }

    async fn guard(&self, _user: &UserId) -> Result<Guard, StoreError> {
        Err(StoreError::new(super::StoreErrorKind::Unsupported))
    }

    async fn update_all(
        &self,
        _user: &UserId,
        _replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        Err(StoreError::new(super::StoreErrorKind::Unsupported))
    }

    async fn list(&self, _user: &UserId) -> Result<Vec<Listed>, StoreError> {
        Err(StoreError::new(super::StoreErrorKind::Unsupported))
    }

    async fn scan(
        &self,
        _from: Option<&Position>,
        _limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        Err(StoreError::new(super::StoreErrorKind::Unsupported))
    }

    async fn cleanup(&self, _from: Option<&Position>) -> Result<Option<Cleaned>, StoreError> {
        Err(StoreError::new(super::StoreErrorKind::Unsupported))
    }

    async fn ended(&self, user: &UserId, id: &SessionId) -> Result<Option<EndReason>, StoreError> {
        let now = self.now();
        let state = self.lock();
        let stone = state.users.get(user).and_then(|user| user.gone.get(id));
        Ok(stone.filter(|stone| stone.until > now).map(|stone| stone.reason))
    }

    async fn upkeep(&self) -> Result<(), StoreError> {
        let now = self.now();
        loop {
            let more = self.lock().reap(now);
            if !more {
                break;
            }
            // Requests get the lock, and this thread, between two steps.
            tokio::task::yield_now().await;
        }
        let users = &mut self.lock().users;
        if users.capacity() > 1_024 && users.capacity() / 8 > users.len() {
            users.shrink_to_fit();
        }
        Ok(())
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
        let old = entry.idle_deadline;
        if old.saturating_since(now) >= span(touch.extend_below) {
            return Touched::Lives(old);
        }
        let deadline = used.saturating_add(entry.idle_ttl).min(entry.absolute_deadline).max(old);
        entry.idle_deadline = deadline;
        if deadline > old {
            let mut due = (old, What::Session, touch.user.clone(), touch.id.clone());
            state.due.remove(&due);
            due.0 = deadline;
            state.due.insert(due);
        }
        Touched::Lives(deadline)
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
