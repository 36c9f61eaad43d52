//! Tests of the single flight with requests that arrive, finish and are dropped in different
//! orders. Each test polls the requests by hand and decides when each load is answered.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, advance};
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

use super::*;
use crate::cache::Live;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::directory::Role;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::session::{State, StoredContent};
use crate::telemetry::events::Events;
use crate::telemetry::metrics::Metrics;
use crate::timer_elision;

/// A request. Its result is the revision of the session that it received.
type Request<'a> = Spawn<Pin<Box<dyn Future<Output = Result<u64, AuthErrorKind>> + 'a>>>;

/// A fake store: the test answers each load by hand.
#[derive(Default)]
struct Desk {
    single_flight: SingleFlight<()>,
    questions: RefCell<Vec<oneshot::Sender<Answer<()>>>>,
}

impl Desk {
    /// Returns a request. If the load started before the request arrived, the request accepts the
    /// result only if the session has at least the revision `enough`.
    fn request<'a>(&'a self, key: &'a Key, enough: u64) -> Request<'a> {
        let still_holds = move |known: &CacheEntry<()>| revision(known) >= enough;
        let ask = move || {
            let (answer, answered) = oneshot::channel();
            self.questions.borrow_mut().push(answer);
            async { answered.await.expect("the test dropped the sender to make the load panic") }
        };
        spawn(Box::pin(async move {
            let answer = self.single_flight.join(key, still_holds, ask).await;
            answer.map(|known| revision(&known)).map_err(|failure| match failure {
                LoadError::Refused(error) => error.kind(),
                LoadError::StoreUnavailable(away) => AuthError::from(away).kind(),
            })
        }))
    }

    /// Returns a request that has been polled once and waits.
    fn waiting<'a>(&'a self, key: &'a Key, enough: u64) -> Request<'a> {
        let mut request = self.request(key, enough);
        assert_pending!(request.poll());
        request
    }

    /// Takes the only load that is not answered yet.
    fn take_load(&self) -> oneshot::Sender<Answer<()>> {
        let mut questions = self.questions.borrow_mut();
        assert_eq!(questions.len(), 1, "exactly one load is pending");
        questions.remove(0)
    }

    fn answer(&self, revision: u64) {
        // The request that started the load may have been dropped.
        drop(self.take_load().send(Ok(cache_entry(revision))));
    }

    fn has_pending_load(&self) -> bool {
        !self.questions.borrow().is_empty()
    }

    fn is_empty(&self) -> bool {
        self.single_flight.lock().is_empty()
    }
}

fn key(token: &str) -> Key {
    Key::new(0, token)
}

fn cache_entry(revision: u64) -> CacheEntry<()> {
    let now = Timestamp::from_millis(0);
    let payload = Bytes::from_static(br#"{"data":null}"#);
    let state = State {
        user: UserId::parse("jeju").unwrap(),
        id: SessionId::parse("s1").unwrap(),
        revision,
        created: now,
        last_activity: now,
        idle_ttl: Duration::from_secs(60),
        idle_deadline: now,
        absolute_deadline: now,
        read: now,
        read_at: Tick::now(),
        stored: Arc::new(StoredContent::decode(payload).unwrap()),
        directory_role: Role::Unchanged,
        events: Events::new(Vec::new(), &Metrics::new()).0,
    };
    CacheEntry::Live(Arc::new(Live::for_test(state)))
}

fn revision(known: &CacheEntry<()>) -> u64 {
    match known {
        CacheEntry::Live(live) => live.state.revision,
        CacheEntry::Ended(_) => panic!("the session is not live"),
    }
}

/// Returns the result of a request that was woken.
fn result_of(request: &mut Request<'_>) -> u64 {
    assert!(request.is_woken());
    assert_ready!(request.poll()).expect("the load succeeded")
}

#[test]
fn concurrent_requests_for_one_token_share_one_load() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut requests: Vec<_> = (0..10).map(|_| desk.waiting(&key, 0)).collect();
    desk.answer(1);
    for request in &mut requests {
        assert_eq!(result_of(request), 1);
    }
    assert!(!desk.has_pending_load() && desk.is_empty());
}

