//! What a route can choose: how old its view of a session may be, and what it does without Redis.
//!
//! ```sh
//! redis-server --port 6400 --save '' --daemonize yes   # one to trouble
//! REDIS_URL=redis://127.0.0.1:6400 cargo run --example policies   # prints requests to try
//! ```
//!
//! In another terminal, send the same requests after each step (`cli` is `redis-cli -p 6400`):
//!
//! | | `/account` | `/transfer` | `/feed` | `/catalogue` |
//! |---|---|---|---|---|
//! | before any step | 200 | 200 | 200 | 200 |
//! | `cli client pause 20000`: Redis hangs | 503 | 503 | 200, stale | 200, by token |
//! | Redis continues, 20 s later | 200 | 200 | 200 | 200 |
//! | `cli shutdown` | 503 | 503 | 200, stale | 200, by token |
//! | `redis-server` as above: Redis is back, empty | 401 | 401 | 401 | 401 |
//!
//! While Redis hangs, all routes but `/transfer` notice it half a second later (the lease).
//! Start the example again, and see that a revoked session stays revoked:
//!
//! | | `/account` | `/transfer` | `/feed` | `/catalogue` |
//! |---|---|---|---|---|
//! | `cli del 'session:{jeju}:live'` | 401 | 401 | 401 | 401 |
//! | then `cli shutdown` | 503 | 503 | 401 | 401 |
//! | start again, both steps without a request in between | 503 | 503 | 503 | 200, by token |
//!
//! The last row is the risk of `TokenOnly`: nothing used the token since its session was revoked.

#![expect(clippy::print_stdout, reason = "the program prints requests to try")]

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tower_session_auth::auth_layer::Caller;
use tower_session_auth::{
    FailurePolicy, KeySet, NewSession, RedisStore, Session, SessionAuthLayer, SessionId,
    SessionManager, SigningKey, UserId,
};

async fn account(session: Session) -> String {
    format!("the account of {}\n", session.user_id())
}

async fn transfer(session: Session) -> String {
    format!("paid by {}\n", session.user_id())
}

async fn feed(session: Session) -> String {
    // The session may have been revoked since. Reading is harmless here; a change would not be.
    let note = if session.is_stale() { ", stale: as of a moment ago" } else { "" };
    format!("the feed of {}{note}\n", session.user_id())
}

async fn catalogue(caller: Caller) -> String {
    match caller {
        Caller::Session(session) => format!("the catalogue for {}\n", session.user_id()),
        // There is no session, so no role and no data: only the claims of the JWT.
        Caller::TokenOnly(by) => format!("the catalogue for {}, by token\n", by.claims().user()),
    }
}

/// Returns the state of the near cache, for the operator.
fn cache(manager: &SessionManager) -> String {
    let stats = manager.near_cache();
    let (state, since, hits) = (stats.state.as_str(), stats.since.as_secs(), stats.hits);
    let (misses, invalidated, stale) = (stats.misses, stats.invalidations, stats.stale_served);
    let counts = format!("misses {misses}, invalidations {invalidated}, stale {stale}");
    format!("{state} for {since} s: hits {hits}, {counts}\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let env = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let random = [SessionId::random()?.to_string(), SessionId::random()?.to_string()].concat();
    let store = RedisStore::new(&env("REDIS_URL", "redis://127.0.0.1:6379"))?;
    let usable = store.diagnose().await.and_then(|diagnosis| diagnosis.usable);
    usable.map_err(|error| format!("Redis, as in REDIS_URL: {error}"))?;
    let (manager, worker) = SessionManager::builder()
        .keys(KeySet::new(SigningKey::hs256("1", env("JWT_SECRET", &random).as_bytes())?))
        .issuer("https://example.com")
        .audience("policies")
        .store(store)
        .build()?;
    let background = worker.start();

    let layer = || SessionAuthLayer::new(manager.clone());
    // Asks Redis for each request, and rejects the request while Redis does not answer.
    let strict = layer().max_staleness(Duration::ZERO)?;
    // While Redis is down, serves sessions that were in the near cache for up to a minute more.
    let stale = layer().failure_policy(FailurePolicy::ServeStale(Duration::from_secs(60)));
    // While Redis is down, a valid JWT is enough, even if its session was revoked elsewhere.
    let by_token = layer().failure_policy(FailurePolicy::TokenOnly);
    let operator = manager.clone();
    let app = Router::new()
        .route("/account", get(account).layer(layer()))
        .route("/transfer", post(transfer).layer(strict))
        .route("/feed", get(feed).layer(stale))
        .route("/catalogue", get(catalogue).layer(by_token))
        .route("/cache", get(async move || cache(&operator)));

    let user = UserId::parse("jeju")?;
    let login = manager.create(NewSession::new(user)).await?;

    let listener = tokio::net::TcpListener::bind(env("BIND_ADDR", "127.0.0.1:8000")).await?;
    let address = listener.local_addr()?;
    println!("TOKEN={}", login.access_token);
    for request in ["/account", "/transfer -X POST", "/feed", "/catalogue"] {
        println!("curl -i http://{address}{request} -H \"authorization: Bearer $TOKEN\"");
    }
    println!("curl http://{address}/cache");

    let ctrl_c = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c).await?;
    background.stop().await?; // writes the queued touches
    Ok(())
}
