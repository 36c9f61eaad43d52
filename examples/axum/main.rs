//! A server whose routes need a valid JWT *and* a live session.
//!
//! ```sh
//! cargo run --example axum                                   # embedded store, nothing to install
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example axum   # sessions in Redis
//! ```
//!
//! `app.rs` shows how the layer goes into an axum application; the rest is what a server needs beside it.

mod app;
mod auth;
mod body;
mod config;
mod health;
mod logging;
mod passwords;
mod peer;
mod problem;
mod serve;
mod session;
mod users;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use tower_session_auth::store::StoreErrorKind;
use tracing::{error, info, warn};

use crate::app::App;
use crate::config::{Config, Store};
use crate::serve::Limits;

#[tokio::main]
async fn main() -> ExitCode {
    logging::init();
    let started = match Config::from_env() {
        Ok(config) => run(config).await,
        Err(wrong) => Err(wrong),
    };
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            error!("the server cannot start: {wrong}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> Result<(), String> {
    if let Store::Redis(redis) = &config.store {
        look_at_redis(redis).await?;
    }
    let (app, worker) = App::new(&config).await?;
    let listener = tokio::net::TcpListener::bind(config.bind)
        .await
        .map_err(|error| format!("cannot listen on {} (BIND_ADDR): {error}", config.bind))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;

    // Started here, stopped below: uses of sessions are written in between.
    let background = worker.start();
    banner(address, &config);
    let limits = Limits::default();
    serve::serve(listener, app.router(limits), limits, shutdown()).await;
    match background.stop().await {
        Ok(report) => info!(written = report.written, lost = report.lost, "stopped"),
        Err(error) => error!(%error, "the background worker did not end by itself"),
    }
    Ok(())
}

/// A Redis that is away is no reason not to start; one that can never work is.
async fn look_at_redis(redis: &tower_session_auth::RedisStore) -> Result<(), String> {
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

fn banner(address: std::net::SocketAddr, config: &Config) {
    info!("listening on http://{address}, sessions in {}", config.store.name());
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
