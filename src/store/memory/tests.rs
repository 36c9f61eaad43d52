use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::clock::millis;
use crate::store::{
    Attempt, AttemptKey, AttemptRule, CountAttempts, MaintainStore, Page, Salt, ScanCursor,
    ScanSessions, TOMBSTONES_PER_USER, Target,
};

const MINUTE: Duration = Duration::from_secs(60);

/// A host's clock with a wall time and a monotonic time, in milliseconds.
#[derive(Default)]
struct TestClock {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl TestClock {
    fn advance(&self, by: Duration) {
        self.wall.fetch_add(millis(by), Ordering::SeqCst);
        self.monotonic.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Sets the wall time only; the monotonic time stays.
    fn set(&self, wall: Timestamp) {
        self.wall.store(wall.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.monotonic.load(Ordering::SeqCst).unsigned_abs())
    }
}

fn store() -> (MemoryStore, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    (MemoryStore::with_clock(clock.clone()), clock)
}

fn user(name: usize) -> UserId {
    UserId::parse(&format!("user {name}")).unwrap()
}

async fn login(store: &MemoryStore, user: &UserId, idle_ttl: Duration) -> SessionId {
    let id = SessionId::random().unwrap();
    let new = NewRecord::new(idle_ttl, 10 * MINUTE, Bytes::from_static(b"{}"));
    assert!(matches!(store.create(user, &id, &new).await.unwrap(), Created::Created(_)));
    id
}

#[tokio::test]
async fn upkeep_frees_all_expired_sessions_and_tombstones() {
    let (store, clock) = store();
    for i in 0..1_000 {
        let (user, idle_ttl) = (user(i % 300), MINUTE * u32::try_from(i % 3 + 1).unwrap());
        let id = login(&store, &user, idle_ttl).await;
        let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX);
        store.touch(&[touch]).await.unwrap();
        if i % 5 == 0 {
            assert!(
                store
                    .revoke(&user, &Target::from(&id), RevokeReason::Logout)
                    .await
                    .unwrap()
                    .was_live()
            );
        }
    }
    assert_eq!(store.len(), 800);
    assert!(!store.is_empty());
    clock.advance(MINUTE);
    store.upkeep().await.unwrap();
    assert_eq!(store.len(), 533);
    clock.advance(2 * MINUTE);
    store.upkeep().await.unwrap();
    assert!(store.is_empty());
    assert_eq!(store.lock().due.len(), 200, "the tombstones of the revoked sessions");
    clock.advance(10 * MINUTE);
    store.upkeep().await.unwrap();
    assert!(store.lock().due.is_empty() && store.lock().users.is_empty());
}

#[tokio::test]
async fn upkeep_frees_the_memory_of_many_users() {
    let (store, clock) = store();
    for i in 0..2_000 {
        login(&store, &user(i), MINUTE).await;
    }
    assert!(store.lock().users.capacity() >= 2_000);
    clock.advance(MINUTE);
    store.upkeep().await.unwrap();
    assert!(store.lock().users.capacity() <= 1_024);
}

#[tokio::test]
async fn logins_free_expired_sessions_without_upkeep() {
    let (store, clock) = store();
    for i in 0..2_000 {
        login(&store, &user(i), MINUTE).await;
        clock.advance(MINUTE / 100);
    }
    assert!(store.len() <= 100, "{}", store.len());
}

#[test]
fn count_of_logins_starts_again_when_its_window_has_passed() {
    let (mut state, user, begin) = (State::default(), user(1), Timestamp::from_millis(0));
    let mut count = |after| state.count(begin.saturating_add(after), &user, MINUTE);
    assert_eq!(count(Duration::ZERO), 1);
    assert_eq!(count(MINUTE - Duration::from_millis(1)), 2);
    assert_eq!(count(MINUTE), 1);
    assert_eq!(state.due.len(), 1);
}

#[tokio::test]
async fn repeated_touches_keep_one_deadline_entry_per_session() {
    let (store, clock) = store();
    let user = user(1);
    let id = login(&store, &user, MINUTE).await;
    for _ in 0..20 {
        clock.advance(MINUTE / 4);
        let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, MINUTE);
        assert_ne!(store.touch(&[touch]).await.unwrap(), [Touched::Ended]);
    }
    assert_eq!(store.lock().due.len(), 1);
    assert_eq!(
        store.revoke(&user, &Target::All, RevokeReason::Admin).await.unwrap().sessions,
        [id]
    );
    assert_eq!(store.lock().due.len(), 2, "the tombstone and the login fence");
}

#[tokio::test]
async fn at_most_64_tombstones_per_user_are_kept() {
    let (store, _clock) = store();
    let user = user(1);
    for _ in 0..100 {
        let id = login(&store, &user, MINUTE).await;
        store.revoke(&user, &Target::from(&id), RevokeReason::Logout).await.unwrap();
        assert_eq!(store.revoke_reason(&user, &id).await.unwrap(), Some(RevokeReason::Logout));
    }
    assert_eq!(store.lock().due.len(), TOMBSTONES_PER_USER);
}

