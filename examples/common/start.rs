//! From the environment to a server that runs, and to its orderly end.

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

/// Runs the server that `app` makes until Ctrl-C or SIGTERM; what cannot work is told in the log. `pages` are the
/// paths to look at with a browser.
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

        // Started here, stopped below: uses of sessions are written in between.
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

/// A Redis that is away is no reason not to start; one that can never work is.
async fn look_at_redis(redis: &RedisStore) -> Result<(), String> {
    match redis.check().await {
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

/// Ctrl-C, or what a service manager sends.
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