#[test]
fn another_token_or_audience_starts_its_own_load() {
    let (desk, keys) = (Desk::default(), [key("a"), key("b"), Key::new(1, "a")]);
    let mut requests = keys.each_ref().map(|key| desk.waiting(key, 0));
    let questions: Vec<_> = desk.questions.borrow_mut().drain(..).collect();
    assert_eq!(questions.len(), 3);
    for (request, (question, number)) in requests.iter_mut().zip(questions.into_iter().zip(1..)) {
        question.send(Ok(cache_entry(number))).unwrap_or_else(|_| panic!("the load is gone"));
        assert_eq!(result_of(request), number);
    }
    assert!(desk.is_empty());
}

#[test]
fn request_after_a_finished_load_starts_a_new_load() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(result_of(&mut first), 1);
    let mut second = desk.waiting(&key, 0);
    desk.answer(2);
    assert_eq!(result_of(&mut second), 2);
    assert!(desk.is_empty());
}

#[test]
fn waiters_share_a_second_load_when_the_earlier_result_is_stale() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 2);
    let mut later = [desk.waiting(&key, 2), desk.waiting(&key, 2)];
    desk.answer(1);
    assert_eq!(result_of(&mut first), 1, "the load started after this request arrived");
    for request in &mut later {
        assert!(request.is_woken());
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut later {
        assert_eq!(result_of(request), 2, "one second load for both");
    }
    assert!(!desk.has_pending_load() && desk.is_empty());
}

#[test]
fn result_of_the_second_load_always_counts() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 9);
    let mut later = [desk.waiting(&key, 9), desk.waiting(&key, 9)];
    desk.answer(1);
    assert_eq!(result_of(&mut first), 1);
    for request in &mut later {
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut later {
        assert_eq!(result_of(request), 2, "the load started after both arrived");
    }
    assert!(!desk.has_pending_load() && desk.is_empty());
}

#[test]
fn each_waiter_decides_whether_the_earlier_result_is_fresh_enough() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let (mut modest, mut strict) = (desk.waiting(&key, 1), desk.waiting(&key, 2));
    desk.answer(1);
    assert_eq!((result_of(&mut first), result_of(&mut modest)), (1, 1));
    assert_pending!(strict.poll());
    desk.answer(2);
    assert_eq!(result_of(&mut strict), 2);
    assert!(desk.is_empty());
}

#[test]
fn waiter_loads_itself_when_the_leader_is_dropped() {
    let (desk, key) = (Desk::default(), key("a"));
    let first = desk.waiting(&key, 0);
    let mut others = [desk.waiting(&key, 0), desk.waiting(&key, 0)];
    drop(first);
    assert!(desk.take_load().is_closed(), "the leader's load is canceled");
    for request in &mut others {
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut others {
        assert_eq!(result_of(request), 2);
    }
    assert!(!desk.has_pending_load() && desk.is_empty());
}

/// Returns a request that fails at `end` if it has no result by then. If the request runs the load
/// itself, the load takes at most `limit`.
fn limited<'a>(desk: &'a Desk, key: &'a Key, limit: Duration, end: Instant) -> Request<'a> {
    let late = || LoadError::Refused(AuthError::new(AuthErrorKind::Overloaded));
    let ask = move || {
        let (answer, answered) = oneshot::channel();
        desk.questions.borrow_mut().push(answer);
        let silent = || LoadError::Refused(AuthError::new(AuthErrorKind::DirectoryUnavailable));
        let answered = async { answered.await.expect("the test answers") };
        timer_elision::timeout(limit, answered, silent)
    };
    let join = desk.single_flight.join(key, |_| true, ask);
    let join = timer_elision::timeout_at(end, join, || false, late);
    spawn(Box::pin(async move {
        join.await.map(|known| revision(&known)).map_err(|failure| match failure {
            LoadError::Refused(error) => error.kind(),
            LoadError::StoreUnavailable(away) => AuthError::from(away).kind(),
        })
    }))
}

#[tokio::test(start_paused = true)]
async fn waiter_that_takes_over_the_load_gets_the_full_load_timeout() {
    let (desk, key) = (Desk::default(), key("a"));
    let (limit, end) = (Duration::from_millis(250), Instant::now() + Duration::from_secs(1));
    let mut first = limited(&desk, &key, limit, end);
    let mut second = limited(&desk, &key, limit, end);
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    advance(Duration::from_millis(249)).await;
    drop(first);
    desk.questions.borrow_mut().clear();
    assert_pending!(second.poll(), "the second request loads");
    advance(Duration::from_millis(249)).await;
    assert_pending!(second.poll());
    desk.answer(2);
    assert_eq!(result_of(&mut second), 2);
    assert!(desk.is_empty());
}

#[tokio::test(start_paused = true)]
async fn wait_ends_at_its_deadline_however_many_leaders_are_dropped() {
    let (desk, key) = (Desk::default(), key("a"));
    let (limit, began) = (Duration::from_millis(250), Instant::now());
    let end = began + Duration::from_secs(1);
    let mut waits = limited(&desk, &key, limit, end);
    let mut leaders: Vec<_> = (0..12).map(|_| limited(&desk, &key, limit, end)).collect();
    for leader in &mut leaders {
        assert_pending!(leader.poll());
    }
    assert_pending!(waits.poll());
    while began.elapsed() < Duration::from_millis(935) {
        advance(Duration::from_millis(85)).await;
        assert_pending!(waits.poll());
        drop(leaders.remove(0));
        desk.questions.borrow_mut().clear();
        assert_pending!(leaders[0].poll(), "the next leader loads");
    }
    advance(Duration::from_millis(65)).await;
    assert_eq!(assert_ready!(waits.poll()), Err(AuthErrorKind::Overloaded));
    drop((leaders, waits));
    assert!(desk.is_empty());
}

#[test]
fn waiter_loads_itself_when_the_leader_panics() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let mut other = desk.waiting(&key, 0);
    drop(desk.take_load());
    assert!(catch_unwind(AssertUnwindSafe(|| first.poll())).is_err());
    drop(first);
    assert_pending!(other.poll());
    desk.answer(2);
    assert_eq!(result_of(&mut other), 2);
    assert!(desk.is_empty());
}

