//! Each refused request causes exactly one `Rejected` event.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::guards::RequireRole;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{RevokeReason, Session, SessionAuthLayer, SessionManager};

use crate::support::forge::{decoded, forge, parts};
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{OTHER_SECRET, SECRET, START, anonymous, bearer, builder, login, user};

const HOUR: Duration = Duration::from_secs(3600);

/// A sink that records each `Rejected` event as a text with the code, the user and the session.
#[derive(Clone, Default)]
struct Refusals(Arc<Mutex<Vec<String>>>);

impl Refusals {
    fn sink(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let told = Arc::clone(&self.0);
        move |event| {
            if let Event::Rejected { kind, user, session, .. } = event {
                let user = user.as_ref().map_or("-", |user| user.as_str());
                let session = session.as_ref().map_or("-", |session| session.short());
                told.lock().unwrap().push(format!("{} {user} {session}", kind.code()));
            }
        }
    }
}

struct Scene {
    manager: SessionManager,
    store: SwitchStore,
    told: Refusals,
    stop: tower_session_auth::worker::Background,
}

fn scene() -> Scene {
    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock));
    let told = Refusals::default();
    let settings = builder().clock(clock).store(store.clone()).event_sink(told.sink());
    let (manager, worker) = settings.build().unwrap();
    Scene { manager, store, told, stop: worker.start() }
}

impl Scene {
    /// Stops the worker and returns the recorded events. The worker delivers all queued events
    /// before it stops.
    async fn told(self) -> Vec<String> {
        self.stop.stop().await.unwrap();
        self.told.0.lock().unwrap().clone()
    }
}

async fn send(layer: SessionAuthLayer, request: Request<String>) -> u16 {
    async fn inner(_: Request<String>) -> Result<Response<String>, Infallible> {
        Ok(Response::new("let in".to_owned()))
    }
    let service = ServiceBuilder::new().layer(layer).service_fn(inner);
    service.oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn each_refusal_causes_one_event_that_names_the_user_of_a_verified_token() {
    let scene = scene();
    let layer = SessionAuthLayer::new(scene.manager.clone());
    let mut expected = Vec::new();

    let first = login(&scene.manager, "jeju").await;
    let (token, short) = (first.access_token.as_str(), first.session.id().short());
    assert_eq!(send(layer.clone(), bearer(token)).await, 200);
    assert_eq!(send(layer.clone().optional(), anonymous()).await, 200);

    let (header, payload, _) = parts(token);
    let (header, payload) = (decoded(header), decoded(payload));
    let twice = Request::builder().header("authorization", "Bearer a");
    let twice = twice.header("authorization", "Bearer b").body(String::new()).unwrap();
    let no_bearer = Request::builder().header("authorization", "Bearer\tx").body(String::new());
    let other_audience = payload.replace("\"test\"", "\"x\"");
    for (request, code) in [
        (anonymous(), "missing_token"),
        (twice, "invalid_request"),
        (no_bearer.unwrap(), "invalid_token"),
        (bearer("a.b.c"), "invalid_token"),
        // The event does not repeat claims whose signature was not verified.
        (bearer(&forge(&header, &payload, OTHER_SECRET)), "invalid_token"),
        (bearer(&forge(&header, &other_audience, SECRET)), "invalid_token"),
    ] {
        assert_ne!(send(layer.clone(), request).await, 200);
        expected.push(format!("{code} - -"));
    }
    // An optional layer rejects a bad token, although it accepts a request without a token.
    assert_eq!(send(layer.clone().optional(), bearer("a.b.c")).await, 401);
    expected.push("invalid_token - -".to_owned());

    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::Unreadable] {
        scene.store.set(Mood::Fail(kind));
        assert_ne!(send(layer.clone(), bearer(token)).await, 200);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    expected.push(format!("store_unavailable jeju {short}"));
    expected.push(format!("session_expired jeju {short}"));
    scene.store.set(Mood::Answer);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(send(layer.clone(), bearer(token)).await, 200);

    scene.manager.revoke(&user("jeju"), first.session.id(), RevokeReason::Admin).await.unwrap();
    assert_eq!(send(layer.clone(), bearer(token)).await, 401);
    expected.push(format!("session_revoked jeju {short}"));

    let second = login(&scene.manager, "halla").await;
    tokio::time::sleep(HOUR + Duration::from_secs(10)).await;
    assert_eq!(send(layer, bearer(&second.access_token)).await, 401);
    expected.push(format!("token_expired halla {}", second.session.id().short()));

    assert_eq!(scene.told().await, expected);
}

#[tokio::test(start_paused = true)]
async fn authenticate_and_logout_emit_rejected_events() {
    let scene = scene();
    let login = login(&scene.manager, "jeju").await;
    let (token, short) = (login.access_token.as_str(), login.session.id().short());
    scene.manager.authenticate("a.b.c").await.unwrap_err();
    scene.manager.logout("a.b.c").await.unwrap_err();

    scene.store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    scene.manager.authenticate(token).await.unwrap();
    scene.manager.logout(token).await.unwrap_err();
    scene.store.set(Mood::Answer);
    // A logout with an expired token succeeds, and so does a second logout. Neither logout causes a
    // `Rejected` event.
    tokio::time::sleep(HOUR + Duration::from_secs(10)).await;
    scene.manager.authenticate(token).await.unwrap_err();
    scene.manager.logout(token).await.unwrap();
    scene.manager.logout(token).await.unwrap();

    assert_eq!(
        scene.told().await,
        [
            "invalid_token - -".to_owned(),
            "invalid_token - -".to_owned(),
            format!("store_unavailable jeju {short}"),
            format!("token_expired jeju {short}"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn canceled_request_emits_no_event() {
    let scene = scene();
    let login = login(&scene.manager, "jeju").await;
    scene.store.set(Mood::Hang);
    let layer = SessionAuthLayer::new(scene.manager.clone());
    let mut call = tokio_test::task::spawn(send(layer, bearer(&login.access_token)));
    tokio_test::assert_pending!(call.poll());
    drop(call);
    scene.store.set(Mood::Answer);
    assert!(scene.told().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn refusal_behind_an_optional_layer_causes_one_event() {
    let scene = scene();
    let login = login(&scene.manager, "jeju").await;
    let layer = SessionAuthLayer::new(scene.manager.clone()).optional();
    let guarded = ServiceBuilder::new()
        .layer(layer.clone())
        .layer(RequireRole::new("admin"))
        .service_fn(async |_| Ok::<_, Infallible>(Response::new(String::new())));
    assert_eq!(guarded.clone().oneshot(anonymous()).await.unwrap().status(), 401);
    assert_eq!(guarded.oneshot(bearer(&login.access_token)).await.unwrap().status(), 403);

    let app = axum::Router::new()
        .route("/", axum::routing::get(async |_: Session| "let in"))
        .route("/any", axum::routing::get(async |_: Option<Session>| "let in"))
        .layer(layer);
    for (path, status) in [("/", 401), ("/any", 200)] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
    assert_eq!(
        scene.told().await,
        [
            "missing_token - -".to_owned(),
            format!("insufficient_scope jeju {}", login.session.id().short()),
            "missing_token - -".to_owned(),
        ]
    );
}
