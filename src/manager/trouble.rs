//! What becomes of a request while the store is away.

use super::SessionManager;
use super::check::Passed;
use super::demand::{Demand, FailurePolicy};
use super::recall::Verified;
use super::token_only::TokenOnly;
use crate::coherence::{Tick, one_more};
use crate::error::{AuthError, AuthErrorKind};
use crate::gate::StoreAway;
use crate::near::Known;
use crate::session::SessionData;

impl<D: SessionData> SessionManager<D> {
    /// Applies the layer's failure policy. Only the store's own failure leads here: `away` proves it.
    ///
    /// A policy stands in for the store and for nothing else. Where there is a user directory, the account
    /// must be active: a remembered answer counts as for any request, and is else asked for.
    pub(super) async fn without_the_store(
        &self,
        away: StoreAway,
        verified: &Verified<D>,
        demand: &Demand,
    ) -> Result<Passed<D>, AuthError> {
        let mut passed = self.stand_in(&away, verified, demand);
        let mut role = None;
        if let (Some(accounts), Some(claims)) = (&self.shared.accounts, verified.claims())
            && demand.policy != FailurePolicy::Refuse
        {
            // Where nothing is remembered because the account is not active, the answer is that.
            let is_refused_for_it = |error: &AuthError| {
                error.kind() == AuthErrorKind::StoreUnavailable
                    && accounts.is_known_inactive(claims.user())
            };
            if passed.as_ref().err().is_none_or(is_refused_for_it) {
                role = Some(self.account_is_active(accounts, claims.user()).await?.role);
                // The question takes time, in which the session may have ended.
                passed = self.stand_in(&away, verified, demand);
            }
        }
        let passed = match (passed?, role) {
            (Passed::Session(session), Some(role)) => {
                Passed::Session(self.with_role(&session, role))
            }
            (passed, _) => passed,
        };
        if let Passed::Session(session) = &passed {
            if let Some(near) = &self.shared.near {
                one_more(&near.figures().stale_served);
            }
            self.note_use(session);
        }
        Ok(passed)
    }

    /// What the failure policy lets in as far as this process knows. No I/O.
    fn stand_in(
        &self,
        away: &StoreAway,
        verified: &Verified<D>,
        demand: &Demand,
    ) -> Result<Passed<D>, AuthError> {
        let refused = || AuthError::from(away.clone());
        let claims = verified.claims().ok_or_else(refused)?;
        if demand.policy == FailurePolicy::Refuse {
            return Err(refused());
        }
        // What has ended stays ended, also while the store cannot say so.
        if let Some(ended) = verified.last_end() {
            return Err(ended.clone());
        }
        let key = (claims.user().clone(), claims.session_id().clone());
        if let Some(ended) = self.shared.ended.get(&key) {
            return Err(ended);
        }
        match demand.policy {
            FailurePolicy::TokenOnly => Ok(Passed::TokenOnly(TokenOnly::new(claims.clone()))),
            FailurePolicy::ServeStale(max) => {
                let near = self.shared.near.as_ref();
                let (Some(near), Some(key)) = (near, &verified.key) else { return Err(refused()) };
                let Some(Known::Lives(session)) = near.get(key) else { return Err(refused()) };
                let bound = near.lease().saturating_add(max);
                let serves = session
                    .kept()
                    .is_some_and(|kept| kept.serves_stale(verified.policy, Tick::now(), bound));
                if serves { Ok(Passed::Session(session.stale())) } else { Err(refused()) }
            }
            FailurePolicy::Refuse => Err(refused()),
        }
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests;
