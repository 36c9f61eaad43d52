//! Figures for dashboards and alarms, through the [`metrics`](https://docs.rs/metrics) facade (feature `metrics`).
//!
//! The application chooses the recorder, and installs it *before* [`build`](crate::SessionManagerBuilder::build): the
//! handles are made there, once, so that a request registers nothing. Without the feature nothing is paid for it; without
//! a recorder, a request that asks the store takes some 100 instructions more (one more look at the clock), and one that
//! is refused before that some 50.
//!
//! | name | kind | unit | labels | what it is |
//! |---|---|---|---|---|
//! | `tower_session_auth_accepted_total` | counter | 1 | | requests let in by the layer, and tokens by `authenticate` |
//! | `tower_session_auth_rejected_total` | counter | 1 | `code` | those not let in, by layer, manager or guard; `code` as [`AuthErrorKind::code`](crate::AuthErrorKind::code) |
//! | `tower_session_auth_logins_refused_total` | counter | 1 | `reason` | logins refused: [`LoginRefusal::as_str`](crate::events::LoginRefusal::as_str) |
//! | `tower_session_auth_suspicions_total` | counter | 1 | `suspicion` | [`Suspicion::as_str`](crate::events::Suspicion::as_str) |
//! | `tower_session_auth_sessions_created_total` | counter | 1 | | sessions that this process opened |
//! | `tower_session_auth_sessions_ended_total` | counter | 1 | `reason` | sessions that this process ended: [`EndReason::as_str`](crate::EndReason::as_str) |
//! | `tower_session_auth_sessions` | gauge | 1 | `role` | living sessions in the store, as of this process's last walk over all of them; `role` is empty for none, `other` for all roles beyond the first 64 |
//! | `tower_session_auth_sessions_age_seconds` | gauge | seconds | | time since that walk |
//! | `tower_session_auth_store_duration_seconds` | histogram | seconds | `verb`, `outcome` | how long the store took; `outcome` is `ok` or [`StoreErrorKind::as_str`] |
//! | `tower_session_auth_breaker_open` | gauge | 0 or 1 | `lane` | 1 while callers are turned away: `requests`, `walks`, `directory` |
//! | `tower_session_auth_touch_queue_depth` | gauge | 1 | | uses of sessions that wait to be written |
//! | `tower_session_auth_touches_written_total` | counter | 1 | | uses that the store took |
//! | `tower_session_auth_touches_lost_total` | counter | 1 | | uses that it did not take, and that were given up |
//! | `tower_session_auth_touches_dropped_total` | counter | 1 | | uses that found the queue full or closed |
//! | `tower_session_auth_events_dropped_total` | counter | 1 | `sink` | events that found a sink's queue full or closed; sinks count from 0 |
//! | `tower_session_auth_sink_panics_total` | counter | 1 | `sink` | panics of an event sink |
//! | `tower_session_auth_near_hits_total` | counter | 1 | | requests that were answered without asking the store |
//! | `tower_session_auth_near_misses_total` | counter | 1 | | requests with a good token that asked |
//! | `tower_session_auth_near_fills_total` | counter | 1 | | reads whose answers may be remembered |
//! | `tower_session_auth_near_invalidations_total` | counter | 1 | | changes that the store told of |
//! | `tower_session_auth_near_lost_links_total` | counter | 1 | | connections that told of changes, and were lost |
//! | `tower_session_auth_near_stale_served_total` | counter | 1 | | requests let in by [`ServeStale`](crate::FailurePolicy::ServeStale) |
//! | `tower_session_auth_near_coherent` | gauge | 0 or 1 | | 1 while the near cache is used |
//! | `tower_session_auth_near_lag_seconds` | gauge | seconds | | how long the last change of the link's own key took, from being sent to being known here |
//!
//! - Latency is taken around each call, from the manager's side: a call that is given up counts as `unavailable` with
//!   the time that was waited for it. Calls that an open breaker turns away, and those of requests that went away, are
//!   not in it.
//! - The figures of the near cache are handed over each second, by the background worker.
//! - The gauges of the sessions appear with the first walk, that is with the first call of the manager's `statistics`.
//!   An alarm on them needs one on their age.
//! - Two managers in one process share these names: their counters add up, their gauges overwrite each other.

mod handle;
mod names;
mod near;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

pub(crate) use self::handle::{Counter, Gauge};
use self::handle::{Histogram, counter, gauge, histogram};
pub(crate) use self::names::Name;
pub(crate) use self::near::NearMeter;
use crate::error::StoreErrorKind;

/// Of so many roles sessions are told apart: a label must not grow without bound.
const MAX_ROLES: usize = 64;

/// What may stand in the label `outcome`, beside `ok`.
const STORE_ERRORS: [StoreErrorKind; 5] = [
    StoreErrorKind::Unavailable,
    StoreErrorKind::Interrupted,
    StoreErrorKind::WriteRefused,
    StoreErrorKind::Unreadable,
    StoreErrorKind::Unsupported,
];

/// Makes handles; whoever has something to count keeps its own. Cheap to clone. The default one's go nowhere.
#[derive(Clone, Default)]
pub(crate) struct Meter(Option<Arc<Mutex<Walk>>>);

