//! Limits of failed logins and of refresh tokens.

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

/// The rules by which attempts are counted. Where a rule is `None`, attempts are not counted.
pub(super) struct Limits {
    name: Option<AttemptRule>,
    account: Option<AttemptRule>,
    /// For names without a user.
    nobody: Option<AttemptRule>,
    device: Option<AttemptRule>,
    address: Option<NetworkRules>,
    /// Refreshes of one session.
    session: Option<AttemptRule>,
    /// Invalid refresh tokens of one address.
    bad_tokens: Option<NetworkRules>,
    queues: Queues,
    /// The waits of refreshes that the store has reported to this process, each with its end. A
    /// wait never ends early. So during a wait, the process can refuse an attempt without asking
    /// the store.
    waits: quick_cache::sync::Cache<AttemptKey, Instant>,
}

/// Number of waits that a process remembers.
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
