//! Counters of attempts, for rate limits. The caller counts an attempt before it makes the attempt.
//! If the attempt does not fail, the caller corrects the counter: see [`Settle`].

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::is_plain;

/// The key of an attempt counter: a pseudonym of a name, an account or an address. It never
/// contains the original text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey(Arc<str>);

impl AttemptKey {
    /// The maximum length of a key, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Parses a key: 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        is_plain(raw, Self::MAX_LEN).then(|| Self(raw.into()))
    }

    /// Returns the key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// Hides the key, so that a log does not show whose account or address it stands for.
impl fmt::Debug for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptKey(…)")
    }
}

/// How many attempts may fail, and how long further attempts are refused.
///
/// Attempts are counted in periods. The first attempt starts the first period, which allows
/// [`attempts`](Self::attempts) attempts. When the [`window`](Self::window) has passed, the next
/// attempt starts a new period.
///
/// The attempt that reaches the period's limit starts a wait. Before the first wait, the attempt
/// that reaches [`in_a_row`](Self::in_a_row) also starts a wait. The first wait is as long as the
/// window. Each later wait is twice as long as the previous one, up to
/// [`longest_wait`](Self::longest_wait). During a wait, all attempts are refused. After the first
/// wait, each period allows only [`after`](Self::after) attempts.
///
/// A refused attempt does not change the counter, with one exception. After the clock was set back,
/// more time can remain than this rule allows for the current wait. A refused attempt then shortens
/// the remaining time to what the rule allows.
///
/// Durations are whole milliseconds, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRule {
    /// The number of attempts in each period before the first wait.
    pub attempts: NonZeroU32,
    /// The length of a period.
    pub window: Duration,
    /// The number of failed attempts in a row after which the first wait starts. These attempts may
    /// lie in several periods. `None`: there is no such limit.
    pub in_a_row: Option<NonZeroU32>,
    /// The number of attempts in each period after a wait.
    pub after: NonZeroU32,
    /// The longest wait. A value below the window is treated as the window.
    pub longest_wait: Duration,
    /// How long the counter is kept. This time begins:
    /// - at the end of the wait, if the last counted attempt started a wait
    /// - at the last counted attempt, if it started no wait
    ///
    /// Exception: without [`in_a_row`](Self::in_a_row), a counter that has not led to a wait is
    /// removed at the end of the window.
    pub forget_after: Duration,
}

impl AttemptRule {
    /// Creates a rule that allows `attempts` attempts per `window`. After a wait, the rule allows
    /// one attempt per period. A wait lasts at most 15 minutes, or as long as the window if the
    /// window is longer. `forget_after` is 1 hour.
    #[must_use]
    pub fn new(attempts: NonZeroU32, window: Duration) -> Self {
        Self {
            attempts,
            window,
            in_a_row: None,
            after: NonZeroU32::MIN,
            longest_wait: Duration::from_secs(15 * 60),
            forget_after: Duration::from_secs(60 * 60),
        }
    }
}

/// The result of [`CountAttempts::attempt`](super::CountAttempts::attempt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// The attempt is counted, and the caller may make it. The value is the start of the period,
    /// which [`Settle::GiveBack`] needs.
    Counted(Timestamp),
    /// The attempt is not counted, and the caller must not make it.
    Refused {
        /// The remaining time of the wait.
        retry_after: Duration,
    },
}

/// How to correct the counter after an attempt that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settle {
    /// Subtracts one attempt. If the attempt's period has started a wait, also removes that wait.
    /// If another period has started since the attempt, does nothing. The value is the start of the
    /// attempt's period, from [`Attempt::Counted`].
    GiveBack(Timestamp),
    /// Removes the counter, with all its attempts and waits.
    Clear,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempt_key_rejects_special_characters_and_is_hidden_in_debug_output() {
        for good in ["a", "A-z_09", &"x".repeat(AttemptKey::MAX_LEN)] {
            assert_eq!(AttemptKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a:b", "{a}", "*", "ä", &"x".repeat(AttemptKey::MAX_LEN + 1)] {
            assert!(AttemptKey::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", AttemptKey::parse("jeju").unwrap()), "AttemptKey(…)");
    }
}
