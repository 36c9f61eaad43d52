//! The state of a [`MemoryStore`](super::MemoryStore), and the times at which the data in it
//! expires.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{
    Activity, FenceValue, Listed, PASSWORD_EPOCH_LIFE, Record, Rotation, TOMBSTONE_LIFE,
    TOMBSTONES_PER_USER,
};

/// All users with their sessions. Every change keeps `users`, `order`, `due` and `sessions`
/// consistent.
#[derive(Default)]
pub(super) struct State {
    pub(super) users: HashMap<UserId, User>,
    /// The users that have sessions, in the order of a scan.
    pub(super) order: BTreeSet<UserId>,
    /// The expiry times: exactly one entry for each session (its idle deadline), tombstone, login
    /// fence, password epoch and counter.
    pub(super) due: BTreeSet<Due>,
    /// The number of sessions in memory.
    pub(super) sessions: usize,
    /// The number of login fences created so far. This number makes each fence unique.
    login_fences: u64,
}

pub(super) type Due = (Timestamp, UserId, What);

/// The kind of data that expires at a time in [`State::due`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Session(SessionId),
    Tombstone(SessionId),
    LoginFence,
    PasswordEpoch,
    Counter,
}

/// The data of one user. An empty entry is removed.
#[derive(Default)]
pub(super) struct User {
    pub(super) live: BTreeMap<SessionId, Entry>,
    pub(super) gone: HashMap<SessionId, Tombstone>,
    pub(super) login_fence: Option<Stamp>,
    password_epoch: Option<Stamp>,
    counter: Option<Counter>,
}

/// One session.
pub(super) struct Entry {
    pub(super) revision: u64,
    pub(super) created: Timestamp,
    pub(super) idle_ttl: Duration,
    /// Never later than `absolute_deadline`. So this value alone decides whether the session is
    /// live.
    pub(super) idle_deadline: Timestamp,
    pub(super) absolute_deadline: Timestamp,
    pub(super) last_activity: Timestamp,
    pub(super) payload: Bytes,
    pub(super) rotation: Option<Rotation>,
    /// The greatest rotation counter that a touch has recorded; 0 if there is none.
    pub(super) used_rotation: u64,
}

/// The reason of a revocation, and how long it is kept.
pub(super) struct Tombstone {
    pub(super) reason: RevokeReason,
    pub(super) until: Timestamp,
}

/// A login fence or a password epoch. Its text is `<number>:<until>`.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    number: u64,
    until: Timestamp,
}

/// Counts the sessions that a user creates within one window.
struct Counter {
    start: Timestamp,
    until: Timestamp,
    count: u32,
}

/// The maximum number of expired entries that one call of [`State::reap`] removes. The number is
/// limited because the call holds the lock.
const REAP_AT_ONCE: usize = 256;

impl Entry {
    pub(super) fn record(&self) -> Record {
        Record {
            revision: self.revision,
            created: self.created,
            idle_ttl: self.idle_ttl,
            idle_deadline: self.idle_deadline,
            absolute_deadline: self.absolute_deadline,
            payload: self.payload.clone(),
            rotation: self.rotation.clone(),
        }
    }

    pub(super) fn activity(&self) -> Activity {
        Activity::new(self.last_activity, self.idle_deadline)
    }

    pub(super) fn listed(&self, user: &UserId, id: &SessionId) -> Listed {
        Listed::new(user.clone(), id.clone(), self.record(), self.last_activity)
    }
}

impl User {
    /// Returns the live sessions.
    pub(super) fn living(&self, now: Timestamp) -> impl Iterator<Item = (&SessionId, &Entry)> {
        self.live.iter().filter(move |(_, entry)| entry.idle_deadline > now)
    }

    fn is_empty(&self) -> bool {
        let Self { live, gone, login_fence, password_epoch, counter } = self;
        let stamps = login_fence.is_some() || password_epoch.is_some();
        live.is_empty() && gone.is_empty() && !stamps && counter.is_none()
    }
}

impl Stamp {
    fn text(self) -> String {
        format!("{}:{}", self.number, self.until.as_millis())
    }

