//! Directory answers in any order: a test decides when each call is answered.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::oneshot;
use tokio_test::task::{Spawn, spawn};
use tokio_test::{assert_pending, assert_ready};

use super::*;
use crate::clock::Timestamp;
use crate::directory::{BoxError, UserDirectory};

/// A directory whose calls wait until a test answers them.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Vec<oneshot::Sender<User>>>>);

impl UserDirectory for Desk {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap().push(answer);
        Ok(Some(answered.await?))
    }
}

/// A clock with a time in seconds, which a test advances. Tokio's clock stays paused, as on a
/// suspended host.
#[derive(Clone, Default)]
struct Suspended(Arc<AtomicU64>);

impl Clock for Suspended {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

struct World {
    desk: Desk,
    clock: Suspended,
    accounts: Accounts,
    user: UserId,
}

type Check<'a> =
    Spawn<std::pin::Pin<Box<dyn Future<Output = Result<Duration, AuthErrorKind>> + 'a>>>;

const GRANT: Duration = Duration::from_secs(30);

impl World {
    fn new() -> Self {
        let (desk, clock) = (Desk::default(), Suspended::default());
        let settings = AccountSettings {
            directory: Some(Arc::new(desk.clone())),
            revalidate_after: GRANT,
            with_roles: true,
            ..AccountSettings::default()
        };
        let accounts = settings.build(Arc::new(clock.clone()), &Metrics::new()).unwrap();
        Self { desk, clock, accounts, user: UserId::parse("jeju").unwrap() }
    }

    fn advance_one_second(&self) {
        self.clock.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts a check that calls the directory.
    fn start_check(&self) -> Check<'_> {
        let mut check = self.check();
        assert_pending!(check.poll(), "the check calls the directory");
        check
    }

    fn check(&self) -> Check<'_> {
        spawn(Box::pin(async {
            self.accounts.check(&self.user).await.map(|granted| granted.left).map_err(|e| e.kind())
        }))
    }

    /// Answers the oldest open call.
    fn answer(&self, active: bool) {
        let oldest = self.desk.0.lock().unwrap().remove(0);
        self.answer_to(oldest, active);
    }

    fn answer_to(&self, question: oneshot::Sender<User>, active: bool) {
        question.send(User::new(active)).expect("a request waits");
    }

    /// Takes the open calls, the oldest first.
    fn take_calls<const N: usize>(&self) -> [oneshot::Sender<User>; N] {
        let questions: Vec<_> = self.desk.0.lock().unwrap().drain(..).collect();
        questions.try_into().unwrap()
    }

    /// Returns whether a request is accepted without a directory call.
    fn is_granted(&self) -> bool {
        self.accounts.granted(&self.user).is_some()
    }
}

const INACTIVE: Result<Duration, AuthErrorKind> = Err(AuthErrorKind::AccountInactive);

#[tokio::test(start_paused = true)]
async fn older_active_answer_does_not_replace_a_newer_inactive_answer() {
    let world = World::new();
    let mut older = world.start_check();
    world.advance_one_second();
    let mut newer = world.start_check();
    let [first, second] = world.take_calls();
    world.answer_to(second, false);
    assert_eq!(assert_ready!(newer.poll()), INACTIVE);
    world.answer_to(first, true);
    assert_eq!(assert_ready!(older.poll()), INACTIVE, "the newer answer counts");
    assert!(!world.is_granted());
}

#[tokio::test(start_paused = true)]
async fn older_inactive_answer_does_not_replace_a_newer_active_answer() {
    let world = World::new();
    let mut older = world.start_check();
    world.advance_one_second();
    let mut newer = world.start_check();
    let [first, second] = world.take_calls();
    world.answer_to(second, true);
    assert_eq!(assert_ready!(newer.poll()), Ok(GRANT));
    world.advance_one_second();
    world.answer_to(first, false);
    assert_eq!(assert_ready!(older.poll()), Ok(GRANT - Duration::from_secs(1)));
    assert!(world.is_granted());
}

