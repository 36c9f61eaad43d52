//! How often logins may fail, and refresh tokens be shown.

use std::num::NonZeroU32;
use std::time::Duration;

use super::networks::NetworkRules;
use crate::error::ConfigError;
use crate::store::AttemptRule;

/// How often logins may fail before they are answered with 429 and `Retry-After`, without a look at the password.
///
/// Counted for each name and for each client address, and behind them for each account:
///
/// - *Name* is what was typed, user id and e-mail address apart, as [`Credentials::normalized`] spells it. It makes no
///   difference whether it is anybody's, so that the answers do not tell whether a user exists.
/// - *Address* is what [`client_address`](super::super::RoutesBuilder::client_address) tells: an IPv4 address, or the first
///   64 bits of an IPv6 one. Ten times as many may fail there, for many people may share one. One client may have many
///   networks of 64 bits, so IPv6 addresses also count by their first 56 bits, where 4 times as many may fail, and by their
///   first 48 bits, where 16 times as many may fail. Where no address is known, the others alone count.
/// - *Account* is the user that [`Credentials::find`] tells, by whatever names. Twice as many may fail, for an account has
///   two kinds of names; one too many is answered like a wrong password (401, after as long), for a 429 would tell that two
///   names are one user's. So the right password may be told to be wrong while somebody guesses by other names; the
///   [event](crate::events::Event::LoginRefused) says `rate_limited`.
///
/// A *device* that has logged in to the account before shows it with a [device cookie](super::super::DeviceCookie). Its
/// failed logins count under the device alone: 5 may fail within the window (or as many as by a name, if those are fewer).
/// When they are used up, the device counts as unknown until its wait is over. So somebody who guesses at a password keeps
/// new devices of that account out, and not those that its user has logged in with.
///
/// A login is counted before its password is looked at, and given back when it succeeds, or fails for another reason than
/// its credentials (the store is away, too many sessions, too busy). A client that hangs up before the answer has used up
/// its attempt. So that many logins at once of somebody who knows the password are not taken for guesses, each process
/// looks at those by one name one after another (and from one address at half as many at once as may fail). A success also
/// forgets all failures of the name and of the account; of the address it gives back its own attempt only, so that nobody
/// can guess at others' passwords between two logins of their own.
///
/// # Waits
///
/// When as many have failed within the window, there is a wait as long as the window. From then on one may fail before the
/// next wait (of an address, a tenth as many), and each wait is twice as long as the one before, up to the longest. The
/// same begins, not for an address, after ten times as many failures in a row, however slowly they came (100 by default, of
/// an account no less than of a name: NIST SP 800-63B-4 section 3.2.2). All is forgotten after a success, and when nothing
/// was counted for four times the longest wait. So an account is never locked for good; and sessions that live are not
/// touched, nor any other route.
///
/// A login that is refused by the limit is not counted and makes no wait longer: who tries again too early loses nothing,
/// and nobody can keep an account shut by asking often. Whoever goes on guessing *can* keep its password from being
/// looked at on devices that have not logged in to the account before: use a second way in where that matters.
///
/// # Where it is counted
///
/// In the session store, so that all instances share it: under a pseudonym, which is a MAC with a secret that is derived
/// from the signing key, whatever its algorithm; never under the name or the address. A change of that key therefore begins
/// a new count. A store of your own that does not [count](crate::store::SessionStore::attempt) leaves it to each process. While the store is away there is no login
/// (503); with [`token_only_logins`](super::super::RoutesBuilder::token_only_logins) each process then counts by itself.
///
/// Three round trips to a remote store before a password is looked at (two without an address, five with an IPv6 address),
/// and as many after a success. With a good device cookie it is one, and one after a success. For a name that is nobody's a stand-in is counted instead of an account, so that it takes as long; it is forgotten with
/// the window.
///
/// [`Credentials::normalized`]: super::super::Credentials::normalized
/// [`Credentials::find`]: super::super::Credentials::find
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a limit does nothing until the routes are given it"]
pub struct LoginLimit {
    attempts: u32,
    window: Duration,
    address_attempts: Option<u32>,
    longest_wait: Option<Duration>,
}

impl LoginLimit {
    /// So many failed logins by a name within `window`, twice as many of an account, and ten times as many of an address. At
    /// most 10,000; 0 is no limit. A window is 1 second to 24 hours.
    pub const fn new(attempts: u32, window: Duration) -> Self {
        Self { attempts, window, address_attempts: None, longest_wait: None }
    }

    /// No limit: for when somebody else sets one.
    pub const fn off() -> Self {
        Self::new(0, Duration::from_secs(60))
    }

    /// So many failed logins of an address within the window; in the wider networks of an IPv6 address 4 times (56 bits) and
    /// 16 times (48 bits) as many. Ten times those by a name by default; at most 100,000; 0
    /// is no limit.
    pub const fn address_attempts(mut self, attempts: u32) -> Self {
        self.address_attempts = Some(attempts);
        self
    }