#[test]
fn error_of_a_load_counts_for_all_waiters_but_not_for_later_requests() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut requests = [0, 0, 9].map(|enough| desk.waiting(&key, enough));
    let error = AuthError::new(AuthErrorKind::StoreUnavailable);
    assert!(desk.take_load().send(Err(error.into())).is_ok());
    for request in &mut requests {
        assert_eq!(assert_ready!(request.poll()), Err(AuthErrorKind::StoreUnavailable));
    }
    assert!(!desk.has_pending_load() && desk.is_empty());
    let mut next = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(result_of(&mut next), 1, "a later request starts a new load");
}

#[test]
fn dropping_a_waiter_of_a_finished_load_does_not_affect_the_next_load() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let slow = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(result_of(&mut first), 1);
    let mut next = desk.waiting(&key, 0);
    assert!(desk.has_pending_load(), "the first load is finished, although one waiter is left");
    drop(slow);
    let mut with_next = desk.waiting(&key, 0);
    desk.answer(2);
    assert_eq!((result_of(&mut next), result_of(&mut with_next)), (2, 2), "one load");
    assert!(!desk.has_pending_load() && desk.is_empty());
}

/// Drops or polls three requests in every order, before and after the load is answered.
#[test]
fn table_is_empty_after_the_requests_leave_in_any_order() {
    const ORDERS: [[usize; 3]; 6] =
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for order in ORDERS {
        for gone_before in 0..=3 {
            for is_polled in 0..8_u8 {
                let (desk, key) = (Desk::default(), key("a"));
                let mut requests = [0, 0, 9].map(|enough| Some(desk.waiting(&key, enough)));
                for at in &order[..gone_before] {
                    requests[*at] = None;
                }
                // When the request that ran the load is dropped, the next request that is polled
                // starts a new load.
                requests.iter_mut().flatten().for_each(|request| _ = request.poll());
                desk.questions.borrow_mut().retain(|question| !question.is_closed());
                assert_eq!(desk.has_pending_load(), gone_before < 3, "{order:?} {gone_before}");
                assert_eq!(desk.is_empty(), gone_before == 3, "{order:?} {gone_before}");
                if gone_before == 3 {
                    continue;
                }
                desk.answer(1);
                for at in &order[gone_before..] {
                    if is_polled & (1 << at) != 0
                        && let Some(request) = &mut requests[*at]
                    {
                        let _ = request.poll();
                    }
                    requests[*at] = None;
                }
                assert!(desk.is_empty(), "{order:?} {gone_before} {is_polled}");
            }
        }
    }
}
