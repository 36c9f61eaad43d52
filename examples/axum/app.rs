//! The application: which route needs what. Tests call it without a server.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::{RequestBodyTimeoutLayer, TimeoutLayer};
use tower_session_auth::touch::Worker;
use tower_session_auth::{
    ConfigError, KeySet, Session, SessionAuthLayer, SessionManager, SigningKey,
};

use crate::config::{Config, Store};
use crate::passwords::Passwords;
use crate::peer::TrustedProxies;
use crate::serve::Limits;
use crate::users::Users;
use crate::{auth, body, health, logging, problem, session};

/// What the handlers need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) manager: SessionManager,
    pub(crate) users: Arc<Users>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) proxies: Arc<TrustedProxies>,
}

impl App {
    pub(crate) async fn new(config: &Config) -> Result<(Self, Worker), String> {
        let key = SigningKey::hs256("1", config.secret.as_bytes())
            .map_err(|error| format!("JWT_SECRET cannot be used: {error}"))?;
        let builder = SessionManager::builder()
            .keys(KeySet::new(key))
            .issuer("tower-session-auth-example")
            .audience("tower-session-auth-example")
            .idle_ttl(config.idle_ttl)
            .lifetime(config.lifetime)
            .access_token_ttl(config.access_token_ttl)
            .refresh_threshold(config.refresh_threshold);
        // Without a store the manager keeps its sessions in this process.
        let builder = match &config.store {
            Store::Memory => builder,
            Store::Redis(redis) => builder.store(redis.clone()),
        };
        let (manager, worker) = builder.build().map_err(|error| in_variables(&error))?;
        let passwords = Arc::new(Passwords::new());
        let users = Users::demo(&passwords).await?;
        let proxies = Arc::new(config.proxies.clone());
        Ok((Self { manager, users: Arc::new(users), passwords, proxies }, worker))
    }

    pub(crate) fn router(&self, limits: Limits) -> Router {
        let auth = Router::new()
            .route("/login", post(auth::login))
            .route("/logout", post(auth::logout))
            .route("/me", get(auth::me))
            .route("/health", get(health::ready));
        let session = Router::new().route("/me", get(session::me));

        // Everything in here needs a token and a session; the routes beside it do not.
        let protected = Router::new()
            .route("/api/data", get(data))
            .nest("/api/session", session)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .layer(SessionAuthLayer::new(self.manager.clone()));

        Router::new()
            .merge(protected)
            .nest("/api/auth", auth.clone())
            .nest("/auth", auth)
            .route("/health", get(health::ready))
            .route("/health/live", get(health::live))
            .fallback(problem::not_found)
            .method_not_allowed_fallback(problem::method_not_allowed)
            .layer(DefaultBodyLimit::max(body::LIMIT))
            .layer(SetResponseHeaderLayer::if_not_present(
                CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(
                X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(CatchPanicLayer::custom(problem::panicked))
            .layer(RequestBodyTimeoutLayer::new(limits.body_read))
            .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.handler))
            .layer(middleware::map_response(problem::in_the_contracts_words))
            .layer(logging::requests())
            .with_state(self.clone())
    }
}

/// A setting that cannot work, by the name under which this server's operator knows it.
fn in_variables(error: &ConfigError) -> String {
    let ConfigError::OutOfRange { setting, rule } = error else { return logging::chain(error) };
    let name = |setting: &str| match setting {
        "idle_ttl" => Some("SESSION_TTL"),
        "refresh_threshold" => Some("SESSION_REFRESH_THRESHOLD"),
        "lifetime" => Some("SESSION_MAX_LIFETIME"),
        "access_token_ttl" => Some("ACCESS_TOKEN_TTL"),
        _ => None,
    };
    let rule = rule.replace("`idle_ttl`", "SESSION_TTL");
    format!("{} {rule}", name(setting).unwrap_or(setting))
}

#[derive(Serialize)]
struct Data {
    message: String,
    user_id: String,
    role: Option<String>,
}

/// The demo route: the session is an argument, and the layer above has made sure of it.
async fn data(session: Session) -> Json<Data> {
    Json(Data {
        message: format!("Hello, {}", session.user_name().unwrap_or(session.user_id().as_str())),
        user_id: session.user_id().to_string(),
        role: session.role().map(str::to_owned),
    })
}
