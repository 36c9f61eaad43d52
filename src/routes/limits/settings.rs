//! The settings of the limits: how many logins may fail, and how many refresh tokens a client may
//! present.

use std::num::NonZeroU32;
use std::time::Duration;

use super::networks::NetworkRules;
use crate::error::ConfigError;
use crate::store::AttemptRule;

/// How many logins may fail before the routes refuse further logins. The routes answer 429 with
/// `Retry-After`, and do not verify the password.
///
/// The routes count failed logins for each name, for each client address, and for each account:
///
/// - *Name*: the typed text as [`Credentials::normalized`] returns it. User ids and e-mail
///   addresses have separate counts. Failed logins are counted whether or not a user with this name
///   exists, so the answers do not reveal which users exist.
/// - *Address*: the result of [`client_address`](super::super::RoutesBuilder::client_address). The
///   default limit is ten times the limit of a name, because many people may share an address. An
///   IPv6 address is counted by its first 64 bits. One client may have many networks of 64 bits.
///   Therefore, an IPv6 address is also counted by its first 56 bits, with 4 times the limit, and
///   by its first 48 bits, with 16 times the limit. If the address is unknown, only the limits of
///   name and account apply.
/// - *Account*: the user that [`Credentials::find`] returns, under any name. The limit is twice the
///   limit of a name, because an account has two kinds of names. If the account has reached its
///   limit, a login gets the answer to a wrong password: 401, after the same time. A 429 would
///   reveal that two names belong to one user. So while an attacker guesses with one name, the user
///   may get a 401 for the other name with the right password. The
///   [event](crate::telemetry::events::Event::LoginRefused) of such a login says `rate_limited`.
///
/// A *device* that has logged in to the account before presents a [device
/// cookie](super::super::DeviceCookie). The failed logins of this device are counted only for the
/// device. Within the window, 5 logins of the device may fail. If the limit of a name is lower than
/// 5, the limit of a name applies to the device. When the device has reached its limit, it is
/// treated as unknown until its wait has ended. So an attacker who guesses a password blocks new
/// devices of the account, but not the devices on which its user has logged in before.
///
/// A login is counted before its password is verified. The count is given back when the login
/// succeeds. The count is also given back when the login fails for a reason other than its
/// credentials, for example because the store is unavailable, the user has too many sessions, or
/// the server is too busy. If a client disconnects before the answer, its login stays counted.
///
/// Concurrent logins of a user who knows the password must not be counted as guesses. Therefore
/// each process verifies the logins with one name one after another. For one address, a process
/// verifies several logins at the same time: at most half of the limit, but at least one.
///
/// A successful login without a valid device cookie clears all failures of its name and of its
/// account. With a valid device cookie, a successful login clears only the failures of the device.
/// A successful login never clears other failures of its address. Otherwise, attackers could log in
/// to their own accounts from time to time to clear the failures of their guesses.
///
/// # Waits
///
/// A wait begins when the allowed number of logins has failed within the window. The first wait is
/// as long as the window. Each later wait is twice as long as the wait before, up to the
/// [longest](Self::longest_wait). After a wait, one failed login of a name, an account or a device
/// starts the next wait. For an address, a tenth of the limit must fail within the window first.
///
/// A wait also begins after many failures in a row, even if they are spread over several windows.
/// The number is ten times the limit of a name, 100 by default (NIST SP 800-63B-4 section 3.2.2).
/// The same number applies to a name, an account and a device. There is no such limit for an
/// address.
///
/// No account is locked permanently, because each wait ends. The store removes the count of a name
/// or an account when four times the longest wait has passed since its last failed login. If that
/// login started a wait, this time begins at the end of the wait. Live sessions and all other
/// routes are not affected.
///
/// A login that the limit refuses is not counted and makes no wait longer. A client that tries too
/// early is thus not punished, and an attacker cannot block an account by frequent requests alone.
/// However, an attacker who continues to guess *can* block logins from devices that have not logged
/// in to the account before. If that matters, offer a second way to log in.
///
/// # Storage of the counts
///
/// The session store keeps the counts, so all instances share them. A count is stored under a
/// pseudonym, never under the name or the address. The pseudonym is a MAC. Its secret is derived
/// from the signing key, whatever the algorithm, so a change of that key starts new counts. If your
/// own store does not [count](crate::store::CountAttempts::attempt), each process keeps its own
/// counts. While the store is unavailable, logins are answered with 503. With
/// [`token_only_logins`](super::super::RoutesBuilder::token_only_logins), each process keeps its
/// own counts during that time instead.
///
/// Before a password is verified, the limits cost three round trips to a remote store with an IPv4
/// address, five with an IPv6 address, and two without an address. After a successful login, the
/// limits cost the same number of round trips once more. With a valid device cookie, the limits
/// cost one round trip before the verification, and one after a successful login.
///
/// If no user has the name, the routes count the failed login for a placeholder instead of an
/// account. So logins with and without a user take equally long. The count of a placeholder is
/// removed at the end of the window if it has not led to a wait.
///
/// [`Credentials::normalized`]: super::super::Credentials::normalized
/// [`Credentials::find`]: super::super::Credentials::find
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a limit has no effect until it is set on the builder of the routes"]
pub struct LoginLimit {
    attempts: u32,
    window: Duration,
    address_attempts: Option<u32>,
    longest_wait: Option<Duration>,
}

