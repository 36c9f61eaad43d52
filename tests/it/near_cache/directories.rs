//! Under each failure policy, the answer of the user directory decides whether a request is let in.
//! This also holds if a request is cancelled during its lookup, or if other requests wait for the
//! lookup.

#![expect(clippy::disallowed_methods, reason = "requests run concurrently, as in a server")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::{ServiceBuilder, ServiceExt};
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::guards::RequireRole;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::{FailurePolicy, RedisStore, SessionAuthLayer, UserId};

use crate::near_cache::world::{World, sees};
use crate::support::redis::RedisServer;
use crate::support::wait::{skip, until};
use crate::support::{bearer, builder, code, login};

const STORE_TIMEOUT: Duration = Duration::from_secs(4);
const DIRECTORY_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Says {
    Active,
    Inactive,
    Fails,
    /// The account is active, but has a different role than at the login.
    Demoted,
}

/// A directory that answers at once, or only when the test releases the answer.
#[derive(Clone, Default)]
pub(crate) struct Desk(Arc<State>);

#[derive(Default)]
struct State {
    says: AtomicU8,
    asked: AtomicUsize,
    /// The lookups that wait until the test releases them. `None` while the directory answers at
    /// once.
    held: Mutex<Option<Vec<oneshot::Sender<()>>>>,
}

impl Desk {
    pub(crate) fn says(&self, says: Says) {
        self.0.says.store(says as u8, Ordering::SeqCst);
    }

    fn hold(&self) {
        *self.0.held.lock().unwrap() = Some(Vec::new());
    }

    fn release(&self) {
        for question in self.0.held.lock().unwrap().take().unwrap() {
            // The request may have been cancelled.
            let _ = question.send(());
        }
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }
}

impl UserDirectory for Desk {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        let released = self.0.held.lock().unwrap().as_mut().map(|held| {
            let (release, released) = oneshot::channel();
            held.push(release);
            released
        });
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(released) = released {
            released.await?;
        }
        const INACTIVE: u8 = Says::Inactive as u8;
        const FAILS: u8 = Says::Fails as u8;
        const DEMOTED: u8 = Says::Demoted as u8;
        match self.0.says.load(Ordering::SeqCst) {
            FAILS => Err("it fails".into()),
            DEMOTED => Ok(Some(User::new(true).role("guest"))),
            says => Ok(Some(User::new(says != INACTIVE).role("user"))),
        }
    }
}

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) desk: Desk,
    token: String,
}

impl Scene {
    /// A manager that asks the store and the directory on each request. Its near cache contains one
    /// session.
    async fn new() -> Self {
        Self::with(|builder| builder.revalidate_after(Duration::ZERO)).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
    ) -> Self {
        let server = RedisServer::start().await;
        let store = RedisStore::builder(server.url()).timeout(STORE_TIMEOUT);
        let store = store.lease(Duration::from_secs(10)).build().unwrap();
        let desk = Desk::default();
        let builder = builder().store(store).store_timeout(STORE_TIMEOUT);
        let builder = builder.directory(desk.clone()).directory_timeout(DIRECTORY_TIMEOUT);
        let (manager, worker) = change(builder).build().unwrap();
        let world = World { server, manager, background: worker.start() };
        world.coherent().await;
        let token = login(&world.manager, "jeju").await.access_token;
        let scene = Self { world, desk, token };
        assert_eq!(sees(&scene.layer(FailurePolicy::Refuse), &scene.token).await, "live");
        scene
    }

    fn layer(&self, policy: FailurePolicy) -> SessionAuthLayer {
        self.world.layer().failure_policy(policy)
    }

    fn request(&self, policy: FailurePolicy) -> JoinHandle<String> {
        let (layer, token) = (self.layer(policy), self.token.clone());
        tokio::spawn(async move { sees(&layer, &token).await })
    }

    /// Sends a request to a route that requires the role `user`.
    fn guarded(&self, policy: FailurePolicy) -> JoinHandle<String> {
        guarded(self.layer(policy), self.token.clone())
    }

    /// Sends one request for each policy. In addition, sends one request that a guard protects,
    /// under the policy that serves stale sessions.
    fn one_for_each(&self) -> [JoinHandle<String>; 4] {
        let [refuse, stale, token_only] = POLICIES.map(|policy| self.request(policy));
        [refuse, stale, self.guarded(POLICIES[1]), token_only]
    }

    async fn is_asked(&self, times: usize) {
        until("the directory is asked", async || self.desk.asked() >= times).await;
    }
}

/// Returns what a client receives from a route that requires the role `user`: the text `guarded` or
/// the error code.
pub(crate) fn guarded(layer: SessionAuthLayer, token: String) -> JoinHandle<String> {
    let service = ServiceBuilder::new().layer(layer).layer(RequireRole::any_of(["user"]));
    let service = service.service_fn(behind_the_guard);
    tokio::spawn(async move {
        let response = service.oneshot(bearer(&token)).await.unwrap();
        if response.status().is_success() { response.into_body() } else { code(&response) }
    })
}

async fn behind_the_guard(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("guarded".to_owned()))
}

const POLICIES: [FailurePolicy; 3] = [
    FailurePolicy::Refuse,
    FailurePolicy::ServeStale(Duration::from_secs(60)),
    FailurePolicy::TokenOnly,
];

