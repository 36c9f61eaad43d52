//! Each guard lets a matching session in and refuses any other session as documented. Each guard
//! rejects every request that has passed no layer.

mod changes;
mod conditions;
mod events;
mod http_stacks;
mod tower_stacks;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::advance;
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_session_auth::error::StepUp;
use tower_session_auth::guards::{RequireAcr, RequireAmr, RequireFresh, RequireRole};
use tower_session_auth::session::SessionData;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{
    AuthError, AuthErrorKind, KeySet, Login, NewSession, Session, SessionAuthLayer, SessionManager,
};

use crate::support::log::Log;
use crate::support::{AUDIENCE, ISSUER, START, anonymous, bearer, key, user};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cart {
    pub(crate) items: Vec<u32>,
}

pub(crate) fn cart() -> Cart {
    Cart { items: vec![7] }
}

/// The properties of a session that guards check.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) role: Option<&'static str>,
    pub(crate) acr: Option<&'static str>,
    pub(crate) amr: &'static [&'static str],
    /// The time since the login.
    pub(crate) age: Duration,
}

impl Facts {
    /// Logs in with these properties. Then advances the paused clock by `age`.
    pub(crate) async fn login<D: SessionData>(
        self,
        manager: &SessionManager<D>,
        data: D,
    ) -> Login<D> {
        let mut new = NewSession::new(user("jeju")).amr(self.amr.iter().copied());
        if let Some(role) = self.role {
            new = new.role(role);
        }
        if let Some(acr) = self.acr {
            new = new.acr(acr);
        }
        let login = manager.create(new.data(data)).await.unwrap();
        advance(self.age).await;
        login
    }
}

/// A manager on the paused clock.
pub(crate) fn manager_of<D: SessionData>() -> (SessionManager<D>, Worker) {
    let clock = TokioClock::new(START);
    let builder = SessionManager::builder().data::<D>().keys(KeySet::new(key()));
    let builder = builder.issuer(ISSUER).audience(AUDIENCE).clock(clock);
    builder.store(MemoryStore::with_clock(clock)).build().unwrap()
}

/// An inner service that counts its calls.
#[derive(Clone, Default)]
pub(crate) struct Inner(Arc<AtomicUsize>);

impl Inner {
    pub(crate) fn calls(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn service<B: 'static>(&self) -> InnerService<B> {
        let calls = Arc::clone(&self.0);
        BoxCloneSyncService::new(service_fn(move |_: Request<B>| {
            calls.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(Response::new("let in".to_owned())))
        }))
    }
}

pub(crate) type InnerService<B> = BoxCloneSyncService<Request<B>, Response<String>, Infallible>;

/// A guard of any kind.
pub(crate) trait AnyGuard:
    Layer<InnerService<String>, Service: GuardedService> + Clone
{
}

impl<G: Layer<InnerService<String>, Service: GuardedService> + Clone> AnyGuard for G {}

/// The service that a guard creates.
pub(crate) trait GuardedService:
    Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone
{
}

impl<S> GuardedService for S where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone
{
}

/// Status, code, `WWW-Authenticate` and text of a refusal.
#[derive(Clone, Copy)]
struct Refusal(u16, AuthErrorKind, Option<&'static str>, &'static str);

const ANONYMOUS: Refusal =
    Refusal(401, AuthErrorKind::MissingToken, Some("Bearer"), "Not authenticated");

/// Checks everything that a client and an outer layer see of a refusal. Returns the `request_id` in
/// the body.
fn assert_refused(response: &Response<String>, expected: Refusal, row: &str) -> Option<String> {
    let Refusal(status, kind, challenge, detail) = expected;
    assert_eq!(response.status(), status, "{row}");
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    headers.sort_unstable();
    let mut all = vec![("cache-control", "no-store"), ("content-type", "application/json")];
    all.extend(challenge.map(|challenge| ("www-authenticate", challenge)));
    assert_eq!(headers, all, "{row}");
    let mut body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    let id = body.as_object_mut().unwrap().remove("request_id");
    assert_eq!(body, serde_json::json!({ "detail": detail, "code": kind.code() }), "{row}");
    let id = id.map(|id| id.as_str().unwrap().to_owned());
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!((error.kind(), error.request_id()), (kind, id.as_deref()), "{row}");
    assert_eq!(
        error.step_up().is_some(),
        challenge.is_some_and(|text| text.contains(',')),
        "{row}"
    );
    id
}

fn assert_no_layer(response: &Response<String>, log: &Log, data_type: &str, row: &str) {
    let refusal = Refusal(500, AuthErrorKind::NoLayer, None, "Internal error");
    let id = assert_refused(response, refusal, row).unwrap();
    let log = log.text();
    let line = log.lines().find(|line| line.contains(&id)).unwrap_or(&log);
    for part in ["ERROR", "tower_session_auth:", "SessionAuthLayer", data_type] {
        assert!(line.contains(part), "{row}: {part}: {line}");
    }
}

