//! How often logins may fail, and refresh tokens be shown.

mod login;
mod networks;
mod queue;
mod refresh;
mod settings;

use tokio::time::Instant;

pub(super) use self::login::{Account, LoginAttempt, Stop};
use self::networks::NetworkRules;
use self::queue::Queues;
pub use self::settings::{LoginLimit, RefreshLimit};
use crate::store::{AttemptKey, AttemptRule};

/// What is counted, by which rule; `None` is not.
pub(super) struct Limits {
    name: Option<AttemptRule>,
    account: Option<AttemptRule>,
    nobody: Option<AttemptRule>,
    device: Option<AttemptRule>,
    address: Option<NetworkRules>,
    session: Option<AttemptRule>,
    bad_tokens: Option<NetworkRules>,
    queues: Queues,
    /// Waits of refreshes that this process knows of. Nothing ends one early.
    waits: quick_cache::sync::Cache<AttemptKey, Instant>,
}

/// How many waits a process knows of.
const WAITS_KNOWN: usize = 16_384;

impl Limits {
    pub(super) fn new(login: &LoginLimit, refresh: &RefreshLimit) -> Self {
        Self {
            name: login.of_name(),
            account: login.of_account(),
            nobody: login.of_nobody(),
            device: login.of_device(),
            address: login.of_networks(),
            session: refresh.of_session(),
            bad_tokens: refresh.of_networks(),
            queues: Queues::default(),
            waits: quick_cache::sync::Cache::new(WAITS_KNOWN),
        }
    }
}
