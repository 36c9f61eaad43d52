//! A recorder for the metrics of managers.

use std::collections::{BTreeMap, BTreeSet};

use metrics::{Key, LocalRecorderGuard, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

const PREFIX: &str = "tower_session_auth_";

/// A metrics recorder for one test.
pub struct Figures {
    snapshotter: Snapshotter,
    _guard: LocalRecorderGuard<'static>,
}

impl Figures {
    /// Records the metrics of the managers that this thread creates from now on.
    pub fn capture() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        Self {
            snapshotter: recorder.snapshotter(),
            _guard: metrics::set_default_local_recorder(recorder),
        }
    }

    /// Returns the values that were counted or set since the last call, as `name{label=value,…}`
    /// without the common prefix. A histogram gives its sum, and `name_count{…}` with the number of
    /// its values. Zero values are left out.
    pub fn take(&self) -> BTreeMap<String, f64> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        let mut values = BTreeMap::new();
        for (key, _, _, value) in snapshot {
            let labels = labels(key.key()).join(",");
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let name = key.key().name().strip_prefix(PREFIX).unwrap();
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => *value,
                DebugValue::Histogram(times) => {
                    values.insert(format!("{name}_count{labels}"), times.len() as f64);
                    times.iter().map(|time| **time).sum()
                }
            };
            values.insert(format!("{name}{labels}"), value);
        }
        values.retain(|_, value| *value != 0.0);
        values
    }

    /// Returns one value since the last call, or zero if it is missing.
    pub fn one(&self, name: &str) -> f64 {
        self.take().get(name).copied().unwrap_or(0.0)
    }

    /// Returns kind, name, unit and labels of each metric, in the order of their names.
    pub fn surface(&self) -> BTreeSet<String> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        let lines = snapshot.map(|(key, unit, _, _)| {
            let (kind, name) = (key.kind(), key.key().name());
            format!("{name} {kind:?} {unit:?} {:?}", labels(key.key()))
        });
        lines.collect()
    }

    /// Returns unit and description of each metric that was used.
    pub fn described(&self) -> BTreeMap<String, (Option<Unit>, String)> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        let texts = snapshot.map(|(key, unit, text, _)| {
            let text = text.map(|text| text.to_string()).unwrap_or_default();
            (key.key().name().to_owned(), (unit, text))
        });
        texts.collect()
    }
}

fn labels(key: &Key) -> Vec<String> {
    key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect()
}
