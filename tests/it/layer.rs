//! The contract of `SessionAuthLayer` with the inner service and with the outer layers.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::buffer::BufferLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_session_auth::auth_layer::{Caller, Head, ResponseFuture, SessionAuth};
use tower_session_auth::error::SessionError;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::{
    AuthError, AuthErrorKind, FailurePolicy, NewSession, RevokeReason, Session, SessionAuthLayer,
    SessionManager, TokenSource,
};
use tower_test::mock;

use crate::support::switch::{Mood, SwitchStore};
use crate::support::{anonymous, bearer, builder, clocked, code, login, manager, user};

/// Answers with the user of the session, or with `nobody` if there is none.
async fn whoami<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    let who = request.extensions().get::<Session>().map(|session| session.user_id().to_string());
    Ok(Response::new(who.unwrap_or_else(|| "nobody".to_owned())))
}

#[tokio::test]
async fn call_uses_the_inner_service_that_was_made_ready() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let (mut service, mut inner) =
        mock::spawn_layer::<_, Response<String>, _>(SessionAuthLayer::new(manager));
    // The mock panics if the layer calls a clone on which `poll_ready` was never called.
    assert_ready_ok!(service.poll_ready());
    let mut response = task::spawn(service.call(bearer(&token)));
    assert_pending!(response.poll());
    let (request, send) = inner.next_request().await.unwrap();
    assert_eq!(request.extensions().get::<Session>().unwrap().user_id(), &user("jeju"));
    send.send_response(Response::new("ok".to_owned()));
    assert_eq!(response.await.unwrap().body(), "ok");
}

#[tokio::test]
async fn poll_ready_forwards_the_readiness_of_the_inner_service() {
    let (manager, _worker) = manager(MemoryStore::new());
    let (mut service, mut inner) =
        mock::spawn_layer::<Request<String>, Response<String>, _>(SessionAuthLayer::new(manager));
    inner.allow(0);
    assert_pending!(service.poll_ready());
    inner.allow(1);
    assert_ready_ok!(service.poll_ready());
}

#[tokio::test]
async fn layer_replaces_or_removes_a_session_that_is_already_in_the_extensions() {
    let (manager, _worker) = manager(MemoryStore::new());
    let forged = login(&manager, "mallory").await.session;
    let token = login(&manager, "jeju").await.access_token;
    for (layer, expected) in [
        (SessionAuthLayer::new(manager.clone()), "jeju"),
        (SessionAuthLayer::new(manager.clone()).optional(), "jeju"),
    ] {
        let service = ServiceBuilder::new().layer(layer).service_fn(whoami);
        let mut request = bearer(&token);
        request.extensions_mut().insert(forged.clone());
        assert_eq!(service.oneshot(request).await.unwrap().body(), expected);
    }
    let optional =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager).optional()).service_fn(whoami);
    let mut request = anonymous();
    request.extensions_mut().insert(forged);
    assert_eq!(optional.oneshot(request).await.unwrap().body(), "nobody");
}

/// Returns the result of `Caller::find`, which reads everything that a layer can insert into the
/// extensions.
async fn caller<B>(request: Request<B>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(match Caller::<()>::find(request.extensions()) {
        Ok(Some(Caller::Session(session))) => session.user_id().to_string(),
        Ok(Some(Caller::TokenOnly(token))) => format!("{} by token", token.claims().user()),
        Ok(None) => "nobody".to_owned(),
        Err(error) => error.kind().code().to_string(),
    }))
}

#[tokio::test]
async fn inner_of_two_layers_determines_the_caller() {
    let store = MemoryStore::new();
    let away = SwitchStore::new(store.clone());
    away.set(Mood::Fail(StoreErrorKind::Unavailable));
    let (near, _worker) = manager(store);
    let (far, _worker) = manager(away);
    let token = login(&near, "jeju").await.access_token;
    let cookie = TokenSource::header_or_cookie("t").unwrap();
    let sees = SessionAuthLayer::new(near).optional().token_source(cookie.clone());
    let sees_nobody = SessionAuthLayer::new(far.clone()).optional();
    let token_only = SessionAuthLayer::new(far)
        .optional()
        .token_source(cookie)
        .failure_policy(FailurePolicy::TokenOnly);
    let through = async |outer: &SessionAuthLayer, inner: &SessionAuthLayer| {
        let service = ServiceBuilder::new().layer(outer.clone()).layer(inner.clone());
        let request = Request::builder().header("cookie", format!("t={token}"));
        let request = request.body(String::new()).unwrap();
        service.service_fn(caller).oneshot(request).await.unwrap().into_body()
    };
    assert_eq!(through(&sees_nobody, &sees).await, "jeju");
    assert_eq!(through(&token_only, &sees).await, "jeju");
    assert_eq!(through(&sees, &sees_nobody).await, "nobody");
    assert_eq!(through(&token_only, &sees_nobody).await, "nobody");
    assert_eq!(through(&sees, &token_only).await, "jeju by token");
    assert_eq!(through(&sees_nobody, &token_only).await, "jeju by token");
}

