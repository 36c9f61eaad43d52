//! The settings from the environment, which are read once and checked as a whole.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `BIND_ADDR` | `127.0.0.1:8000` | listen address |
//! | `REDIS_URL` | unset | `redis://…`; without it and `REDIS_HOST`, sessions are kept in this process |
//! | `REDIS_HOST`, `REDIS_PORT`, `REDIS_PASSWORD`, `REDIS_DB` | unset, 6379, unset, 0 | the parts of `REDIS_URL`, if that is unset |
//! | `JWT_SECRET` | random at each start | HS256 secret of 32 bytes or more |
//! | `SESSION_PREFIX` | `session` | prefix of all Redis keys |
//! | `SESSION_TTL` | 3600 | idle TTL in seconds, at most `SESSION_MAX_LIFETIME` |
//! | `SESSION_REFRESH_THRESHOLD` | unset | unset: a request extends the session, at most once a minute. Set: a request extends it only when fewer seconds than this are left |
//! | `SESSION_MAX_LIFETIME` | 86400 | absolute lifetime in seconds |
//! | `ACCESS_TOKEN_TTL` | 3600 | lifetime of an access token in seconds |
//! | `COOKIE_SECURE` | `true` | `false` drops `Secure` from cookies, for plain HTTP on another host than localhost |
//! | `LOGIN_ATTEMPTS`, `LOGIN_WINDOW` | 10, 60 | failed logins by a name within this many seconds before 429 (twice as many for an account, ten times as many for an address); 0 attempts means no limit |
//! | `TRUSTED_ORIGINS` | unset | other origins whose pages may use the routes that act on cookies, separated by commas, exactly as browsers write them |
//! | `TRUSTED_PROXIES` | unset | addresses and networks whose `X-Forwarded-For` is used, and which may hold any number of connections |
//! | `RUST_LOG` | `info` | log filter |

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use tower_session_auth::RedisStore;
use tower_session_auth::error::ConfigError;
use tower_session_auth::same_origin::SameOriginLayer;

use super::logging;
use super::proxies::TrustedProxies;

pub(crate) struct Config {
    pub(crate) bind: SocketAddr,
    pub(crate) store: Store,
    pub(crate) secret: String,
    pub(crate) secret_is_random: bool,
    pub(crate) idle_ttl: Option<Duration>,
    pub(crate) refresh_threshold: Option<Duration>,
    pub(crate) lifetime: Duration,
    pub(crate) access_token_ttl: Duration,
    pub(crate) cookie_secure: bool,
    pub(crate) login_attempts: u32,
    pub(crate) login_window: Duration,
    pub(crate) origins: Vec<String>,
    pub(crate) proxies: TrustedProxies,
}

pub(crate) enum Store {
    Memory,
    Redis(RedisStore),
}

impl Store {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "this process (set REDIS_URL to keep them in Redis)",
            Self::Redis(_) => "Redis",
        }
    }
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, String> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads each variable through `variable`. An empty variable counts as unset, except
    /// `JWT_SECRET`.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let get = |name: &str| variable(name).filter(|value| !value.is_empty());
        // An empty `JWT_SECRET` was probably set to nothing by mistake, so it must not be replaced
        // by a random secret. It is kept here, and later refused as too short.
        let (secret, secret_is_random) = match variable("JWT_SECRET") {
            Some(secret) => (secret, false),
            None => (random_secret()?, true),
        };
        Ok(Self {
            bind: parsed(&get, "BIND_ADDR", "an address and port such as 127.0.0.1:8000")?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000))),
            store: store(&get)?,
            secret,
            secret_is_random,
            idle_ttl: seconds(&get, "SESSION_TTL")?,
            refresh_threshold: seconds(&get, "SESSION_REFRESH_THRESHOLD")?,
            lifetime: seconds(&get, "SESSION_MAX_LIFETIME")?.unwrap_or(Duration::from_secs(86400)),
            access_token_ttl: seconds(&get, "ACCESS_TOKEN_TTL")?
                .unwrap_or(Duration::from_secs(3600)),
            cookie_secure: parsed(&get, "COOKIE_SECURE", "true or false")?.unwrap_or(true),
            login_attempts: parsed(&get, "LOGIN_ATTEMPTS", "a whole number")?.unwrap_or(10),
            login_window: seconds(&get, "LOGIN_WINDOW")?.unwrap_or(Duration::from_secs(60)),
            origins: origins(&get("TRUSTED_ORIGINS").unwrap_or_default())?,
            proxies: TrustedProxies::parse(&get("TRUSTED_PROXIES").unwrap_or_default())?,
        })
    }
}

/// Parses a comma-separated list. The library's layer refuses entries that no browser sends.
fn origins(list: &str) -> Result<Vec<String>, String> {
    let origins = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let origins: Vec<_> = origins.map(str::to_owned).collect();
    match SameOriginLayer::new().trusted_origins(origins.clone()) {
        Ok(_) => Ok(origins),
        Err(ConfigError::OutOfRange { rule, .. }) => Err(format!("TRUSTED_ORIGINS: each {rule}")),
        Err(error) => Err(format!("TRUSTED_ORIGINS: {error}")),
    }
}

fn parsed<T: FromStr>(
    get: &impl Fn(&str) -> Option<String>,
    name: &str,
    what: &str,
) -> Result<Option<T>, String> {
    let Some(value) = get(name) else { return Ok(None) };
    value.trim().parse().map(Some).map_err(|_| format!("{name} must be {what}"))
}

fn seconds(get: &impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<Duration>, String> {
    Ok(parsed(get, name, "a whole number of seconds")?.map(Duration::from_secs))
}

/// Creates the store from `REDIS_URL` or its parts, otherwise the embedded store. No error text
/// repeats the URL, because it may hold a password.
fn store(get: &impl Fn(&str) -> Option<String>) -> Result<Store, String> {
    let prefix = get("SESSION_PREFIX").unwrap_or_else(|| "session".to_owned());
    let builder = match (get("REDIS_URL"), get("REDIS_HOST")) {
        (Some(url), _) => {
            if url.contains(",redis") || url.starts_with("redis+sentinel:") {
                return Err("REDIS_URL names a cluster or a Sentinel, which this version does not support: \
                            give one redis:// URL"
                    .to_owned());
            }
            RedisStore::builder(url)
        }
        (None, Some(host)) => {
            let port = parsed(get, "REDIS_PORT", "a port number")?.unwrap_or(6379);
            let mut settings = RedisConnectionInfo::default();
            if let Some(password) = get("REDIS_PASSWORD") {
                settings = settings.set_password(password);
            }
            if let Some(db) = parsed(get, "REDIS_DB", "a database number")? {
                settings = settings.set_db(db);
            }
            let info = ConnectionAddr::Tcp(host, port)
                .into_connection_info()
                .map_err(|_| "REDIS_HOST and REDIS_PORT cannot be used".to_owned())?
                .set_redis_settings(settings);
            RedisStore::builder(info)
        }
        (None, None) => return Ok(Store::Memory),
    };
    let variables = if get("REDIS_URL").is_some() { "REDIS_URL" } else { "REDIS_HOST" };
    let store = builder.prefix(prefix).build();
    store
        .map(Store::Redis)
        .map_err(|error| format!("{variables} (with SESSION_PREFIX) cannot be used: {error}"))
}

/// Returns the random text of two session ids: 288 bits.
fn random_secret() -> Result<String, String> {
    let half = || tower_session_auth::SessionId::random().map_err(|error| logging::chain(&error));
    Ok(format!("{}{}", half()?.as_str(), half()?.as_str()))
}
