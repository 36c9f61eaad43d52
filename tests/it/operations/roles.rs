//! The role of a user comes either from the session or from the user directory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::advance;
use tower_session_auth::directory::{BoxError, Role, User, UserDirectory};
use tower_session_auth::error::{ConfigError, SessionError};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::{ManualClock, TokioClock};
use tower_session_auth::{KeySet, Login, NewSession, SessionManager, UserId};

use crate::support::paused::{At, PausedStore, Verb};
use crate::support::{START, builder, key, user};

const INTERVAL: Duration = Duration::from_secs(30);
/// After the interval has passed, an answer of the directory still determines the shown role for
/// this time.
const MINUTE: Duration = Duration::from_secs(60);

/// A directory that returns the role that a test sets.
#[derive(Clone)]
struct Directory(Arc<Mutex<Role>>);

impl Directory {
    fn new(role: &str) -> Self {
        Self(Arc::new(Mutex::new(Role::Is(role.to_owned()))))
    }

    fn says(&self, role: Role) {
        *self.0.lock().unwrap() = role;
    }

    fn is(&self, role: &str) {
        self.says(Role::Is(role.to_owned()));
    }
}

impl UserDirectory for Directory {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        let mut user = User::new(true);
        user.role = self.0.lock().unwrap().clone();
        Ok(Some(user))
    }
}

struct World {
    clock: TokioClock,
    store: PausedStore<MemoryStore>,
}

impl World {
    fn new() -> Self {
        let clock = TokioClock::new(START);
        Self { clock, store: PausedStore::new(MemoryStore::with_clock(clock)) }
    }

    fn process(
        &self,
        directory: &Directory,
        change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
    ) -> SessionManager {
        let builder = builder().clock(self.clock).store(self.store.clone());
        let builder = builder.refresh_keys(KeySet::new(key())).directory(directory.clone());
        change(builder).build().unwrap().0
    }

    fn with_roles(&self, directory: &Directory) -> SessionManager {
        self.process(directory, SessionManagerBuilder::directory_roles)
    }
}

async fn login(manager: &SessionManager, role: &str) -> Login {
    manager.create(NewSession::new(user("jeju")).role(role)).await.unwrap()
}

/// Returns the role that applies to a request.
async fn role(manager: &SessionManager, login: &Login) -> Option<String> {
    let session = manager.authenticate(&login.access_token).await.unwrap();
    session.role().map(str::to_owned)
}

/// Returns the stored role and the revision of each session. Reads them as a process without a
/// directory does.
async fn stored(world: &World) -> Vec<(Option<String>, u64)> {
    let plain = builder().clock(world.clock).store(world.store.clone()).build().unwrap().0;
    let sessions = plain.sessions(&user("jeju")).await.unwrap();
    sessions.iter().map(|each| (each.role().map(str::to_owned), each.revision())).collect()
}

/// Lets background tasks run until all of them wait.
async fn settled() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

fn some(role: &str) -> Option<String> {
    Some(role.to_owned())
}

#[tokio::test(start_paused = true)]
async fn session_role_applies_everywhere_by_default() {
    let (world, directory) = (World::new(), Directory::new("user"));
    let manager = world.process(&directory, |builder| builder);
    let login = login(&manager, "admin").await;
    for _ in 0..3 {
        assert_eq!(role(&manager, &login).await, some("admin"));
        let account = manager.account(&login.session).await.unwrap();
        assert_eq!(account.role, Role::Is("admin".to_owned()), "the account has the same role");
        advance(INTERVAL).await;
    }
    let refreshed = manager.refresh(login.refresh_token.as_ref().unwrap().as_str()).await.unwrap();
    assert_eq!(refreshed.session.role(), Some("admin"));
    settled().await;
    assert_eq!(stored(&world).await, [(some("admin"), 2)], "only the refresh wrote the session");
}

#[tokio::test(start_paused = true)]
async fn directory_role_change_applies_to_requests_and_lookups_after_the_interval() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let first = login(&manager, "whatever").await;
    assert_eq!(first.session.role(), Some("admin"), "a new session has the directory's role");
    assert_eq!(stored(&world).await, [(some("admin"), 1)]);
    for (says, counts) in [
        (Role::Is("user".to_owned()), some("user")),
        (Role::None, None),
        (Role::Is("super_admin".to_owned()), some("super_admin")),
    ] {
        directory.says(says.clone());
        advance(INTERVAL).await;
        assert_eq!(role(&manager, &first).await, counts);
        let session = manager.get(&user("jeju"), first.session.id()).await.unwrap().unwrap();
        assert_eq!(session.role().map(str::to_owned), counts);
        assert_eq!(manager.account(&session).await.unwrap().role, says);
        settled().await;
        assert_eq!(stored(&world).await[0].0, counts, "the stored session has the role, too");
    }
    // If the directory leaves the role unchanged, the session's role applies.
    directory.says(Role::Unchanged);
    advance(INTERVAL).await;
    assert_eq!(role(&manager, &first).await, some("super_admin"));
    let account = manager.account(&first.session).await.unwrap();
    assert_eq!(account.role, Role::Is("admin".to_owned()), "the role of the given session");
}

