//! A simple model of the manager and its store: plain lists, and a number for the time. Each
//! operation runs on the model and on the store. Both must give the same answer.

mod sessions;
mod step;
mod tokens;

use std::collections::BTreeSet;
use std::time::Duration;

use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::session::LoginFence;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{
    KeySet, RevokeReason, Session, SessionId, SessionManager, SigningKey, UserId,
};

use crate::properties::steps::Step;
use crate::support::{AUDIENCE, ISSUER, SECRET, START, user};

/// Milliseconds since the start of the model.
type Time = i64;

const SECOND: Time = 1_000;
const MINUTE: Time = 60 * SECOND;
const HOUR: Time = 60 * MINUTE;
const DAY: Time = 24 * HOUR;

const USERS: u8 = 3;
/// The session limit of a user.
const LIMIT: usize = 3;
/// The grace window of refresh tokens, and after it the lifetime of an access token.
const GRACE: Time = 30 * SECOND;
const ACCESS: Time = 15 * MINUTE + 30 * SECOND;
/// Pairs of the idle TTL and the lifetime of a login. No sum of [`STEPS_IN_TIME`] is close to one
/// of these times.
const LIVES: [(Time, Time); 4] = [
    (90 * SECOND, 20 * MINUTE + 30 * SECOND),
    (10 * MINUTE + 30 * SECOND, 40 * MINUTE + 30 * SECOND),
    (HOUR + 30 * SECOND, 3 * HOUR + 30 * SECOND),
    (30 * HOUR + 30 * SECOND, 40 * HOUR + 30 * SECOND),
];
const STEPS_IN_TIME: [Time; 6] = [MINUTE, 2 * MINUTE, 5 * MINUTE, 31 * MINUTE, HOUR, 25 * HOUR];

/// The store on which a sequence of operations runs.
pub(crate) trait Ground {
    /// Whether the clock of the store moves only by calls of [`pass`](Self::pass).
    const IS_EXACT: bool;
    /// Whether [`pass`](Self::pass) also ages the login fences.
    const FENCES_AGE: bool;

    /// Returns a manager with these settings over this store.
    fn manager(&self, settings: SessionManagerBuilder) -> SessionManager;

    /// Lets time pass for all data in the store. Returns `true` if the caller must make a new
    /// manager, because the current manager remembers times that did not move together with the
    /// data.
    async fn pass(&self, time: Duration) -> bool;

    /// On a clock that moves by itself, ensures that the next operation is later than the last one.
    async fn tick(&self);

    /// Deletes all data. Returns `true` if the caller must make a new manager.
    async fn lose_all(&mut self) -> bool;

    /// Deletes a session from the store, or does nothing and returns `false`.
    async fn lose_session(&self, _user: &UserId, _id: &SessionId) -> bool {
        false
    }

    /// Returns the record of a session, or `None` if this store does not give access to records.
    async fn save(&self, _user: &UserId, _id: &SessionId) -> Option<String> {
        None
    }

    async fn put_back(&self, _user: &UserId, _id: &SessionId, _record: &str) {}
}

/// A session of the model.
#[derive(Clone)]
struct Entry {
    user: UserId,
    id: SessionId,
    idle_ttl: Time,
    created: Time,
    last_activity: Time,
    idle_deadline: Time,
    absolute_deadline: Time,
    content: Content,
    /// The reason of the revocation, and the time until which the store remembers it.
    end: Option<(RevokeReason, Time)>,
    is_lost: bool,
}

/// The part of a session whose latest state can be lost in a failover.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Content {
    revision: u64,
    role: Option<String>,
    rotation: u64,
    rotated: Time,
}

struct AccessToken {
    session: usize,
    rotation: u64,
    key: usize,
    expires: Time,
    text: String,
}

struct RefreshToken {
    session: usize,
    counter: u64,
    text: String,
}

