//! One login under its limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::super::context::Context;
use super::super::credentials::LoginName;
use super::super::given::Login;
use super::super::problem::Problem;
use super::queue::Turn;
use crate::error::SessionError;
use crate::id::UserId;
use crate::manager::{Counted, Tried};
use crate::session::SessionData;
use crate::store::{AttemptRule, Settle};
use crate::token::Device;

/// What one login has been counted under. Dropping it leaves it counted, as one that failed.
#[derive(Default)]
pub(in crate::routes) struct LoginAttempt {
    device: DeviceAttempt,
    /// Of the networks that the client's address is in, if it was counted under them.
    networks: Option<Vec<Attempt>>,
    name: Option<Attempt>,
    account: Option<Counted>,
}

/// Counted once: a second look at the same login is none more.
struct Attempt {
    counted: Counted,
    /// Until it is settled.
    turn: Turn,
}

/// What a login has been counted under the device that it shows.
#[derive(Default)]
enum DeviceAttempt {
    #[default]
    NotCounted,
    Counted {
        attempt: Attempt,
        /// Whether the device has logged in to the account that is meant.
        known: bool,
    },
    /// The device has used up its attempts: it counts as unknown.
    Refused,
}

/// Whether the password of whom a login means may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::routes) enum Account {
    Open,
    Shut,
}

/// Why a login goes no further.
pub(in crate::routes) enum Stop {
    Limit(Duration),
    Failed(SessionError),
}

impl LoginAttempt {
    /// Counts it under the device that it shows, and returns the device if it may be a known one: before anybody is asked
    /// whom it means. `None`: the device has used up its attempts, or there is none.
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

    /// Whether the device turned out to have logged in to the account before.
    pub(in crate::routes) fn is_of_known_device(&mut self, is_known: bool) {
        if let DeviceAttempt::Counted { known, .. } = &mut self.device {
            *known = is_known;
        }
    }

    /// Counts it under where it comes from: before anybody is asked whom it means, so that a client that has to wait is
    /// nobody's burden.
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
            // As many as leave room for those of another instance.
            let at_once = rule.attempts.get() / 2;
            networks.push(count(context, "address", &network, rule, at_once).await?);
        }
        Ok(())
    }

    /// Counts it under what was typed, whoever that is: the answer to one too many tells nothing else. Logins by one name
    /// come one after another.
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
            // What is no user id was typed as one.
            Some(LoginName::UserId(_)) | None => "user_id",
        };
        self.name = Some(count(context, kind, text, rule, 1).await?);
        Ok(())
    }

    /// Counts it under whom it means. For nobody the same is done in a stand-in's name, so that it takes as long.
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
        match manager.attempt(key, rule, context.token_only_logins).await {
            Ok(Tried::Counted(counted)) => {
                self.account = Some(counted);
                Ok(Account::Open)
            }
            Ok(Tried::Refused { .. }) => Ok(Account::Shut),
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// It has succeeded. What others have failed by the name and for the account is not forgotten for a known device, which
    /// has not been counted there: else its logins would give whoever guesses more attempts.
    pub(in crate::routes) async fn succeeded<D: SessionData>(self, context: &Context<D>) {
        self.settle(context, Counted::clear).await;
    }

    /// It has failed, and not for its credentials.
    pub(in crate::routes) async fn undecided<D: SessionData>(self, context: &Context<D>) {
        self.settle(context, Counted::give_back).await;
    }

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
        context.manager.settle(settles, turns).await;
    }
}

impl Attempt {
    /// The attempt settled so, and the turn to hold until the store has it.
    fn settled(
        self,
        settled: impl FnOnce(Counted) -> (Counted, Settle),
    ) -> ((Counted, Settle), Turn) {
        (settled(self.counted), self.turn)
    }
}

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
    match manager.attempt(key, rule, context.token_only_logins).await {
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
