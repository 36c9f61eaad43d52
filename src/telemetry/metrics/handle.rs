//! Handles of metrics: those of the crate `metrics`, or handles that do nothing if the feature
//! `metrics` is off. Both variants have the same functions, so call sites compile either way.

#[cfg(not(feature = "metrics"))]
pub(crate) use self::off::{Counter, Gauge, Histogram, counter, describe, gauge, histogram, since};
#[cfg(feature = "metrics")]
pub(crate) use self::on::{Counter, Gauge, Histogram, counter, describe, gauge, histogram, since};

/// The name and the value of a label.
pub(crate) type Pair<'a> = (&'static str, &'a str);

#[cfg(feature = "metrics")]
mod on;

#[cfg(not(feature = "metrics"))]
mod off;
