//! The counts of one login under its limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::super::context::Context;
use super::super::credentials::LoginName;
use super::super::error_response::Problem;
use super::super::requests::Login;
use super::queue::Turn;
use crate::error::SessionError;
use crate::id::UserId;
use crate::rate_limit::{Counted, Tried};
use crate::session::SessionData;
use crate::store::{AttemptRule, Settle};
use crate::token::Device;

/// The counts of one login. If they are dropped, the login stays counted as failed.
#[derive(Default)]
pub(in crate::routes) struct LoginAttempt {
    device: DeviceAttempt,
    /// One count for each network of the client's address. `None` until the login is counted by
    /// address.
    networks: Option<Vec<Attempt>>,
    name: Option<Attempt>,
    account: Option<Counted>,
}

/// One count of a login. If the login verifies the credentials a second time, it is not counted
/// again.
struct Attempt {
    counted: Counted,
    /// Held until the count is settled, so that other logins wait for the outcome.
    turn: Turn,
}

/// The count of a login under its device.
#[derive(Default)]
enum DeviceAttempt {
    #[default]
    NotCounted,
    Counted {
        attempt: Attempt,
        /// Whether the device has logged in to the account before.
        known: bool,
    },
    /// The device has used up its attempts, so it is treated as unknown.
    Refused,
}

/// Whether the limit of the account allows the verification of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::routes) enum Account {
    /// The account is below its limit.
    Open,
    /// The account has reached its limit.
    Shut,
}

/// Why a login stops.
pub(in crate::routes) enum Stop {
    /// A limit is reached. The duration is the wait until the next attempt.
    Limit(Duration),
    /// The login could not be counted.
    Failed(SessionError),
}

