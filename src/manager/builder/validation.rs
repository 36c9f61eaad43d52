//! The limits of the builder's settings.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::cache::Capacity;
use crate::error::ConfigError;
use crate::manager::shared::accounts::AccountSettings;
use crate::manager::shared::lifetimes::Lifetimes;
use crate::store::{SessionLimit, WhenFull};
use crate::worker::TouchRules;

/// Checks lifetimes, touch settings and the store timeout.
pub(crate) fn check_durations(
    lifetimes: Lifetimes,
    touch: TouchRules,
    store_timeout: Duration,
) -> Result<(), ConfigError> {
    let rules = [
        ("idle_ttl", Lifetimes::RULE, Lifetimes::fits(lifetimes.idle_ttl)),
        ("lifetime", Lifetimes::RULE, Lifetimes::fits(lifetimes.session)),
        ("access_token_ttl", Lifetimes::RULE, Lifetimes::fits(lifetimes.access_token)),
        (
            "refresh_threshold",
            "must be more than zero and less than `idle_ttl`",
            touch
                .refresh_threshold
                .is_none_or(|threshold| !threshold.is_zero() && threshold < lifetimes.idle_ttl),
        ),
        (
            "touch_interval",
            "must be 1 millisecond to 1 hour",
            (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(&touch.interval),
        ),
        (
            "store_timeout",
            "must be 1 millisecond to 10 seconds",
            (Duration::from_millis(1)..=Duration::from_secs(10)).contains(&store_timeout),
        ),
    ];
    all_hold(&rules)
}

/// Checks that an idle TTL that the application sets is not longer than the lifetime.
pub(crate) fn check_idle_ttl(lifetimes: Lifetimes) -> Result<(), ConfigError> {
    let Lifetimes { idle_ttl, session: lifetime, .. } = lifetimes;
    if idle_ttl > lifetime {
        return Err(ConfigError::IdleTtlAboveLifetime { idle_ttl, lifetime });
    }
    Ok(())
}

/// Returns the session limit that the manager passes to the store at a login. If `session_limit` is
/// 0, the limit is `hard`, and one eviction makes room for as many logins as 1 % of `hard`, but at
/// least one. Otherwise the limit is `session_limit`, and one eviction makes room for one login.
pub(crate) fn session_limit(
    session_limit: u32,
    hard: u32,
    when_full: WhenFull,
) -> Result<SessionLimit, ConfigError> {
    all_hold(&[
        ("hard_session_limit", "must be 1 to 50,000", (1..=50_000).contains(&hard)),
        (
            "session_limit",
            "must not be more than `hard_session_limit` (10,000 by default)",
            session_limit <= hard,
        ),
    ])?;
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Ok(if session_limit == 0 {
        SessionLimit::new(number(hard), when_full).room(number(hard / 100))
    } else {
        SessionLimit::new(number(session_limit), when_full)
    })
}

/// Checks the login rate and the settings of the user directory.
pub(crate) fn check_accounts(
    login_rate: Option<(u32, Duration)>,
    accounts: &AccountSettings,
) -> Result<(), ConfigError> {
    if accounts.with_roles && accounts.directory.is_none() {
        return Err(ConfigError::Missing("directory"));
    }
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let window = login_rate.map_or(DAY, |(_, within)| within);
    all_hold(&[
        (
            "login_rate",
            "must be at least 1 login within 1 second to 24 hours",
            login_rate.is_none_or(|(logins, _)| logins > 0)
                && (Duration::from_secs(1)..=DAY).contains(&window),
        ),
        (
            "directory_timeout",
            "must be 1 millisecond to 10 seconds",
            (Duration::from_millis(1)..=Duration::from_secs(10)).contains(&accounts.timeout),
        ),
        (
            "revalidate_after",
            "must be 1 hour at most",
            accounts.revalidate_after <= Duration::from_secs(60 * 60),
        ),
    ])
}

/// Checks the capacity of the near cache and the limit of session data.
pub(crate) fn check_memory(
    near_cache: Option<Capacity>,
    session_data_limit: usize,
) -> Result<(), ConfigError> {
    all_hold(&[
        (
            "near_cache_capacity",
            "must be 1 to 16,777,216 (`without_near_cache` switches it off)",
            near_cache.is_none_or(|near| (1..=1 << 24).contains(&near.tokens)),
        ),
        (
            "near_cache_bytes",
            "must be 64 KiB to 1 TiB (`without_near_cache` switches it off)",
            near_cache.is_none_or(|near| (1 << 16..=1 << 40).contains(&(near.bytes as u64))),
        ),
        (
            "session_data_limit",
            "must be 64 bytes to 16 MiB",
            (64..=16 << 20).contains(&session_data_limit),
        ),
    ])
}

/// Checks the settings of refresh tokens.
pub(crate) fn check_refresh(
    grace: Duration,
    retry: Duration,
    jitter: f64,
) -> Result<(), ConfigError> {
    let day = Duration::from_secs(24 * 60 * 60);
    all_hold(&[
        ("refresh_grace", "must be 5 minutes at most", grace <= Duration::from_secs(5 * 60)),
        (
            "refresh_retry",
            "must be zero (off), or longer than `refresh_grace` and at most 24 hours",
            retry.is_zero() || (grace < retry && retry <= day),
        ),
        ("access_token_jitter", "must be 0 to 0.05", (0.0..=0.05).contains(&jitter)),
    ])
}

/// Returns the error of the first rule that does not hold.
fn all_hold(rules: &[(&'static str, &'static str, bool)]) -> Result<(), ConfigError> {
    match rules.iter().find(|(_, _, holds)| !holds) {
        Some(&(setting, rule, _)) => Err(ConfigError::OutOfRange { setting, rule }),
        None => Ok(()),
    }
}
