//! Background touches: they record the last activity of sessions and extend their idle deadlines.
//! No request waits for a touch.
//!
//! A *use* of a session is a request that was accepted with this session. The manager puts uses
//! into a bounded queue, usually at most one per session and touch interval. There are two
//! exceptions. The first use after the time left until the idle deadline fell below the refresh
//! threshold does not wait for the interval. If the manager records rotation counters, a use with a
//! greater counter does not wait either. The [`Worker`] writes the queued uses to the store in
//! batches. This write is the touch. It sets the session's last activity to the time of the use,
//! and moves the idle deadline to one idle TTL after that time. If a refresh threshold is set, a
//! touch moves the idle deadline only if less time than the threshold is left until the deadline.
//!
//! When the queue is full, the manager drops the use, and the next request of the same session
//! queues a new one. So a session in use expires too early only if none of its uses reaches the
//! store before its idle deadline.

mod state;
mod task;
mod warnings;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{Equivalent, UnitWeighter};
use tokio::sync::mpsc;

use crate::clock::{Clock, Timestamp, millis};
use crate::id::{SessionId, UserId};
use crate::session::State;
use crate::telemetry::metrics::{Counter, Metrics, Name};
use crate::token::VerifiedClaims;

pub use self::state::WorkerState;
pub(crate) use self::state::WorkerWatch;
pub(crate) use self::task::new as worker;
pub use self::task::{Background, DrainReport, Worker};

/// The number of sessions for which a process remembers the last touch. If the process forgets a
/// session that is still used, it touches the session once more than necessary.
const REMEMBERED: usize = 65_536;

/// The settings that decide which uses become touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TouchRules {
    /// The minimum interval between two touches of one session. A tenth of the session's idle TTL
    /// applies instead if it is shorter.
    pub(crate) interval: Duration,
    /// A touch moves the idle deadline only if less than this time is left until the deadline.
    /// `None`: each touch moves the deadline.
    pub(crate) refresh_threshold: Option<Duration>,
    /// The manager's idle TTL. The refresh threshold applies unscaled to sessions with this idle
    /// TTL.
    pub(crate) idle_ttl: Duration,
    /// Whether touches carry the rotation counter of the refresh token that came with the access
    /// token. If they do, a use with a counter that is greater than each counter queued before is
    /// due at once. It does not wait for the interval.
    pub(crate) record_rotation: bool,
}

impl TouchRules {
    /// Returns the touch interval for a session: the configured interval, or a tenth of the
    /// session's idle TTL if that is shorter. Otherwise, a session with a short idle TTL could
    /// expire between two touches although it is used.
    fn interval(self, life: Life) -> Duration {
        self.interval.min(life.idle_ttl / 10)
    }

    /// Returns the refresh threshold for a session. If the session has its own idle TTL, the
    /// configured threshold is multiplied by (the session's idle TTL ÷ the default idle TTL). An
    /// unscaled threshold of minutes would be too short for an idle TTL of a month: a touch would
    /// almost never move the idle deadline, and a user with daily requests would be logged out.
    ///
    /// Without a configured threshold, returns `Duration::MAX`, so that each touch moves the
    /// deadline.
    fn threshold(self, life: Life) -> Duration {
        let Some(threshold) = self.refresh_threshold else { return Duration::MAX };
        if life.idle_ttl == self.idle_ttl {
            return threshold;
        }
        let part = threshold.as_secs_f64() / self.idle_ttl.as_secs_f64();
        Duration::try_from_secs_f64(life.idle_ttl.as_secs_f64() * part).unwrap_or(threshold)
    }
}

/// One use of a session, queued for the worker.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    /// The time of the use, read from the clock's monotonic time. If the host is suspended while
    /// the use waits, the age of the use includes the suspended time.
    pub(crate) at: Duration,
    /// The touch moves the idle deadline only if less than this time is left until the deadline.
    pub(crate) extend_below: Duration,
    /// See [`Touch::rotation`](crate::store::Touch::rotation).
    pub(crate) rotation: Option<u64>,
    pub(crate) mark: Arc<Mark>,
}

/// The values of a session that decide when to touch it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    created: Timestamp,
    idle_ttl: Duration,
    /// A lower bound of the idle deadline.
    idle_deadline: Timestamp,
    /// The rotation counter of the refresh token that came with the access token.
    rotation: Option<u64>,
}

impl Life {
    pub(crate) fn new<D>(state: &State<D>, claims: &VerifiedClaims) -> Self {
        let State { created, idle_ttl, idle_deadline, .. } = *state;
        Self { created, idle_ttl, idle_deadline, rotation: claims.rotation() }
    }
}

/// What this process remembers about the touches of one session. All times are on the store's
/// clock.
#[derive(Debug)]
pub(crate) struct Mark {
    /// Time of the latest queued use, in milliseconds. Initially the creation of the session.
    last_use: AtomicI64,
    /// The latest idle deadline that the store reported, in milliseconds. The true idle deadline
    /// may be later.
    idle_deadline: AtomicI64,
    /// The greatest rotation counter that was queued. Initially 0, because a counter of 0 never
    /// needs to be recorded.
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

    /// All atomics of this type use relaxed ordering, because their values do not depend on each
    /// other. An old value can cause an extra touch, but never a wrong response to a request.
    fn idle_deadline(&self) -> Timestamp {
        Timestamp::from_millis(self.idle_deadline.load(Ordering::Relaxed))
    }

    /// Records an idle deadline that the store reported. Idle deadlines only move forward.
    pub(crate) fn learn(&self, idle_deadline: Timestamp) {
        self.idle_deadline.fetch_max(idle_deadline.as_millis(), Ordering::Relaxed);
    }

