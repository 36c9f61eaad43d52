//! A role that changes in the user directory, and the sessions in the near cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tower_session_auth::clock::{Clock, Timestamp};
use tower_session_auth::{Login, NewSession};

use crate::near_cache::directories::{Says, Scene, guarded};
use crate::near_cache::world::sees;
use crate::support::wait::until;
use crate::support::{START, login, user};

/// Longer than a test takes.
const INTERVAL: Duration = Duration::from_secs(600);

/// A clock that a test moves, to the nanosecond. Its wall clock stands still.
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

/// A manager that takes the directory's roles, and the clock by which its answers grow old.
async fn scene() -> (Scene, Precise) {
    let clock = Precise::default();
    let scene = Scene::with(|builder| {
        builder.clock(clock.clone()).directory_roles().revalidate_after(INTERVAL)
    })
    .await;
    (scene, clock)
}

async fn asks_guard(scene: &Scene, login: &Login) -> String {
    guarded(scene.world.layer(), login.access_token.clone()).await.unwrap()
}

/// Requests until the near cache answers one.
async fn is_cached(scene: &Scene, login: &Login) {
    let manager = &scene.world.manager;
    until("the near cache answers", async || {
        let hits = manager.near_cache().hits;
        assert_eq!(asks_guard(scene, login).await, "guarded");
        manager.near_cache().hits > hits
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_used_no_longer_than_the_answer_about_the_account() {
    let (scene, clock) = scene().await;
    let login = login(&scene.world.manager, "jeju").await;
    is_cached(&scene, &login).await;
    // The answer is granted for a nanosecond more. A change makes the next request read the session.
    clock.advance(INTERVAL - Duration::from_nanos(1));
    let manager = &scene.world.manager;
    let (fills, told) = (manager.near_cache().fills, manager.near_cache().invalidations);
    let (jeju, name) = (user("jeju"), || Some("Jeju".to_owned()));
    let change = manager.update(&jeju, login.session.id(), |session| session.user_name = name());
    change.await.unwrap();
    until("it is told", async || manager.near_cache().invalidations > told).await;
    assert_eq!(asks_guard(&scene, &login).await, "guarded");
    assert!(manager.near_cache().fills > fills, "it was read again");
    scene.desk.says(Says::Demoted);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(asks_guard(&scene, &login).await, "insufficient_scope");
}

#[tokio::test]
async fn a_changed_role_that_account_hears_of_counts_for_cached_sessions_at_once() {
    let (scene, _) = scene().await;
    let login = login(&scene.world.manager, "jeju").await;
    is_cached(&scene, &login).await;
    scene.desk.says(Says::Demoted);
    is_cached(&scene, &login).await;
    let account = scene.world.manager.account(&login.session).await.unwrap();
    assert_eq!(account.role.name(), Some("guest"));
    assert_eq!(asks_guard(&scene, &login).await, "insufficient_scope");
}

#[tokio::test]
async fn a_changed_role_that_a_request_hears_of_counts_for_the_users_other_tokens_at_once() {
    let (scene, clock) = scene().await;
    // Narrowed: its stored role stays, so that no write to the store makes the others be read again.
    let narrowed = NewSession::new(user("jeju")).role("viewer").narrowed();
    let narrowed = scene.world.manager.create(narrowed).await.unwrap();
    let other = login(&scene.world.manager, "jeju").await;
    is_cached(&scene, &other).await;
    scene.desk.says(Says::Demoted);
    clock.advance(INTERVAL);
    is_cached(&scene, &other).await;
    let strict = scene.world.layer().max_staleness(Duration::ZERO).unwrap();
    assert_eq!(sees(&strict, &narrowed.access_token).await, "live", "it asks the directory");
    assert_eq!(asks_guard(&scene, &other).await, "insufficient_scope");
}
