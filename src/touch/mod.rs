//! Background refresh: a use of a session moves its last activity and its idle deadline, and no request waits for it.
//!
//! An accepted request leaves a use in a bounded queue, at most one per session and touch interval; the
//! [`Worker`] writes them in batches. Each written use moves the idle deadline to one idle TTL after
//! it, unless a refresh threshold is set. A full queue drops the use: the next request of that session
//! leaves another, and a session is lost only if that goes on for the rest of its idle TTL.

mod state;
mod warnings;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};
use tokio::sync::mpsc;

use crate::clock::{Clock, Timestamp, millis};
use crate::id::{SessionId, UserId};
use crate::meter::{Counter, Meter, Name};
use crate::session::{Session, State};
use crate::token::VerifiedClaims;

pub use self::state::WorkerState;
pub(crate) use self::state::WorkerWatch;
pub(crate) use self::worker::new as worker;
pub use self::worker::{Background, DrainReport, Worker};

/// For how many sessions a process remembers when it last touched them. One that is forgotten is touched once more.
const REMEMBERED: usize = 65_536;

/// When a use is worth a touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TouchRules {
    /// Two touches of one session are at least this far apart (less for sessions with a short idle TTL).
    pub(crate) interval: Duration,
    /// A use moves the idle deadline only when less than this is left until it. `None`: each written use
    /// moves it.
    pub(crate) refresh_threshold: Option<Duration>,
    /// The idle TTL that the threshold is meant for.
    pub(crate) idle_ttl: Duration,
    /// Touches carry the number of the refresh token that came with the access token; the first use of a
    /// greater one does not wait for the interval.
    pub(crate) record_rotation: bool,
}

impl TouchRules {
    /// A session with a short idle TTL needs its touches closer together, or it would end in spite of them.
    fn interval(self, life: Life) -> Duration {
        self.interval.min(life.idle_ttl / 10)
    }

    /// The threshold of a session: the same part of its idle TTL. Of a session that is remembered for a month, a
    /// threshold of minutes would forget a user who comes every day. Without a threshold: more than any
    /// session has left.
    fn threshold(self, life: Life) -> Duration {
        let Some(threshold) = self.refresh_threshold else { return Duration::MAX };
        if life.idle_ttl == self.idle_ttl {
            return threshold;
        }
        let part = threshold.as_secs_f64() / self.idle_ttl.as_secs_f64();
        Duration::try_from_secs_f64(life.idle_ttl.as_secs_f64() * part).unwrap_or(threshold)
    }
}

/// One use of a session, on its way to the worker.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    /// When, on the clock's monotonic time: a use that waits while the host is suspended grows older.
    pub(crate) at: Duration,
    /// The idle deadline is moved only when less than this is left until it.
    pub(crate) extend_below: Duration,
    /// See [`Touch::rotation`](crate::store::Touch::rotation).
    pub(crate) rotation: Option<u64>,
    pub(crate) mark: Arc<Mark>,
}

/// What of a session decides when it is to be touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    created: Timestamp,
    idle_ttl: Duration,
    /// At least so long.
    idle_deadline: Timestamp,
    /// The number of the refresh token that came with the access token.
    rotation: Option<u64>,
}

impl Life {
    pub(crate) fn of<D>(session: &Session<D>) -> Self {
        let State { created, idle_ttl, idle_deadline, .. } = *session.state();
        let rotation = session.claims().and_then(VerifiedClaims::rotation);
        Self { created, idle_ttl, idle_deadline, rotation }
    }
}

/// What this process remembers of one session, on the store's clock.
#[derive(Debug)]
pub(crate) struct Mark {
    /// The latest use that was queued.
    last_use: AtomicI64,
    /// An idle deadline that the store reported: a lower bound of the true one.
    idle_deadline: AtomicI64,
    /// The greatest rotation that was queued. No session needs 0 recorded.
    rotation: AtomicU64,
}

impl Mark {
    fn new(life: Life) -> Self {
        Self {
            last_use: AtomicI64::new(life.created.as_millis()),
            idle_deadline: AtomicI64::new(life.idle_deadline.as_millis()),
            rotation: AtomicU64::new(0),
        }
    }

    /// Relaxed throughout this type: each value stands alone, and an old one costs a touch more, never a wrong answer.
    fn idle_deadline(&self) -> Timestamp {
        Timestamp::from_millis(self.idle_deadline.load(Ordering::Relaxed))
    }

    /// Idle deadlines only move forward.
    pub(crate) fn learn(&self, idle_deadline: Timestamp) {
        self.idle_deadline.fetch_max(idle_deadline.as_millis(), Ordering::Relaxed);
    }