#[tokio::test(start_paused = true)]
async fn later_of_two_simultaneous_calls_counts_when_it_is_answered_last() {
    for answers in [[true, false], [false, true]] {
        let world = World::new();
        let mut checks = [world.start_check(), world.start_check()];
        for (check, active) in checks.iter_mut().zip(answers) {
            world.answer(active);
            let _ = assert_ready!(check.poll());
        }
        assert_eq!(world.is_granted(), answers[1], "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn later_of_two_simultaneous_calls_counts_when_it_is_answered_first() {
    for answers in [[true, false], [false, true]] {
        let world = World::new();
        let mut checks = [world.start_check(), world.start_check()];
        let questions: [_; 2] = world.take_calls();
        let in_order = checks.iter_mut().zip(questions).zip(answers);
        for ((check, question), active) in in_order.rev() {
            world.answer_to(question, active);
            assert_eq!(assert_ready!(check.poll()).is_ok(), answers[1], "{answers:?}");
        }
        assert_eq!(world.is_granted(), answers[1], "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn check_with_an_older_answer_gets_the_role_of_the_newer_answer() {
    let world = World::new();
    let check = || spawn(Box::pin(world.accounts.check(&world.user)));
    let (mut older, mut newer) = (check(), check());
    assert_pending!(older.poll());
    world.advance_one_second();
    assert_pending!(newer.poll());
    let [first, second] = world.take_calls();
    second.send(User::new(true).role("user")).unwrap();
    assert_ready!(newer.poll()).unwrap();
    first.send(User::new(true).role("admin")).unwrap();
    let granted = assert_ready!(older.poll()).unwrap();
    assert_eq!(granted.role, Role::Is("user".to_owned()));
    assert_eq!(world.accounts.remembered_role(&world.user), Some(granted.role));
}

#[tokio::test(start_paused = true)]
async fn active_answer_to_a_call_before_a_suspension_does_not_count() {
    let world = World::new();
    let mut check = world.start_check();
    world.advance_one_second();
    world.accounts.forget(&world.user);
    world.answer(true);
    assert_pending!(check.poll(), "the check calls the directory again");
    assert!(!world.is_granted());
    world.advance_one_second();
    world.answer(false);
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
}

#[tokio::test(start_paused = true)]
async fn user_suspended_during_each_directory_call_is_rejected() {
    let world = World::new();
    let mut check = world.start_check();
    for tries in 1..=ASKED_AT_MOST {
        world.accounts.forget(&world.user);
        world.answer(true);
        if tries < ASKED_AT_MOST {
            assert_pending!(check.poll());
        }
    }
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
    // The answer to a later call is used.
    world.advance_one_second();
    let mut check = world.start_check();
    world.answer(true);
    assert_eq!(assert_ready!(check.poll()), Ok(GRANT));
}

#[tokio::test(start_paused = true)]
async fn inactive_answer_is_never_reused_and_a_newer_active_answer_counts_at_once() {
    let world = World::new();
    for (active, seen) in [(false, INACTIVE), (false, INACTIVE), (true, Ok(GRANT))] {
        world.advance_one_second();
        let mut check = world.start_check();
        world.answer(active);
        assert_eq!(assert_ready!(check.poll()), seen);
    }
}

#[tokio::test(start_paused = true)]
async fn cached_answer_expires_while_the_host_is_suspended() {
    let world = World::new();
    let mut check = world.start_check();
    world.answer(true);
    assert_eq!(assert_ready!(check.poll()), Ok(GRANT));
    // Tokio's clock has not moved, like the monotonic clock of most systems during a suspension.
    world.clock.0.fetch_add(29, Ordering::Relaxed);
    assert!(world.is_granted());
    world.advance_one_second();
    let mut check = world.start_check();
    world.answer(false);
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
}
