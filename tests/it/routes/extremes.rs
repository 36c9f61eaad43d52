//! A custom store that answers with the largest durations, deadlines and counts.

use serde_json::json;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::TokioClock;

use crate::routes::jar::{REFRESH, login, post, refreshing};
use crate::routes::site::{Site, site_with};
use crate::support::START;
use crate::support::switch::{Mood, SwitchStore};

fn site_on(store: &SwitchStore) -> Site {
    site_with(|builder, desk| refreshing(builder, desk).store(store.clone()), |routes| routes)
}

fn store() -> SwitchStore {
    SwitchStore::new(MemoryStore::with_clock(TokioClock::new(START)))
}

#[tokio::test(start_paused = true)]
async fn longest_wait_of_the_store_returns_429_with_retry_after() {
    let store = store();
    let site = site_on(&store);
    let token = login("/api/auth").to(&site).await.refresh_token();
    store.set(Mood::Extremes);
    let refresh = post("/api/auth/refresh").cookie(REFRESH, &token);
    for reply in [site.log_in("jeju", "password123").await, refresh.to(&site).await] {
        assert_eq!(reply.said(), (429, "rate_limited"), "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some(u64::MAX.to_string().as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn largest_deadlines_and_counts_do_not_overflow() {
    let store = store();
    let site = site_on(&store);
    let token = site.token("admin").await;
    store.set(Mood::Extremes);
    let stats = site.get("/api/session/stats", &token).await;
    assert_eq!((stats.status, &stats.body["total_sessions"]), (200, &json!(2_100)), "{stats:?}");
    let cleanup = site.post("/api/session/cleanup", &token).await;
    assert_eq!((cleanup.status, &cleanup.body["cleaned_count"]), (200, &json!(u64::MAX)));
    for path in ["/api/session/me", "/api/auth/me", "/api/auth/sessions", "/api/session/all"] {
        let reply = site.get(path, &token).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
    }
    assert_eq!(site.post("/api/session/refresh", &token).await.status, 200);
}
