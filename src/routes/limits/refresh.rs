//! The limits of refresh tokens.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::super::context::Context;
use super::super::error_response::Problem;
use crate::error::AuthErrorKind;
use crate::id::{SessionId, UserId};
use crate::manager;
use crate::rate_limit::Tried;
use crate::session::SessionData;
use crate::store::AttemptRule;
use crate::telemetry::events::{Event, Suspicion};
use crate::trace;

/// Longest time for which a process remembers a refusal.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

impl<D: SessionData> Context<D> {
    /// Exchanges a refresh token, under the limits of its session and of the client's address.
    pub(in crate::routes) async fn refresh(
        &self,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<manager::Login<D>, Problem> {
        // `find_refresh_token` returns each token that one of the keys has made. The token may
        // already be replaced, and its session may be over.
        if let Some(token) = self.manager.find_refresh_token(token) {
            self.refresh_of(token.claims.user, token.claims.session).await?;
        }
        match self.manager.refresh(token).await {
            Ok(login) => Ok(login),
            Err(error) => {
                if error.kind() == AuthErrorKind::InvalidToken {
                    self.bad_refresh_from(address).await?;
                }
                Err(error.into())
            }
        }
    }

    /// Counts a refresh of this session, after one of the keys has verified the token.
    async fn refresh_of(&self, user: UserId, session: SessionId) -> Result<(), Problem> {
        let Some(rule) = &self.limits.session else { return Ok(()) };
        let who = format!("{} {user}", session.as_str());
        let told = || {
            let suspicion = Suspicion::RefreshRate { session };
            self.manager.events().emit(Event::Suspicious { user, suspicion });
        };
        self.may_refresh("session", &who, rule, told).await
    }

    /// Counts an invalid refresh token under the client's address. If the address has reached its
    /// limit, the answer is 429 instead of 401. If the store is unavailable, the answer stays 401,
    /// because the token is invalid in any case.
    async fn bad_refresh_from(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let (Some(rules), Some(address)) = (&self.limits.bad_tokens, address) else {
            return Ok(());
        };
        let told = || {
            trace::warn!(
                "too many invalid refresh tokens from an address: the response is 429",
                ip_address = address
            );
        };
        for (network, rule) in rules.of(address) {
            match self.may_refresh("refresh", &network, rule, told).await {
                Err(problem) if problem.is_rate_limited() => return Err(problem),
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts one attempt. If this process remembers a wait that has not ended, it refuses the
    /// attempt without asking the store.
    ///
    /// The function calls `told` when the store refuses an attempt, but not when this process
    /// refuses one. So many attempts during one wait cause few events and log entries.
    async fn may_refresh(
        &self,
        what: &str,
        who: &str,
        rule: &AttemptRule,
        told: impl FnOnce(),
    ) -> Result<(), Problem> {
        let key = self.manager.attempt_key(what, who)?;
        let waits = &self.limits.waits;
        if let Some(until) = waits.get(&key) {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(Problem::rate_limited(left));
            }
            waits.remove(&key);
        }
        match self.manager.count_attempt(key.clone(), rule, false).await {
            // The count is never given back: every attempt is counted, whatever its outcome.
            Ok(Tried::Counted(_)) => Ok(()),
            Ok(Tried::Refused { retry_after }) => {
                // A custom store may return any duration.
                waits.insert(key, Instant::now() + retry_after.min(LONGEST_WAIT));
                told();
                Err(Problem::rate_limited(retry_after))
            }
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
