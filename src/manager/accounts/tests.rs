//! Directory answers in any order: a test gives each answer when it wants.

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

/// A clock that a test moves, in seconds. Tokio's clock stands still, as on a suspended host.
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

    fn second_passes(&self) {
        self.clock.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Starts a check that calls the directory.
    fn asks(&self) -> Check<'_> {
        let mut check = self.check();
        assert_pending!(check.poll(), "it asks");
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
    fn questions<const N: usize>(&self) -> [oneshot::Sender<User>; N] {
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
async fn an_older_active_does_not_replace_a_newer_inactive() {
    let world = World::new();
    let mut older = world.asks();
    world.second_passes();
    let mut newer = world.asks();
    let [first, second] = world.questions();
    world.answer_to(second, false);
    assert_eq!(assert_ready!(newer.poll()), INACTIVE);
    world.answer_to(first, true);
    assert_eq!(assert_ready!(older.poll()), INACTIVE, "a newer answer is known");
    assert!(!world.is_granted());
}

#[tokio::test(start_paused = true)]
async fn an_older_inactive_does_not_replace_a_newer_active() {
    let world = World::new();
    let mut older = world.asks();
    world.second_passes();
    let mut newer = world.asks();
    let [first, second] = world.questions();
    world.answer_to(second, true);
    assert_eq!(assert_ready!(newer.poll()), Ok(GRANT));
    world.second_passes();
    world.answer_to(first, false);
    assert_eq!(assert_ready!(older.poll()), Ok(GRANT - Duration::from_secs(1)));
    assert!(world.is_granted());
}

#[tokio::test(start_paused = true)]
async fn of_two_questions_of_one_moment_the_later_counts() {
    for answers in [[true, false], [false, true]] {
        let world = World::new();
        let mut checks = [world.asks(), world.asks()];
        for (check, active) in checks.iter_mut().zip(answers) {
            world.answer(active);
            let _ = assert_ready!(check.poll());
        }
        assert_eq!(world.is_granted(), answers[1], "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_questions_of_one_moment_the_later_counts_if_its_answer_comes_first() {
    for answers in [[true, false], [false, true]] {
        let world = World::new();
        let mut checks = [world.asks(), world.asks()];
        let questions: [_; 2] = world.questions();
        let in_order = checks.iter_mut().zip(questions).zip(answers);
        for ((check, question), active) in in_order.rev() {
            world.answer_to(question, active);
            assert_eq!(assert_ready!(check.poll()).is_ok(), answers[1], "{answers:?}");
        }
        assert_eq!(world.is_granted(), answers[1], "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_answer_is_older_gets_the_role_of_the_newer_answer() {
    let world = World::new();
    let check = || spawn(Box::pin(world.accounts.check(&world.user)));
    let (mut older, mut newer) = (check(), check());
    assert_pending!(older.poll());
    world.second_passes();
    assert_pending!(newer.poll());
    let [first, second] = world.questions();
    second.send(User::new(true).role("user")).unwrap();
    assert_ready!(newer.poll()).unwrap();
    first.send(User::new(true).role("admin")).unwrap();
    let granted = assert_ready!(older.poll()).unwrap();
    assert_eq!(granted.role, Role::Is("user".to_owned()));
    assert_eq!(world.accounts.remembered_role(&world.user), Some(granted.role));
}

#[tokio::test(start_paused = true)]
async fn an_active_from_before_a_suspension_counts_for_nothing() {
    let world = World::new();
    let mut check = world.asks();
    world.second_passes();
    world.accounts.forget(&world.user);
    world.answer(true);
    assert_pending!(check.poll(), "it asks again");
    assert!(!world.is_granted());
    world.second_passes();
    world.answer(false);
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
}

#[tokio::test(start_paused = true)]
async fn a_user_who_is_suspended_during_each_question_is_refused() {
    let world = World::new();
    let mut check = world.asks();
    for tries in 1..=ASKED_AT_MOST {
        world.accounts.forget(&world.user);
        world.answer(true);
        if tries < ASKED_AT_MOST {
            assert_pending!(check.poll());
        }
    }
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
    // A later call counts.
    world.second_passes();
    let mut check = world.asks();
    world.answer(true);
    assert_eq!(assert_ready!(check.poll()), Ok(GRANT));
}

#[tokio::test(start_paused = true)]
async fn inactive_is_asked_about_again_and_a_newer_active_counts_at_once() {
    let world = World::new();
    for (active, seen) in [(false, INACTIVE), (false, INACTIVE), (true, Ok(GRANT))] {
        world.second_passes();
        let mut check = world.asks();
        world.answer(active);
        assert_eq!(assert_ready!(check.poll()), seen);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_remembered_before_the_host_was_suspended_is_too_old_after() {
    let world = World::new();
    let mut check = world.asks();
    world.answer(true);
    assert_eq!(assert_ready!(check.poll()), Ok(GRANT));
    // Tokio's clock has not moved, like the monotonic clock of most systems during a suspension.
    world.clock.0.fetch_add(29, Ordering::Relaxed);
    assert!(world.is_granted());
    world.second_passes();
    let mut check = world.asks();
    world.answer(false);
    assert_eq!(assert_ready!(check.poll()), INACTIVE);
}
