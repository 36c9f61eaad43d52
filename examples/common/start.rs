//! Starts a server from the environment, and shuts it down gracefully.

use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;
use std::process::ExitCode;

use hyper::body::{Body, Bytes, Incoming};
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tower::{BoxError, Service};
use tower_session_auth::RedisStore;
use tower_session_auth::store::StoreErrorKind;
use tracing::{error, info, warn};

use super::config::{Config, Store};
use super::demo::Demo;
use super::serve::{Limits, serve};
use super::stack::around;
use super::{logging, users};

/// Runs the server that `app` creates until Ctrl-C or SIGTERM. If it cannot start, the log says
/// why. `pages` are the paths to open in a browser.
pub(crate) async fn start<S, B>(
    app: impl FnOnce(&Demo) -> Result<S, BoxError>,
    pages: &[&str],
) -> ExitCode
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError> + Display>
        + From<String>
        + Default
        + Send
        + 'static,
{
    logging::init();
    let started = async {
        let config = Config::from_env()?;
        if let Store::Redis(redis) = &config.store {
            look_at_redis(redis).await?;
        }
        let limits = Limits::default();
        let (demo, worker) = Demo::new(&config, limits).await?;
        let listener = TcpListener::bind(config.bind)
            .await
            .map_err(|error| format!("cannot listen on {} (BIND_ADDR): {error}", config.bind))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;

        // The worker writes touches of sessions from here until it is stopped below.
        let background = worker.start();
        let app = app(&demo).map_err(|error| logging::chain(&*error))?;
        banner(address, &config, pages);
        serve(listener, around(app, limits), limits, config.proxies, shutdown()).await;
        match background.stop().await {
            Ok(report) => info!(written = report.written, lost = report.lost, "stopped"),
            Err(error) => error!(%error, "the background worker did not end by itself"),
        }
        Ok::<_, String>(())
    };
    match started.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            error!("the server cannot start: {wrong}");
            ExitCode::FAILURE
        }
    }
}

/// Checks Redis. A Redis that does not answer is a warning, because it may come back. An
/// unsupported one is an error, because it can never work.
async fn look_at_redis(redis: &RedisStore) -> Result<(), String> {
    let diagnosis = redis.diagnose().await;
    match diagnosis.and_then(|diagnosis| diagnosis.usable) {
        Ok(server) => {
            info!(server = server.name, version = server.version, "sessions live in Redis");
        }
        Err(error) if error.kind() == StoreErrorKind::Unsupported => {
            return Err(format!("this Redis cannot be used: {}", logging::chain(&error)));
        }
        Err(error) => warn!(
            error = logging::chain(&error),
            "Redis does not answer; requests get 503 until it does, and no restart is needed then"
        ),
    }
    Ok(())
}

fn banner(address: SocketAddr, config: &Config, pages: &[&str]) {
    info!("listening on http://{address}, sessions in {}", config.store.name());
    for page in pages {
        info!("in a browser: http://{address}{page}");
    }
    if config.secret_is_random {
        warn!("JWT_SECRET is not set: this start made a random one");
        if matches!(config.store, Store::Redis(_)) {
            warn!(
                "so every login is lost at the next start, and other instances do not accept its tokens"
            );
        }
    }
    for user in users::DEMO {
        info!(
            "demo user {} / {} ({}{})",
            user.id,
            user.password,
            user.role,
            if user.active { "" } else { ", not active" }
        );
    }
    info!(
        "try: curl -s http://{address}/api/auth/login -H 'content-type: application/json' \
         -d '{{\"user_id\":\"jeju\",\"password\":\"password123\"}}'"
    );
}

/// Waits for Ctrl-C, or for the SIGTERM of a service manager.
async fn shutdown() {
    let interrupt = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            error!(%error, "cannot listen for Ctrl-C");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                () = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(error) => {
                error!(%error, "cannot listen for SIGTERM");
                interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
    info!("shutting down");
}
