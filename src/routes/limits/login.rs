//! One login under its limits.

use std::net::IpAddr;
use std::time::Duration;

use super::super::context::Context;
use super::super::given::Login;
use super::super::problem::Problem;
use super::client;
use crate::error::SessionError;
use crate::id::UserId;
use crate::manager::{Counted, Tried};
use crate::session::SessionData;
use crate::store::AttemptRule;

/// What one login has been counted under. Dropping it leaves it counted, as one that failed.
#[derive(Default)]
pub(in crate::routes) struct LoginAttempt {
    address: Option<Counted>,
    account: Option<Counted>,
    /// Whether it was counted: a second look at the same login is none more.
    from: bool,
    of: bool,
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
        let (Some(rule), Some(address), false) = (&context.limits.address, address, self.from)
        else {
            return Ok(());
        };
        let who = client(address).to_string();
        self.address = Some(count(context, "address", &who, rule).await?);
        self.from = true;
        Ok(())
    }

    /// Counts it under whom it means.
    pub(in crate::routes) async fn of<D: SessionData>(
        &mut self,
        context: &Context<D>,
        user: Option<&UserId>,
        login: &Login,
    ) -> Result<(), Stop> {
        let (Some(rule), false) = (&context.limits.account, self.of) else { return Ok(()) };
        let counted = match (user, &login.name) {
            (Some(user), _) => count(context, "account", user.as_str(), rule).await,
            (None, Some(name)) => {
                count(context, "nobody", &context.credentials.normalized(name), rule).await
            }
            (None, None) => count(context, "nobody", &login.typed, rule).await,
        };
        self.account = Some(counted?);
        self.of = true;
        Ok(())
    }

    /// It has succeeded.
    pub(in crate::routes) async fn succeeded<D: SessionData>(self, context: &Context<D>) {
        let address = self.address.map(Counted::give_back);
        context.manager.settle([self.account.map(Counted::clear), address]).await;
    }

    /// It has failed, and not for its credentials.
    pub(in crate::routes) async fn undecided<D: SessionData>(self, context: &Context<D>) {
        let address = self.address.map(Counted::give_back);
        context.manager.settle([self.account.map(Counted::give_back), address]).await;
    }
}

async fn count<D: SessionData>(
    context: &Context<D>,
    what: &str,
    who: &str,
    rule: &AttemptRule,
) -> Result<Counted, Stop> {
    let manager = &context.manager;
    let key = manager.attempt_key(what, who).map_err(Stop::Failed)?;
    match manager.attempt(key, rule, context.token_only_logins).await {
        Ok(Tried::Counted(counted)) => Ok(counted),
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