#[tokio::test]
async fn each_layer_sets_the_caller_for_its_own_data_type() {
    let (manager, _worker) = manager(MemoryStore::new());
    let (other, _worker) = builder().data::<u8>().build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let cookie = TokenSource::header_or_cookie("t").unwrap();
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(other).optional())
        .layer(SessionAuthLayer::new(manager).token_source(cookie))
        .service_fn(async |request: Request<String>| {
            let extensions = request.extensions();
            assert!(matches!(Caller::<()>::find(extensions), Ok(Some(Caller::Session(_)))));
            assert!(matches!(Caller::<u8>::find(extensions), Ok(None)), "the layer saw no token");
            let nobody = Caller::<u16>::find(extensions).unwrap_err();
            assert_eq!(nobody.kind(), AuthErrorKind::NoLayer);
            Ok::<_, Infallible>(Response::new("ok".to_owned()))
        });
    let request = Request::builder().header("cookie", format!("t={token}"));
    let response = service.oneshot(request.body(String::new()).unwrap()).await.unwrap();
    assert_eq!(response.body(), "ok");
}

#[tokio::test]
async fn on_reject_does_not_see_a_session_that_was_already_in_the_extensions() {
    let (manager, _worker, store) = clocked();
    let login = login(&manager, "jeju").await;
    let layer = SessionAuthLayer::new(manager).on_reject(|_: &AuthError, head: Head<'_>| {
        Response::new(head.extensions.get::<Session>().is_some().to_string())
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(whoami);
    // The layer refuses the first request before the store call, and the second request after it.
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    for token in ["a.b.c", &login.access_token] {
        let mut request = bearer(token);
        request.extensions_mut().insert(login.session.clone());
        assert_eq!(service.clone().oneshot(request).await.unwrap().body(), "false");
    }
}

#[tokio::test]
async fn revoked_session_is_refused_with_its_reason() {
    let (manager, _worker) = manager(MemoryStore::new());
    let login = login(&manager, "jeju").await;
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(whoami);
    assert_eq!(service.clone().oneshot(bearer(&login.access_token)).await.unwrap().status(), 200);

    let revoked =
        manager.revoke(&user("jeju"), login.session.id(), RevokeReason::Admin).await.unwrap();
    assert!(revoked.was_live());
    let response = service.oneshot(bearer(&login.access_token)).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
    assert_eq!(
        response.body(),
        r#"{"detail":"Session was ended: admin","code":"session_revoked","reason":"admin"}"#
    );
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(
        (error.kind(), error.reason()),
        (AuthErrorKind::SessionRevoked, Some(RevokeReason::Admin))
    );
}

#[tokio::test]
async fn optional_layer_accepts_a_request_without_a_token_but_no_bad_token() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager).optional()).service_fn(whoami);

    let call = |request| service.clone().oneshot(request);
    assert_eq!(call(anonymous()).await.unwrap().body(), "nobody");
    assert_eq!(call(bearer(&token)).await.unwrap().body(), "jeju");
    assert_eq!(code(&call(bearer("a.b.c")).await.unwrap()), "invalid_token");
    let twice =
        Request::builder().header("authorization", "Bearer a").header("authorization", "Bearer b");
    assert_eq!(code(&call(twice.body(String::new()).unwrap()).await.unwrap()), "invalid_request");

    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    assert_eq!(code(&call(bearer(&token)).await.unwrap()), "store_unavailable");
    assert_eq!(
        call(anonymous()).await.unwrap().body(),
        "nobody",
        "a request without a token does not call the store"
    );
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_unchanged() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(manager))
        .service(service_fn(async |_: Request<String>| Err::<Response<String>, _>(Broken)));
    assert_eq!(service.oneshot(bearer(&token)).await.unwrap_err(), Broken);
}