#[tokio::test]
async fn clock_set_back_does_not_revive_an_expired_session() {
    let (store, clock) = store();
    clock.advance(10 * MINUTE);
    let user = user(1);
    let id = login(&store, &user, MINUTE).await;
    clock.advance(2 * MINUTE);
    assert!(store.load(&user, &id, None).await.unwrap().is_none());
    clock.set(Timestamp::from_millis(0));
    assert!(store.load(&user, &id, None).await.unwrap().is_none());
}

/// Sets the wall clock three days ahead and then back. Creates sessions before, during and after
/// that time. Checks that everything still expires on time: sessions, grace period, wait, tombstone
/// and login fence.
#[tokio::test]
async fn everything_expires_on_time_after_the_clock_was_ahead() {
    let (store, clock) = store();
    clock.advance(10 * MINUTE);
    let right = store.now();
    let user = user(1);
    let before = login(&store, &user, MINUTE).await;
    clock.set(right.saturating_add(72 * 60 * MINUTE));
    let meanwhile = login(&store, &user, MINUTE).await;
    clock.set(right);
    assert_eq!(store.now(), right, "no time has passed");

    let idle = login(&store, &user, MINUTE).await;
    let ended = login(&store, &user, MINUTE).await;
    store.revoke(&user, &Target::AllExcept(idle.clone()), RevokeReason::LogoutAll).await.unwrap();
    let absolute = login(&store, &user, 20 * MINUTE).await;
    let fence = store.login_fence(&user).await.unwrap();
    assert!(fence.value().is_some());
    let refresh = SessionId::random().unwrap();
    let mut new = NewRecord::new(20 * MINUTE, 20 * MINUTE, Bytes::new());
    new.salt = Salt::parse("salt");
    assert!(matches!(store.create(&user, &refresh, &new).await.unwrap(), Created::Created(_)));
    let rotate = Rotate::new(Salt::parse("salt").unwrap(), 0, MINUTE);
    let rotated = store.rotate(&user, &refresh, &rotate).await.unwrap();
    assert!(matches!(rotated, Rotated::Next(..)));
    let key = AttemptKey::parse("somebody").unwrap();
    let rule = AttemptRule::new(NonZeroU32::MIN, MINUTE);
    assert!(matches!(store.attempt(&key, &rule).await.unwrap(), Some(Attempt::Counted(_))));

    clock.advance(MINUTE - Duration::from_millis(1));
    assert!(store.load(&user, &idle, None).await.unwrap().is_some());
    let again = store.rotate(&user, &refresh, &rotate).await.unwrap();
    assert!(matches!(again, Rotated::Again(..)), "the grace window is open: {again:?}");
    let wait = Attempt::Refused { retry_after: Duration::from_millis(1) };
    assert_eq!(store.attempt(&key, &rule).await.unwrap(), Some(wait));

    clock.advance(Duration::from_millis(2));
    for over in [&before, &meanwhile, &idle] {
        assert_eq!(store.load(&user, over, None).await.unwrap(), None, "its idle TTL has passed");
    }
    let late = store.rotate(&user, &refresh, &rotate).await.unwrap();
    assert_eq!(late, Rotated::Reused, "the grace window is over");
    let tried = store.attempt(&key, &rule).await.unwrap();
    assert!(matches!(tried, Some(Attempt::Counted(_))), "the wait is over: {tried:?}");
    assert!(store.load(&user, &absolute, None).await.unwrap().is_some());

    clock.advance(10 * MINUTE);
    assert_eq!(store.load(&user, &absolute, None).await.unwrap(), None, "its lifetime has passed");
    assert_eq!(
        store.revoke_reason(&user, &ended).await.unwrap(),
        None,
        "its tombstone has expired"
    );
    clock.advance(24 * 60 * MINUTE);
    assert_eq!(
        store.login_fence(&user).await.unwrap().value(),
        None,
        "the login fence has expired"
    );
    store.upkeep().await.unwrap();
    assert!(store.is_empty() && store.lock().users.is_empty() && store.lock().due.is_empty());
}

#[test]
fn concurrent_updates_from_several_threads_are_not_lost() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = MemoryStore::new();
    let user = user(1);
    let id = runtime().block_on(login(&store, &user, MINUTE));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                runtime().block_on(async {
                    let mut written = 0;
                    while written < 500 {
                        let found = store.load(&user, &id, None).await.unwrap().unwrap();
                        let updated = store.update(&user, &id, found.revision, Bytes::new()).await;
                        written += u32::from(matches!(updated.unwrap(), Updated::Written(_)));
                    }
                });
            });
        }
    });
    let found = runtime().block_on(store.load(&user, &id, None)).unwrap().unwrap();
    assert_eq!(found.revision, 2_001);
}

#[test]
fn clones_share_one_store_and_debug_output_hides_sessions() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (store, other) = (MemoryStore::default(), MemoryStore::default());
    shared(&store);
    let clone = store.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(login(&clone, &user(1), MINUTE));
    assert_eq!(format!("{store:?}"), "MemoryStore { sessions: 1, .. }");
    assert!(other.is_empty());
}

