//! Sampling of refused logins. It prevents attempts on one account from filling the queues of the
//! sinks.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::event::Event;

/// The maximum number of refused logins with the same account and reason that sinks get per
/// [`WINDOW`].
const PER_WINDOW: u32 = 20;

const WINDOW: Duration = Duration::from_secs(60);

/// The number of counters. It is fixed, so that memory stays constant. The hash of the account and
/// the reason selects the counter, so two accounts can share a counter and its budget.
const SLOTS: usize = 4_096;

/// Decides which refused logins the sinks get. A sampler takes about 64 KiB of memory.
pub(super) struct Sampler {
    start: Instant,
    /// The hash has a random key, so that an attacker cannot choose accounts that share a slot.
    hasher: RandomState,
    slots: Mutex<Box<[Slot]>>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    window: u64,
    count: u32,
}

impl Sampler {
    pub(super) fn new() -> Self {
        let slots = vec![Slot::default(); SLOTS].into();
        Self { start: Instant::now(), hasher: RandomState::new(), slots: Mutex::new(slots) }
    }

    /// Returns whether the sinks get the event. Counts a refused login against the budget of its
    /// account and reason. When that budget is used up, returns `false` until the next window.
    /// Returns `true` for every event that is not a refused login.
    pub(super) fn admit(&self, event: &Event) -> bool {
        let Some(index) = self.slot_index(event) else { return true };
        let window = self.start.elapsed().as_secs() / WINDOW.as_secs();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(slot) = slots.get_mut(index) else { return true };
        if slot.window != window {
            *slot = Slot { window, count: 0 };
        }
        slot.count = slot.count.saturating_add(1);
        slot.count <= PER_WINDOW
    }

    /// Returns the slot that counts a refused login. Returns `None` for every other event.
    fn slot_index(&self, event: &Event) -> Option<usize> {
        let Event::LoginRefused { user, refusal, ip_address } = event else { return None };
        // An event without a user id reports a login that named no existing account. Such a login
        // is counted by its client address.
        let from = ip_address.filter(|_| user.is_none()).map(client);
        let hash = self.hasher.hash_one((user, refusal, from));
        usize::try_from(hash % SLOTS as u64).ok()
    }
}

/// Returns an IPv4 address unchanged, and an IPv6 address cut to its first 64 bits.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;
    use crate::telemetry::events::LoginRefusal;

    fn refused(user: Option<&str>, refusal: LoginRefusal, address: &str) -> Event {
        let user = user.map(|user| UserId::parse(user).unwrap());
        Event::LoginRefused { user, refusal, ip_address: Some(address.parse().unwrap()) }
    }

    fn admitted(sampler: &Sampler, times: usize, event: &Event) -> usize {
        (0..times).filter(|_| sampler.admit(event)).count()
    }

    /// Returns a sampler in which these two events have different slots. Because the hash key is
    /// random, the two events share a slot in some samplers. Such a sampler is not returned.
    fn with_two_slots(one: &Event, other: &Event) -> Sampler {
        let mut samplers = std::iter::repeat_with(Sampler::new);
        samplers.find(|sampler| sampler.slot_index(one) != sampler.slot_index(other)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn each_account_and_reason_has_a_budget_of_twenty_per_minute() {
        let wrong = |address| refused(Some("jeju"), LoginRefusal::Credentials, address);
        let limited = refused(Some("jeju"), LoginRefusal::RateLimited, "192.0.2.7");
        let sampler = with_two_slots(&wrong("192.0.2.7"), &limited);
        assert_eq!(admitted(&sampler, 15, &wrong("192.0.2.7")), 15);
        assert_eq!(admitted(&sampler, 1_000, &wrong("2001:db8::7")), 5, "from any address");
        assert_eq!(admitted(&sampler, 1_000, &limited), 20, "each reason has its own budget");
        tokio::time::advance(WINDOW).await;
        assert_eq!(admitted(&sampler, 1_000, &wrong("192.0.2.7")), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_without_an_account_count_by_client_address() {
        let wrong = |address| refused(None, LoginRefusal::Credentials, address);
        let sampler = with_two_slots(&wrong("192.0.2.7"), &wrong("2001:db8::1"));
        assert_eq!(admitted(&sampler, 1_000, &wrong("192.0.2.7")), 20);
        assert_eq!(admitted(&sampler, 1_000, &wrong("::ffff:192.0.2.7")), 0);
        assert_eq!(admitted(&sampler, 10, &wrong("2001:db8::1")), 10);
        assert_eq!(admitted(&sampler, 1_000, &wrong("2001:db8::2")), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn each_account_has_its_own_budget() {
        let sampler = Sampler::new();
        let accounts = (0..100).map(|number| format!("user-{number}"));
        let admitted = accounts.map(|name| {
            let wrong = refused(Some(&name), LoginRefusal::Credentials, "192.0.2.7");
            admitted(&sampler, 20, &wrong)
        });
        // The hash key is random, so a few of the accounts may share a slot.
        let admitted: usize = admitted.sum();
        assert!(admitted > 1_800, "{admitted} of 2000");
    }

    #[cfg(feature = "metrics")]
    #[tokio::test(start_paused = true)]
    async fn dropped_events_metric_counts_the_refusals_that_the_sampler_omits() {
        use crate::telemetry::events::Events;
        use crate::telemetry::metrics::Metrics;
        use metrics_util::debugging::{DebugValue, DebuggingRecorder};

        let recorder = DebuggingRecorder::new();
        let (events, _sinks) = metrics::with_local_recorder(&recorder, || {
            Events::new(vec![Box::new(|_: &Event| {})], &Metrics::new())
        });
        for _ in 0..25 {
            events.emit(refused(Some("jeju"), LoginRefusal::Credentials, "192.0.2.7"));
        }
        let snapshot = recorder.snapshotter().snapshot().into_vec().into_iter();
        let dropped = snapshot.filter_map(|(key, _, _, value)| {
            let key = key.key();
            let class = key.labels().find(|label| label.key() == "class")?.value().to_owned();
            let is_counted = value != DebugValue::Counter(0);
            is_counted.then(|| (key.name().to_owned(), class, value))
        });
        assert_eq!(
            dropped.collect::<Vec<_>>(),
            [(
                "tower_session_auth_events_dropped_total".to_owned(),
                "login_refusal".to_owned(),
                DebugValue::Counter(5)
            )]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn number_of_slots_limits_the_admitted_refusals_for_many_user_names() {
        let sampler = Sampler::new();
        let name = |number| format!("user-{number}");
        let all = 200_000;
        let events = (0..all)
            .map(|number| refused(Some(&name(number)), LoginRefusal::Credentials, "192.0.2.7"));
        let admitted = events.filter(|event| sampler.admit(event)).count();
        assert!(admitted <= SLOTS * PER_WINDOW as usize, "{admitted}");
    }
}
