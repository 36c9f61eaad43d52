//! Handles of the crate `metrics`.

pub(crate) use metrics::{Counter, Gauge, Histogram};
use metrics::{Label, Unit};
use tokio::time::Instant;

use super::Pair;
use crate::telemetry::metrics::names::{Kind, Name};

// Each function registers its metric with the recorder that is installed at the time of the call.
// If no recorder is installed at that time, the returned handle never does anything.

pub(crate) fn counter(name: Name, pairs: &[Pair<'_>]) -> Counter {
    metrics::counter!(name.as_str(), labels(pairs))
}

pub(crate) fn gauge(name: Name, pairs: &[Pair<'_>]) -> Gauge {
    metrics::gauge!(name.as_str(), labels(pairs))
}

pub(crate) fn histogram(name: Name, pairs: &[Pair<'_>]) -> Histogram {
    metrics::histogram!(name.as_str(), labels(pairs))
}

pub(crate) fn since(histogram: &Histogram, start: Instant) {
    histogram.record(start.elapsed());
}

pub(crate) fn describe(name: Name) {
    let (text, known) = (name.description(), name.as_str());
    match name.kind() {
        Kind::Counter => metrics::describe_counter!(known, Unit::Count, text),
        Kind::Gauge => metrics::describe_gauge!(known, Unit::Count, text),
        Kind::Age => metrics::describe_gauge!(known, Unit::Seconds, text),
        Kind::Time => metrics::describe_histogram!(known, Unit::Seconds, text),
    }
}

fn labels(pairs: &[Pair<'_>]) -> Vec<Label> {
    pairs.iter().map(|&(name, value)| Label::new(name, value.to_owned())).collect()
}