/// One guard of the table, with a session that it lets in, a session that it refuses, and the
/// refusal.
struct Row<G, C> {
    name: &'static str,
    guard: G,
    /// The same guard for sessions that hold a cart.
    carts: C,
    good: Facts,
    bad: Facts,
    refusal: Refusal,
}

impl<G: AnyGuard, C: AnyGuard> Row<G, C> {
    async fn check_guard(self) {
        self.checks_the_session(self.guard.clone(), ()).await;
        self.checks_the_session(self.carts.clone(), cart()).await;
        self.refuses_without_a_session().await;
        self.refuses_without_the_layer().await;
        self.refuses_with_another_data_type().await;
    }

    async fn checks_the_session<D>(&self, guard: impl AnyGuard, data: D)
    where
        D: SessionData + Serialize,
    {
        let data = serde_json::to_value(&data).unwrap();
        let data = || serde_json::from_value::<D>(data.clone()).unwrap();
        for (facts, let_in) in [(self.good, true), (self.bad, false)] {
            let row = format!("{}, {facts:?}", self.name);
            let (manager, _worker) = manager_of::<D>();
            let inner = Inner::default();
            let required = SessionAuthLayer::new(manager.clone());
            for layer in [required.clone(), required.optional()] {
                let login = facts.login(&manager, data()).await;
                let stack = ServiceBuilder::new().layer(layer).layer(guard.clone());
                let service = stack.service(inner.service());
                let response = service.oneshot(bearer(&login.access_token)).await.unwrap();
                if let_in {
                    assert_eq!(response.status(), StatusCode::OK, "{row}");
                    assert_eq!(response.body(), "let in", "{row}");
                    assert!(response.headers().is_empty(), "{row}");
                    assert!(response.extensions().is_empty(), "{row}");
                } else {
                    assert_eq!(assert_refused(&response, self.refusal, &row), None);
                }
            }
            assert_eq!(inner.calls(), if let_in { 2 } else { 0 }, "{row}");
        }
    }

    async fn refuses_without_a_session(&self) {
        let (manager, _worker) = manager_of::<()>();
        let inner = Inner::default();
        let layer = SessionAuthLayer::new(manager).optional();
        let stack = ServiceBuilder::new().layer(layer).layer(self.guard.clone());
        let response = stack.service(inner.service()).oneshot(anonymous()).await.unwrap();
        assert_eq!(assert_refused(&response, ANONYMOUS, self.name), None);
        assert_eq!(inner.calls(), 0, "{}", self.name);
    }

    async fn refuses_without_the_layer(&self) {
        let log = Log::default();
        let _capture = log.capture();
        let (manager, _worker) = manager_of::<()>();
        let token = self.good.login(&manager, ()).await.access_token;
        let inner = Inner::default();
        let alone = self.guard.layer(inner.service());
        for request in [anonymous(), bearer(&token)] {
            let response = alone.clone().oneshot(request).await.unwrap();
            assert_no_layer(&response, &log, "()", self.name);
        }
        // A guard that wraps the layer finds no session either, because it runs before the layer.
        let layer = SessionAuthLayer::new(manager);
        let outside = self.guard.layer(BoxCloneSyncService::new(layer.layer(inner.service())));
        let response = outside.oneshot(bearer(&token)).await.unwrap();
        assert_no_layer(&response, &log, "()", self.name);
        assert_eq!(inner.calls(), 0, "{}", self.name);
        assert!(!log.text().contains(&token), "{}", self.name);
    }

    async fn refuses_with_another_data_type(&self) {
        let log = Log::default();
        let _capture = log.capture();
        let inner = Inner::default();
        let (plain, _worker) = manager_of::<()>();
        let token = self.good.login(&plain, ()).await.access_token;
        let stack = ServiceBuilder::new().layer(SessionAuthLayer::new(plain));
        let service = stack.layer(self.carts.clone()).service(inner.service());
        let response = service.oneshot(bearer(&token)).await.unwrap();
        assert_no_layer(&response, &log, "Cart", self.name);

        let (carts, _worker) = manager_of::<Cart>();
        let token = self.good.login(&carts, cart()).await.access_token;
        let stack = ServiceBuilder::new().layer(SessionAuthLayer::new(carts));
        let service = stack.layer(self.guard.clone()).service(inner.service());
        let response = service.oneshot(bearer(&token)).await.unwrap();
        assert_no_layer(&response, &log, "()", self.name);
        assert_eq!(inner.calls(), 0, "{}", self.name);
    }
}