    /// Returns `true` if the use at `now` must be queued. In that case, also records the time of
    /// the use. If several requests call this function at the same time, only one of them gets
    /// `true`.
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
        // The first use after the time left until the idle deadline fell below the refresh
        // threshold does not wait for the interval, because it moves the idle deadline.
        let enters_threshold = left(now.as_millis()) < threshold && left(last) >= threshold;
        let due = since >= millis(interval) || (since > 0 && enters_threshold);
        // If several requests arrive at the same time, the exchange succeeds for one of them.
        due && self
            .last_use
            .compare_exchange(last, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }

    /// Returns how long after `now` no use needs to be queued.
    fn rest(&self, now: Timestamp, life: Life, rules: TouchRules) -> Duration {
        let since =
            now.saturating_since(Timestamp::from_millis(self.last_use.load(Ordering::Relaxed)));
        let left = self.idle_deadline().saturating_since(now);
        let until_threshold = left.saturating_sub(rules.threshold(life));
        let interval = rules.interval(life).saturating_sub(since);
        // A queued use can be lost. So if less time than the threshold is left until the idle
        // deadline, the next use is due after at most a quarter of the time left.
        interval.min(if until_threshold.is_zero() { left / 4 } else { until_threshold })
    }

    /// Resets the mark after a use that was not queued or not written, so that the next use is due
    /// at once.
    pub(crate) fn give_back(&self) {
        self.last_use.store(0, Ordering::Relaxed);
        self.rotation.store(0, Ordering::Relaxed);
    }
}

/// The user and the id of a session.
type Owned = (UserId, SessionId);

/// The borrowed form of [`Owned`], for a lookup without cloning.
#[derive(Hash)]
struct Borrowed<'a>(&'a UserId, &'a SessionId);

impl Equivalent<Owned> for Borrowed<'_> {
    fn equivalent(&self, (user, id): &Owned) -> bool {
        self.1 == id && self.0 == user
    }
}

/// The queue into which requests put uses.
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
        metrics: &Metrics,
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
            dropped_figure: metrics.counter(Name::TouchesDropped),
        }
    }

    /// Returns the remembered idle deadline of a session (a lower bound) and its last use.
    pub(crate) fn remembered(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Option<(Timestamp, Timestamp)> {
        let mark = self.marks.get(&Borrowed(user, id))?;
        Some((mark.idle_deadline(), Timestamp::from_millis(mark.last_use.load(Ordering::Relaxed))))
    }

    /// Records a use of a session. Never waits. Returns how long after `now` the caller does not
    /// have to record further uses of the session.
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

    /// Returns the state of the worker that writes the touches.
    pub(crate) fn worker_state(&self) -> WorkerState {
        self.worker.state()
    }

    /// Returns how many uses the queue has dropped since it was created, because it was full or the
    /// worker had ended.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn life(idle_ttl: Duration) -> Life {
        let created = Timestamp::from_millis(0);
        let idle_deadline = created.saturating_add(idle_ttl);
        Life { created, idle_ttl, idle_deadline, rotation: None }
    }

    fn rules() -> TouchRules {
        TouchRules {
            interval: MINUTE,
            refresh_threshold: Some(15 * MINUTE),
            idle_ttl: 60 * MINUTE,
            record_rotation: false,
        }
    }

    #[test]
    fn refresh_threshold_is_scaled_for_a_session_with_its_own_idle_ttl() {
        let rules = rules();
        for (idle_ttl, threshold) in [(60, 15), (240, 60), (20, 5)] {
            assert_eq!(rules.threshold(life(idle_ttl * MINUTE)), threshold * MINUTE, "{idle_ttl}");
        }
        let rules = TouchRules { refresh_threshold: None, ..rules };
        assert_eq!(rules.threshold(life(20 * MINUTE)), Duration::MAX);
    }

    #[test]
    fn touch_interval_is_at_most_a_tenth_of_the_idle_ttl() {
        let rules = rules();
        assert_eq!(rules.interval(life(60 * MINUTE)), MINUTE);
        assert_eq!(rules.interval(life(5 * MINUTE)), MINUTE / 2);
    }

    #[test]
    fn first_use_below_the_threshold_does_not_wait_for_the_interval() {
        let (rules, life) = (TouchRules { interval: 5 * MINUTE, ..rules() }, life(60 * MINUTE));
        let mark = Mark::new(life);
        for (minute, due) in
            [(0, false), (4, false), (44, true), (45, false), (46, true), (47, false)]
        {
            let now = life.created.saturating_add(minute * MINUTE);
            assert_eq!(mark.take(now, life, rules), due, "minute {minute}");
        }
    }

    #[test]
    fn greater_rotation_counter_is_due_once_and_at_once() {
        let rules = TouchRules { record_rotation: true, ..rules() };
        let mark = Mark::new(life(60 * MINUTE));
        let take = |rotation, rules| {
            let life = Life { rotation: Some(rotation), ..life(60 * MINUTE) };
            mark.take(life.created, life, rules)
        };
        for (rotation, due) in [(0, false), (1, true), (1, false), (3, true), (2, false)] {
            assert_eq!(take(rotation, rules), due, "{rotation}");
        }
        assert!(!take(4, TouchRules { record_rotation: false, ..rules }));
    }

    #[test]
    fn borrowed_key_equals_only_the_same_user_with_the_same_session() {
        let user = |name| UserId::parse(name).unwrap();
        let id = |name| SessionId::parse(name).unwrap();
        let owned = (user("jeju"), id("s1"));
        for (name, session, equal) in
            [("jeju", "s1", true), ("jeju", "s2", false), ("other", "s1", false)]
        {
            assert_eq!(Borrowed(&user(name), &id(session)).equivalent(&owned), equal, "{name}");
        }
    }
}