fn limited(login_fence: Option<FenceValue>, window: Duration) -> NewRecord {
    let mut new = NewRecord::new(MINUTE, 10 * MINUTE, Bytes::new());
    (new.login_fence, new.count_within) = (login_fence, Some(window));
    new
}

#[tokio::test]
async fn login_fence_and_creation_counter_expire_and_are_freed() {
    let (store, clock) = store();
    let (day, user) = (24 * 60 * MINUTE, user(1));
    let none = store.login_fence(&user).await.unwrap();
    assert_eq!(none.value(), None);
    for _ in 0..3 {
        drop(store.revoke(&user, &Target::All, RevokeReason::LogoutAll).await.unwrap().sessions);
        let id = SessionId::random().unwrap();
        let new = limited(None, MINUTE);
        assert!(matches!(store.create(&user, &id, &new).await.unwrap(), Created::Created(_)));
    }
    assert_eq!(
        store.lock().due.len(),
        1 + 2 + 1 + 1,
        "session, tombstones, login fence and counter"
    );
    clock.advance(day - Duration::from_millis(1));
    let login_fence = store.login_fence(&user).await.unwrap();
    assert!(login_fence.value().is_some(), "the login fence is kept for a day");
    let id = SessionId::random().unwrap();
    let late = store.create(&user, &id, &limited(Some(none.clone()), MINUTE)).await.unwrap();
    assert_eq!(late, Created::Superseded);
    clock.advance(Duration::from_millis(1));
    assert_eq!(store.login_fence(&user).await.unwrap(), none);
    // The first login read the fence just before it expired. The second login began before the
    // fence existed.
    for login_fence in [login_fence, none] {
        let id = SessionId::random().unwrap();
        let made = store.create(&user, &id, &limited(Some(login_fence), MINUTE)).await.unwrap();
        assert!(matches!(made, Created::Created(_)), "{made:?}");
    }
    clock.advance(10 * MINUTE);
    store.upkeep().await.unwrap();
    let state = store.lock();
    assert!(state.due.is_empty() && state.users.is_empty() && state.order.is_empty());
}

#[tokio::test]
async fn scan_splits_its_work_into_pages_even_without_live_sessions() {
    let (store, clock) = store();
    for i in 0..2_000 {
        login(&store, &user(i), MINUTE * u32::from(i % 400 == 0) + MINUTE).await;
    }
    clock.advance(MINUTE);
    let (mut shown, mut pages, mut from) = (0, 0, None);
    loop {
        let page = store.scan(from.as_ref(), 10).await.unwrap().unwrap();
        shown += page.sessions.len();
        pages += 1;
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(shown, 5);
    assert!(pages > 5, "{pages} pages: a page without sessions also releases the lock");
}

#[tokio::test]
async fn cleanup_frees_and_counts_all_expired_sessions() {
    let (store, clock) = store();
    for i in 0..1_000 {
        let (user, idle_ttl) = (user(i % 300), MINUTE * u32::from(i % 4 == 0) + MINUTE);
        let id = login(&store, &user, idle_ttl).await;
        if i % 5 == 1 {
            store.revoke(&user, &Target::from(&id), RevokeReason::Logout).await.unwrap();
        }
    }
    clock.advance(MINUTE);
    let (mut count, mut steps, mut from) = (0, 0, None);
    loop {
        let step = store.cleanup(from.as_ref()).await.unwrap().unwrap();
        count += step.count;
        steps += 1;
        from = step.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!((count, store.len()), (600, 200));
    assert!(steps > 2, "{steps} steps: each step frees a part");
    let order: Vec<_> = store.lock().order.iter().cloned().collect();
    let users = (0..1_000).filter(|i| i % 4 == 0 && i % 5 != 1).map(|i| user(i % 300));
    let mut users: Vec<_> = users.collect();
    users.sort();
    users.dedup();
    assert_eq!(order, users, "a user without sessions is not scanned");
}

#[tokio::test]
async fn cursor_of_another_store_or_version_is_rejected() {
    let (store, _clock) = store();
    login(&store, &user(1), MINUTE).await;
    for foreign in ["m1", "m1.", "m1.a", "m1.a.", "m1..a", "m2.a.b", "m1.a b.c", "r1,7,", "c1,7"] {
        let cursor = ScanCursor::new(foreign);
        assert_eq!(store.scan(Some(&cursor), 10).await.unwrap(), None, "{foreign}");
        assert_eq!(store.cleanup(Some(&cursor)).await.unwrap(), None, "{foreign}");
    }
    let due = store.scan(Some(&ScanCursor::new("m1.due")), 10).await.unwrap();
    assert_eq!(due, None, "a cleanup cursor is not a scan cursor");
    let last = ScanCursor::new("m1.a.zzz.with.dots");
    assert_eq!(store.scan(Some(&last), 10).await.unwrap(), Some(Page::default()));
}
