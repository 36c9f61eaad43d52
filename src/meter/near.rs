//! The figures of the near cache: counted where it is used, told from here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Counter, Gauge, Meter, Name};
use crate::coherence::Figures;

/// Hands the figures of one near cache to the recorder.
pub(crate) struct NearMeter {
    figures: Arc<Figures>,
    counters: [Counter; COUNTED.len()],
    coherent: Gauge,
    lag: Gauge,
    /// What was handed over already.
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
    /// Of a near cache with these figures.
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
    /// Hands over what happened since the last time, and whether the near cache is used. Several near caches add up.
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
