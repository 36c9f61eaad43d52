//! Role changes in the user directory and their effect on sessions in the near cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tower_session_auth::clock::{Clock, Timestamp};
use tower_session_auth::{Login, NewSession};

use crate::near_cache::directories::{Says, Scene, guarded};
use crate::near_cache::world::sees;
use crate::support::wait::until;
use crate::support::{START, login, user};

/// Longer than any test takes.
const INTERVAL: Duration = Duration::from_secs(600);

/// A clock that a test advances in steps of nanoseconds. Only its monotonic clock moves, and its
/// wall clock stands still.
#[derive(Clone, Default)]
struct Precise(Arc<AtomicU64>);

impl Precise {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_nanos()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for Precise {
    fn now(&self) -> Timestamp {
        START
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// Returns a manager that uses the roles of the directory. Also returns the clock by which the
/// manager determines the age of the directory's answers.
async fn scene() -> (Scene, Precise) {
    let clock = Precise::default();
    let scene = Scene::with(|builder| {
        builder.clock(clock.clone()).directory_roles().revalidate_after(INTERVAL)
    })
    .await;
    (scene, clock)
}

async fn request_guarded_route(scene: &Scene, login: &Login) -> String {
    guarded(scene.world.layer(), login.access_token.clone()).await.unwrap()
}

/// Sends requests until the near cache answers one of them.
async fn wait_until_cached(scene: &Scene, login: &Login) {
    let manager = &scene.world.manager;
    until("the near cache answers", async || {
        let hits = manager.near_cache().hits;
        assert_eq!(request_guarded_route(scene, login).await, "guarded");
        manager.near_cache().hits > hits
    })
    .await;
}

#[tokio::test]
async fn cache_entry_expires_with_the_directory_answer_about_the_account() {
    let (scene, clock) = scene().await;
    let login = login(&scene.world.manager, "jeju").await;
    wait_until_cached(&scene, &login).await;
    // The answer of the directory is valid for one more nanosecond. A change of the session makes
    // the next request read the session again.
    clock.advance(INTERVAL - Duration::from_nanos(1));
    let manager = &scene.world.manager;
    let (fills, told) = (manager.near_cache().fills, manager.near_cache().invalidations);
    let (jeju, name) = (user("jeju"), || Some("Jeju".to_owned()));
    let change = manager.update(&jeju, login.session.id(), |session| session.user_name = name());
    change.await.unwrap();
    until("the invalidation arrives", async || manager.near_cache().invalidations > told).await;
    assert_eq!(request_guarded_route(&scene, &login).await, "guarded");
    assert!(manager.near_cache().fills > fills, "the session was read again");
    scene.desk.says(Says::Demoted);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(request_guarded_route(&scene, &login).await, "insufficient_scope");
}

#[tokio::test]
async fn role_change_seen_by_account_applies_to_cached_sessions_at_once() {
    let (scene, _) = scene().await;
    let login = login(&scene.world.manager, "jeju").await;
    wait_until_cached(&scene, &login).await;
    scene.desk.says(Says::Demoted);
    wait_until_cached(&scene, &login).await;
    let account = scene.world.manager.account(&login.session).await.unwrap();
    assert_eq!(account.role.name(), Some("guest"));
    assert_eq!(request_guarded_route(&scene, &login).await, "insufficient_scope");
}

#[tokio::test]
async fn role_change_seen_by_one_request_applies_to_the_users_other_sessions_at_once() {
    let (scene, clock) = scene().await;
    // The stored role of a narrowed session does not change. Therefore no write to the store
    // invalidates the cache entry of the other session.
    let narrowed = NewSession::new(user("jeju")).role("viewer").narrowed();
    let narrowed = scene.world.manager.create(narrowed).await.unwrap();
    let other = login(&scene.world.manager, "jeju").await;
    wait_until_cached(&scene, &other).await;
    scene.desk.says(Says::Demoted);
    clock.advance(INTERVAL);
    wait_until_cached(&scene, &other).await;
    let strict = scene.world.layer().max_staleness(Duration::ZERO).unwrap();
    assert_eq!(
        sees(&strict, &narrowed.access_token).await,
        "live",
        "this request asks the directory"
    );
    assert_eq!(request_guarded_route(&scene, &other).await, "insufficient_scope");
}