    /// How long waits grow. 15 minutes by default, or the window if that is longer; never less than the window, 24 hours at
    /// most.
    pub const fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = Some(wait);
        self
    }

    fn wait(&self) -> Duration {
        self.longest_wait.unwrap_or(LONGEST_WAIT.max(self.window))
    }

    fn at_an_address(&self) -> u32 {
        self.address_attempts.unwrap_or(self.attempts.saturating_mul(10))
    }

    /// Whether devices that have logged in before have a budget of their own.
    pub(in crate::routes) fn counts_devices(&self) -> bool {
        self.attempts > 0
    }

    /// Whether failed logins of an address are limited.
    pub(in crate::routes) fn counts_addresses(&self) -> bool {
        self.at_an_address() > 0
    }

    /// What cannot work, if anything cannot.
    pub(in crate::routes) fn check(&self) -> Result<(), ConfigError> {
        let day = Duration::from_secs(24 * 60 * 60);
        let window = (Duration::from_secs(1)..=day).contains(&self.window);
        let rules = [
            ("login_limit.attempts", "must be at most 10000", self.attempts <= 10_000),
            ("login_limit.window", "must be 1 second to 24 hours", window),
            (
                "login_limit.address_attempts",
                "must be at most 100000",
                self.at_an_address() <= 100_000,
            ),
            (
                "login_limit.longest_wait",
                "must be the window to 24 hours",
                (self.window..=day).contains(&self.wait()),
            ),
        ];
        first_broken(&rules)
    }

    pub(super) fn of_name(&self) -> Option<AttemptRule> {
        let mut rule = self.rule(self.attempts)?;
        rule.in_a_row = Some(rule.attempts.saturating_mul(TEN));
        Some(rule)
    }

    /// No more in a row than of a name: however many names there are, it is one account.
    pub(super) fn of_account(&self) -> Option<AttemptRule> {
        let mut rule = self.of_name()?;
        rule.attempts = rule.attempts.saturating_mul(TWO);
        Some(rule)
    }

    /// No more in a row than of a name.
    pub(super) fn of_device(&self) -> Option<AttemptRule> {
        let mut rule = self.rule(self.attempts.min(DEVICE_ATTEMPTS))?;
        rule.in_a_row = self.of_name()?.in_a_row;
        Some(rule)
    }

    /// Nobody has an account to be shut: it is forgotten with the window.
    pub(super) fn of_nobody(&self) -> Option<AttemptRule> {
        let mut rule = self.of_account()?;
        rule.in_a_row = None;
        Some(rule)
    }

    /// Of an address and of the networks around it.
    pub(super) fn of_networks(&self) -> Option<NetworkRules> {
        self.of_address().as_ref().map(NetworkRules::new)
    }

    /// Many people may share one, and a tenth of them may fail after a wait.
    fn of_address(&self) -> Option<AttemptRule> {
        let mut rule = self.rule(self.at_an_address())?;
        rule.after = NonZeroU32::new(rule.attempts.get() / TEN).unwrap_or(NonZeroU32::MIN);
        Some(rule)
    }

    fn rule(&self, attempts: u32) -> Option<AttemptRule> {
        let mut rule = AttemptRule::new(NonZeroU32::new(attempts)?, self.window);
        rule.longest_wait = self.wait();
        rule.forget_after = self.wait() * 4;
        Some(rule)
    }
}

/// 10 failed logins by a name in 60 seconds, 20 of an account, 100 of an address.
impl Default for LoginLimit {
    fn default() -> Self {
        Self::new(10, Duration::from_secs(60))
    }
}

/// How often refresh tokens may be shown before the answer is 429 and `Retry-After`.
///
/// - Each session: 60 times within 60 seconds by default, whatever comes of it, so that a client that has run wild is
///   stopped. The token must be one of ours: nobody can use up another's.
/// - Each client address, as with [`LoginLimit`]: 100 tokens in 60 seconds that are none of ours, and 4 and 16 times as
///   many in the wider networks of an IPv6 address. A good token is let through from the same address all the same.
///
/// The wait is as long as the window, and no longer the second time. Counted in the session store, as logins are; a
/// process that knows of a wait does not ask the store again until it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a limit does nothing until the routes are given it"]
pub struct RefreshLimit {
    session: u32,
    address: u32,
    window: Duration,
}

impl RefreshLimit {
    /// So many refreshes of a session, and so many bad tokens of an address, within `window` (1 second to 24 hours). At most
    /// 100,000 of each; 0 is no limit.
    pub const fn new(session: u32, address: u32, window: Duration) -> Self {
        Self { session, address, window }
    }

    /// No limit.
    pub const fn off() -> Self {
        Self::new(0, 0, Duration::from_secs(60))
    }

    /// Whether bad tokens of an address are limited.
    pub(in crate::routes) fn counts_addresses(&self) -> bool {
        self.address > 0
    }

