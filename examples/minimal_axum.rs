//! An axum application with the session check added.
//!
//! ```sh
//! cargo run --example minimal-axum   # prints a request to try
//! ```

#![expect(clippy::print_stdout, reason = "the program prints a request to try")]

use std::error::Error;

use axum::{Router, routing::get};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};
use tower_session_auth::{
    KeySet, NewSession, Session, SessionAuthLayer, SessionId, SessionManager, SigningKey, UserId,
};

async fn open() -> &'static str {
    "open to everybody\n"
}

async fn hello(session: Session) -> String {
    format!("hello {}\n", session.user_id())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In your application: 32 or more random bytes from the environment, the same at each start.
    let secret = [SessionId::random()?.to_string(), SessionId::random()?.to_string()].concat();
    let (manager, worker) = SessionManager::builder()
        .keys(KeySet::new(SigningKey::hs256("1", secret.as_bytes())?))
        .issuer("https://example.com")
        .audience("minimal")
        .build()?; // sessions in this process; `.store(RedisStore::new(url)?)` keeps them in Redis
    let background = worker.start();

    let app = Router::new()
        .route("/hello", get(hello))
        .layer(SessionAuthLayer::new(manager.clone())) // around the routes above it
        .route("/open", get(open));

    // Your login does this after it has checked the password:
    let user = UserId::parse("jeju")?;
    let login = manager.create(NewSession::new(user)).await?;

    let address = std::env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    println!("curl -i http://{address}/hello -H 'authorization: Bearer {}'", login.access_token);

    axum::serve(listener, app).with_graceful_shutdown(shutdown()?).await?;
    background.stop().await?; // writes the queued touches
    Ok(())
}

/// Ctrl-C, or the SIGTERM of systemd, Docker and Kubernetes. On Windows: `ctrl_c` alone.
fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = ctrl_c() => {}, _ = terminate.recv() => {} }
    })
}