#[tokio::test(start_paused = true)]
async fn refresh_applies_a_changed_directory_role_at_once() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let first = login(&manager, "admin").await;
    directory.is("user");
    let refreshed = manager.refresh(first.refresh_token.as_ref().unwrap().as_str()).await.unwrap();
    assert_eq!(refreshed.session.role(), Some("user"));
    assert_eq!(role(&manager, &refreshed).await, some("user"));
    assert_eq!(role(&manager, &first).await, some("user"), "the previous token has it, too");
}

#[tokio::test(start_paused = true)]
async fn refresh_uses_the_directory_role_even_if_the_answer_expires_meanwhile() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let host = ManualClock::new(START);
    let manager =
        world.process(&directory, |builder| builder.directory_roles().clock(host.clone()));
    let first = login(&manager, "").await;
    directory.is("user");
    let mut stop = world.store.stop(Verb::Rotate, At::Before);
    let suspend = async {
        stop.reached().await;
        // The host is suspended until the directory's answer has expired. Tokio's clock stands
        // still during that time.
        host.advance(INTERVAL + MINUTE);
        stop.go();
    };
    let refresh_token = first.refresh_token.as_ref().unwrap().as_str();
    let (refreshed, ()) = tokio::join!(manager.refresh(refresh_token), suspend);
    assert_eq!(refreshed.unwrap().session.role(), Some("user"));
}

/// Returns the roles that a process shows for the only session of a user. The process does not ask
/// the directory for them.
async fn shown(manager: &SessionManager, login: &Login) -> BTreeSet<Option<String>> {
    let (jeju, id) = (user("jeju"), login.session.id());
    let got = manager.get(&jeju, id).await.unwrap().unwrap();
    let updated = manager.update(&jeju, id, |_| {}).await.unwrap();
    let own = manager.own_sessions(&got).await.unwrap().remove(0).session;
    let page = manager.all_sessions(None, 10).await.unwrap().sessions.remove(0);
    let listed = manager.sessions_without_data(&jeju).await.unwrap().remove(0);
    [got, updated, own, page, listed].iter().map(|each| each.role().map(str::to_owned)).collect()
}

#[tokio::test(start_paused = true)]
async fn lookups_and_lists_show_the_role_that_applies_to_requests() {
    for interval in [INTERVAL, Duration::ZERO] {
        let world = World::new();
        let (here, there) = (Directory::new("admin"), Directory::new("user"));
        let [one, other] = [&here, &there].map(|directory| {
            world.process(directory, |builder| builder.directory_roles().revalidate_after(interval))
        });
        let login = login(&one, "").await;
        assert_eq!(role(&one, &login).await, some("admin"));
        assert_eq!(role(&other, &login).await, some("user"));
        settled().await;
        assert_eq!(stored(&world).await, [(some("user"), 2)], "the other process wrote its role");
        for (manager, counts) in [(&one, "admin"), (&other, "user")] {
            assert_eq!(role(manager, &login).await, some(counts));
            assert_eq!(shown(manager, &login).await, [some(counts)].into(), "{interval:?}");
            let session = manager.get(&user("jeju"), login.session.id()).await.unwrap().unwrap();
            assert_eq!(manager.account(&session).await.unwrap().role, Role::Is(counts.to_owned()));
        }
        let by_role = one.statistics(|_| {}).await.unwrap().by_role;
        assert_eq!(by_role, [("user".to_owned(), 1)].into(), "statistics count stored roles");
        // One minute after the interval, an old answer no longer hides the role that other
        // processes write.
        advance(interval + MINUTE - Duration::from_millis(1)).await;
        assert_eq!(shown(&one, &login).await, [some("admin")].into());
        advance(Duration::from_millis(1)).await;
        assert_eq!(shown(&one, &login).await, [some("user")].into());
    }
}

