//! A session changes while its token stays the same. Guards see the change on the next request.

use std::time::Duration;

use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::guards::{RequireAcr, RequireAmr, RequireFresh, RequireRole};
use tower_session_auth::store::{MemoryStore, SessionStore};
use tower_session_auth::{Login, NewSession, RedisStore, SessionAuthLayer, SessionManager};

use crate::guards::{Facts, Inner, MINUTE, manager_of};
use crate::support::redis::RedisServer;
use crate::support::{bearer, builder, code, user};

const PATIENCE: Duration = Duration::from_secs(10);

const LET_IN: &str = "";
const ROLE: &str = "insufficient_scope";
const STEP_UP: &str = "insufficient_user_authentication";

/// Sends a request through each guard: role, age, class and methods. For each guard, returns an
/// empty text if the guard let the request in, and the error code otherwise.
async fn verdicts(manager: &SessionManager, token: &str) -> [String; 4] {
    let layer = || ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone()));
    let inner = Inner::default().service();
    let role = layer().layer(RequireRole::new("admin")).service(inner.clone());
    let fresh = layer().layer(RequireFresh::new(MINUTE)).service(inner.clone());
    let class = layer().layer(RequireAcr::new("loa3").unwrap()).service(inner.clone());
    let methods = layer().layer(RequireAmr::all_of(["pwd", "otp"])).service(inner);
    let (role, fresh, class, methods) = tokio::join!(
        role.oneshot(bearer(token)),
        fresh.oneshot(bearer(token)),
        class.oneshot(bearer(token)),
        methods.oneshot(bearer(token)),
    );
    [role, fresh, class, methods].map(|response| {
        let response = response.unwrap();
        if response.status() == 200 { LET_IN.to_owned() } else { code(&response) }
    })
}

#[tokio::test(start_paused = true)]
async fn reauthentication_satisfies_the_guards_without_a_new_login() {
    let (manager, _worker) = manager_of::<()>();
    let facts = Facts { role: Some("admin"), acr: Some("loa1"), amr: &["pwd"], age: 2 * MINUTE };
    let Login { session, access_token: token, .. } = facts.login(&manager, ()).await;
    let other = facts.login(&manager, ()).await.access_token;
    assert_eq!(verdicts(&manager, &token).await, [LET_IN, STEP_UP, STEP_UP, STEP_UP]);

    // The login is now recent, but not stronger than before.
    let (user, id) = (session.user_id(), session.id());
    manager.reauthenticate(user, id, Some("loa1"), &["pwd"]).await.unwrap();
    assert_eq!(verdicts(&manager, &token).await, [LET_IN, LET_IN, STEP_UP, STEP_UP]);

    manager.reauthenticate(user, id, Some("loa3"), &["pwd", "otp"]).await.unwrap();
    assert_eq!(verdicts(&manager, &token).await, [LET_IN; 4]);
    assert_eq!(
        verdicts(&manager, &other).await,
        [LET_IN, STEP_UP, STEP_UP, STEP_UP],
        "another session of the same user is unchanged"
    );

    tokio::time::advance(MINUTE).await;
    assert_eq!(verdicts(&manager, &token).await, [LET_IN; 4]);
    tokio::time::advance(MINUTE).await;
    assert_eq!(verdicts(&manager, &token).await, [LET_IN, STEP_UP, LET_IN, LET_IN]);

    // The latest authentication counts, even if it is a weaker one.
    manager.reauthenticate(user, id, None, &[]).await.unwrap();
    assert_eq!(verdicts(&manager, &token).await, [LET_IN, LET_IN, STEP_UP, STEP_UP]);
}

/// One process changes a session, and another process sees the change on the next request.
async fn check_changes_of_another_process(store: impl SessionStore + Clone) {
    let process = || builder().store(store.clone()).store_timeout(PATIENCE).build().unwrap().0;
    let (here, there) = (process(), process());
    let login =
        async |role: &str| here.create(NewSession::new(user("jeju")).role(role)).await.unwrap();
    let (admin, second) = (login("admin").await, login("admin").await);
    let mut plain = login("user").await;
    let role = async |login: &Login| {
        let [role, ..] = verdicts(&here, &login.access_token).await;
        role
    };
    assert_eq!(
        [role(&admin).await, role(&second).await, role(&plain).await],
        [LET_IN, LET_IN, ROLE]
    );

    let (user, id) = (admin.session.user_id(), admin.session.id());
    there.update(user, id, |session| session.role = Some("user".to_owned())).await.unwrap();
    assert_eq!(
        [role(&admin).await, role(&second).await],
        [ROLE, LET_IN],
        "`update` changes one session"
    );

    let demoted = there.update_all(user, |_, session| session.role = None).await.unwrap();
    assert_eq!(demoted, 3);
    for login in [&admin, &second, &plain] {
        assert_eq!(role(login).await, ROLE, "`update_all` changes all sessions");
    }

    let id = plain.session.id();
    let promoted = there.update(user, id, |session| session.role = Some("admin".to_owned()));
    plain.session = promoted.await.unwrap();
    assert_eq!(role(&plain).await, LET_IN);
    there.reauthenticate(user, plain.session.id(), Some("loa3"), &["otp", "pwd"]).await.unwrap();
    assert_eq!(verdicts(&here, &plain.access_token).await, [LET_IN; 4]);
}

#[tokio::test]
async fn next_request_sees_changes_of_another_process_in_memory() {
    check_changes_of_another_process(MemoryStore::new()).await;
}

#[tokio::test]
async fn next_request_sees_changes_of_another_process_in_redis() {
    let server = RedisServer::start().await;
    // A loaded machine does not exceed this timeout.
    let store = RedisStore::builder(server.url().as_str()).timeout(PATIENCE).build().unwrap();
    check_changes_of_another_process(store).await;
}
