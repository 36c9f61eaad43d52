//! A simple model of the manager and its store: plain lists and one number for the time. Each operation is
//! done on both, and both must answer alike.

mod sessions;
mod step;
mod tokens;

use std::collections::BTreeSet;
use std::time::Duration;

use tower_session_auth::session::LoginGuard;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{
    EndReason, KeySet, Session, SessionId, SessionManager, SessionManagerBuilder, SigningKey,
    UserId,
};

use crate::properties::steps::Step;
use crate::support::{AUDIENCE, ISSUER, SECRET, START, user};

/// Milliseconds since the model began.
type Time = i64;

const SECOND: Time = 1_000;
const MINUTE: Time = 60 * SECOND;
const HOUR: Time = 60 * MINUTE;
const DAY: Time = 24 * HOUR;

const USERS: u8 = 3;
/// How many living sessions a user may have.
const LIMIT: usize = 3;
/// The grace window, and the life of an access token.
const GRACE: Time = 30 * SECOND;
const ACCESS: Time = 15 * MINUTE + 30 * SECOND;
/// Idle TTL and lifetime of a login. No sum of steps of whole minutes ends near one of them.
const LIVES: [(Time, Time); 4] = [
    (90 * SECOND, 20 * MINUTE + 30 * SECOND),
    (10 * MINUTE + 30 * SECOND, 40 * MINUTE + 30 * SECOND),
    (HOUR + 30 * SECOND, 3 * HOUR + 30 * SECOND),
    (30 * HOUR + 30 * SECOND, 40 * HOUR + 30 * SECOND),
];
const STEPS_IN_TIME: [Time; 6] = [MINUTE, 2 * MINUTE, 5 * MINUTE, 31 * MINUTE, HOUR, 25 * HOUR];

/// Where a sequence of operations is done.
pub(crate) trait Ground {
    /// Whether its clock moves only with [`pass`](Self::pass).
    const IS_EXACT: bool;
    /// Whether time that passes also passes for login fences.
    const FENCES_AGE: bool;

    /// A manager with these settings over the store.
    fn manager(&self, settings: SessionManagerBuilder) -> SessionManager;

    /// Lets time pass for all that the store has. `true` if the manager has to be made anew: it knows times that were
    /// not moved.
    async fn pass(&self, time: Duration) -> bool;

    /// Makes sure that the next operation is later than the last one, on a clock that moves by itself.
    async fn tick(&self);

    /// Loses everything. `true` if the manager has to be made anew.
    async fn lose_all(&mut self) -> bool;

    /// Loses a session, or does nothing and returns `false`.
    async fn lose_session(&self, _user: &UserId, _id: &SessionId) -> bool {
        false
    }

    /// The record of a session, where it can be read.
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
    /// Why it was ended, and until when the store knows.
    end: Option<(EndReason, Time)>,
    is_lost: bool,
}

/// What a failover can lose the latest state of.
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

/// The login fence of a user: its number, and until when it counts.
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
    under_way: Vec<(u8, Fence, LoginGuard)>,
    /// The number of the signing key, and of those whose tokens are good.
    key: usize,
    good_keys: BTreeSet<usize>,
    saved: Option<(usize, Content, String)>,
}

fn signing_key(number: usize) -> SigningKey {
    let secret = format!("{}-{number}", String::from_utf8_lossy(SECRET));
    SigningKey::hs256(&format!("k{number}"), secret.as_bytes()).unwrap()
}

/// Signs with this key, and takes the tokens of all of these.
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

/// Does all of these steps on a ground and on the model.
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

/// Any of so many, or `None` if there are none.
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

    /// The fence that counts now.
    fn fence(&self, user: u8) -> Fence {
        self.as_it_counts(self.fences[usize::from(user)])
    }

    /// A fence that has served its time is as good as none.
    fn as_it_counts(&self, fence: Fence) -> Fence {
        fence.filter(|(_, until)| !G::FENCES_AGE || *until > self.now)
    }

    fn renew_fence(&mut self, user: u8) {
        self.fence_number += 1;
        self.fences[usize::from(user)] = Some((self.fence_number, self.now + DAY));
    }

    /// The living sessions of a user, or of all.
    fn living(&self, user: Option<u8>) -> Vec<usize> {
        let is_one = |entry: &Entry| user.is_none_or(|user| entry.user == owner(user));
        let all = self.sessions.iter().enumerate();
        all.filter(|(_, entry)| is_one(entry) && entry.lives(self.now)).map(|(at, _)| at).collect()
    }

    fn ids(&self, sessions: &[usize]) -> BTreeSet<SessionId> {
        sessions.iter().map(|at| self.sessions[*at].id.clone()).collect()
    }

    /// Ends a session of the model; whether it lived.
    fn end(&mut self, at: usize, reason: EndReason) -> bool {
        let lived = self.sessions[at].lives(self.now);
        if lived {
            let until = (self.now + DAY).min(self.sessions[at].absolute_deadline);
            self.sessions[at].end = Some((reason, until));
        }
        lived
    }

    /// What the manager says of a session is what the model says.
    fn is_alike(&self, at: usize, session: &Session) {
        let entry = &self.sessions[at];
        assert_eq!((session.user_id(), session.id()), (&entry.user, &entry.id));
        assert_eq!(session.role(), entry.content.role.as_deref());
        assert_eq!(session.revision(), entry.content.revision);
    }

    /// The same, and how long it is until its idle deadline.
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

    /// Another process over the same store goes on.
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
            // A record that was kept aside would have to pass time too.
            self.saved = None;
        }
    }

    async fn pass_to_deadline(&mut self, at: usize, after: bool) {
        let left = self.sessions[at].idle_deadline - self.now;
        let time = match (G::IS_EXACT, after) {
            (true, true) => left,
            (true, false) => left - 1,
            // Whole minutes, so that the clock stays away from all other deadlines.
            (false, true) => (left + 30 * SECOND).div_euclid(MINUTE) * MINUTE,
            (false, false) => (left - 30 * SECOND).div_euclid(MINUTE) * MINUTE,
        };
        if time > 0 {
            self.pass(time).await;
        }
    }
}

impl Content {
    /// Changes the role; whether it is another one now.
    fn change(&mut self, role: &Option<String>) -> bool {
        let is_new = self.role != *role;
        if is_new {
            self.role.clone_from(role);
            self.revision += 1;
        }
        is_new
    }
}

/// A clock for the manager, away from any full second.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(START.saturating_add(Duration::from_millis(250)))
}
