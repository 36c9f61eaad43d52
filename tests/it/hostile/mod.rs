//! Forged and malformed requests, and the responses that a client receives. Each request has only
//! the fault that its row names, and is correct otherwise.

mod authorization;
mod claims;
mod headers;
mod sessions;
mod shape;
mod signatures;
mod times;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{Session, SessionAuthLayer, SessionId, SessionManager};

use crate::support::forge::{forge, object};
use crate::support::{SECRET, START, bearer, builder, login};

/// The clock's time in seconds, the unit of time claims.
const NOW: i64 = 1_893_456_000;

/// A refusal with its exact texts.
#[derive(Clone, Copy, Debug)]
struct Answer {
    status: u16,
    challenge: &'static str,
    body: &'static str,
}

const MISSING: Answer = Answer {
    status: 401,
    challenge: "Bearer",
    body: r#"{"detail":"Not authenticated","code":"missing_token"}"#,
};
const MALFORMED: Answer = Answer {
    status: 400,
    challenge: r#"Bearer error="invalid_request""#,
    body: r#"{"detail":"Malformed request","code":"invalid_request"}"#,
};
const INVALID: Answer = Answer {
    status: 401,
    challenge: r#"Bearer error="invalid_token""#,
    body: r#"{"detail":"Could not validate credentials","code":"invalid_token"}"#,
};
const EXPIRED: Answer =
    Answer { body: r#"{"detail":"Token expired","code":"token_expired"}"#, ..INVALID };
const GONE: Answer = Answer {
    body: r#"{"detail":"Session expired, please login again","code":"session_expired"}"#,
    ..INVALID
};

/// The outcome of a request. Either the request is let in as this user, or it is refused. Without a
/// session, the user is `nobody`.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    As(&'static str),
    No(Answer),
}

use Outcome::{As, No};

/// A layer over a store in which the user `jeju` has a live session. All clones of the clock share
/// one time.
struct Stage {
    manager: SessionManager,
    clock: ManualClock,
    optional: bool,
    token: String,
    session: SessionId,
    calls: Arc<AtomicUsize>,
    _worker: Worker,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder) -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::with_clock(clock.clone());
        let configured = change(builder().clock(clock.clone()).store(store));
        let (manager, worker) = configured.build().unwrap();
        let login = login(&manager, "jeju").await;
        Self {
            manager,
            clock,
            optional: false,
            token: login.access_token,
            session: login.session.id().clone(),
            calls: Arc::default(),
            _worker: worker,
        }
    }

    fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// The claims of a valid token for the live session, with these changes.
    fn claims(&self, changes: &[(&str, Option<&str>)]) -> String {
        let (sid, now, exp) =
            (format!("\"{}\"", self.session), NOW.to_string(), (NOW + 600).to_string());
        let good = [
            ("iss", "\"https://issuer.test\""),
            ("aud", "\"test\""),
            ("sub", "\"jeju\""),
            ("sid", sid.as_str()),
            ("jti", "\"token-id-of-a-test\""),
            ("iat", now.as_str()),
            ("nbf", now.as_str()),
            ("exp", exp.as_str()),
        ];
        object(&good, changes)
    }

    /// A correctly signed token of the live session with one header parameter changed.
    fn with_param(&self, name: &str, value: Option<&str>) -> String {
        forge(&header(&[(name, value)]), &self.claims(&[]), SECRET)
    }

    /// A correctly signed token with one claim changed.
    fn with_claim(&self, name: &str, value: Option<&str>) -> String {
        forge(&header(&[]), &self.claims(&[(name, value)]), SECRET)
    }

    /// Sends a request through the layer and checks the whole response. The response must not
    /// contain any part of the token.
    async fn expect(&self, row: &str, request: Request<String>, expected: Outcome) {
        let shown: Vec<Vec<u8>> = request
            .headers()
            .get_all("authorization")
            .iter()
            .filter_map(|value| value.as_bytes().split(|byte| *byte == b' ').next_back())
            .map(<[u8]>::to_vec)
            .collect();
        let layer = SessionAuthLayer::new(self.manager.clone());
        let layer = if self.optional { layer.optional() } else { layer };
        let calls = Arc::clone(&self.calls);
        let service = ServiceBuilder::new().layer(layer).service(service_fn(
            move |request: Request<String>| {
                calls.fetch_add(1, Ordering::SeqCst);
                let session = request.extensions().get::<Session>();
                let who = session.map_or("nobody", |session| session.user_id().as_str()).to_owned();
                std::future::ready(Ok::<_, Infallible>(Response::new(who)))
            },
        ));
        let before = self.calls.load(Ordering::SeqCst);
        let response = service.oneshot(request).await.unwrap();
        let called = self.calls.load(Ordering::SeqCst) - before;
        let answer = match expected {
            As(who) => {
                let seen = (response.status().as_u16(), response.body().as_str(), called);
                return assert_eq!(seen, (200, who, 1), "{row}");
            }
            No(answer) => answer,
        };
        let seen = (response.status().as_u16(), response.body().as_str());
        assert_eq!(seen, (answer.status, answer.body), "{row}");
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        headers.sort_unstable();
        let wanted = [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
            ("www-authenticate", answer.challenge),
        ];
        assert_eq!(headers, wanted, "{row}");
        assert_eq!(called, 0, "{row}: the inner service was called");
        let answered = format!("{}{headers:?}", response.body()).into_bytes();
        let told: HashSet<&[u8]> = answered.windows(8).collect();
        let echoed =
            shown.iter().flat_map(|shown| shown.windows(8)).any(|part| told.contains(part));
        assert!(!echoed, "{row}: a part of the token is in the answer");
    }

    async fn expect_token(&self, row: &str, token: &str, expected: Outcome) {
        self.expect(row, bearer(token), expected).await;
    }
}

/// The header of a valid token, with these changes.
fn header(changes: &[(&str, Option<&str>)]) -> String {
    object(&[("alg", "\"HS256\""), ("typ", "\"at+jwt\""), ("kid", "\"k1\"")], changes)
}

/// Adds these members at the end of the JSON object.
fn and(object: &str, more: &str) -> String {
    format!("{},{more}}}", object.strip_suffix('}').unwrap())
}
