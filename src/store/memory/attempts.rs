//! Attempt counters in the memory of this process.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::store::{Attempt, AttemptKey, AttemptRule, Settle, span};

/// The maximum number of counters, which take about 20 MiB. When this number is reached, a new
/// counter replaces an old one. Counters that never led to a wait are replaced before counters that
/// led to one. Within each of these groups, the counter that expires first is replaced first.
const CAPACITY: usize = 65_536;

/// How many counters of each kind (`fresh` and `waited`) one call removes at most.
const REAP_AT_ONCE: usize = 64;

/// The maximum number of doublings of a wait. This number bounds the wait, and keeps the shift in
/// the function `wait` from overflowing.
const DOUBLINGS: u32 = 30;

/// Attempt counters of a [`MemoryStore`](super::MemoryStore), or of a process whose store does not
/// count attempts.
pub(crate) struct Attempts {
    counters: HashMap<AttemptKey, Counter>,
    /// The counters that never led to a wait, by expiry.
    fresh: BTreeSet<(Timestamp, AttemptKey)>,
    /// The counters that led to a wait, by expiry.
    waited: BTreeSet<(Timestamp, AttemptKey)>,
    capacity: usize,
}

#[derive(Clone, Copy)]
struct Counter {
    /// The start of the current period.
    start: Timestamp,
    /// The attempts in the current period.
    count: u32,
    /// The attempts in all periods, for the rule `in_a_row`.
    total: u32,
    /// The number of waits so far.
    waits: u32,
    /// The end of the wait that the current period started.
    until: Option<Timestamp>,
    /// The time at which the counter expires.
    forgotten: Timestamp,
}

impl Default for Attempts {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Attempts {
    fn with_capacity(capacity: usize) -> Self {
        let (fresh, waited) = (BTreeSet::new(), BTreeSet::new());
        Self { counters: HashMap::new(), fresh, waited, capacity }
    }

    /// See [`SessionStore::attempt`](crate::store::CountAttempts::attempt).
    pub(crate) fn attempt(
        &mut self,
        now: Timestamp,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> Attempt {
        self.reap(now);
        let known = self.counters.get(key).filter(|known| known.is_of_use(now)).copied();
        let mut counter = known.unwrap_or_else(|| Counter::new(now));
        let wait = counter.left(now, rule);
        if !wait.is_zero() {
            // Store the shortened wait, so that a later answer never names a longer wait.
            if let Some(known) = self.counters.get_mut(key) {
                known.until = Some(now.saturating_add(wait));
            }
            return Attempt::Refused { retry_after: wait };
        }
        counter.count(now, rule);
        self.remove(key);
        self.insert(key.clone(), counter);
        Attempt::Counted(counter.start)
    }

    /// See [`CountAttempts::settle`](crate::store::CountAttempts::settle).
    pub(crate) fn settle(&mut self, key: &AttemptKey, settle: Settle) {
        let Some(mut counter) = self.remove(key) else { return };
        let Settle::GiveBack(start) = settle else { return };
        if start == counter.start {
            counter.give_back();
        }
        if counter.total > 0 || counter.waits > 0 {
            self.insert(key.clone(), counter);
        }
    }

    /// Removes some expired counters. Returns whether there may be more.
    pub(crate) fn reap(&mut self, now: Timestamp) -> bool {
        let is_due = |(at, _): &&(Timestamp, AttemptKey)| *at <= now;
        let fresh = self.fresh.iter().take_while(is_due).take(REAP_AT_ONCE);
        let waited = self.waited.iter().take_while(is_due).take(REAP_AT_ONCE);
        let due: Vec<_> = fresh.chain(waited).map(|(_, key)| key.clone()).collect();
        for key in &due {
            self.remove(key);
        }
        due.len() >= REAP_AT_ONCE
    }

    /// Frees unused memory after a flood of keys.
    pub(crate) fn shrink(&mut self) {
        if self.counters.capacity() > 1_024 && self.counters.capacity() / 8 > self.counters.len() {
            self.counters.shrink_to_fit();
        }
    }

    fn insert(&mut self, key: AttemptKey, counter: Counter) {
        if self.counters.len() >= self.capacity {
            let first = self.fresh.pop_first().or_else(|| self.waited.pop_first());
            if let Some((_, first)) = first {
                self.counters.remove(&first);
            }
        }
        self.order(&counter).insert((counter.forgotten, key.clone()));
        self.counters.insert(key, counter);
    }

    fn remove(&mut self, key: &AttemptKey) -> Option<Counter> {
        let counter = self.counters.remove(key)?;
        self.order(&counter).remove(&(counter.forgotten, key.clone()));
        Some(counter)
    }

    fn order(&mut self, counter: &Counter) -> &mut BTreeSet<(Timestamp, AttemptKey)> {
        if counter.waits == 0 { &mut self.fresh } else { &mut self.waited }
    }
}

// The script `attempt.lua` implements the same rules.
impl Counter {
    fn new(now: Timestamp) -> Self {
        Self { start: now, count: 0, total: 0, waits: 0, until: None, forgotten: now }
    }

    /// Returns whether the counter can be used: it has not expired, and its period does not start
    /// in the future. A start in the future means that the clock was set back.
    fn is_of_use(&self, now: Timestamp) -> bool {
        self.forgotten > now && self.start <= now
    }

