//! The contract of a guard with the inner service and with the stack around it.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::rc::Rc;

use http::{Request, Response, StatusCode};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_session_auth::auth_layer::{Head, JsonRejection};
use tower_session_auth::error::StepUp;
use tower_session_auth::guards::{
    GuardFuture, Guarded, RequireAcr, RequireAmr, RequireFresh, RequireRole,
};
use tower_session_auth::{AuthError, AuthErrorKind, Session, SessionAuthLayer};
use tower_test::mock;

use crate::guards::{Facts, Inner, MINUTE, manager_of};
use crate::support::{anonymous, bearer, code};

const ADMIN: Facts = Facts { role: Some("admin"), ..DEFAULT };
const USER: Facts = Facts { role: Some("user"), ..DEFAULT };
const DEFAULT: Facts = Facts { role: None, acr: None, amr: &[], age: std::time::Duration::ZERO };

async fn session(facts: Facts) -> Session {
    let (manager, _worker) = manager_of::<()>();
    facts.login(&manager, ()).await.session
}

fn with(session: &Session) -> Request<String> {
    let mut request = anonymous();
    request.extensions_mut().insert(session.clone());
    request
}

#[tokio::test(start_paused = true)]
async fn call_uses_the_inner_service_that_poll_ready_prepared() {
    let admin = session(ADMIN).await;
    let (mut service, mut inner) =
        mock::spawn_layer::<_, Response<String>, _>(RequireRole::new("admin"));
    // The mock panics if the guard calls a clone that was never ready.
    assert_ready_ok!(service.poll_ready());
    let mut response = task::spawn(service.call(with(&admin)));
    assert_pending!(response.poll());
    let (request, send) = inner.next_request().await.unwrap();
    assert_eq!(request.extensions().get::<Session>().unwrap().id(), admin.id());
    send.send_response(Response::new("ok".to_owned()));
    assert_eq!(response.await.unwrap().body(), "ok");
}

#[tokio::test(start_paused = true)]
async fn poll_ready_forwards_the_inner_services_readiness_and_error() {
    let (mut service, mut inner) =
        mock::spawn_layer::<Request<String>, Response<String>, _>(RequireRole::new("admin"));
    inner.allow(0);
    assert_pending!(service.poll_ready());
    inner.allow(1);
    assert_ready_ok!(service.poll_ready());
    inner.send_error("broken");
    assert!(assert_ready!(service.poll_ready()).is_err());
}

#[tokio::test(start_paused = true)]
async fn refusal_is_ready_at_once_and_does_not_call_the_inner_service() {
    let user = session(USER).await;
    let (mut service, mut inner) =
        mock::spawn_layer::<_, Response<String>, _>(RequireRole::new("admin"));
    assert_ready_ok!(service.poll_ready());
    let mut refused = task::spawn(service.call(with(&user)));
    assert_eq!(assert_ready_ok!(refused.poll()).status(), StatusCode::FORBIDDEN);
    assert_pending!(inner.poll_request());
}

