//! What the application's sinks hear of a guard's refusals.

use std::sync::Arc;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};
use tower_session_auth::events::{Event, EventSink};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{
    AuthErrorKind, Login, MemoryStore, NewSession, RequireFresh, RequireRole, SessionAuthLayer,
    SessionManager,
};

use crate::support::{START, bearer, builder, user};
use crate::{Inner, MINUTE};

/// Keeps refusals.
struct Sink(UnboundedSender<Event>);

impl EventSink for Sink {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Rejected { .. }) {
            let _kept = self.0.send(event.clone());
        }
    }
}

fn listened() -> (SessionManager, impl Sized, UnboundedReceiver<Event>) {
    let (told, heard) = mpsc::unbounded_channel();
    let clock = TokioClock::new(START);
    let settings = builder().clock(clock).store(MemoryStore::with_clock(clock));
    let (manager, worker) = settings.event_sink(Sink(told)).build().unwrap();
    (manager, worker, heard)
}

fn assert_is(event: Event, kind: AuthErrorKind, login: &Login) {
    let Event::Rejected { kind: told, user, session, .. } = event else {
        unreachable!("the sink keeps nothing else")
    };
    assert_eq!(told, kind);
    assert_eq!(user.as_ref(), Some(login.session.user_id()));
    assert_eq!(session.as_ref(), Some(login.session.id()));
}

#[tokio::test(start_paused = true)]
async fn each_refusal_is_told_once_and_nothing_else() {
    let (manager, _worker, mut heard) = listened();
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(manager.clone()))
        .layer(RequireRole::new("admin"))
        .layer(RequireFresh::new(MINUTE))
        .service(inner.service());
    let login =
        async |role: &str| manager.create(NewSession::new(user(role)).role(role)).await.unwrap();
    let (admin, mallory) = (login("admin").await, login("mallory").await);
    for (login, status) in [(&admin, 200), (&mallory, 403), (&mallory, 403)] {
        let response = service.clone().oneshot(bearer(&login.access_token)).await.unwrap();
        assert_eq!(response.status(), status);
    }
    tokio::time::advance(2 * MINUTE).await;
    let response = service.oneshot(bearer(&admin.access_token)).await.unwrap();
    assert_eq!(response.status(), 401);

    assert_is(heard.recv().await.unwrap(), AuthErrorKind::InsufficientScope, &mallory);
    assert_is(heard.recv().await.unwrap(), AuthErrorKind::InsufficientScope, &mallory);
    let kind = AuthErrorKind::InsufficientUserAuthentication;
    assert_is(heard.recv().await.unwrap(), kind, &admin);
    assert!(heard.try_recv().is_err());
    assert_eq!(inner.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_sinks_are_those_of_the_sessions_manager_whoever_asks() {
    let (manager, _worker, mut heard) = listened();
    let login = manager.create(NewSession::new(user("jeju"))).await.unwrap();
    // A session that went from task to task, in a request that no layer has seen.
    let guarded = Arc::new(RequireRole::new("admin")).layer(Inner::default().service());
    let mut request = http::Request::new(());
    request.extensions_mut().insert(login.session.clone());
    assert_eq!(guarded.oneshot(request).await.unwrap().status(), 403);
    assert_is(heard.recv().await.unwrap(), AuthErrorKind::InsufficientScope, &login);
}
