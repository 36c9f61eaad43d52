//! One login under its limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::super::context::Context;
use super::super::given::Login;
use super::super::problem::Problem;
use super::client;
use super::queue::Turn;
use crate::error::SessionError;
use crate::id::UserId;
use crate::manager::{Counted, Tried};
use crate::session::SessionData;
use crate::store::{AttemptRule, Settle};

/// What one login has been counted under. Dropping it leaves it counted, as one that failed.
#[derive(Default)]
pub(in crate::routes) struct LoginAttempt {
    address: Option<Attempt>,
    account: Option<Attempt>,
}

/// Counted once: a second look at the same login is none more.
struct Attempt {
    counted: Counted,
    /// Until it is settled.
    turn: Turn,
}

/// Why a login goes no further.
pub(in crate::routes) enum Stop {
    Limit(Duration),
    Failed(SessionError),
}

impl LoginAttempt {
    /// Counts it under where it comes from: before anybody is asked whom it means, so that a client that has to wait is
    /// nobody's burden.
    pub(in crate::routes) async fn from<D: SessionData>(
        &mut self,
        context: &Context<D>,
        address: Option<IpAddr>,
    ) -> Result<(), Stop> {
        if let (Some(rule), Some(address), None) = (&context.limits.address, address, &self.address)
        {
            let who = client(address).to_string();
            // As many as leave room for those of another instance.
            let at_once = rule.attempts.get() / 2;
            self.address = Some(count(context, "address", &who, rule, at_once).await?);
        }
        Ok(())
    }

    /// Counts it under whom it means. Logins of one account come one after another.
    pub(in crate::routes) async fn of<D: SessionData>(
        &mut self,
        context: &Context<D>,
        user: Option<&UserId>,
        login: &Login,
    ) -> Result<(), Stop> {
        let (Some(rule), None) = (&context.limits.account, &self.account) else { return Ok(()) };
        let counted = match (user, &login.name) {
            (Some(user), _) => count(context, "account", user.as_str(), rule, 1).await,
            (None, Some(name)) => {
                count(context, "nobody", &context.credentials.normalized(name), rule, 1).await
            }
            (None, None) => count(context, "nobody", &login.typed, rule, 1).await,
        };
        self.account = Some(counted?);
        Ok(())
    }

    /// It has succeeded.
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
        account: impl FnOnce(Counted) -> (Counted, Settle),
    ) {
        let apart = |attempt: Option<Attempt>| {
            attempt.map(|Attempt { counted, turn }| (counted, turn)).unzip()
        };
        let (of, from) = (apart(self.account), apart(self.address));
        let settles = [of.0.map(account), from.0.map(Counted::give_back)];
        context.manager.settle(settles, (of.1, from.1)).await;
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
