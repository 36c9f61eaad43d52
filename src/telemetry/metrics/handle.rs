//! Handles of metrics: those of the crate `metrics`, or handles that do nothing if the feature
//! `metrics` is off. Both variants have the same functions, so call sites compile either way.

#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::{Counter, Gauge, Histogram, counter, describe, gauge, histogram, since};
#[cfg(feature = "metrics")]
pub(crate) use self::on::{Counter, Gauge, Histogram, counter, describe, gauge, histogram, since};

/// The name and the value of a label.
pub(crate) type Pair<'a> = (&'static str, &'a str);

#[cfg(feature = "metrics")]
mod on {
    pub(crate) use metrics::{Counter, Gauge, Histogram};
    use metrics::{Label, Unit};
    use tokio::time::Instant;

    use super::Pair;
    use crate::telemetry::metrics::names::{Kind, Name};

    // Each function registers with the recorder that is installed at that moment. Without a
    // recorder, the handle never does anything.

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
}

#[cfg(not(feature = "metrics"))]
mod off {
    use tokio::time::Instant;

    use super::Pair;
    use crate::telemetry::metrics::names::{Kind, Name};

    #[derive(Clone, Debug)]
    pub(crate) struct Counter;

    impl Counter {
        pub(crate) const fn noop() -> Self {
            Self
        }

        pub(crate) fn increment(&self, _: u64) {}
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Gauge;

    impl Gauge {
        pub(crate) const fn noop() -> Self {
            Self
        }

        pub(crate) fn set(&self, _: f64) {}
    }

    #[derive(Debug)]
    pub(crate) struct Histogram;

    pub(crate) fn counter(_: Name, _: &[Pair<'_>]) -> Counter {
        Counter
    }

    pub(crate) fn gauge(_: Name, _: &[Pair<'_>]) -> Gauge {
        Gauge
    }

    pub(crate) fn histogram(_: Name, _: &[Pair<'_>]) -> Histogram {
        Histogram
    }

    pub(crate) fn since(_: &Histogram, _: Instant) {}

    pub(crate) fn describe(name: Name) {
        let _: (&str, &str, Kind) = (name.as_str(), name.description(), name.kind());
    }
}
