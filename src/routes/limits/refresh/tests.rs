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

    /// Returns the next token, or the error response.
    async fn refresh(&self, token: &str, address: Option<&str>) -> Result<String, Response> {
        let address = address.map(|address| address.parse().unwrap());
        match self.routes.context.refresh(token, address).await {
            Ok(login) => Ok(login.refresh_token.unwrap().as_str().to_owned()),
            Err(problem) => Err(problem.into_response()),
        }
    }

    /// Returns the response status for an invalid token.
    async fn status_of_garbage(&self, address: Option<&str>) -> u16 {
        self.refresh("garbage", address).await.unwrap_err().status().as_u16()
    }
}

fn retry_after(refused: &Response) -> &str {
    assert_eq!(refused.status(), 429);
    refused.headers()["retry-after"].to_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn session_over_its_refresh_limit_is_refused_for_one_window() {
    let site = site(SECRET, RefreshLimit::default());
    let (mut token, other) = (site.log_in().await, site.log_in().await);
    for _ in 0..60 {
        token = site.refresh(&token, None).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(retry_after(&site.refresh(&token, None).await.unwrap_err()), "60");
    }
    site.refresh(&other, None).await.unwrap();
    tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
    assert_eq!(retry_after(&site.refresh(&token, None).await.unwrap_err()), "1");
    tokio::time::advance(Duration::from_millis(1)).await;
    // The refused token was not rotated, so it is still valid. The second wait is as long as the
    // first.
    for _ in 0..60 {
        token = site.refresh(&token, None).await.unwrap();
    }
    assert_eq!(retry_after(&site.refresh(&token, None).await.unwrap_err()), "60");

    site.background.stop().await.unwrap();
    let told = site.events.lock().unwrap();
    let rates = told.iter().filter(|event| {
        matches!(event, Event::Suspicious { suspicion: Suspicion::RefreshRate { .. }, .. })
    });
    assert_eq!(rates.count(), 2, "one event per wait");
}

#[tokio::test(start_paused = true)]
async fn invalid_tokens_are_limited_by_address_and_a_valid_token_is_accepted() {
    let site = site(SECRET, RefreshLimit::default());
    let good = site.log_in().await;
    for (address, same) in [("192.0.2.7", "::ffff:192.0.2.7"), ("2001:db8::1", "2001:db8::2")] {
        for number in 0..100 {
            assert_eq!(site.status_of_garbage(Some(address)).await, 401, "{number}");
        }
        assert_eq!(site.status_of_garbage(Some(address)).await, 429);
        assert_eq!(retry_after(&site.refresh("garbage", Some(same)).await.unwrap_err()), "60");
    }
    assert_eq!(site.status_of_garbage(Some("192.0.2.8")).await, 401);
    assert_eq!(
        site.status_of_garbage(None).await,
        401,
        "a request without an address is not limited"
    );
    site.refresh(&good, Some("192.0.2.7")).await.unwrap();
    tokio::time::advance(MINUTE).await;
    assert_eq!(site.status_of_garbage(Some("192.0.2.7")).await, 401);
}

#[tokio::test(start_paused = true)]
async fn invalid_tokens_do_not_count_against_the_session() {
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
async fn refresh_limit_off_refuses_no_request() {
    let site = site(SECRET, RefreshLimit::off());
    let mut token = site.log_in().await;
    for _ in 0..200 {
        token = site.refresh(&token, Some("192.0.2.7")).await.unwrap();
        assert_eq!(site.status_of_garbage(Some("192.0.2.7")).await, 401);
    }
}