impl LoginLimit {
    /// Creates a limit of `attempts` failed logins for a name within `window`. The limit of an
    /// account is twice as high, and the limit of an address ten times as high. `attempts` is
    /// 10,000 at most; 0 turns the limit off. `window` is 1 second to 24 hours.
    pub const fn new(attempts: u32, window: Duration) -> Self {
        Self { attempts, window, address_attempts: None, longest_wait: None }
    }

    /// Creates a setting without limits, for an application that limits logins elsewhere.
    pub const fn off() -> Self {
        Self::new(0, Duration::from_secs(60))
    }

    /// Sets how many logins of an address may fail within the window. Default: ten times the number
    /// for a name. Maximum: 100,000. 0 turns the limit off. In the wider networks of an IPv6
    /// address, more logins may fail: 4 times as many (56 bits) and 16 times as many (48 bits).
    pub const fn address_attempts(mut self, attempts: u32) -> Self {
        self.address_attempts = Some(attempts);
        self
    }

    /// Sets the longest wait. Default: 15 minutes, or the window if that is longer. Range: the
    /// window to 24 hours.
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

    /// Returns whether devices that have logged in before have a limit of their own.
    pub(in crate::routes) fn counts_devices(&self) -> bool {
        self.attempts > 0
    }

    /// Returns whether failed logins of an address are limited.
    pub(in crate::routes) fn counts_addresses(&self) -> bool {
        self.at_an_address() > 0
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for the first invalid setting.
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
                "must be at least the window, and at most 24 hours",
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

    /// The rule of an account. It allows as many failures in a row as the rule of a name, and
    /// counts the failures of all names of the account together.
    pub(super) fn of_account(&self) -> Option<AttemptRule> {
        let mut rule = self.of_name()?;
        rule.attempts = rule.attempts.saturating_mul(TWO);
        Some(rule)
    }

    /// The rule of a known device. It allows as many failures in a row as the rule of a name.
    pub(super) fn of_device(&self) -> Option<AttemptRule> {
        let mut rule = self.rule(self.attempts.min(DEVICE_ATTEMPTS))?;
        rule.in_a_row = self.of_name()?.in_a_row;
        Some(rule)
    }

    /// The rule of a placeholder, which is counted if no user has the name. A placeholder protects
    /// no account. So if its count has not led to a wait, it is removed at the end of the window.
    pub(super) fn of_nobody(&self) -> Option<AttemptRule> {
        let mut rule = self.of_account()?;
        rule.in_a_row = None;
        Some(rule)
    }

    /// The rules of an address and of the networks around it.
    pub(super) fn of_networks(&self) -> Option<NetworkRules> {
        self.of_address().as_ref().map(NetworkRules::new)
    }

    /// The rule of an address. After a wait, a tenth of the limit must fail within the window to
    /// start the next wait, because many people may share an address.
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

/// 10 failed logins for a name in 60 seconds, 20 for an account, 100 for an address.
impl Default for LoginLimit {
    fn default() -> Self {
        Self::new(10, Duration::from_secs(60))
    }
}

/// How many refresh tokens a client may present before the routes answer 429 with `Retry-After`.
///
/// - For each session: 60 tokens within 60 seconds by default, whatever the outcome of the refresh.
///   This stops a client that refreshes in a loop. A token is counted only if one of the server's
///   keys created it, so no client can use up the limit of another session.
/// - For each client address, as with [`LoginLimit`]: 100 invalid tokens within 60 seconds by
///   default. In the wider networks of an IPv6 address, the number is 4 times (56 bits) and 16
///   times (48 bits) as high. A valid token from an address over its limit is still accepted.
///
/// The attempt that reaches the limit within the window starts a wait. Each wait is as long as the
/// window. The session store keeps the counts, as for logins. When the store has refused a token
/// because of the limit of its session, the process refuses further tokens of that session until
/// the wait has ended. When the store has refused an invalid token because of the limit of its
/// address, the process refuses further invalid tokens from that address until the wait has ended.
/// These refusals need no store call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a limit has no effect until it is set on the builder of the routes"]
pub struct RefreshLimit {
    session: u32,
    address: u32,
    window: Duration,
}

impl RefreshLimit {
    /// Creates a limit of `session` refreshes for a session, and of `address` invalid tokens for an
    /// address, within `window`. Each number is 100,000 at most; 0 turns its limit off. `window` is
    /// 1 second to 24 hours.
    pub const fn new(session: u32, address: u32, window: Duration) -> Self {
        Self { session, address, window }
    }

    /// Creates a setting without limits.
    pub const fn off() -> Self {
        Self::new(0, 0, Duration::from_secs(60))
    }

    /// Returns whether invalid tokens of an address are limited.
    pub(in crate::routes) fn counts_addresses(&self) -> bool {
        self.address > 0
    }

    pub(in crate::routes) fn check(&self) -> Result<(), ConfigError> {
        let window = Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60);
        let few = self.session <= 100_000 && self.address <= 100_000;
        first_broken(&[
            ("refresh_limit", "must be at most 100000 per session and per address", few),
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

/// 60 refreshes for a session and 100 invalid tokens for an address in 60 seconds.
impl Default for RefreshLimit {
    fn default() -> Self {
        Self::new(60, 100, Duration::from_secs(60))
    }
}

/// Number of logins of a known device that may fail.
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
    fn invalid_limit_is_rejected_with_the_name_of_the_setting() {
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
    fn login_limit_rules_have_their_default_values_and_zero_means_off() {
        let (name, account, address) = rules(&LoginLimit::default());
        assert_eq!((name.attempts.get(), name.after.get()), (10, 1));
        assert_eq!(name.in_a_row.unwrap().get(), 100);
        assert_eq!((account.attempts.get(), account.after.get()), (20, 1));
        assert_eq!(
            account.in_a_row.unwrap().get(),
            100,
            "all names of an account share this limit"
        );
        assert_eq!((address.attempts.get(), address.after.get()), (100, 10));
        assert_eq!(address.in_a_row, None);
        assert_eq!(address.longest_wait, 900 * SECOND);
        let device = LoginLimit::default().of_device().unwrap();
        assert_eq!((device.attempts.get(), device.after.get()), (5, 1));
        assert_eq!(device.in_a_row.unwrap().get(), 100);
        assert_eq!(LoginLimit::new(3, SECOND).of_device().unwrap().attempts.get(), 3);
        // After a wait, each period allows one failed login for a name, and one for an account. A
        // higher first limit does not change this.
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
