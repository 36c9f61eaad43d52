//! The metrics of the near cache. The cache counts them, and this module publishes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Counter, Gauge, Metrics, Name};
use crate::coherence::CacheCounters;

/// Publishes the counters of one near cache to the recorder.
pub(crate) struct NearCacheMetrics {
    counters: Arc<CacheCounters>,
    published: [Counter; COUNTED.len()],
    coherent: Gauge,
    lag: Gauge,
    /// The values of the last publication.
    last: Mutex<[u64; COUNTED.len()]>,
}

const COUNTED: [Name; 6] = [
    Name::NearHits,
    Name::NearMisses,
    Name::NearFills,
    Name::NearInvalidations,
    Name::NearLostLinks,
    Name::NearStaleServed,
];

impl Metrics {
    /// Creates the publisher of a near cache with these counters.
    pub(crate) fn near(&self, counters: Arc<CacheCounters>) -> NearCacheMetrics {
        NearCacheMetrics {
            counters,
            published: COUNTED.map(|name| self.counter(name)),
            coherent: self.gauge(Name::NearCoherent),
            lag: self.gauge(Name::NearLag),
            last: Mutex::default(),
        }
    }
}

impl NearCacheMetrics {
    /// Publishes how much each counter has grown since the last call, and whether the near cache is
    /// in use. If a process has several near caches, their counters are added.
    pub(crate) fn publish(&self, is_coherent: bool) {
        let counters = &*self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = [
            counters.hits.total(),
            read(&counters.misses),
            read(&counters.fills),
            read(&counters.invalidations),
            read(&counters.lost_links),
            read(&counters.stale_served),
        ];
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        for ((counter, now), last) in self.published.iter().zip(now).zip(&mut *last) {
            counter.increment(now.saturating_sub(*last));
            *last = now;
        }
        self.coherent.set(if is_coherent { 1.0 } else { 0.0 });
        if let Some(lag) = counters.lag() {
            self.lag.set(lag.as_secs_f64());
        }
    }
}