    /// Takes the right to queue a use at `now`, if one is due.
    fn take(&self, now: Timestamp, life: Life, rules: TouchRules) -> bool {
        let rotation = life.rotation.filter(|_| rules.record_rotation).unwrap_or(0);
        let is_greater = self.rotation.load(Ordering::Relaxed) < rotation;
        if is_greater && self.rotation.fetch_max(rotation, Ordering::Relaxed) < rotation {
            self.last_use.fetch_max(now.as_millis(), Ordering::Relaxed);
            return true;
        }
        let last = self.last_use.load(Ordering::Relaxed);
        let since = now.as_millis().saturating_sub(last);
        let interval = rules.interval(life);
        let left = |at: i64| self.idle_deadline().as_millis().saturating_sub(at);
        let threshold = millis(rules.threshold(life));
        // The first use below the threshold does not wait for the interval: it moves the deadline.
        let enters_threshold = left(now.as_millis()) < threshold && left(last) >= threshold;
        let due = since >= millis(interval) || (since > 0 && enters_threshold);
        // Of several requests at once, one wins.
        due && self
            .last_use
            .compare_exchange(last, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// How long after `now` no use is due.
    fn rest(&self, now: Timestamp, life: Life, rules: TouchRules) -> Duration {
        let since =
            now.saturating_since(Timestamp::from_millis(self.last_use.load(Ordering::Relaxed)));
        let left = self.idle_deadline().saturating_since(now);
        let until_threshold = left.saturating_sub(rules.threshold(life));
        let interval = rules.interval(life).saturating_sub(since);
        // Below the threshold one that is lost has to be repeated in time.
        interval.min(if until_threshold.is_zero() { left / 4 } else { until_threshold })
    }

    /// The use was not queued or not written: the next one is due at once.
    pub(crate) fn give_back(&self) {
        self.last_use.store(0, Ordering::Relaxed);
        self.rotation.store(0, Ordering::Relaxed);
    }
}

/// Whose session, and which.
type Owned = (UserId, SessionId);

/// The same, to look one up.
#[derive(Hash)]
struct Borrowed<'a>(&'a UserId, &'a SessionId);

impl Equivalent<Owned> for Borrowed<'_> {
    fn equivalent(&self, (user, id): &Owned) -> bool {
        self.1 == id && self.0 == user
    }
}

/// Where requests leave uses.
pub(crate) struct TouchQueue {
    marks: Cache<Owned, Arc<Mark>, UnitWeighter, RandomState, DefaultLifecycle<Owned, Arc<Mark>>>,
    sender: mpsc::Sender<Use>,
    worker: Arc<WorkerWatch>,
    rules: TouchRules,
    clock: Arc<dyn Clock>,
    dropped: AtomicU64,
    dropped_figure: Counter,
}

impl TouchQueue {
    pub(crate) fn new(
        sender: mpsc::Sender<Use>,
        worker: &Worker,
        rules: TouchRules,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Self {
        Self {
            marks: Cache::with(
                REMEMBERED,
                REMEMBERED as u64,
                UnitWeighter,
                RandomState::default(),
                DefaultLifecycle::default(),
            ),
            sender,
            worker: Arc::clone(worker.watch()),
            rules,
            clock,
            dropped: AtomicU64::new(0),
            dropped_figure: meter.counter(Name::TouchesDropped),
        }
    }

    /// What this process remembers of a session's idle deadline, and of its last use.
    pub(crate) fn remembered(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Option<(Timestamp, Timestamp)> {
        let mark = self.marks.get(&Borrowed(user, id))?;
        Some((mark.idle_deadline(), Timestamp::from_millis(mark.last_use.load(Ordering::Relaxed))))
    }

    /// Notes that a session was used; never waits. Returns for how long another use of it need not be noted.
    pub(crate) fn used(&self, key: (UserId, SessionId), life: Life, now: Timestamp) -> Duration {
        let mark = match self.marks.get(&key) {
            Some(mark) => mark,
            None => {
                let mark = Arc::new(Mark::new(life));
                self.marks.insert(key.clone(), Arc::clone(&mark));
                mark
            }
        };
        mark.learn(life.idle_deadline);
        if !mark.take(now, life, self.rules) {
            return mark.rest(now, life, self.rules);
        }
        self.worker.report_use();
        let rest = mark.rest(now, life, self.rules);
        let (user, id) = key;
        let extend_below = self.rules.threshold(life);
        let rotation = life.rotation.filter(|_| self.rules.record_rotation);
        let at = self.clock.monotonic();
        let entry = Use { user, id, at, extend_below, rotation, mark };
        if let Err(refused) = self.sender.try_send(entry) {
            let (mpsc::error::TrySendError::Full(entry) | mpsc::error::TrySendError::Closed(entry)) =
                refused;
            entry.mark.give_back();
            self.dropped.fetch_add(1, Ordering::Relaxed);
            self.dropped_figure.increment(1);
            return Duration::ZERO;
        }
        rest
    }

    /// What the worker that writes the touches is doing.
    pub(crate) fn worker_state(&self) -> WorkerState {
        self.worker.state()
    }

    /// How many uses were not queued since the start, because the queue was full or its worker had stopped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