/// The login fence of a user: its number, and the time until which it is valid.
type Fence = Option<(u64, Time)>;

struct Model<G> {
    ground: G,
    clock: ManualClock,
    manager: SessionManager,
    now: Time,
    sessions: Vec<Entry>,
    access: Vec<AccessToken>,
    refresh: Vec<RefreshToken>,
    fences: [Fence; USERS as usize],
    fence_number: u64,
    under_way: Vec<(u8, Fence, LoginFence)>,
    /// The number of the signing key, and the numbers of the keys whose tokens are accepted.
    key: usize,
    good_keys: BTreeSet<usize>,
    saved: Option<(usize, Content, String)>,
}

fn signing_key(number: usize) -> SigningKey {
    let secret = format!("{}-{number}", String::from_utf8_lossy(SECRET));
    SigningKey::hs256(&format!("k{number}"), secret.as_bytes()).unwrap()
}

/// A key set that signs with `key` and accepts the tokens of all `good_keys`.
fn keys(key: usize, good_keys: &BTreeSet<usize>) -> KeySet {
    let others = good_keys.iter().filter(|other| **other != key);
    others.fold(KeySet::new(signing_key(key)), |keys, other| {
        keys.also_verify(signing_key(*other).verifying_key())
    })
}

fn settings(keys: KeySet, clock: &ManualClock) -> SessionManagerBuilder {
    SessionManager::builder()
        .keys(keys)
        .refresh_keys(KeySet::new(SigningKey::hs256("r", SECRET).unwrap()))
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .clock(clock.clone())
        .leeway(Duration::ZERO)
        .session_limit(LIMIT.try_into().unwrap())
        .access_token_ttl(duration(ACCESS))
        .refresh_grace(duration(GRACE))
        .store_timeout(Duration::from_secs(10))
        .without_near_cache()
}

fn duration(time: Time) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap())
}

/// Runs all steps both on a store and on the model.
pub(crate) async fn run<G: Ground>(ground: G, clock: ManualClock, steps: Vec<Step>) {
    let good_keys = BTreeSet::from([0]);
    let manager = ground.manager(settings(keys(0, &good_keys), &clock));
    let mut model = Model {
        ground,
        clock,
        manager,
        now: 0,
        sessions: Vec::new(),
        access: Vec::new(),
        refresh: Vec::new(),
        fences: [None; USERS as usize],
        fence_number: 0,
        under_way: Vec::new(),
        key: 0,
        good_keys,
        saved: None,
    };
    for step in steps {
        model.step(step).await;
        // The next operation is later than this one.
        model.ground.tick().await;
        if G::IS_EXACT {
            model.pass(1).await;
        } else {
            model.now += 1;
        }
    }
    model.check_all().await;
}

fn owner(number: u8) -> UserId {
    user(["jeju", "a:b}{c", "ä *"][usize::from(number % USERS)])
}

/// Maps a number to one of `count` items. Returns `None` if there are no items.
fn any_of(number: u8, count: usize) -> Option<usize> {
    (count > 0).then(|| usize::from(number) % count)
}

impl Entry {
    fn lives(&self, now: Time) -> bool {
        !self.is_lost && self.end.is_none() && now < self.idle_deadline
    }

    fn extend(&mut self, now: Time) {
        self.last_activity = now;
        let deadline = (now + self.idle_ttl).min(self.absolute_deadline);
        self.idle_deadline = self.idle_deadline.max(deadline);
    }
}

impl<G: Ground> Model<G> {
    fn number(&self, session: usize) -> u8 {
        (0..USERS).find(|number| owner(*number) == self.sessions[session].user).unwrap()
    }

    /// Returns the valid fence of a user.
    fn fence(&self, user: u8) -> Fence {
        self.as_it_counts(self.fences[usize::from(user)])
    }

    /// Returns the fence, or `None` if it has expired.
    fn as_it_counts(&self, fence: Fence) -> Fence {
        fence.filter(|(_, until)| !G::FENCES_AGE || *until > self.now)
    }