#[tokio::test]
async fn on_reject_replaces_the_answer_to_a_refused_request() {
    let (manager, _worker) = manager(MemoryStore::new());
    let layer = SessionAuthLayer::new(manager).on_reject(|error: &AuthError, head: Head<'_>| {
        let mut response =
            Response::new(format!("{} {} {}", head.method, head.uri, error.kind().code()));
        *response.status_mut() = StatusCode::IM_A_TEAPOT;
        response
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(whoami);
    let request = Request::builder().uri("/tea").body(String::new()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(response.body(), "GET /tea missing_token");
    assert!(
        response.extensions().get::<AuthError>().is_some(),
        "the response still has the typed error"
    );
}

#[tokio::test(start_paused = true)]
async fn hanging_store_is_503_after_the_timeout_and_then_at_once() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service_fn(whoami);
    store.set(Mood::Hang);

    let asked = tokio::time::Instant::now();
    let response = service.clone().oneshot(bearer(&token)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(asked.elapsed(), Duration::from_millis(250));

    let (asked, calls) = (tokio::time::Instant::now(), store.calls());
    for _ in 0..100 {
        let response = service.clone().oneshot(bearer(&token)).await.unwrap();
        assert_eq!(code(&response), "store_unavailable");
    }
    assert_eq!(
        asked.elapsed(),
        Duration::ZERO,
        "requests do not wait while the circuit breaker is open"
    );
    assert_eq!(store.calls(), calls);

    store.set(Mood::Answer);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(
        service.oneshot(bearer(&token)).await.unwrap().status(),
        200,
        "the circuit breaker closes again"
    );
}

#[tokio::test]
async fn sessions_are_accepted_while_the_store_refuses_writes() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(whoami);
    let failed = manager.logout(&token).await.unwrap_err();
    assert_eq!(failed.kind(), AuthErrorKind::StoreUnavailable, "a failed logout is an error");
    assert_eq!(service.oneshot(bearer(&token)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn interrupted_write_does_not_open_the_circuit_breaker() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let service =
        ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(whoami);
    store.set(Mood::FailWrites(StoreErrorKind::Interrupted));
    let failed = manager.logout(&token).await.unwrap_err();
    assert_eq!(
        failed.kind(),
        AuthErrorKind::StoreUnavailable,
        "it is unknown whether the logout was done"
    );
    assert_eq!(service.oneshot(bearer(&token)).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn each_store_call_of_a_request_gets_the_full_store_timeout() {
    let (manager, _worker, store) = clocked();
    let ended = login(&manager, "mallory").await;
    let token = login(&manager, "jeju").await.access_token;
    manager.revoke(&user("mallory"), ended.session.id(), RevokeReason::Admin).await.unwrap();
    let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service_fn(whoami);
    // Each store call takes less than the store timeout of 250 ms, but both calls together take
    // longer.
    store.set(Mood::SlowReads(Duration::from_millis(200), Duration::from_millis(60)));
    let response = service.clone().oneshot(bearer(&ended.access_token)).await.unwrap();
    assert_eq!(code(&response), "session_revoked", "the second call returns the reason");
    let response = service.oneshot(bearer(&token)).await.unwrap();
    assert_eq!(response.status(), 200, "other requests are not affected");
}

#[tokio::test]
async fn login_fails_after_three_session_ids_that_already_exist() {
    let (manager, _worker, store) = clocked();
    store.set(Mood::Taken);
    let refused = manager.create(NewSession::new(user("jeju"))).await.unwrap_err();
    assert!(matches!(refused, SessionError::Store(_)), "{refused:?}");
    assert_eq!(store.calls(), 3, "the number of ids that are tried is limited");
}

#[tokio::test]
async fn unreadable_record_is_401() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::Fail(StoreErrorKind::Unreadable));
    let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service_fn(whoami);
    assert_eq!(code(&service.oneshot(bearer(&token)).await.unwrap()), "session_expired");
}

#[tokio::test]
async fn layer_works_under_buffer_and_concurrency_limit() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let service = ServiceBuilder::new()
        .layer(BufferLayer::new(8))
        .layer(ConcurrencyLimitLayer::new(2))
        .layer(SessionAuthLayer::new(manager))
        .layer(ConcurrencyLimitLayer::new(1))
        .service_fn(whoami);
    let calls = (0..32).map(|_| {
        let (service, request) = (service.clone(), bearer(&token));
        tokio::spawn(async move { service.oneshot(request).await.unwrap().into_body() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), "jeju");
    }
}

#[tokio::test]
async fn request_bodies_need_not_be_send_or_static() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let local = "borrowed".to_owned();
    let body = Rc::new(local.as_str());
    let mut service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service(
        service_fn(async |request: Request<Rc<&str>>| {
            Ok::<_, Infallible>(Response::new(request.body().to_string()))
        }),
    );
    let request =
        Request::builder().header("authorization", format!("Bearer {token}")).body(body).unwrap();
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(response.body(), "borrowed");
}

#[tokio::test]
async fn dropped_requests_do_not_open_the_circuit_breaker() {
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service_fn(whoami);
    store.set(Mood::Hang);
    for _ in 0..10 {
        let mut call = task::spawn(service.clone().oneshot(bearer(&token)));
        assert_pending!(call.poll());
    }
    store.set(Mood::Answer);
    let response = service.oneshot(bearer(&token)).await.unwrap();
    assert_eq!(response.status(), 200, "dropped requests do not count against the store");
}

#[test]
fn public_types_are_clone_send_and_sync() {
    fn clone_send_sync<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send>() {}
    struct NotClone;
    clone_send_sync::<SessionAuthLayer>();
    clone_send_sync::<SessionManager>();
    clone_send_sync::<Session>();
    clone_send_sync::<AuthError>();
    // Neither the application's data nor its rejection has to implement `Clone`.
    clone_send_sync::<SessionAuthLayer<NotClone, NotClone>>();
    clone_send_sync::<Session<NotClone>>();
    type Inner = tower::util::BoxCloneSyncService<Request<String>, Response<String>, Infallible>;
    clone_send_sync::<SessionAuth<Inner>>();
    send::<ResponseFuture<Inner, (), tower_session_auth::auth_layer::JsonRejection, String>>();
}
