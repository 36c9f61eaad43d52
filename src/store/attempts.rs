//! Counted attempts, for rate limits. An attempt is counted before it is made, and taken back if it
//! did not fail.

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

// Hides the key, so that a log does not show which account or address it stands for.
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
/// The attempt that uses up the period starts a wait. The first wait is as long as the window. Each
/// later wait is twice as long as the one before, up to [`longest_wait`](Self::longest_wait).
/// During a wait all attempts are refused. A refused attempt changes nothing, with one exception:
/// if the clock was set back, it shortens the wait to the length that the rule defines. Each period
/// after a wait allows only [`after`](Self::after) attempts.
///
/// Durations are whole milliseconds, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRule {
    /// The number of attempts in each period before the first wait.
    pub attempts: NonZeroU32,
    /// The length of a period.
    pub window: Duration,
    /// The number of failed attempts in a row, over any time, that starts the first wait. `None`
    /// means no such limit.
    pub in_a_row: Option<NonZeroU32>,
    /// The number of attempts in each period after a wait.
    pub after: NonZeroU32,
    /// The longest wait. A value below the window counts as the window.
    pub longest_wait: Duration,
    /// How long after the last counted attempt, or after the wait that it started, the counter is
    /// removed. A counter with no wait so far and without [`in_a_row`](Self::in_a_row) is already
    /// removed at the end of the window.
    pub forget_after: Duration,
}

impl AttemptRule {
    /// Allows `attempts` attempts per `window`. After a wait it allows one attempt per period.
    /// Waits are at most 15 minutes. A counter is removed after 1 hour.
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

/// The result of [`SessionStore::attempt`](super::SessionStore::attempt).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// The attempt is counted and may be made. Holds the start of the period, which
    /// [`Settle::GiveBack`] needs.
    Counted(Timestamp),
    /// The attempt must not be made. It is not counted.
    Refused {
        /// The remaining time of the wait.
        retry_after: Duration,
    },
}

/// How to correct the counter after an attempt that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settle {
    /// Takes one attempt back, and the wait that its period started. The value is the start of the
    /// period from [`Attempt::Counted`]. Does nothing if another period has started since.
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
