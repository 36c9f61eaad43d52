//! Handles of metrics. With the feature `metrics` they are handles of the crate `metrics`. Without
//! the feature they do nothing. Both variants have the same functions, so the same calls compile
//! with both.

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