/// Starts four requests, and then the requests of [`Scene::one_for_each`]. After the store timeout
/// has passed, cancels the first four requests one after another, and then runs `then`. Returns
/// what the remaining requests receive.
async fn cancel_four_requests(scene: &Scene, then: impl AsyncFnOnce(&Desk)) -> [String; 4] {
    let asked = scene.desk.asked();
    scene.desk.hold();
    let hang_up = [(); 4].map(|()| scene.request(FailurePolicy::Refuse));
    let stay = scene.one_for_each();
    scene.is_asked(asked + 1).await;
    skip(STORE_TIMEOUT + Duration::from_millis(100)).await;
    for (number, request) in hang_up.into_iter().enumerate() {
        request.abort();
        until("the next request asks the directory", async || {
            scene.desk.asked() > asked + number + 1 || stay.iter().any(JoinHandle::is_finished)
        })
        .await;
    }
    then(&scene.desk).await;
    let [refuse, stale, guarded, token_only] = stay;
    [refuse.await.unwrap(), stale.await.unwrap(), guarded.await.unwrap(), token_only.await.unwrap()]
}

#[tokio::test]
async fn inactive_account_is_refused_after_the_requests_that_asked_first_are_cancelled() {
    let scene = Scene::new().await;
    scene.desk.says(Says::Inactive);
    let seen = cancel_four_requests(&scene, async |desk| desk.release()).await;
    assert_eq!(seen, ["account_inactive"; 4]);
}

#[tokio::test]
async fn active_account_is_accepted_after_the_requests_that_asked_first_are_cancelled() {
    let scene = Scene::new().await;
    let seen = cancel_four_requests(&scene, async |desk| desk.release()).await;
    assert_eq!(seen, ["live", "live", "guarded", "live"]);
}

#[tokio::test]
async fn hanging_directory_refuses_requests_under_every_failure_policy() {
    let scene = Scene::new().await;
    // Each lookup fails after the directory timeout, which starts together with the lookup.
    let seen = cancel_four_requests(&scene, async |_| skip(DIRECTORY_TIMEOUT).await).await;
    assert_eq!(seen, ["store_unavailable"; 4]);
    let refuse = scene.layer(FailurePolicy::Refuse);
    scene.desk.release();
    until("the directory answers again", async || sees(&refuse, &scene.token).await == "live")
        .await;
}

#[tokio::test]
async fn request_after_a_remote_logout_is_refused_although_the_directory_is_slow() {
    let scene = Scene::new().await;
    let asked = scene.desk.asked();
    scene.desk.hold();
    let earlier = scene.request(FailurePolicy::Refuse);
    scene.is_asked(asked + 1).await;
    let told = scene.world.manager.near_cache().invalidations;
    scene.world.server.number(&["DEL", "session:{jeju}:live"]).await;
    let manager = &scene.world.manager;
    until("the invalidation of the logout arrives", async || {
        manager.near_cache().invalidations > told
    })
    .await;
    let later = scene.one_for_each();
    // Each of these requests is polled once and waits for the answer to the earlier request.
    tokio::task::yield_now().await;
    skip(STORE_TIMEOUT + Duration::from_millis(100)).await;
    scene.desk.release();
    assert_eq!(earlier.await.unwrap(), "live", "the request was sent before the logout");
    for later in later {
        assert_eq!(later.await.unwrap(), "session_expired");
    }
}

#[tokio::test]
async fn directory_and_failure_policy_decide_together_while_redis_is_unavailable() {
    let mut scene = Scene::new().await;
    scene.world.redis_is_gone().await;
    for (says, seen) in [
        (Says::Active, ["store_unavailable", "stale", "guarded", "token only jeju"]),
        (
            Says::Inactive,
            ["store_unavailable", "account_inactive", "account_inactive", "account_inactive"],
        ),
        (Says::Fails, ["store_unavailable"; 4]),
    ] {
        scene.desk.says(says);
        for (request, seen) in scene.one_for_each().into_iter().zip(seen) {
            assert_eq!(request.await.unwrap(), seen, "{says:?}");
        }
    }
}

#[tokio::test]
async fn session_that_was_cached_before_its_account_was_inactive_is_not_served_stale() {
    let mut scene = Scene::new().await;
    scene.desk.says(Says::Inactive);
    assert_eq!(scene.request(FailurePolicy::Refuse).await.unwrap(), "account_inactive");
    scene.desk.says(Says::Active);
    scene.world.redis_is_gone().await;
    assert_eq!(scene.request(POLICIES[1]).await.unwrap(), "store_unavailable");
}

#[tokio::test]
async fn with_directory_roles_a_demotion_reaches_guards_despite_the_near_cache() {
    let scene = Scene::with(|builder| {
        builder.directory_roles().revalidate_after(Duration::from_millis(200))
    })
    .await;
    assert_eq!(scene.guarded(FailurePolicy::Refuse).await.unwrap(), "guarded");
    scene.desk.says(Says::Demoted);
    until("the guard refuses", async || {
        scene.guarded(FailurePolicy::Refuse).await.unwrap() == "insufficient_scope"
    })
    .await;
    let stored = async || {
        let live = scene.world.server.command(&["HVALS", "session:{jeju}:live"]).await;
        let live: Vec<String> = ::redis::from_redis_value(live).unwrap();
        live.iter().any(|record| record.contains("guest"))
    };
    until("the role of the stored session changes as well", stored).await;
    scene.desk.says(Says::Active);
    until("the guard accepts the restored role", async || {
        scene.guarded(FailurePolicy::Refuse).await.unwrap() == "guarded"
    })
    .await;
}

#[tokio::test]
async fn with_directory_roles_a_demotion_applies_while_redis_is_unavailable() {
    let mut scene =
        Scene::with(|builder| builder.directory_roles().revalidate_after(Duration::ZERO)).await;
    scene.world.redis_is_gone().await;
    assert_eq!(
        scene.guarded(POLICIES[1]).await.unwrap(),
        "guarded",
        "the session is stale and still has the role"
    );
    scene.desk.says(Says::Demoted);
    // The session in the near cache still has the earlier role.
    assert_eq!(scene.guarded(POLICIES[1]).await.unwrap(), "insufficient_scope");
}
