//! Metrics for dashboards and alerts, through the [`metrics`](https://docs.rs/metrics) facade
//! (feature `metrics`).
//!
//! Install the application's recorder *before*
//! [`build`](crate::manager::SessionManagerBuilder::build). `build` creates the handles of the
//! metrics, so that requests do not have to register anything. Without a recorder, the feature
//! still costs about 100 instructions for each request that reaches the store, because such a
//! request reads the clock one more time.
//!
//! | name | kind | unit | labels | what it is |
//! |---|---|---|---|---|
//! | `tower_session_auth_requests_total` | counter | 1 | `outcome` | requests checked by a layer or a guard, and tokens checked by `authenticate`; `outcome` is `accepted` or [`AuthErrorKind::code`](crate::AuthErrorKind::code) |
//! | `tower_session_auth_logins_refused_total` | counter | 1 | `reason` | refused logins: [`LoginRefusal::as_str`](crate::telemetry::events::LoginRefusal::as_str) |
//! | `tower_session_auth_suspicions_total` | counter | 1 | `suspicion` | [`Suspicion::as_str`](crate::telemetry::events::Suspicion::as_str) |
//! | `tower_session_auth_sessions_created_total` | counter | 1 | | sessions that this process created |
//! | `tower_session_auth_sessions_revoked_total` | counter | 1 | `reason` | sessions that this process revoked: [`RevokeReason::as_str`](crate::RevokeReason::as_str) |
//! | `tower_session_auth_sessions` | gauge | 1 | `role` | live sessions in the store, as of this process's last scan of all sessions; `role` is empty for none, `other` for all roles beyond the first 64 |
//! | `tower_session_auth_sessions_scan_age_seconds` | gauge | seconds | | time since that scan |
//! | `tower_session_auth_store_duration_seconds` | histogram | seconds | `operation`, `outcome` | duration of calls to the store; `outcome` is `ok` or [`StoreErrorKind::as_str`](crate::store::StoreErrorKind::as_str) |
//! | `tower_session_auth_circuit_breaker_open` | gauge | 0 or 1 | `bulkhead` | 1 while the circuit breaker is open, so that calls fail at once; `bulkhead` is `requests`, `scans` or `directory` |
//! | `tower_session_auth_touch_queue_depth` | gauge | 1 | | touches that wait to be written |
//! | `tower_session_auth_touches_written_total` | counter | 1 | | touches that the store accepted |
//! | `tower_session_auth_touches_lost_total` | counter | 1 | | touches that were lost because the store did not accept them |
//! | `tower_session_auth_touches_dropped_total` | counter | 1 | | touches that were dropped because the queue was full or closed |
//! | `tower_session_auth_events_dropped_total` | counter | 1 | `sink`, `class` | events that were not delivered to a sink, because its queue for the [class](crate::telemetry::events::EventClass) was full or closed, or because the event exceeded the sampling limit; sinks are numbered from 0 |
//! | `tower_session_auth_event_sink_panics_total` | counter | 1 | `sink` | panics of an event sink |
//! | `tower_session_auth_near_cache_hits_total` | counter | 1 | | requests that were answered from the near cache, without asking the store |
//! | `tower_session_auth_near_cache_misses_total` | counter | 1 | | requests with a valid token that asked the store |
//! | `tower_session_auth_near_cache_fills_total` | counter | 1 | | reads whose answers may be cached |
//! | `tower_session_auth_near_cache_invalidations_total` | counter | 1 | | invalidations that the store sent |
//! | `tower_session_auth_near_cache_connections_lost_total` | counter | 1 | | invalidation connections that were lost |
//! | `tower_session_auth_near_cache_stale_served_total` | counter | 1 | | requests accepted by [`ServeStale`](crate::FailurePolicy::ServeStale) |
//! | `tower_session_auth_near_cache_coherent` | gauge | 0 or 1 | | 1 while the near cache is in use |
//! | `tower_session_auth_near_cache_invalidation_lag_seconds` | gauge | seconds | | delay of the last probe: from its write until its invalidation arrived here |
//!
//! - **Counters and gauges exist from `build()` on**, with each value of their labels, so that an
//!   alert sees their first increment. The two gauges of the sessions are an exception: they appear
//!   after the first scan of all sessions. The manager's `statistics` runs this scan. An alert on
//!   the number of sessions needs a second alert on the age of the scan.
//! - **A histogram exists from its first value on**, because most pairs of operation and outcome
//!   never occur.
//! - If a layer accepts a request and a guard behind the layer refuses it, the request is counted
//!   twice: as `accepted`, and with the code of the guard's error.
//! - The manager measures the duration of each store call. A call that times out is recorded as
//!   `unavailable`, with the time that the caller waited. Two kinds of calls are not measured:
//!   calls that an open circuit breaker refuses, and calls of requests that were dropped.
//! - The worker publishes the metrics of the near cache each second.
//! - Two managers in one process share these names. Their counters are added, but their gauges
//!   overwrite each other.
//!
//! # Prometheus
//!
//! Prometheus uses the names unchanged. `metrics-exporter-prometheus` exports a histogram as a
//! summary unless the histogram has buckets. Quantiles of a summary cannot be combined over several
//! processes, so set [`STORE_DURATION_BUCKETS`]:
//!
//! ```
//! use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
//! use tower_session_auth::telemetry::metrics::{STORE_DURATION, STORE_DURATION_BUCKETS};
//!
//! # fn main() -> Result<(), metrics_exporter_prometheus::BuildError> {
//! let builder = PrometheusBuilder::new()
//!     .set_buckets_for_metric(Matcher::Full(STORE_DURATION.to_owned()), &STORE_DURATION_BUCKETS)?;
//! # let _ = builder.build_recorder();
//! # Ok(())
//! # }
//! ```

