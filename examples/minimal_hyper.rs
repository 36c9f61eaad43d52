//! A hyper server with the session check added.
//!
//! ```sh
//! cargo run --example minimal-hyper   # prints a request to try
//! ```

#![expect(clippy::print_stdout, reason = "the program prints a request to try")]

use std::error::Error;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, server::conn::http1};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown, service::TowerToHyperService};
use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};
use tower::ServiceBuilder;
use tower_session_auth::{
    KeySet, NewSession, Session, SessionAuthLayer, SessionId, SessionManager, SigningKey, UserId,
};

async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let user = request.extensions().get::<Session>().map(|session| session.user_id().as_str());
    Ok(Response::new(format!("hello {}\n", user.unwrap_or_default()).into()))
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
    let layer = SessionAuthLayer::new(manager.clone());
    let service = TowerToHyperService::new(ServiceBuilder::new().layer(layer).service_fn(hello));

    // Your login does this after it has checked the password:
    let user = UserId::parse("jeju")?;
    let token = manager.create(NewSession::new(user)).await?.access_token;

    let address = std::env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("curl -i http://{}/ -H 'authorization: Bearer {token}'", listener.local_addr()?);
    let (graceful, mut stop) = (GracefulShutdown::new(), std::pin::pin!(shutdown()?));
    while let Some(accepted) =
        tokio::select! { it = listener.accept() => Some(it), () = &mut stop => None }
    {
        let io = TokioIo::new(accepted?.0);
        let connection =
            graceful.watch(http1::Builder::new().serve_connection(io, service.clone()));
        #[expect(clippy::disallowed_methods, reason = "a server starts one task per connection")]
        drop(tokio::spawn(connection)); // its error only means that the client disconnected
    }
    graceful.shutdown().await;
    Ok(background.stop().await.map(drop)?) // writes the queued touches
}

/// Ctrl-C, or the SIGTERM of systemd, Docker and Kubernetes. On Windows: `ctrl_c` alone.
fn shutdown() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = ctrl_c() => {}, _ = terminate.recv() => {} }
    })
}
