//! The metrics of the near cache. They are counted where the cache is used, and published from
//! here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Counter, Gauge, Meter, Name};
use crate::coherence::Figures;

/// Publishes the counters of one near cache to the recorder.
pub(crate) struct NearMeter {
    figures: Arc<Figures>,
    counters: [Counter; COUNTED.len()],
    coherent: Gauge,
    lag: Gauge,
    /// The values that were published last.
    told: Mutex<[u64; COUNTED.len()]>,
}

const COUNTED: [Name; 6] = [
    Name::NearHits,
    Name::NearMisses,
    Name::NearFills,
    Name::NearInvalidations,
    Name::NearLostLinks,
    Name::NearStaleServed,
];

impl Meter {
    /// Creates the publisher of a near cache with these counters.
    pub(crate) fn near(&self, figures: Arc<Figures>) -> NearMeter {
        NearMeter {
            figures,
            counters: COUNTED.map(|name| self.counter(name)),
            coherent: self.gauge(Name::NearCoherent),
            lag: self.gauge(Name::NearLag),
            told: Mutex::default(),
        }
    }
}

impl NearMeter {
    /// Publishes what was counted since the last call, and whether the near cache is in use. If a
    /// process has several near caches, their counters add up.
    pub(crate) fn publish(&self, is_coherent: bool) {
        let figures = &*self.figures;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = [
            figures.hits.total(),
            read(&figures.misses),
            read(&figures.fills),
            read(&figures.invalidations),
            read(&figures.lost_links),
            read(&figures.stale_served),
        ];
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for ((counter, now), told) in self.counters.iter().zip(now).zip(&mut *told) {
            counter.increment(now.saturating_sub(*told));
            *told = now;
        }
        self.coherent.set(if is_coherent { 1.0 } else { 0.0 });
        if let Some(lag) = figures.lag() {
            self.lag.set(lag.as_secs_f64());
        }
    }
}