    fn renew_fence(&mut self, user: u8) {
        self.fence_number += 1;
        self.fences[usize::from(user)] = Some((self.fence_number, self.now + DAY));
    }

    /// Returns the live sessions of one user, or of all users.
    fn living(&self, user: Option<u8>) -> Vec<usize> {
        let is_one = |entry: &Entry| user.is_none_or(|user| entry.user == owner(user));
        let all = self.sessions.iter().enumerate();
        all.filter(|(_, entry)| is_one(entry) && entry.lives(self.now)).map(|(at, _)| at).collect()
    }

    fn ids(&self, sessions: &[usize]) -> BTreeSet<SessionId> {
        sessions.iter().map(|at| self.sessions[*at].id.clone()).collect()
    }

    /// Revokes a session of the model. Returns whether it was live.
    fn end(&mut self, at: usize, reason: RevokeReason) -> bool {
        let lived = self.sessions[at].lives(self.now);
        if lived {
            let until = (self.now + DAY).min(self.sessions[at].absolute_deadline);
            self.sessions[at].end = Some((reason, until));
        }
        lived
    }

    /// Checks that the manager's session equals the model's session.
    fn is_alike(&self, at: usize, session: &Session) {
        let entry = &self.sessions[at];
        assert_eq!((session.user_id(), session.id()), (&entry.user, &entry.id));
        assert_eq!(session.role(), entry.content.role.as_deref());
        assert_eq!(session.revision(), entry.content.revision);
    }

    /// Checks the session, and the remaining time until its idle deadline.
    fn is_as_long(&self, at: usize, session: &Session) {
        self.is_alike(at, session);
        let left = self.sessions[at].idle_deadline - self.now;
        let told = i64::try_from(session.ttl().as_millis()).unwrap();
        let tolerance = if G::IS_EXACT { 0 } else { 29 * SECOND };
        assert!((told - left).abs() <= tolerance, "{told} ms left, not {left}");
    }

    fn swap_keys(&mut self, keep_old: bool) {
        let old = self.key;
        self.key += 1;
        self.good_keys = BTreeSet::from([self.key]);
        if keep_old {
            self.good_keys.insert(old);
        }
        self.manager.replace_keys(keys(self.key, &self.good_keys)).unwrap();
    }

    /// Continues with a new manager over the same store, as after a restart of the process.
    fn restart(&mut self) {
        let keys = keys(self.key, &self.good_keys);
        self.manager = self.ground.manager(settings(keys, &self.clock));
    }

    async fn pass(&mut self, time: Time) {
        if self.ground.pass(duration(time)).await {
            self.restart();
        }
        self.clock.advance(duration(time));
        self.now += time;
        if time > 1 {
            // The saved record still contains the old times, so it can no longer be restored.
            self.saved = None;
        }
    }

    async fn pass_to_deadline(&mut self, at: usize, after: bool) {
        let left = self.sessions[at].idle_deadline - self.now;
        let time = match (G::IS_EXACT, after) {
            (true, true) => left,
            (true, false) => left - 1,
            // The clock moves by whole minutes, which keeps it away from all other deadlines.
            (false, true) => (left + 30 * SECOND).div_euclid(MINUTE) * MINUTE,
            (false, false) => (left - 30 * SECOND).div_euclid(MINUTE) * MINUTE,
        };
        if time > 0 {
            self.pass(time).await;
        }
    }
}

impl Content {
    /// Changes the role. Returns whether the new role differs from the old one.
    fn change(&mut self, role: &Option<String>) -> bool {
        let is_new = self.role != *role;
        if is_new {
            self.role.clone_from(role);
            self.revision += 1;
        }
        is_new
    }
}

/// Returns a clock for the manager. The clock starts between two full seconds.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(START.saturating_add(Duration::from_millis(250)))
}