impl LoginAttempt {
    /// Counts the login under its device, before the user is looked up.
    ///
    /// Returns the device if the login was counted for the device. The caller checks later whether
    /// the device has logged in to the account before. Returns `None` if the request has no device,
    /// if there is no limit for devices, or if the device has reached its limit.
    pub(in crate::routes) async fn with<'a, D: SessionData>(
        &mut self,
        context: &Context<D>,
        device: Option<&'a Device>,
    ) -> Result<Option<&'a Device>, Stop> {
        let (Some(rule), Some(device)) = (&context.limits.device, device) else { return Ok(None) };
        if let DeviceAttempt::NotCounted = self.device {
            self.device = match count(context, "device", device.id(), rule, 1).await {
                Ok(attempt) => DeviceAttempt::Counted { attempt, known: false },
                Err(Stop::Limit(_)) => DeviceAttempt::Refused,
                Err(stop) => return Err(stop),
            };
        }
        Ok(Some(device).filter(|_| matches!(self.device, DeviceAttempt::Counted { .. })))
    }

    /// Records whether the device has logged in to the account before.
    pub(in crate::routes) fn set_known_device(&mut self, is_known: bool) {
        if let DeviceAttempt::Counted { known, .. } = &mut self.device {
            *known = is_known;
        }
    }

    /// Counts the login for each network of the client's address. The caller calls this method
    /// before it looks up the user, unless the login was counted for a device. A client that has
    /// reached its limit then costs no lookup.
    pub(in crate::routes) async fn from<D: SessionData>(
        &mut self,
        context: &Context<D>,
        address: Option<IpAddr>,
    ) -> Result<(), Stop> {
        let (Some(rules), Some(address), None) = (&context.limits.address, address, &self.networks)
        else {
            return Ok(());
        };
        let networks = self.networks.insert(Vec::new());
        for (network, rule) in rules.of(address) {
            // At most half of the allowed number of logins run at the same time in this process,
            // but at least one. The other half remains for other instances.
            let at_once = rule.attempts.get() / 2;
            networks.push(count(context, "address", &network, rule, at_once).await?);
        }
        Ok(())
    }

    /// Counts the login under the typed name, whether or not a user with this name exists. So a 429
    /// does not reveal which users exist. In one process, logins with the same name run one after
    /// another.
    pub(in crate::routes) async fn by<D: SessionData>(
        &mut self,
        context: &Context<D>,
        login: &Login,
    ) -> Result<(), Stop> {
        let (Some(rule), None) = (&context.limits.name, &self.name) else { return Ok(()) };
        let text = login.name.as_ref().map(|name| context.credentials.normalized(name));
        let text = text.as_deref().unwrap_or(&login.typed);
        let kind = match login.name {
            Some(LoginName::Email(_)) => "email",
            // `None`: the client sent a user id that is not valid.
            Some(LoginName::UserId(_)) | None => "user_id",
        };
        self.name = Some(count(context, kind, text, rule, 1).await?);
        Ok(())
    }

    /// Counts the login under the user's account. For an unknown user, counts the login under
    /// `stand_in` instead. So logins with and without a user take equally long.
    pub(in crate::routes) async fn of<D: SessionData>(
        &mut self,
        context: &Context<D>,
        user: Option<&UserId>,
        stand_in: &UserId,
    ) -> Result<Account, Stop> {
        let (what, who, rule) = match user {
            Some(user) => ("account", user, &context.limits.account),
            None => ("nobody", stand_in, &context.limits.nobody),
        };
        let (Some(rule), None) = (rule, &self.account) else { return Ok(Account::Open) };
        let manager = &context.manager;
        let key = manager.attempt_key(what, who.as_str()).map_err(Stop::Failed)?;
        match manager.count_attempt(key, rule, context.token_only_logins).await {
            Ok(Tried::Counted(counted)) => {
                self.account = Some(counted);
                Ok(Account::Open)
            }
            Ok(Tried::Refused { .. }) => Ok(Account::Shut),
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// Settles a login that succeeded: clears the failures of its name and account.
    ///
    /// The login of a known device was not counted under the name and the account. So it clears
    /// only the failures of the device, and keeps the failures of the name and the account.
    /// Otherwise, each login of the user would give new attempts to an attacker.
    pub(in crate::routes) async fn succeeded<D: SessionData>(self, context: &Context<D>) {
        self.settle(context, Counted::clear).await;
    }

    /// Settles a login that failed for a reason other than its credentials: gives its counts back.
    pub(in crate::routes) async fn undecided<D: SessionData>(self, context: &Context<D>) {
        self.settle(context, Counted::give_back).await;
    }

    /// Settles all counts of the login. Applies `settled` to the counts of the name, of the account
    /// and of a known device. Gives back the counts of the networks and of an unknown device. The
    /// login keeps its turns until the store has settled the counts, so that the next login sees
    /// the settled counts.
    async fn settle<D: SessionData>(
        self,
        context: &Context<D>,
        settled: impl Fn(Counted) -> (Counted, Settle),
    ) {
        let Self { device, networks, name, account } = self;
        let device = match device {
            DeviceAttempt::Counted { attempt, known: true } => Some(attempt.settled(&settled)),
            DeviceAttempt::Counted { attempt, known: false } => {
                Some(attempt.settled(Counted::give_back))
            }
            DeviceAttempt::NotCounted | DeviceAttempt::Refused => None,
        };
        let networks = networks.into_iter().flatten();
        let networks = networks.map(|attempt| attempt.settled(Counted::give_back));
        let name = name.map(|attempt| attempt.settled(&settled));
        let (mut settles, turns): (Vec<_>, Vec<_>) =
            device.into_iter().chain(name).chain(networks).unzip();
        settles.extend(account.map(settled));
        context.manager.settle_attempts(settles, turns).await;
    }
}

impl Attempt {
    /// Returns how to settle the count, and the turn to hold until the store has settled it.
    fn settled(
        self,
        settled: impl FnOnce(Counted) -> (Counted, Settle),
    ) -> ((Counted, Settle), Turn) {
        (settled(self.counted), self.turn)
    }
}

/// Waits for a turn, and counts the login under the key of `what` and `who`. In this process, at
/// most `at_once` logins with this key run at the same time.
async fn count<D: SessionData>(
    context: &Context<D>,
    what: &str,
    who: &str,
    rule: &AttemptRule,
    at_once: u32,
) -> Result<Attempt, Stop> {
    let manager = &context.manager;
    let key = manager.attempt_key(what, who).map_err(Stop::Failed)?;
    let at_once = NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN);
    let turn = context.limits.queues.turn(key.clone(), at_once).await;
    match manager.count_attempt(key, rule, context.token_only_logins).await {
        Ok(Tried::Counted(counted)) => Ok(Attempt { counted, turn }),
        Ok(Tried::Refused { retry_after }) => Err(Stop::Limit(retry_after)),
        Err(error) => Err(Stop::Failed(error)),
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Limit(wait) => Self::rate_limited(wait),
            Stop::Failed(error) => Self::from(error),
        }
    }
}