/// Checks a guard, with and without session data.
macro_rules! check {
    ($name:expr, $guard:expr, $good:expr, $bad:expr, $refusal:expr) => {{
        let (guard, carts) = ($guard.clone(), $guard.data::<Cart>());
        let row = Row { name: $name, guard, carts, good: $good, bad: $bad, refusal: $refusal };
        row.check_guard().await;
    }};
}

#[tokio::test(start_paused = true)]
async fn role_guard_lets_in_only_the_required_role() {
    let refusal = Refusal(
        403,
        AuthErrorKind::InsufficientScope,
        Some(r#"Bearer error="insufficient_scope""#),
        "Not enough permissions",
    );
    let user = Facts { role: Some("user"), ..Facts::default() };
    let admin = Facts { role: Some("admin"), ..Facts::default() };
    let one = RequireRole::new("admin");
    check!("one role", one, admin, user, refusal);
    let any = RequireRole::any_of(["super_admin", "admin"]);
    check!("any role", any, admin, Facts::default(), refusal);
}

const fn stronger(challenge: &'static str) -> Refusal {
    Refusal(
        401,
        AuthErrorKind::InsufficientUserAuthentication,
        Some(challenge),
        "A more recent or stronger login is required",
    )
}

#[tokio::test(start_paused = true)]
async fn fresh_guard_lets_in_only_a_recent_login() {
    let aged = |age| Facts { age, ..Facts::default() };
    let (good, bad) = (aged(5 * MINUTE), aged(5 * MINUTE + Duration::from_millis(1)));
    let refusal = stronger(r#"Bearer error="insufficient_user_authentication", max_age="300""#);
    let guard = RequireFresh::new(5 * MINUTE);
    check!("fresh", guard, good, bad, refusal);
    let refusal = stronger(
        r#"Bearer error="insufficient_user_authentication", max_age="300", acr_values="loa3""#,
    );
    let guard = RequireFresh::new(5 * MINUTE).challenge(StepUp::acr(["loa3"]).unwrap());
    check!("fresh, with a class", guard, good, bad, refusal);
}

#[tokio::test(start_paused = true)]
async fn acr_guard_lets_in_only_the_required_class() {
    let classed = |acr| Facts { acr, ..Facts::default() };
    let (loa2, loa3) = (classed(Some("loa2")), classed(Some("loa3")));
    let one = r#"Bearer error="insufficient_user_authentication", acr_values="loa3""#;
    let (guard, refusal) = (RequireAcr::new("loa3").unwrap(), stronger(one));
    check!("one class", guard, loa3, loa2, refusal);
    let two = r#"Bearer error="insufficient_user_authentication", acr_values="loa3 loa2""#;
    let (guard, refusal) = (RequireAcr::any_of(["loa3", "loa2"]).unwrap(), stronger(two));
    check!("any class", guard, loa2, classed(None), refusal);
    let fresh =
        r#"Bearer error="insufficient_user_authentication", max_age="60", acr_values="loa3""#;
    let guard = RequireAcr::new("loa3").unwrap().challenge(StepUp::fresh(MINUTE));
    let (name, refusal) = ("class, with an age", stronger(fresh));
    check!(name, guard, loa3, loa2, refusal);
}

#[tokio::test(start_paused = true)]
async fn amr_guard_lets_in_only_the_required_methods() {
    let by = |amr| Facts { amr, ..Facts::default() };
    let plain = stronger(r#"Bearer error="insufficient_user_authentication""#);
    let (good, bad) = (by(&["otp", "geo", "pwd"]), by(&["pwd"]));
    let guard = RequireAmr::all_of(["pwd", "otp"]);
    check!("all methods", guard, good, bad, plain);
    let guard = RequireAmr::any_of(["otp", "hwk"]);
    check!("any method", guard, good, by(&[]), plain);
    let told = r#"Bearer error="insufficient_user_authentication", max_age="0", acr_values="2fa""#;
    let ask = StepUp::acr(["2fa"]).unwrap().and(StepUp::fresh(Duration::ZERO));
    let (guard, refusal) = (RequireAmr::any_of(["otp"]).challenge(ask), stronger(told));
    check!("methods, with a challenge", guard, good, bad, refusal);
}

/// Returns whether a session passes a guard.
pub(crate) async fn passes(guard: &impl AnyGuard, session: &Session) -> bool {
    let mut request = anonymous();
    request.extensions_mut().insert(session.clone());
    let inner = Inner::default();
    let response = guard.layer(inner.service()).oneshot(request).await.unwrap();
    assert_eq!(inner.calls() == 1, response.status() == StatusCode::OK);
    inner.calls() == 1
}
