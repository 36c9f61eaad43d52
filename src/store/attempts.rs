//! Attempts that may fail only so often: counted before they are made, and given back when they did not fail.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::is_plain;

/// What attempts are counted under: a pseudonym of a name, an account or an address, never the name itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptKey(Arc<str>);

impl AttemptKey {
    /// The longest key, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Parses a key: 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        is_plain(raw, Self::MAX_LEN).then(|| Self(raw.into()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// Whoever reads a log may not tell from it who was meant.
impl fmt::Debug for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptKey(…)")
    }
}

/// How many attempts may fail, and what happens then.
///
/// Attempts are counted in periods. The first begins with the first attempt and has room for
/// [`attempts`](Self::attempts); once the [`window`](Self::window) has passed, the next attempt begins another. The one
/// that uses up a period's room begins a wait: as long as the window the first time, twice as long each time after, at
/// most [`longest_wait`](Self::longest_wait). Until it is over all are refused; a refused attempt changes nothing, but that
/// a wait is cut to its length if the clock was set back. Each period after a wait has room for [`after`](Self::after)
/// only.
///
/// Durations are whole milliseconds, at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptRule {
    /// How many attempts the first periods have room for.
    pub attempts: NonZeroU32,
    /// How long a period is.
    pub window: Duration,
    /// After how many failed attempts in a row there is a wait, however far apart they were; `None` never asks.
    pub in_a_row: Option<NonZeroU32>,
    /// How many attempts a period after a wait has room for.
    pub after: NonZeroU32,
    /// The longest wait; never shorter than the window.
    pub longest_wait: Duration,
    /// All is forgotten when no attempt was counted for so long, after the wait that there may have been. Where nothing
    /// has to be remembered (no wait so far, and no [`in_a_row`](Self::in_a_row)) the end of the window is enough.
    pub forget_after: Duration,
}

impl AttemptRule {
    /// So many attempts in so long, then one at a time after waits up to 15 minutes; forgotten after 1 hour.
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

/// What [`SessionStore::attempt`](super::SessionStore::attempt) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// It was counted and may be made. The period's beginning, to be handed in should it be given back.
    Counted(Timestamp),
    /// It may not be made, and was not counted.
    Refused {
        /// How long the wait still is.
        retry_after: Duration,
    },
}

/// What became of an attempt that was counted and did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settle {
    /// It is as if it had not been made: one less in the period that began then, and no wait that it has begun. Nothing
    /// when there is another period by now.
    GiveBack(Timestamp),
    /// All attempts are forgotten.
    Clear,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_no_syntax_and_not_shown() {
        for good in ["a", "A-z_09", &"x".repeat(AttemptKey::MAX_LEN)] {
            assert_eq!(AttemptKey::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a:b", "{a}", "*", "ä", &"x".repeat(AttemptKey::MAX_LEN + 1)] {
            assert!(AttemptKey::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(format!("{:?}", AttemptKey::parse("jeju").unwrap()), "AttemptKey(…)");
    }
}