    pub(in crate::routes) fn check(&self) -> Result<(), ConfigError> {
        let window = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
        let few = self.session <= 100_000 && self.address <= 100_000;
        first_broken(&[
            ("refresh_limit", "must be at most 100000 of each", few),
            ("refresh_limit.window", "must be 1 second to 24 hours", window.contains(&self.window)),
        ])
    }

    pub(super) fn of_session(&self) -> Option<AttemptRule> {
        self.rule(self.session)
    }

    pub(super) fn of_networks(&self) -> Option<NetworkRules> {
        self.rule(self.address).as_ref().map(NetworkRules::new)
    }

    fn rule(&self, attempts: u32) -> Option<AttemptRule> {
        let mut rule = AttemptRule::new(NonZeroU32::new(attempts)?, self.window);
        rule.after = rule.attempts;
        rule.longest_wait = self.window;
        rule.forget_after = self.window;
        Some(rule)
    }
}

/// 60 refreshes of a session and 100 bad tokens of an address in 60 seconds.
impl Default for RefreshLimit {
    fn default() -> Self {
        Self::new(60, 100, Duration::from_secs(60))
    }
}

/// How many logins of a known device may fail.
const DEVICE_ATTEMPTS: u32 = 5;

const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
const TEN: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

fn first_broken(rules: &[(&'static str, &'static str, bool)]) -> Result<(), ConfigError> {
    match rules.iter().find(|(_, _, holds)| !holds) {
        Some(&(setting, rule, _)) => Err(ConfigError::OutOfRange { setting, rule }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_limit_that_cannot_work_is_an_error_that_names_it() {
        let bad = [
            (LoginLimit::new(10_001, 60 * SECOND), "login_limit.attempts"),
            (LoginLimit::new(10, Duration::ZERO), "login_limit.window"),
            (LoginLimit::new(10, 86_401 * SECOND), "login_limit.window"),
            (LoginLimit::new(0, Duration::ZERO), "login_limit.window"),
            (LoginLimit::default().address_attempts(100_001), "login_limit.address_attempts"),
            (LoginLimit::default().longest_wait(59 * SECOND), "login_limit.longest_wait"),
            (LoginLimit::default().longest_wait(86_401 * SECOND), "login_limit.longest_wait"),
        ];
        for (limit, name) in bad {
            let error = limit.check().unwrap_err();
            assert!(matches!(error, ConfigError::OutOfRange { setting, .. } if setting == name));
        }
        for good in [
            LoginLimit::default(),
            LoginLimit::off(),
            LoginLimit::new(10_000, 86_400 * SECOND),
            LoginLimit::new(1, SECOND).longest_wait(SECOND),
        ] {
            assert!(good.check().is_ok(), "{good:?}");
        }
        for bad in [
            RefreshLimit::new(100_001, 0, SECOND),
            RefreshLimit::new(0, 100_001, SECOND),
            RefreshLimit::new(1, 1, Duration::ZERO),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        assert!(RefreshLimit::default().check().is_ok() && RefreshLimit::off().check().is_ok());
    }

    fn rules(limit: &LoginLimit) -> (AttemptRule, AttemptRule, AttemptRule) {
        let rules = (limit.of_name(), limit.of_account(), limit.of_address());
        (rules.0.unwrap(), rules.1.unwrap(), rules.2.unwrap())
    }

    #[test]
    fn an_address_may_fail_ten_times_as_often_and_zero_is_no_limit() {
        let (name, account, address) = rules(&LoginLimit::default());
        assert_eq!((name.attempts.get(), name.after.get()), (10, 1));
        assert_eq!(name.in_a_row.unwrap().get(), 100);
        assert_eq!((account.attempts.get(), account.after.get()), (20, 1));
        assert_eq!(account.in_a_row.unwrap().get(), 100, "however many names it has");
        assert_eq!((address.attempts.get(), address.after.get()), (100, 10));
        assert_eq!(address.in_a_row, None);
        assert_eq!(address.longest_wait, 900 * SECOND);
        let device = LoginLimit::default().of_device().unwrap();
        assert_eq!((device.attempts.get(), device.after.get()), (5, 1));
        assert_eq!(device.in_a_row.unwrap().get(), 100);
        assert_eq!(LoginLimit::new(3, SECOND).of_device().unwrap().attempts.get(), 3);
        // However many may fail at first: of a name and an account, one after a wait.
        let (name, account, address) = rules(&LoginLimit::new(1_000, SECOND));
        assert_eq!((name.after.get(), account.after.get(), address.after.get()), (1, 1, 1_000));
        let off = LoginLimit::off();
        assert!(off.of_name().is_none() && off.of_account().is_none());
        assert!(off.of_nobody().is_none() && off.of_address().is_none());
        assert!(off.of_device().is_none());
        let addresses_only = LoginLimit::off().address_attempts(5);
        assert!(addresses_only.of_account().is_none() && addresses_only.of_address().is_some());
        let accounts_only = LoginLimit::default().address_attempts(0);
        assert!(accounts_only.of_account().is_some() && accounts_only.of_address().is_none());
    }
}
