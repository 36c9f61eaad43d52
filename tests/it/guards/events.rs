//! The events that a guard emits for its refusals.

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};
use tower_session_auth::guards::{RequireFresh, RequireRole};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::worker::Background;
use tower_session_auth::{AuthErrorKind, Login, NewSession, SessionAuthLayer, SessionManager};

use crate::guards::{Inner, MINUTE};
use crate::support::{START, bearer, builder, user};

/// A manager whose `Rejected` events are recorded, and its clock.
struct Heard {
    manager: SessionManager,
    clock: ManualClock,
    refusals: UnboundedReceiver<Event>,
    _background: Background,
}

impl Heard {
    fn new() -> Self {
        let (tell, refusals) = mpsc::unbounded_channel();
        let sink = move |event: &Event| {
            if matches!(event, Event::Rejected { .. }) {
                let _kept = tell.send(event.clone());
            }
        };
        let clock = ManualClock::new(START);
        let settings = builder().clock(clock.clone()).event_sink(sink);
        let store = MemoryStore::with_clock(clock.clone());
        let (manager, worker) = settings.store(store).build().unwrap();
        Self { manager, clock, refusals, _background: worker.start() }
    }

    async fn login(&self, role: &str) -> Login {
        self.manager.create(NewSession::new(user(role)).role(role)).await.unwrap()
    }

    /// Checks that the next `Rejected` event is this one.
    async fn next_is(&mut self, kind: AuthErrorKind, login: &Login) {
        let event = self.refusals.recv().await;
        let Some(Event::Rejected { kind: told, user, session, .. }) = event else {
            unreachable!("the sink records only rejected events")
        };
        assert_eq!(told, kind);
        assert_eq!(user.as_ref(), Some(login.session.user_id()));
        assert_eq!(session.as_ref(), Some(login.session.id()));
    }
}

#[tokio::test]
async fn each_refusal_emits_one_event_and_accepted_requests_emit_none() {
    let mut heard = Heard::new();
    let inner = Inner::default();
    let service = ServiceBuilder::new()
        .layer(SessionAuthLayer::new(heard.manager.clone()))
        .layer(RequireRole::new("admin"))
        .layer(RequireFresh::new(MINUTE))
        .service(inner.service());
    let admin = heard.login("admin").await;
    let (mallory, last) = (heard.login("mallory").await, heard.login("last").await);
    for (login, status) in [(&admin, 200), (&mallory, 403), (&mallory, 403)] {
        let response = service.clone().oneshot(bearer(&login.access_token)).await.unwrap();
        assert_eq!(response.status(), status);
    }
    heard.clock.advance(2 * MINUTE);
    for (login, status) in [(&admin, 401), (&last, 403)] {
        let response = service.clone().oneshot(bearer(&login.access_token)).await.unwrap();
        assert_eq!(response.status(), status);
    }
    heard.next_is(AuthErrorKind::InsufficientScope, &mallory).await;
    heard.next_is(AuthErrorKind::InsufficientScope, &mallory).await;
    heard.next_is(AuthErrorKind::InsufficientUserAuthentication, &admin).await;
    heard.next_is(AuthErrorKind::InsufficientScope, &last).await;
    assert_eq!(inner.calls(), 1);
}

#[tokio::test]
async fn guard_without_a_layer_reports_to_the_sinks_of_the_sessions_manager() {
    let mut heard = Heard::new();
    let login = heard.login("jeju").await;
    // The request passed no layer: the application inserted the session.
    let guarded = RequireRole::new("admin").layer(Inner::default().service());
    let mut request = http::Request::new(());
    request.extensions_mut().insert(login.session.clone());
    assert_eq!(guarded.oneshot(request).await.unwrap().status(), 403);
    heard.next_is(AuthErrorKind::InsufficientScope, &login).await;
}