    /// Returns the fence, or an empty value if the fence has expired. The expiry time is part of
    /// the fence's text.
    pub(super) fn of(login_fence: &FenceValue, now: Timestamp) -> FenceValue {
        let until = login_fence.value().and_then(|value| value.rsplit_once(':')?.1.parse().ok());
        let over = until.is_some_and(|until| Timestamp::from_millis(until) <= now);
        if over { FenceValue::new(None) } else { login_fence.clone() }
    }
}

impl State {
    pub(super) fn living(
        &mut self,
        now: Timestamp,
        user: &UserId,
        id: &SessionId,
    ) -> Option<&mut Entry> {
        self.users.get_mut(user)?.live.get_mut(id).filter(|entry| entry.idle_deadline > now)
    }

    /// Adds a session. Its id must not be in memory.
    pub(super) fn insert(&mut self, user: &UserId, id: &SessionId, entry: Entry) {
        self.due.insert((entry.idle_deadline, user.clone(), What::Session(id.clone())));
        let live = &mut self.users.entry(user.clone()).or_default().live;
        if live.is_empty() {
            self.order.insert(user.clone());
        }
        live.insert(id.clone(), entry);
        self.sessions += 1;
    }

    /// Extends a session that was used at the time `used`. Returns the idle deadline after the
    /// change, which is never earlier than before.
    pub(super) fn extend(
        &mut self,
        user: &UserId,
        id: &SessionId,
        used: Timestamp,
    ) -> Option<Timestamp> {
        let entry = self.users.get_mut(user)?.live.get_mut(id)?;
        let old = entry.idle_deadline;
        let deadline = used.saturating_add(entry.idle_ttl).min(entry.absolute_deadline).max(old);
        entry.idle_deadline = deadline;
        if deadline > old {
            let mut due = (old, user.clone(), What::Session(id.clone()));
            self.due.remove(&due);
            due.0 = deadline;
            self.due.insert(due);
        }
        Some(deadline)
    }

    /// Removes a session, live or expired, without a tombstone.
    pub(super) fn remove(&mut self, user: &UserId, id: &SessionId) -> Option<Entry> {
        let live = &mut self.users.get_mut(user)?.live;
        let entry = live.remove(id)?;
        if live.is_empty() {
            self.order.remove(user);
        }
        self.due.remove(&(entry.idle_deadline, user.clone(), What::Session(id.clone())));
        self.sessions -= 1;
        self.forget_if_empty(user);
        Some(entry)
    }

