//! Attempts (rate limits): how many attempts can fail before a wait, and how long each wait is.

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
            // This store leaves counting to its callers. Its `settle` must accept the call and do
            // nothing.
            ok("settle", self.store.settle(&key, Settle::Clear).await);
            return;
        }
        self.concurrent_attempts_are_counted_up_to_the_limit().await;
        self.given_back_attempts_do_not_count().await;
        self.giving_back_an_attempt_cancels_the_wait_of_its_period().await;
        self.clear_removes_attempts_and_wait().await;
        self.waits_grow_up_to_the_longest_wait().await;
        self.failures_in_a_row_start_a_wait_across_periods().await;
        self.counter_is_removed_after_forget_after().await;
    }

    async fn attempt(&self, key: &AttemptKey, rule: &AttemptRule) -> Attempt {
        let answer = ok("attempt", self.store.attempt(key, rule).await);
        answer.unwrap_or_else(|| panic!("a store that counts attempts must always return a result"))
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

    async fn concurrent_attempts_are_counted_up_to_the_limit(&self) {
        let (one, other, rule) = (key(), key(), rule(10, HOUR));
        let answers = join_all((0..40).map(|_| self.attempt(&one, &rule))).await;
        let counted = answers.iter().filter(|answer| matches!(answer, Attempt::Counted(_)));
        assert_eq!(counted.count(), 10, "the number of counted attempts equals the limit");
        for answer in answers {
            if let Attempt::Refused { retry_after } = answer {
                assert!(
                    retry_after <= HOUR && retry_after > HOUR / 2,
                    "the first wait is as long as the window"
                );
            }
        }
        self.counted(&other, &rule, "another key has its own counter").await;
    }

    async fn given_back_attempts_do_not_count(&self) {
        let (key, rule) = (key(), rule(3, HOUR));
        for _ in 0..3 {
            for _ in 0..2 {
                let start = self.counted(&key, &rule, "an attempt that is given back").await;
                self.settle(&key, Settle::GiveBack(start)).await;
            }
            self.counted(&key, &rule, "an attempt that is not given back").await;
        }
        self.refused(&key, &rule, "an attempt after three that were not given back").await;
    }

    /// Gives back the attempt that started the wait. This cancels the wait.
    async fn giving_back_an_attempt_cancels_the_wait_of_its_period(&self) {
        let (key, mut rule) = (key(), rule(2, HOUR));
        rule.longest_wait = 9 * HOUR;
        let start = self.counted(&key, &rule, "the first attempt").await;
        assert_eq!(
            self.counted(&key, &rule, "the second attempt").await,
            start,
            "both attempts are in one period"
        );
        self.refused(&key, &rule, "a third attempt while two are under way").await;
        self.settle(&key, Settle::GiveBack(start)).await;
        self.counted(&key, &rule, "an attempt in place of the one that was given back").await;
        let wait = self.refused(&key, &rule, "one more attempt").await;
        assert!(wait <= HOUR, "a canceled wait does not lengthen the next one: {wait:?}");
        let never = start.saturating_sub(HOUR);
        self.settle(&key, Settle::GiveBack(never)).await;
        self.refused(&key, &rule, "an attempt after one of another period was given back").await;
    }

    async fn clear_removes_attempts_and_wait(&self) {
        let (key, rule) = (key(), rule(2, HOUR));
        let start = self.counted(&key, &rule, "the first attempt").await;
        self.settle(&key, Settle::Clear).await;
        for _ in 0..2 {
            self.counted(&key, &rule, "an attempt after the counter was cleared").await;
        }
        self.refused(&key, &rule, "an attempt over the limit after the counter was cleared").await;
        self.settle(&key, Settle::Clear).await;
        self.settle(&key, Settle::GiveBack(start)).await;
        self.counted(&key, &rule, "an attempt after the wait was cleared").await;
    }

    async fn waits_grow_up_to_the_longest_wait(&self) {
        let (other, two) = (key(), rule(2, self.moment));
        for _ in 0..3 {
            self.counted(&other, &two, "the first attempt of a period").await;
            self.pass(self.moment).await;
        }
        let (key, mut rule) = (key(), rule(1, self.moment));
        rule.longest_wait = 3 * self.moment;
        self.counted(&key, &rule, "the first attempt").await;
        // Each wait is longer than the previous wait, up to the maximum length. The last two waits
        // have the maximum length.
        for wait in [self.moment, 2 * self.moment, 3 * self.moment, 3 * self.moment] {
            let left = self.refused(&key, &rule, "an attempt during the wait").await;
            assert!(
                left <= wait && !left.is_zero(),
                "the wait is at most {wait:?}, and {left:?} remain"
            );
            // The first wait is short. On a busy machine, it can end before the test reaches its
            // middle.
            let early = if wait > self.moment { wait / 2 } else { Duration::ZERO };
            self.pass(early).await;
            for _ in 0..2 {
                let left = self.refused(&key, &rule, "an attempt during the wait").await;
                assert!(
                    left <= wait - early,
                    "an early attempt does not lengthen the wait: {left:?} remain"
                );
            }
            self.pass(wait - early).await;
            self.counted(&key, &rule, "the first attempt after the wait").await;
        }
        self.pass(3 * self.moment).await;
        rule.attempts = rule.attempts.saturating_add(8);
        rule.after = rule.after.saturating_add(1);
        rule.window = HOUR;
        for _ in 0..2 {
            self.counted(&key, &rule, "an attempt within the limit of a period after a wait").await;
        }
        self.refused(&key, &rule, "an attempt over the limit of a period after a wait").await;
    }

    async fn failures_in_a_row_start_a_wait_across_periods(&self) {
        let (key, mut rule) = (key(), rule(5, Duration::from_millis(1)));
        rule.in_a_row = NonZeroU32::new(3);
        rule.longest_wait = HOUR;
        for _ in 0..2 {
            self.counted(&key, &rule, "an attempt in its own period").await;
            self.pass(Duration::from_millis(5)).await;
        }
        rule.window = HOUR;
        self.counted(&key, &rule, "the third failed attempt in a row").await;
        self.refused(&key, &rule, "an attempt after three failures in a row").await;
    }

    async fn counter_is_removed_after_forget_after(&self) {
        let (key, mut rule) = (key(), rule(1, self.moment));
        rule.forget_after = self.moment;
        self.counted(&key, &rule, "the first attempt").await;
        self.pass(2 * self.moment).await;
        self.counted(&key, &rule, "the first attempt after the counter was removed").await;
        let wait = self.refused(&key, &rule, "an attempt during the wait").await;
        assert!(wait <= self.moment, "the wait is as short as the first one again");
    }
}

fn key() -> AttemptKey {
    let id = SessionId::random().unwrap_or_else(|error| panic!("{error}"));
    AttemptKey::parse(id.as_str()).unwrap_or_else(|| panic!("{id} is not an attempt key"))
}

fn rule(attempts: u32, window: Duration) -> AttemptRule {
    AttemptRule::new(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN), window)
}