    /// Returns the remaining wait. Even if the clock was set back, the result is never longer than
    /// the wait that the rule allows.
    fn left(&self, now: Timestamp, rule: &AttemptRule) -> Duration {
        let left = self.until.map_or(Duration::ZERO, |until| until.saturating_since(now));
        left.min(wait(rule, self.waits.saturating_sub(1)))
    }

    /// Counts one more attempt. The caller has checked that no wait is in progress.
    fn count(&mut self, now: Timestamp, rule: &AttemptRule) {
        let window = length(rule.window);
        if self.until.is_some() || self.start.saturating_add(window) <= now {
            (self.start, self.count, self.until) = (now, 0, None);
        }
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(1);
        let room = if self.waits == 0 { rule.attempts } else { rule.after };
        let too_many = |max| self.waits == 0 && self.total >= max;
        if self.count >= room.get() || rule.in_a_row.is_some_and(|max| too_many(max.get())) {
            self.until = Some(now.saturating_add(wait(rule, self.waits)));
            self.waits = self.waits.saturating_add(1);
        }
        self.forgotten = if self.waits == 0 && rule.in_a_row.is_none() {
            self.start.saturating_add(window)
        } else {
            self.until.unwrap_or(now).saturating_add(length(rule.forget_after))
        };
    }

    fn give_back(&mut self) {
        self.count = self.count.saturating_sub(1);
        self.total = self.total.saturating_sub(1);
        if self.until.take().is_some() {
            self.waits = self.waits.saturating_sub(1);
        }
    }
}

/// Returns the length of the next wait, after `waits` earlier waits.
fn wait(rule: &AttemptRule, waits: u32) -> Duration {
    let window = length(rule.window);
    window.saturating_mul(1 << waits.min(DOUBLINGS)).min(length(rule.longest_wait).max(window))
}

fn length(duration: Duration) -> Duration {
    span(duration).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn rule(attempts: u32) -> AttemptRule {
        AttemptRule::new(NonZeroU32::new(attempts).unwrap(), 60 * SECOND)
    }

    fn key(number: usize) -> AttemptKey {
        AttemptKey::parse(&format!("key-{number}")).unwrap()
    }

    fn assert_consistent(attempts: &Attempts) {
        assert_eq!(attempts.counters.len(), attempts.fresh.len() + attempts.waited.len());
    }

    #[test]
    fn million_counters_stay_within_capacity_and_are_removed_on_expiry() {
        let mut attempts = Attempts::default();
        for number in 0..1_000_000 {
            let answer = attempts.attempt(NOW, &key(number), &rule(100));
            assert_eq!(answer, Attempt::Counted(NOW));
        }
        assert_eq!(attempts.counters.len(), CAPACITY);
        assert_consistent(&attempts);
        let later = NOW.saturating_add(60 * SECOND);
        while attempts.reap(later) {}
        attempts.shrink();
        assert!(attempts.counters.is_empty() && attempts.counters.capacity() < 1_024);
        assert_consistent(&attempts);
    }

    #[test]
    fn clock_set_back_does_not_lengthen_a_wait() {
        let (mut attempts, mut rule) = (Attempts::default(), rule(2));
        rule.after = rule.attempts;
        rule.longest_wait = 180 * SECOND;
        let refused = |retry_after| Attempt::Refused { retry_after };
        let mut now = NOW;
        for wait in [60, 120, 180, 180] {
            let late = now.saturating_add(59 * SECOND);
            for at in [now, late] {
                assert_eq!(attempts.attempt(at, &key(0), &rule), Attempt::Counted(now));
            }
            assert_eq!(attempts.attempt(late, &key(0), &rule), refused(wait * SECOND));
            // The clock goes back, but not to before the period.
            assert_eq!(attempts.attempt(now, &key(0), &rule), refused(wait * SECOND));
            // The wait ends at the time that the result announced.
            now = now.saturating_add((wait - 1) * SECOND);
            assert_eq!(attempts.attempt(now, &key(0), &rule), refused(SECOND));
            now = now.saturating_add(SECOND);
        }
        assert_eq!(attempts.attempt(now, &key(0), &rule), Attempt::Counted(now));
        assert_consistent(&attempts);
    }

    #[test]
    fn counter_with_a_wait_is_kept_when_new_counters_fill_the_capacity() {
        let mut attempts = Attempts::with_capacity(100);
        let refused = Attempt::Refused { retry_after: 60 * SECOND };
        for number in 0..10 {
            attempts.attempt(NOW, &key(number), &rule(1));
        }
        for number in 10..10_000 {
            attempts.attempt(NOW, &key(number), &rule(2));
        }
        for number in 0..10 {
            assert_eq!(attempts.attempt(NOW, &key(number), &rule(1)), refused, "{number}");
        }
        // If all counters have led to waits, the counters that expire first are replaced.
        let later = NOW.saturating_add(SECOND);
        for number in 10_000..10_100 {
            attempts.attempt(later, &key(number), &rule(1));
        }
        assert!(matches!(attempts.attempt(later, &key(0), &rule(1)), Attempt::Counted(_)));
        assert_eq!(attempts.counters.len(), 100);
        assert_consistent(&attempts);
    }
}
