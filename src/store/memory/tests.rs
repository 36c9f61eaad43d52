use super::*;
use crate::clock::millis;
use crate::store::TOMBSTONES_PER_USER;

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct TestClock(AtomicI64);

impl TestClock {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(millis(by), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
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
async fn what_has_expired_is_freed_to_the_last_entry() {
    let (store, clock) = store();
    for i in 0..1_000 {
        let (user, idle_ttl) = (user(i % 300), MINUTE * u32::try_from(i % 3 + 1).unwrap());
        let id = login(&store, &user, idle_ttl).await;
        let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX);
        store.touch(&[touch]).await.unwrap();
        if i % 5 == 0 {
            assert!(store.delete(&user, &id, EndReason::Logout).await.unwrap());
        }
    }
    assert_eq!(store.len(), 800);
    clock.advance(MINUTE);
    store.upkeep().await.unwrap();
    assert_eq!(store.len(), 533);
    clock.advance(2 * MINUTE);
    store.upkeep().await.unwrap();
    assert!(store.is_empty());
    assert_eq!(store.lock().due.len(), 200, "the reasons of those that were ended");
    clock.advance(10 * MINUTE);
    store.upkeep().await.unwrap();
    assert!(store.lock().due.is_empty() && store.lock().users.is_empty());
}

#[tokio::test]
async fn logins_alone_keep_memory_bounded() {
    let (store, clock) = store();
    for i in 0..2_000 {
        login(&store, &user(i), MINUTE).await;
        clock.advance(MINUTE / 100);
    }
    assert!(store.len() <= 100, "{}", store.len());
}

#[tokio::test]
async fn each_session_has_one_deadline_however_often_it_is_touched() {
    let (store, clock) = store();
    let user = user(1);
    let id = login(&store, &user, MINUTE).await;
    for _ in 0..20 {
        clock.advance(MINUTE / 4);
        let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, MINUTE);
        assert_ne!(store.touch(&[touch]).await.unwrap(), [Touched::Ended]);
    }
    assert_eq!(store.lock().due.len(), 1);
    assert_eq!(store.delete_all(&user, None, EndReason::Admin).await.unwrap(), [id]);
    assert_eq!(store.lock().due.len(), 2, "its tombstone, and the login guard");
}

#[tokio::test]
async fn no_more_than_64_reasons_a_user_are_held() {
    let (store, _clock) = store();
    let user = user(1);
    for _ in 0..100 {
        let id = login(&store, &user, MINUTE).await;
        store.delete(&user, &id, EndReason::Logout).await.unwrap();
        assert_eq!(store.ended(&user, &id).await.unwrap(), Some(EndReason::Logout));
    }
    assert_eq!(store.lock().due.len(), TOMBSTONES_PER_USER);
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_nothing_back() {
    let (store, clock) = store();
    clock.advance(10 * MINUTE);
    let user = user(1);
    let id = login(&store, &user, MINUTE).await;
    clock.advance(2 * MINUTE);
    assert!(store.load(&user, &id, None).await.unwrap().is_none());
    clock.0.store(0, Ordering::SeqCst);
    assert!(store.load(&user, &id, None).await.unwrap().is_none());
}

#[test]
fn many_threads_lose_no_update() {
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
fn clones_are_one_store_and_debug_shows_no_session() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let (store, other) = (MemoryStore::default(), MemoryStore::default());
    shared(&store);
    let clone = store.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(login(&clone, &user(1), MINUTE));
    assert_eq!(format!("{store:?}"), "MemoryStore { sessions: 1, .. }");
    assert!(other.is_empty());
}