mod handle;
mod names;
mod near_cache;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::time::Instant;

pub(crate) use self::handle::{Counter, Gauge};
use self::handle::{Histogram, counter, gauge, histogram};
pub(crate) use self::names::Name;
pub use self::names::STORE_DURATION;
pub(crate) use self::near_cache::NearCacheMetrics;
use crate::error::StoreErrorKind;

/// The upper bounds of the buckets for [`STORE_DURATION`], in seconds. The first bound is 100 µs,
/// for Redis on the same network. One bound is 250 ms, the default store timeout. The last bound is
/// 5 s, the timeout of a list and of each page of a scan.
pub const STORE_DURATION_BUCKETS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0];

/// The maximum number of roles with their own label value. A label must not grow without limit.
const MAX_ROLES: usize = 64;

/// The label with the outcome of a request or a call.
const OUTCOME: &str = "outcome";

/// The values of the label `outcome` of a store call, in addition to `ok`.
const STORE_ERRORS: [StoreErrorKind; 6] = [
    StoreErrorKind::Unavailable,
    StoreErrorKind::Interrupted,
    StoreErrorKind::NotPrimary,
    StoreErrorKind::WriteRefused,
    StoreErrorKind::Unreadable,
    StoreErrorKind::Unsupported,
];

/// Creates handles of metrics. Each component keeps the handles that it uses. The default value of
/// this type creates handles that do nothing. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Metrics(Option<Arc<Mutex<Scan>>>);

/// The result of the last scan of all sessions.
#[derive(Default)]
struct Scan {
    roles: BTreeMap<String, Gauge>,
    ended: Option<(Instant, Gauge)>,
}

