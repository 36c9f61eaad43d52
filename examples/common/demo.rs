//! The library as both example servers use it: a session manager over the chosen store, and its
//! routes.

use tower_session_auth::error::ConfigError;
use tower_session_auth::routes::{LoginLimit, RefreshCookie, Routes};
use tower_session_auth::worker::Worker;
use tower_session_auth::{KeySet, SessionManager, SigningKey};

use super::config::{Config, Store};
use super::logging;
use super::serve::Limits;
use super::users::Users;

/// The issuer and the audience of the tokens.
pub(crate) const NAME: &str = "tower-session-auth-example";

/// The manager and the routes of a server.
pub(crate) struct Demo {
    pub(crate) manager: SessionManager,
    pub(crate) routes: Routes,
}

impl Demo {
    /// Creates the manager, its routes and its worker. The caller must start the worker.
    pub(crate) async fn new(config: &Config, limits: Limits) -> Result<(Self, Worker), String> {
        let key = SigningKey::hs256("1", config.secret.as_bytes())
            .map_err(|error| format!("JWT_SECRET cannot be used: {error}"))?;
        let users = Users::demo().await?;
        let builder = SessionManager::builder()
            .keys(KeySet::new(key.clone()))
            // The same secret is safe: a token for one purpose is never accepted for the other.
            .refresh_keys(KeySet::new(key))
            .issuer(NAME)
            .audience(NAME)
            .lifetime(config.lifetime)
            .access_token_ttl(config.access_token_ttl)
            .directory(users.clone());
        let builder = match config.idle_ttl {
            Some(idle_ttl) => builder.idle_ttl(idle_ttl),
            None => builder,
        };
        let builder = match config.refresh_threshold {
            Some(threshold) => builder.refresh_threshold(threshold),
            None => builder,
        };
        // Without a store, the manager keeps the sessions in this process.
        let builder = match &config.store {
            Store::Memory => builder,
            Store::Redis(redis) => builder.store(redis.clone()),
        };
        let (manager, worker) = builder.build().map_err(|error| in_variables(&error))?;
        let proxies = config.proxies.clone();
        let routes = Routes::builder(manager.clone(), users)
            .refresh_delivery(RefreshCookie::new().secure(config.cookie_secure))
            .trusted_origins(config.origins.clone())
            .client_address(move |parts| proxies.client_of(parts))
            .login_limit(LoginLimit::new(config.login_attempts, config.login_window))
            .timeout(limits.handler)
            .body_timeout(limits.body_read)
            .build()
            .map_err(|error| in_variables(&error))?;
        Ok((Self { manager, routes }, worker))
    }
}

/// Returns the text of a configuration error, with the name of the environment variable.
fn in_variables(error: &ConfigError) -> String {
    let (setting, rule) = match error {
        ConfigError::OutOfRange { setting, rule } => (*setting, *rule),
        ConfigError::IdleTtlAboveLifetime { idle_ttl, lifetime } => {
            return format!(
                "SESSION_TTL ({} s) is longer than SESSION_MAX_LIFETIME ({} s), which ends the session first: \
                 set a SESSION_MAX_LIFETIME of at least SESSION_TTL, or a shorter SESSION_TTL",
                idle_ttl.as_secs(),
                lifetime.as_secs(),
            );
        }
        error => return logging::chain(error),
    };
    let name = |setting: &str| match setting {
        "idle_ttl" => Some("SESSION_TTL"),
        "refresh_threshold" => Some("SESSION_REFRESH_THRESHOLD"),
        "lifetime" => Some("SESSION_MAX_LIFETIME"),
        "access_token_ttl" => Some("ACCESS_TOKEN_TTL"),
        "login_limit.attempts" => Some("LOGIN_ATTEMPTS"),
        "login_limit.window" => Some("LOGIN_WINDOW"),
        _ => None,
    };
    let rule = rule.replace("`idle_ttl`", "SESSION_TTL");
    format!("{} {rule}", name(setting).unwrap_or(setting))
}
