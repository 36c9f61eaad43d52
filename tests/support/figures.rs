//! What managers count.

use std::collections::{BTreeMap, BTreeSet};

use metrics::{Key, LocalRecorderGuard, Unit};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

const PREFIX: &str = "tower_session_auth_";

/// A recorder of one test's own.
pub struct Figures {
    snapshotter: Snapshotter,
    _guard: LocalRecorderGuard<'static>,
}

impl Figures {
    /// Keeps what is counted by managers that this thread makes from now on.
    pub fn capture() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        Self {
            snapshotter: recorder.snapshotter(),
            _guard: metrics::set_default_local_recorder(recorder),
        }
    }

    /// What was counted or set since the last call, as `name{label=value,…}` without the common prefix; of a histogram
    /// the sum, and beside it `name_count{…}`. What is zero is left out.
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

    /// One of them; zero if it is not there.
    pub fn one(&self, name: &str) -> f64 {
        self.take().get(name).copied().unwrap_or(0.0)
    }

    /// Kind, name, unit and labels of each, in the order of their names.
    pub fn surface(&self) -> BTreeSet<String> {
        let snapshot = self.snapshotter.snapshot().into_vec().into_iter();
        let lines = snapshot.map(|(key, unit, _, _)| {
            let (kind, name) = (key.kind(), key.key().name());
            format!("{name} {kind:?} {unit:?} {:?}", labels(key.key()))
        });
        lines.collect()
    }

    /// The unit and the text of each name that was used.
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