/// One handle for each value of a label.
pub(crate) struct Labelled<T>(Box<[(&'static str, T)]>);

impl<T> Labelled<T> {
    fn new(
        values: impl IntoIterator<Item = &'static str>,
        make: impl Fn(&'static str) -> T,
    ) -> Self {
        Self(values.into_iter().map(|value| (value, make(value))).collect())
    }

    /// Searches linearly: there are at most about a dozen values, and most differ in length.
    fn get(&self, value: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == value).map(|(_, handle)| handle)
    }
}

impl Labelled<Counter> {
    /// Increments the counter of `value`. Does nothing if `value` was not given at creation.
    pub(crate) fn increment(&self, value: &str) {
        if let Some(counter) = self.get(value) {
            counter.increment(1);
        }
    }
}

impl Metrics {
    /// Creates the factory for the currently installed recorder, and registers the descriptions of
    /// all metrics.
    pub(crate) fn new() -> Self {
        if !cfg!(feature = "metrics") {
            return Self::default();
        }
        // `describe` uses the currently installed recorder.
        Name::ALL.into_iter().for_each(handle::describe);
        Self(Some(Arc::default()))
    }

    pub(crate) fn counter(&self, name: Name) -> Counter {
        self.0.as_ref().map_or(Counter::noop(), |_| counter(name, &[]))
    }

    pub(crate) fn gauge(&self, name: Name) -> Gauge {
        self.0.as_ref().map_or(Gauge::noop(), |_| gauge(name, &[]))
    }

    /// Creates a counter for each of `values`, which become the values of the label `label`.
    pub(crate) fn counters(
        &self,
        name: Name,
        label: &'static str,
        values: impl IntoIterator<Item = &'static str>,
    ) -> Labelled<Counter> {
        let values = values.into_iter().filter(|_| self.0.is_some());
        Labelled::new(values, |value| counter(name, &[(label, value)]))
    }

    /// Creates the counter of accepted requests. The counters of refused requests have the same
    /// name, with the error's code as the outcome.
    pub(crate) fn accepted(&self) -> Counter {
        self.0
            .as_ref()
            .map_or(Counter::noop(), |_| counter(Name::Requests, &[(OUTCOME, "accepted")]))
    }

    /// Creates a counter of refused requests for each of `codes`.
    pub(crate) fn refused(
        &self,
        codes: impl IntoIterator<Item = &'static str>,
    ) -> Labelled<Counter> {
        self.counters(Name::Requests, OUTCOME, codes)
    }

    /// Creates the gauge of one bulkhead's circuit breaker. The circuit is closed at first.
    pub(crate) fn breaker(&self, bulkhead: &'static str) -> Gauge {
        let Some(_) = self.0 else { return Gauge::noop() };
        let open = gauge(Name::Breaker, &[("bulkhead", bulkhead)]);
        open.set(0.0);
        open
    }

    /// Creates the counter `name` of one event sink.
    pub(crate) fn of_sink(&self, name: Name, number: usize) -> Counter {
        let Some(_) = self.0 else { return Counter::noop() };
        counter(name, &[("sink", &number.to_string())])
    }

    /// Creates the counter `name` of one event sink and one class of events.
    pub(crate) fn of_sink_class(&self, name: Name, number: usize, class: &str) -> Counter {
        let Some(_) = self.0 else { return Counter::noop() };
        counter(name, &[("sink", &number.to_string()), ("class", class)])
    }

    /// Creates the histograms of a store with these operations. Each histogram is registered when
    /// it gets its first value.
    pub(crate) fn store(&self, operations: impl IntoIterator<Item = &'static str>) -> StoreTimes {
        let operations = operations.into_iter().filter(|_| self.0.is_some());
        // `ok` comes first, because it is the most frequent outcome.
        let outcomes = || ["ok"].into_iter().chain(STORE_ERRORS.map(StoreErrorKind::as_str));
        StoreTimes(Labelled::new(operations, |_| Labelled::new(outcomes(), |_| OnceLock::new())))
    }

    /// Publishes the result of a scan over all sessions: the number of sessions of each role (`""`
    /// means no role). The caller calls this function when the scan has ended. If an earlier scan
    /// found a role and this scan did not, the role's gauge is set to 0.
    pub(crate) fn sessions<'a>(&self, by_role: impl IntoIterator<Item = (&'a str, u64)>) {
        let Some(scan) = &self.0 else { return };
        // If the recorder panicked while this lock was held, some gauges have old values. The next
        // scan corrects them.
        let mut scan = scan.lock().unwrap_or_else(PoisonError::into_inner);
        let Scan { roles, ended } = &mut *scan;
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

    /// Publishes the age of the last scan. The background worker calls this each second.
    pub(crate) fn sessions_age(&self) {
        let Some(scan) = &self.0 else { return };
        let scan = scan.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((ended, age)) = &scan.ended {
            age.set(ended.elapsed().as_secs_f64());
        }
    }
}

/// The durations of store calls, by operation and outcome.
pub(crate) struct StoreTimes(Labelled<Labelled<OnceLock<Histogram>>>);

impl StoreTimes {
    /// Records a call of `operation` that started at `start` and has just ended. If the call
    /// failed, the outcome is the kind of its error.
    pub(crate) fn record(
        &self,
        operation: &'static str,
        error: Option<StoreErrorKind>,
        start: Instant,
    ) {
        let outcome = error.map_or("ok", StoreErrorKind::as_str);
        if let Some(time) = self.0.get(operation).and_then(|outcomes| outcomes.get(outcome)) {
            let pairs = [("operation", operation), (OUTCOME, outcome)];
            handle::since(time.get_or_init(|| histogram(Name::StoreTime, &pairs)), start);
        }
    }
}

#[cfg(test)]
mod tests;
