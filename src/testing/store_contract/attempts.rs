//! Attempts (rate limits): how many may fail, and how long the wait is.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Suite, join_all, ok};
use crate::clock::Timestamp;
use crate::id::SessionId;
use crate::store::{Attempt, AttemptKey, AttemptRule, SessionStore, Settle};

/// Longer than the suite takes.
const HOUR: Duration = Duration::from_secs(3600);

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn attempts(&self) {
        let (key, rule) = (key(), rule(1, HOUR));
        if ok("attempt", self.store.attempt(&key, &rule).await).is_none() {
            // This store leaves counting to its callers. `settle` must then accept its arguments
            // and do nothing.
            ok("settle", self.store.settle(&key, Settle::Clear).await);
            return;
        }
        self.exactly_so_many_at_once().await;
        self.attempts_come_back().await;
        self.what_is_given_back_late().await;
        self.success_clears().await;
        self.waits_grow().await;
        self.failures_in_a_row().await;
        self.all_is_forgotten().await;
    }

    async fn attempt(&self, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let answer = ok("attempt", self.store.attempt(key, rule).await);
        answer.unwrap_or_else(|| panic!("a store that counts does so always"))
    }

    /// Makes an attempt that the store must count.
    async fn counted(&self, key: &AttemptKey, rule: &AttemptRule, what: &str) -> Timestamp {
        match self.attempt(key, rule).await {
            Attempt::Counted(start) => start,
            Attempt::Refused { retry_after } => panic!("{what}: refused for {retry_after:?}"),
        }
    }

    /// Makes an attempt that the store must refuse, and returns the remaining wait.
    async fn refused(&self, key: &AttemptKey, rule: &AttemptRule, what: &str) -> Duration {
        match self.attempt(key, rule).await {
            Attempt::Refused { retry_after } => retry_after,
            Attempt::Counted(_) => panic!("{what}: counted"),
        }
    }

    async fn settle(&self, key: &AttemptKey, settle: Settle) {
        ok("settle", self.store.settle(key, settle).await);
    }

    async fn exactly_so_many_at_once(&self) {
        let (one, other, rule) = (key(), key(), rule(10, HOUR));
        let answers = join_all((0..40).map(|_| self.attempt(&one, &rule))).await;
        let counted = answers.iter().filter(|answer| matches!(answer, Attempt::Counted(_)));
        assert_eq!(counted.count(), 10, "of many attempts at once, as many as there is room for");
        for answer in answers {
            if let Attempt::Refused { retry_after } = answer {
                assert!(retry_after <= HOUR && retry_after > HOUR / 2, "the wait is the window");
            }
        }
        self.counted(&other, &rule, "another key has room of its own").await;
    }

    async fn attempts_come_back(&self) {
        let (key, rule) = (key(), rule(3, HOUR));
        for _ in 0..3 {
            for _ in 0..2 {
                let start = self.counted(&key, &rule, "what was given back").await;
                self.settle(&key, Settle::GiveBack(start)).await;
            }
            self.counted(&key, &rule, "what was not").await;
        }
        self.refused(&key, &rule, "three were not given back").await;
    }

    /// The attempt that started the wait is given back: the wait is then canceled.
    async fn what_is_given_back_late(&self) {
        let (key, mut rule) = (key(), rule(2, HOUR));
        rule.longest_wait = 9 * HOUR;
        let start = self.counted(&key, &rule, "the first").await;
        assert_eq!(self.counted(&key, &rule, "the second").await, start, "one period");
        self.refused(&key, &rule, "both are under way").await;
        self.settle(&key, Settle::GiveBack(start)).await;
        self.counted(&key, &rule, "the one that was given back").await;
        let wait = self.refused(&key, &rule, "and no other").await;
        assert!(
            wait <= HOUR,
            "the wait that was taken back makes the next one no longer: {wait:?}"
        );
        let never = start.saturating_sub(HOUR);
        self.settle(&key, Settle::GiveBack(never)).await;
        self.refused(&key, &rule, "another period is none of this one's").await;
    }

    async fn success_clears(&self) {
        let (key, rule) = (key(), rule(2, HOUR));
        let start = self.counted(&key, &rule, "the first").await;
        self.settle(&key, Settle::Clear).await;
        for _ in 0..2 {
            self.counted(&key, &rule, "all were forgotten").await;
        }
        self.refused(&key, &rule, "until they were used up again").await;
        self.settle(&key, Settle::Clear).await;
        self.settle(&key, Settle::GiveBack(start)).await;
        self.counted(&key, &rule, "the wait was forgotten as well").await;
    }

    async fn waits_grow(&self) {
        let (other, two) = (key(), rule(2, self.moment));
        for _ in 0..3 {
            self.counted(&other, &two, "the first of a period").await;
            self.pass(self.moment).await;
        }
        let (key, mut rule) = (key(), rule(1, self.moment));
        rule.longest_wait = 3 * self.moment;
        self.counted(&key, &rule, "the first").await;
        // The last wait has the maximum length.
        for wait in [self.moment, 2 * self.moment, 3 * self.moment, 3 * self.moment] {
            let left = self.refused(&key, &rule, "in the wait").await;
            assert!(left <= wait && !left.is_zero(), "a wait of {wait:?} with {left:?} left");
            // On a busy machine the first wait is too short to test its middle.
            let early = if wait > self.moment { wait / 2 } else { Duration::ZERO };
            self.pass(early).await;
            for _ in 0..2 {
                let left = self.refused(&key, &rule, "in the wait").await;
                assert!(left <= wait - early, "{left:?} left: trying early makes no wait longer");
            }
            self.pass(wait - early).await;
            self.counted(&key, &rule, "after the wait, one").await;
        }
        self.pass(3 * self.moment).await;
        rule.attempts = rule.attempts.saturating_add(8);
        rule.after = rule.after.saturating_add(1);
        rule.window = HOUR;
        for _ in 0..2 {
            self.counted(&key, &rule, "after a wait, as many as there is room for").await;
        }
        self.refused(&key, &rule, "and not as many as at first").await;
    }

    async fn failures_in_a_row(&self) {
        let (key, mut rule) = (key(), rule(5, Duration::from_millis(1)));
        rule.in_a_row = NonZeroU32::new(3);
        rule.longest_wait = HOUR;
        for _ in 0..2 {
            self.counted(&key, &rule, "each in a period of its own").await;
            self.pass(Duration::from_millis(5)).await;
        }
        rule.window = HOUR;
        self.counted(&key, &rule, "the third in a row").await;
        self.refused(&key, &rule, "however far apart").await;
    }

    async fn all_is_forgotten(&self) {
        let (key, mut rule) = (key(), rule(1, self.moment));
        rule.forget_after = self.moment;
        self.counted(&key, &rule, "the first").await;
        self.pass(2 * self.moment).await;
        self.counted(&key, &rule, "after a quiet time").await;
        let wait = self.refused(&key, &rule, "in the wait").await;
        assert!(wait <= self.moment, "the wait is a first one again");
    }
}

fn key() -> AttemptKey {
    let id = SessionId::random().unwrap_or_else(|error| panic!("{error}"));
    AttemptKey::parse(id.as_str()).unwrap_or_else(|| panic!("{id} is no key"))
}

fn rule(attempts: u32, window: Duration) -> AttemptRule {
    AttemptRule::new(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN), window)
}
