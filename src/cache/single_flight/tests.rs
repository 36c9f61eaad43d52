//! Requests for one token in every order. A test polls each request by hand and answers each load
//! when it chooses to.

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
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::deadline;
use crate::directory::Role;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::session::{Session, State, StoredContent};
use crate::telemetry::events::Events;
use crate::telemetry::metrics::Metrics;

/// A request; its result is the revision of the session that it got.
type Request<'a> = Spawn<Pin<Box<dyn Future<Output = Result<u64, AuthErrorKind>> + 'a>>>;

/// A fake store: the test answers each load by hand.
#[derive(Default)]
struct Desk {
    single_flight: SingleFlight<()>,
    questions: RefCell<Vec<oneshot::Sender<Answer<()>>>>,
}

impl Desk {
    /// A request that accepts the result of an earlier load if its revision is at least `enough`.
    fn request<'a>(&'a self, key: &'a Key, enough: u64) -> Request<'a> {
        let still_holds = move |known: &CacheEntry<()>| revision(known) >= enough;
        let ask = move || {
            let (answer, answered) = oneshot::channel();
            self.questions.borrow_mut().push(answer);
            async { answered.await.expect("the one who asks panics, as the test wants") }
        };
        spawn(Box::pin(async move {
            let answer = self.single_flight.join(key, still_holds, ask).await;
            answer.map(|known| revision(&known)).map_err(|failure| match failure {
                LoadError::Refused(error) => error.kind(),
                LoadError::StoreUnavailable(away) => AuthError::from(away).kind(),
            })
        }))
    }

    /// A request that has been polled once and waits.
    fn waiting<'a>(&'a self, key: &'a Key, enough: u64) -> Request<'a> {
        let mut request = self.request(key, enough);
        assert_pending!(request.poll());
        request
    }

    /// The one load that is not answered yet.
    fn question(&self) -> oneshot::Sender<Answer<()>> {
        let mut questions = self.questions.borrow_mut();
        assert_eq!(questions.len(), 1, "one question at a time");
        questions.remove(0)
    }

    fn answer(&self, revision: u64) {
        // The request that started the load may be gone.
        drop(self.question().send(Ok(known(revision))));
    }

    fn is_asked(&self) -> bool {
        !self.questions.borrow().is_empty()
    }

    fn is_empty(&self) -> bool {
        self.single_flight.lock().is_empty()
    }
}

fn key(token: &str) -> Key {
    Key::new(0, token)
}

fn known(revision: u64) -> CacheEntry<()> {
    let now = Timestamp::from_millis(0);
    let payload = Bytes::from_static(br#"{"data":null}"#);
    CacheEntry::Live(Session::new(State {
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
    }))
}

fn revision(known: &CacheEntry<()>) -> u64 {
    match known {
        CacheEntry::Live(session) => session.revision(),
        CacheEntry::Ended(_) => panic!("no test ends a session"),
    }
}

/// The result of a request that was woken.
fn got(request: &mut Request<'_>) -> u64 {
    assert!(request.is_woken());
    assert_ready!(request.poll()).expect("an answer")
}

#[test]
fn many_requests_are_one_question() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut requests: Vec<_> = (0..10).map(|_| desk.waiting(&key, 0)).collect();
    desk.answer(1);
    for request in &mut requests {
        assert_eq!(got(request), 1);
    }
    assert!(!desk.is_asked() && desk.is_empty());
}

#[test]
fn another_token_is_another_question() {
    let (desk, keys) = (Desk::default(), [key("a"), key("b"), Key::new(1, "a")]);
    let mut requests = keys.each_ref().map(|key| desk.waiting(key, 0));
    let questions: Vec<_> = desk.questions.borrow_mut().drain(..).collect();
    assert_eq!(questions.len(), 3);
    for (request, (question, number)) in requests.iter_mut().zip(questions.into_iter().zip(1..)) {
        question.send(Ok(known(number))).unwrap_or_else(|_| panic!("nobody waits"));
        assert_eq!(got(request), number);
    }
    assert!(desk.is_empty());
}

#[test]
fn who_comes_when_the_answer_is_there_asks_anew() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(got(&mut first), 1);
    let mut second = desk.waiting(&key, 0);
    desk.answer(2);
    assert_eq!(got(&mut second), 2);
    assert!(desk.is_empty());
}

#[test]
fn an_answer_to_an_earlier_question_that_holds_no_more_is_not_taken() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 2);
    let mut later = [desk.waiting(&key, 2), desk.waiting(&key, 2)];
    desk.answer(1);
    assert_eq!(got(&mut first), 1, "it was sent after this one came");
    for request in &mut later {
        assert!(request.is_woken());
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut later {
        assert_eq!(got(request), 2, "one more question for both");
    }
    assert!(!desk.is_asked() && desk.is_empty());
}

#[test]
fn the_second_answer_counts_whatever_it_is() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 9);
    let mut later = [desk.waiting(&key, 9), desk.waiting(&key, 9)];
    desk.answer(1);
    assert_eq!(got(&mut first), 1);
    for request in &mut later {
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut later {
        assert_eq!(got(request), 2, "it was sent after both came");
    }
    assert!(!desk.is_asked() && desk.is_empty());
}