/// What the last walk over all sessions found.
#[derive(Default)]
struct Walk {
    roles: BTreeMap<String, Gauge>,
    ended: Option<(Instant, Gauge)>,
}

/// A handle for each value of one label.
pub(crate) struct Labelled<T>(Box<[(&'static str, T)]>);

impl<T> Labelled<T> {
    fn new(
        values: impl IntoIterator<Item = &'static str>,
        make: impl Fn(&'static str) -> T,
    ) -> Self {
        Self(values.into_iter().map(|value| (value, make(value))).collect())
    }

    /// A walk: there are a dozen values at most, and most differ in their length already.
    fn get(&self, value: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == value).map(|(_, handle)| handle)
    }
}

impl Labelled<Counter> {
    /// Counts one more of a value that was named when this was made.
    pub(crate) fn increment(&self, value: &str) {
        if let Some(counter) = self.get(value) {
            counter.increment(1);
        }
    }
}

impl Meter {
    /// A meter for the recorder that is installed now, which is told what all names mean.
    pub(crate) fn new() -> Self {
        if !cfg!(feature = "metrics") {
            return Self::default();
        }
        names::describe();
        Self(Some(Arc::default()))
    }

    pub(crate) fn counter(&self, name: Name) -> Counter {
        self.0.as_ref().map_or(Counter::noop(), |_| counter(name, &[]))
    }

    pub(crate) fn gauge(&self, name: Name) -> Gauge {
        self.0.as_ref().map_or(Gauge::noop(), |_| gauge(name, &[]))
    }

    /// A counter for each of `values`, which stand in the label `label`.
    pub(crate) fn counters(
        &self,
        name: Name,
        label: &'static str,
        values: impl IntoIterator<Item = &'static str>,
    ) -> Labelled<Counter> {
        let values = values.into_iter().filter(|_| self.0.is_some());
        Labelled::new(values, |value| counter(name, &[(label, value)]))
    }

    /// The gauge of one lane's breaker, closed at first.
    pub(crate) fn breaker(&self, lane: &'static str) -> Gauge {
        let Some(_) = self.0 else { return Gauge::noop() };
        let open = gauge(Name::Breaker, &[("lane", lane)]);
        open.set(0.0);
        open
    }

    /// The counter `name` of one event sink.
    pub(crate) fn of_sink(&self, name: Name, number: usize) -> Counter {
        let Some(_) = self.0 else { return Counter::noop() };
        counter(name, &[("sink", &number.to_string())])
    }

    /// The histograms of a store with these verbs.
    pub(crate) fn store(&self, verbs: impl IntoIterator<Item = &'static str>) -> StoreTimes {
        let verbs = verbs.into_iter().filter(|_| self.0.is_some());
        // What is asked for most is found first.
        let outcomes = || ["ok"].into_iter().chain(STORE_ERRORS.map(StoreErrorKind::as_str));
        StoreTimes(Labelled::new(verbs, |verb| {
            Labelled::new(outcomes(), |outcome| {
                histogram(Name::StoreTime, &[("verb", verb), ("outcome", outcome)])
            })
        }))
    }

    /// A walk over all sessions has just ended, with so many of each role (`""` is none). Roles of earlier walks that
    /// are not among them have no session any more.
    pub(crate) fn sessions<'a>(&self, by_role: impl IntoIterator<Item = (&'a str, u64)>) {
        let Some(walk) = &self.0 else { return };
        // Gauges that a panic of the recorder left as they were are set by the next walk.
        let mut walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
        let Walk { roles, ended } = &mut *walk;
        let mut found = BTreeMap::<&str, u64>::new();
        for (role, count) in by_role {
            let told_apart = roles.contains_key(role) || roles.len() < MAX_ROLES;
            let role = if told_apart { role } else { "other" };
            roles
                .entry(role.to_owned())
                .or_insert_with(|| gauge(Name::Sessions, &[("role", role)]));
            *found.entry(role).or_default() += count;
        }
        for (role, gauge) in roles {
            gauge.set(found.get(role.as_str()).copied().unwrap_or(0) as f64);
        }
        let now = Instant::now();
        let (ended, age) = ended.get_or_insert_with(|| (now, gauge(Name::SessionsAge, &[])));
        *ended = now;
        age.set(0.0);
    }

    /// Tells how old the figures of the last walk are. Called each second by the background worker.
    pub(crate) fn sessions_age(&self) {
        let Some(walk) = &self.0 else { return };
        let walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((ended, age)) = &walk.ended {
            age.set(ended.elapsed().as_secs_f64());
        }
    }
}

/// How long a store takes, by verb and outcome.
pub(crate) struct StoreTimes(Labelled<Labelled<Histogram>>);

impl StoreTimes {
    /// A call of `verb` that began at `start` has just ended.
    pub(crate) fn record(&self, verb: &str, error: Option<StoreErrorKind>, start: Instant) {
        let outcome = error.map_or("ok", StoreErrorKind::as_str);
        if let Some(time) = self.0.get(verb).and_then(|outcomes| outcomes.get(outcome)) {
            handle::since(time, start);
        }
    }
}

#[cfg(test)]
mod tests;