#[tokio::test(start_paused = true)]
async fn refusal_returns_the_permit_of_a_concurrency_limit() {
    let (user, admin) = (session(USER).await, session(ADMIN).await);
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(RequireRole::new("admin"))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(inner.service());
    for _ in 0..3 {
        assert_eq!(service.clone().oneshot(with(&user)).await.unwrap().status(), 403);
        assert_eq!(service.clone().oneshot(with(&admin)).await.unwrap().status(), 200);
    }
    assert_eq!(inner.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn inner_service_error_passes_unchanged() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    let admin = session(ADMIN).await;
    let service = RequireRole::new("admin")
        .layer(service_fn(async |_: Request<String>| Err::<Response<String>, _>(Broken)));
    assert_eq!(service.oneshot(with(&admin)).await.unwrap_err(), Broken);
}

#[tokio::test(start_paused = true)]
async fn outermost_guard_decides_first() {
    let inner = Inner::default();
    let role = RequireRole::new("admin");
    let fresh = RequireFresh::new(MINUTE);
    let strong = RequireAcr::new("loa3").unwrap();
    let stale = session(USER).await;
    // The session satisfies neither guard, so the outer guard answers.
    let outside = ServiceBuilder::new().layer(role.clone()).layer(strong.clone());
    let response = outside.service(inner.service()).oneshot(with(&stale)).await.unwrap();
    assert_eq!(code(&response), "insufficient_scope");
    let outside = ServiceBuilder::new().layer(strong.clone()).layer(role.clone());
    let response = outside.service(inner.service()).oneshot(with(&stale)).await.unwrap();
    assert_eq!(code(&response), "insufficient_user_authentication");
    assert_eq!(inner.calls(), 0);

    let all =
        || ServiceBuilder::new().layer(role.clone()).layer(fresh.clone()).layer(strong.clone());
    for (facts, status) in [
        (Facts { acr: Some("loa3"), ..ADMIN }, 200),
        (Facts { acr: Some("loa3"), ..USER }, 403),
        (Facts { acr: Some("loa2"), ..ADMIN }, 401),
    ] {
        let service = all().service(inner.service());
        let response = service.oneshot(with(&session(facts).await)).await.unwrap();
        assert_eq!(response.status(), status, "{facts:?}");
    }
    assert_eq!(inner.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn on_reject_replaces_the_response_and_keeps_the_typed_error() {
    let answer = |error: &AuthError, head: Head<'_>| {
        let classes = error.step_up().map(|step_up| step_up.acr_values().join("+"));
        let code = error.kind().code().as_str();
        Response::new(format!("{} {code} {}", head.uri, classes.unwrap_or_default()))
    };
    let request = |session: Option<&Session>| {
        let mut request = Request::get("/tea").body(()).unwrap();
        session.map(|session| request.extensions_mut().insert(session.clone()));
        request
    };
    let inner = Inner::default();
    let guard = RequireAcr::any_of(["loa3", "loa2"]).unwrap().on_reject(answer);
    let user = session(USER).await;
    for (request, body, kind) in [
        (
            request(Some(&user)),
            "/tea insufficient_user_authentication loa3+loa2",
            AuthErrorKind::InsufficientUserAuthentication,
        ),
        // The closure also creates the response to a request that has passed no layer.
        (request(None), "/tea internal ", AuthErrorKind::NoLayer),
    ] {
        let response = guard.layer(inner.service()).oneshot(request).await.unwrap();
        assert_eq!(response.body(), body);
        let error = response.extensions().get::<AuthError>().unwrap();
        assert_eq!(error.kind(), kind, "the response carries the typed error");
    }
    // A guard's data type may also be set after its closure.
    let cart = RequireRole::new("admin").on_reject(answer).data::<crate::guards::Cart>();
    let response = cart.layer(inner.service()).oneshot(request(Some(&user))).await.unwrap();
    assert_eq!(response.body(), "/tea internal ");
    assert_eq!(inner.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn guard_accepts_services_and_bodies_without_clone_send_or_static() {
    let admin = session(ADMIN).await;
    let local = "borrowed".to_owned();
    let mut calls = 0;
    // A closure that borrows mutably is neither `Clone` nor `'static`.
    let mut service = RequireRole::new("admin").layer(service_fn(|request: Request<Rc<&str>>| {
        calls += 1;
        let body = request.body().to_string();
        async move { Ok::<_, Infallible>(Response::new(body)) }
    }));
    let mut request = Request::new(Rc::new(local.as_str()));
    request.extensions_mut().insert(admin);
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(response.body(), "borrowed");
    let body = Rc::new(local.as_str());
    let refused = service.ready().await.unwrap().call(Request::new(body)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(calls, 1);
}

#[tokio::test(start_paused = true)]
async fn inner_layer_decides_for_the_guards_inside_of_it() {
    let (staff, _worker) = manager_of::<()>();
    let (shop, _worker) = manager_of::<()>();
    let token = ADMIN.login(&staff, ()).await.access_token;
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(staff))
        .layer(SessionAuthLayer::new(shop).optional())
        .layer(RequireRole::new("admin"))
        .service(inner.service());
    let response = service.oneshot(bearer(&token)).await.unwrap();
    assert_eq!(
        code(&response),
        "session_expired",
        "the session does not exist in the inner layer's manager"
    );
    assert_eq!(inner.calls(), 0);
}

#[test]
fn debug_output_shows_the_guards_condition() {
    let inner = "inner";
    for (shown, parts) in [
        (format!("{:?}", RequireRole::new("admin")), ["RequireRole", "admin"]),
        (format!("{:?}", RequireFresh::new(MINUTE).layer(inner)), ["MaxAge", "60s"]),
        (format!("{:?}", RequireAcr::new("loa3").unwrap().layer(inner)), ["inner", "loa3"]),
        (format!("{:?}", RequireAmr::all_of(["otp"])), ["AllMethods", "otp"]),
    ] {
        for part in parts {
            assert!(shown.contains(part), "{part}: {shown}");
        }
    }
    let answer = async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new()));
    let future = RequireRole::new("admin").layer(service_fn(answer)).call(anonymous());
    assert_eq!(format!("{future:?}"), "GuardFuture { .. }");
}

#[test]
fn guards_implement_clone_send_and_sync() {
    fn clone_send_sync<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send + Sync + Unpin>() {}
    struct NotClone;
    type Inner = tower::util::BoxCloneSyncService<Request<String>, Response<String>, Infallible>;
    clone_send_sync::<RequireRole>();
    clone_send_sync::<Guarded<Inner>>();
    // Neither the data type nor the rejection needs to be `Clone`.
    clone_send_sync::<RequireRole<NotClone, NotClone>>();
    clone_send_sync::<RequireFresh<NotClone, NotClone>>();
    clone_send_sync::<RequireAcr<NotClone, NotClone>>();
    clone_send_sync::<RequireAmr<NotClone, NotClone>>();
    clone_send_sync::<Guarded<Inner, NotClone, NotClone>>();
    clone_send_sync::<StepUp>();
    clone_send_sync::<RequireRole<NotClone, JsonRejection>>();
    send::<GuardFuture<std::future::Ready<()>, String>>();
    // A data type that is not `Send` does not affect the guard.
    clone_send_sync::<RequireRole<PhantomData<Rc<()>>>>();
}
