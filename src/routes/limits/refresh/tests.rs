use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::response::{IntoResponse as _, Response};

use super::*;
use crate::clock::{Clock, Timestamp};
use crate::directory::BoxError;
use crate::manager::SessionManager;
use crate::routes::{Credentials, LoginName, Password, RefreshLimit, Routes, Verdict};
use crate::session::NewSession;
use crate::telemetry::events::{Event, LoginRefusal, Suspicion};
use crate::token::{KeySet, SigningKey};
use crate::worker::Background;

const SECRET: &[u8] = b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9x";
const OTHER: &[u8] = b"only-for-tests-9hYdR7cWm2LpKx8Tv3qZx";
const MINUTE: Duration = Duration::from_secs(60);

/// A clock that follows the clock of Tokio.
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_893_456_000_000).saturating_add(self.0.elapsed())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Nobody;

impl Credentials for Nobody {
    async fn find(&self, _: &LoginName) -> Result<Option<UserId>, BoxError> {
        Ok(None)
    }

    async fn verify(&self, _: Option<&UserId>, _: &Password) -> Result<Verdict, BoxError> {
        Ok(Verdict::Refused(LoginRefusal::Credentials))
    }
}

struct Site {
    routes: Routes,
    events: Arc<Mutex<Vec<Event>>>,
    background: Background,
}

fn site(secret: &[u8], limit: RefreshLimit) -> Site {
    let key = || KeySet::new(SigningKey::hs256("1", secret).unwrap());
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let (manager, worker) = SessionManager::builder()
        .keys(key())
        .refresh_keys(key())
        .issuer("https://issuer.test")
        .audience("test")
        .clock(Paused(Instant::now()))
        .event_sink(move |event: &Event| told.lock().unwrap().push(event.clone()))
        .build()
        .unwrap();
    let routes = Routes::builder(manager, Nobody).refresh_limit(limit).build().unwrap();
    Site { routes, events, background: worker.start() }
}

impl Site {
    async fn log_in(&self) -> String {
        let new = NewSession::new(UserId::parse("jeju").unwrap());
        let login = self.routes.context.manager.create(new).await.unwrap();
        login.refresh_token.unwrap().as_str().to_owned()
    }

    /// Returns the next token, or the error answer.
    async fn refresh(&self, token: &str, address: Option<&str>) -> Result<String, Response> {
        let address = address.map(|address| address.parse().unwrap());
        match self.routes.context.refresh(token, address).await {
            Ok(login) => Ok(login.refresh_token.unwrap().as_str().to_owned()),
            Err(problem) => Err(problem.into_response()),
        }
    }

    /// Returns the status of the answer to an invalid token.
    async fn bad(&self, address: Option<&str>) -> u16 {
        self.refresh("garbage", address).await.unwrap_err().status().as_u16()
    }
}

fn wait(refused: &Response) -> &str {
    assert_eq!(refused.status(), 429);
    refused.headers()["retry-after"].to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_run_wild_is_stopped_for_a_while() {
    let site = site(SECRET, RefreshLimit::default());
    let (mut token, other) = (site.log_in().await, site.log_in().await);
    for _ in 0..60 {
        token = site.refresh(&token, None).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(wait(&site.refresh(&token, None).await.unwrap_err()), "60");
    }
    site.refresh(&other, None).await.unwrap();
    tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
    assert_eq!(wait(&site.refresh(&token, None).await.unwrap_err()), "1");
    tokio::time::advance(Duration::from_millis(1)).await;
    // A refused token was not exchanged, so it is still valid. And no wait is longer than the
    // first.
    for _ in 0..60 {
        token = site.refresh(&token, None).await.unwrap();
    }
    assert_eq!(wait(&site.refresh(&token, None).await.unwrap_err()), "60");

    site.background.stop().await.unwrap();
    let told = site.events.lock().unwrap();
    let rates = told.iter().filter(|event| {
        matches!(event, Event::Suspicious { suspicion: Suspicion::RefreshRate { .. }, .. })
    });
    assert_eq!(rates.count(), 2, "once a wait");
}

#[tokio::test(start_paused = true)]
async fn garbage_is_429_after_a_while_and_a_good_token_is_let_through() {
    let site = site(SECRET, RefreshLimit::default());
    let good = site.log_in().await;
    for (address, same) in [("192.0.2.7", "::ffff:192.0.2.7"), ("2001:db8::1", "2001:db8::2")] {
        for number in 0..100 {
            assert_eq!(site.bad(Some(address)).await, 401, "{number}");
        }
        assert_eq!(site.bad(Some(address)).await, 429);
        assert_eq!(wait(&site.refresh("garbage", Some(same)).await.unwrap_err()), "60");
    }
    assert_eq!(site.bad(Some("192.0.2.8")).await, 401);
    assert_eq!(site.bad(None).await, 401, "nobody knows from where");
    site.refresh(&good, Some("192.0.2.7")).await.unwrap();
    tokio::time::advance(MINUTE).await;
    assert_eq!(site.bad(Some("192.0.2.7")).await, 401);
}

#[tokio::test(start_paused = true)]
async fn nobody_uses_up_another_sessions_refreshes() {
    let (site, forger) = (site(SECRET, RefreshLimit::default()), site(OTHER, RefreshLimit::off()));
    let (good, forged) = (site.log_in().await, forger.log_in().await);
    for _ in 0..200 {
        // A token of another key, and a token of our key with a wrong end.
        for bad in [&forged, &format!("{good}A")] {
            let refused = site.refresh(bad, None).await.unwrap_err();
            assert_eq!(refused.status(), 401);
        }
    }
    site.refresh(&good, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn zero_is_no_limit() {
    let site = site(SECRET, RefreshLimit::off());
    let mut token = site.log_in().await;
    for _ in 0..200 {
        token = site.refresh(&token, Some("192.0.2.7")).await.unwrap();
        assert_eq!(site.bad(Some("192.0.2.7")).await, 401);
    }
}