#[tokio::test(start_paused = true)]
async fn requests_do_not_wait_until_a_new_role_is_written_to_stored_sessions() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let logins = [login(&manager, "").await, login(&manager, "").await];
    directory.is("user");
    advance(INTERVAL).await;
    let mut stop = world.store.stop(Verb::UpdateAll, At::Before);
    for login in &logins {
        assert_eq!(role(&manager, login).await, some("user"));
    }
    stop.reached().await;
    assert_eq!(role(&manager, &logins[1]).await, some("user"));
    assert_eq!(stored(&world).await, [(some("admin"), 1), (some("admin"), 1)]);
    stop.go();
    settled().await;
    assert_eq!(
        stored(&world).await,
        [(some("user"), 2), (some("user"), 2)],
        "all sessions of the user"
    );
}

#[tokio::test(start_paused = true)]
async fn stored_sessions_are_written_once_per_role_change() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let login = login(&manager, "").await;
    directory.is("user");
    for _ in 0..10 {
        advance(INTERVAL).await;
        for _ in 0..3 {
            assert_eq!(role(&manager, &login).await, some("user"));
            settled().await;
        }
    }
    assert_eq!(stored(&world).await, [(some("user"), 2)]);
    // The manager does not overwrite a role that the application has written.
    let (jeju, id) = (user("jeju"), login.session.id());
    manager.update(&jeju, id, |edit| edit.role = None).await.unwrap();
    advance(INTERVAL).await;
    assert_eq!(role(&manager, &login).await, some("user"), "the directory's role applies");
    settled().await;
    assert_eq!(stored(&world).await, [(None, 3)]);
}

#[tokio::test(start_paused = true)]
async fn failed_write_of_a_role_change_is_repeated_after_the_interval() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let login = login(&manager, "").await;
    directory.is("user");
    advance(INTERVAL).await;
    let mut stop = world.store.stop(Verb::UpdateAll, At::Before);
    assert_eq!(role(&manager, &login).await, some("user"));
    stop.reached().await;
    // The store timeout passes, and the manager abandons the call.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(stop);
    settled().await;
    assert_eq!(stored(&world).await, [(some("admin"), 1)]);
    advance(INTERVAL).await;
    assert_eq!(role(&manager, &login).await, some("user"));
    settled().await;
    assert_eq!(stored(&world).await, [(some("user"), 2)]);
}

#[tokio::test(start_paused = true)]
async fn processes_with_different_directory_answers_do_not_overwrite_each_other() {
    let world = World::new();
    let (here, there) = (Directory::new("admin"), Directory::new("user"));
    let (one, other) = (world.with_roles(&here), world.with_roles(&there));
    let login = login(&one, "").await;
    for _ in 0..5 {
        assert_eq!(role(&one, &login).await, some("admin"), "each process applies its own answer");
        assert_eq!(role(&other, &login).await, some("user"));
        settled().await;
        advance(INTERVAL).await;
    }
    assert_eq!(stored(&world).await, [(some("user"), 2)], "one write");
}

#[tokio::test(start_paused = true)]
async fn narrowed_session_never_gets_a_wider_role_from_the_directory() {
    let (world, directory) = (World::new(), Directory::new("admin"));
    let manager = world.with_roles(&directory);
    let new = NewSession::new(user("jeju")).role("viewer").narrowed();
    let narrowed = manager.create(new).await.unwrap();
    assert_eq!(narrowed.session.role(), Some("viewer"));
    assert!(narrowed.session.is_narrowed());
    let full = login(&manager, "").await;
    for says in ["admin", "super_admin", "user"] {
        directory.is(says);
        advance(INTERVAL).await;
        assert_eq!(role(&manager, &narrowed).await, some("viewer"), "{says}");
        assert_eq!(role(&manager, &full).await, some(says));
        let refresh_token = narrowed.refresh_token.as_ref().unwrap().as_str();
        if says == "super_admin" {
            let refreshed = manager.refresh(refresh_token).await.unwrap();
            assert_eq!(refreshed.session.role(), Some("viewer"));
        }
        settled().await;
    }
    directory.says(Role::None);
    advance(INTERVAL).await;
    assert_eq!(role(&manager, &narrowed).await, None);
    settled().await;
    directory.is("admin");
    advance(INTERVAL).await;
    assert_eq!(role(&manager, &narrowed).await, None, "the session stays without a role");
}

#[tokio::test(start_paused = true)]
async fn directory_role_that_is_too_long_for_a_session_is_a_directory_error() {
    let (world, directory) = (World::new(), Directory::new(&"r".repeat(513)));
    let manager = world.with_roles(&directory);
    let refused = manager.create(NewSession::new(user("jeju"))).await.unwrap_err();
    assert!(matches!(refused, SessionError::Directory(_)), "{refused:?}");
}

#[test]
fn directory_roles_without_a_directory_are_a_configuration_error() {
    let built = builder().directory_roles().build();
    assert!(matches!(built.map(drop), Err(ConfigError::Missing("directory"))));
}