    /// Revokes sessions and keeps tombstones for them. An expired session gets no tombstone.
    /// Returns the sessions that were live.
    pub(super) fn end(
        &mut self,
        now: Timestamp,
        user: &UserId,
        ids: Vec<SessionId>,
        why: RevokeReason,
    ) -> Vec<SessionId> {
        let mut ended = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(entry) = self.remove(user, &id)
                && entry.idle_deadline > now
            {
                ended.push((id, entry.absolute_deadline));
            }
        }
        self.bury(now, user, &ended, why);
        ended.into_iter().map(|(id, _)| id).collect()
    }

    /// Adds tombstones. If the user has more than [`TOMBSTONES_PER_USER`] after that, removes the
    /// surplus. Tombstones of earlier calls are removed before new tombstones. Within each of these
    /// two groups, the tombstones that expire first are removed first.
    fn bury(
        &mut self,
        now: Timestamp,
        user: &UserId,
        ended: &[(SessionId, Timestamp)],
        why: RevokeReason,
    ) {
        for (id, absolute_deadline) in ended {
            let until = now.saturating_add(TOMBSTONE_LIFE).min(*absolute_deadline);
            self.unbury(user, id);
            self.due.insert((until, user.clone(), What::Tombstone(id.clone())));
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

    /// Removes a tombstone, if there is one.
    pub(super) fn unbury(&mut self, user: &UserId, id: &SessionId) {
        let Some(stone) = self.users.get_mut(user).and_then(|user| user.gone.remove(id)) else {
            return;
        };
        self.due.remove(&(stone.until, user.clone(), What::Tombstone(id.clone())));
        self.forget_if_empty(user);
    }

    /// Returns the user's login fence and password epoch. An expired value counts as absent.
    pub(super) fn login_fence(&self, now: Timestamp, user: &UserId) -> FenceValue {
        let user = self.users.get(user);
        let text = |stamp: Option<Stamp>| stamp.filter(|stamp| stamp.until > now).map(Stamp::text);
        let epoch = text(user.and_then(|user| user.password_epoch));
        let login_fence = text(user.and_then(|user| user.login_fence));
        FenceValue::new(login_fence.as_deref()).with_password_epoch(epoch.as_deref())
    }

    /// Replaces the user's login fence.
    pub(super) fn renew_guard(&mut self, now: Timestamp, user: &UserId) {
        self.login_fences += 1;
        let stamp = Stamp { number: self.login_fences, until: now.saturating_add(TOMBSTONE_LIFE) };
        let old = self.users.entry(user.clone()).or_default().login_fence.replace(stamp);
        if let Some(old) = old {
            self.due.remove(&(old.until, user.clone(), What::LoginFence));
        }
        self.due.insert((stamp.until, user.clone(), What::LoginFence));
    }

    /// Replaces the login fence after a revocation of all sessions, so that logins in progress
    /// fail. If the reason is a password change, also replaces the password epoch.
    pub(super) fn renew_for(&mut self, now: Timestamp, user: &UserId, why: RevokeReason) {
        self.renew_guard(now, user);
        if why == RevokeReason::PasswordChange {
            let until = now.saturating_add(PASSWORD_EPOCH_LIFE);
            let stamp = Stamp { number: self.login_fences, until };
            let old = self.users.entry(user.clone()).or_default().password_epoch.replace(stamp);
            if let Some(old) = old {
                self.due.remove(&(old.until, user.clone(), What::PasswordEpoch));
            }
            self.due.insert((until, user.clone(), What::PasswordEpoch));
        }
    }

    /// Counts one more creation. Returns the number of creations in the current window.
    pub(super) fn count(&mut self, now: Timestamp, user: &UserId, window: Duration) -> u32 {
        let kept = self.users.entry(user.clone()).or_default().counter.take();
        if let Some(kept) = &kept {
            self.due.remove(&(kept.until, user.clone(), What::Counter));
        }
        let going_on = kept.filter(|kept| kept.start.saturating_add(window) > now);
        let (start, before) = going_on.map_or((now, 0), |kept| (kept.start, kept.count));
        let (count, until) = (before.saturating_add(1), start.saturating_add(window));
        self.due.insert((until, user.clone(), What::Counter));
        self.users.entry(user.clone()).or_default().counter = Some(Counter { start, until, count });
        count
    }

    fn forget_if_empty(&mut self, user: &UserId) {
        if self.users.get(user).is_some_and(User::is_empty) {
            self.users.remove(user);
        }
    }

    /// Removes expired data, at most [`REAP_AT_ONCE`] entries. Returns the number of removed
    /// sessions, and whether expired entries may remain.
    pub(super) fn reap(&mut self, now: Timestamp) -> (u64, bool) {
        let mut sessions = 0;
        for _ in 0..REAP_AT_ONCE {
            let Some((at, user, what)) = self.due.pop_first() else { return (sessions, false) };
            if at > now {
                self.due.insert((at, user, what));
                return (sessions, false);
            }
            match what {
                What::Session(id) => sessions += u64::from(self.remove(&user, &id).is_some()),
                What::Tombstone(id) => self.unbury(&user, &id),
                What::LoginFence | What::PasswordEpoch | What::Counter => {
                    if let Some(held) = self.users.get_mut(&user) {
                        match what {
                            What::LoginFence => held.login_fence = None,
                            What::PasswordEpoch => held.password_epoch = None,
                            _ => held.counter = None,
                        }
                    }
                    self.forget_if_empty(&user);
                }
            }
        }
        (sessions, true)
    }
}