#[test]
fn an_answer_is_judged_by_each_who_waits() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let (mut modest, mut strict) = (desk.waiting(&key, 1), desk.waiting(&key, 2));
    desk.answer(1);
    assert_eq!((got(&mut first), got(&mut modest)), (1, 1));
    assert_pending!(strict.poll());
    desk.answer(2);
    assert_eq!(got(&mut strict), 2);
    assert!(desk.is_empty());
}

#[test]
fn when_the_one_who_asks_goes_away_another_asks() {
    let (desk, key) = (Desk::default(), key("a"));
    let first = desk.waiting(&key, 0);
    let mut others = [desk.waiting(&key, 0), desk.waiting(&key, 0)];
    drop(first);
    assert!(desk.question().is_closed(), "nobody waits for this answer any more");
    for request in &mut others {
        assert_pending!(request.poll());
    }
    desk.answer(2);
    for request in &mut others {
        assert_eq!(got(request), 2);
    }
    assert!(!desk.is_asked() && desk.is_empty());
}

/// A request whose own load takes at most `limit`, and that waits for other requests until `end`.
fn limited<'a>(desk: &'a Desk, key: &'a Key, limit: Duration, end: Instant) -> Request<'a> {
    let late = || LoadError::Refused(AuthError::new(AuthErrorKind::Overloaded));
    let ask = move || {
        let (answer, answered) = oneshot::channel();
        desk.questions.borrow_mut().push(answer);
        let silent = || LoadError::Refused(AuthError::new(AuthErrorKind::DirectoryUnavailable));
        let answered = async { answered.await.expect("the test answers") };
        deadline::within(limit, answered, silent)
    };
    let join = desk.single_flight.join(key, |_| true, ask);
    let join = deadline::until(end, join, || false, late);
    spawn(Box::pin(async move {
        join.await.map(|known| revision(&known)).map_err(|failure| match failure {
            LoadError::Refused(error) => error.kind(),
            LoadError::StoreUnavailable(away) => AuthError::from(away).kind(),
        })
    }))
}

#[tokio::test(start_paused = true)]
async fn a_request_that_asks_in_anothers_place_has_all_of_its_time() {
    let (desk, key) = (Desk::default(), key("a"));
    let (limit, end) = (Duration::from_millis(250), Instant::now() + Duration::from_secs(1));
    let mut first = limited(&desk, &key, limit, end);
    let mut second = limited(&desk, &key, limit, end);
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    advance(Duration::from_millis(249)).await;
    drop(first);
    desk.questions.borrow_mut().clear();
    assert_pending!(second.poll(), "it asks");
    advance(Duration::from_millis(249)).await;
    assert_pending!(second.poll());
    desk.answer(2);
    assert_eq!(got(&mut second), 2);
    assert!(desk.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_in_time_however_often_others_go_away() {
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
        assert_pending!(leaders[0].poll(), "the next one asks");
    }
    advance(Duration::from_millis(65)).await;
    assert_eq!(assert_ready!(waits.poll()), Err(AuthErrorKind::Overloaded));
    drop((leaders, waits));
    assert!(desk.is_empty());
}

#[test]
fn when_the_one_who_asks_panics_another_asks() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let mut other = desk.waiting(&key, 0);
    drop(desk.question());
    assert!(catch_unwind(AssertUnwindSafe(|| first.poll())).is_err());
    drop(first);
    assert_pending!(other.poll());
    desk.answer(2);
    assert_eq!(got(&mut other), 2);
    assert!(desk.is_empty());
}

#[test]
fn what_goes_wrong_goes_wrong_for_all_who_wait() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut requests = [0, 0, 9].map(|enough| desk.waiting(&key, enough));
    let error = AuthError::new(AuthErrorKind::StoreUnavailable);
    assert!(desk.question().send(Err(error.into())).is_ok());
    for request in &mut requests {
        assert_eq!(assert_ready!(request.poll()), Err(AuthErrorKind::StoreUnavailable));
    }
    assert!(!desk.is_asked() && desk.is_empty());
    let mut next = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(got(&mut next), 1, "but for nobody else");
}

#[test]
fn who_leaves_a_flight_that_is_over_does_not_disturb_the_next() {
    let (desk, key) = (Desk::default(), key("a"));
    let mut first = desk.waiting(&key, 0);
    let slow = desk.waiting(&key, 0);
    desk.answer(1);
    assert_eq!(got(&mut first), 1);
    let mut next = desk.waiting(&key, 0);
    assert!(desk.is_asked(), "the first flight is over, though one of its passengers has not left");
    drop(slow);
    let mut with_next = desk.waiting(&key, 0);
    desk.answer(2);
    assert_eq!((got(&mut next), got(&mut with_next)), (2, 2), "one question");
    assert!(!desk.is_asked() && desk.is_empty());
}

/// Three requests, each dropped or polled in every order, before and after the answer.
#[test]
fn nothing_is_left_in_whatever_order_requests_leave() {
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
                assert_eq!(desk.is_asked(), gone_before < 3, "{order:?} {gone_before}");
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
