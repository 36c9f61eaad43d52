//! Applies the failure policy while the store is unavailable.

use std::sync::Arc;

use super::lookup::Verified;
use super::request_policy::{FailurePolicy, RequestPolicy};
use super::token_only::TokenOnly;
use super::verify::Passed;
use crate::cache::{CacheEntry, Live, Session};
use crate::coherence::{Tick, increment};
use crate::error::{AuthError, AuthErrorKind};
use crate::manager::SessionManager;
use crate::resilience::StoreUnavailable;
use crate::session::SessionData;

/// What a request receives in place of the store's answer.
enum StandIn<D> {
    /// A cache entry that the failure policy still accepts.
    Live(Arc<Live<D>>),
    TokenOnly(TokenOnly),
}

impl<D: SessionData> SessionManager<D> {
    /// Applies the layer's failure policy. The type of `away` ensures that a policy applies only if
    /// the store itself failed: after any other failure, there is no `StoreUnavailable`.
    ///
    /// A failure policy applies only to the missing answer of the store. If there is a user
    /// directory, [`ServeStale`](FailurePolicy::ServeStale) and
    /// [`TokenOnly`](FailurePolicy::TokenOnly) accept the request only if the account is active. If
    /// this process has a valid cached answer of the directory, the manager uses that answer.
    /// Otherwise, it calls the directory.
    pub(crate) async fn without_the_store(
        &self,
        away: StoreUnavailable,
        verified: &Verified<D>,
        request_policy: &RequestPolicy,
    ) -> Result<Passed<D>, AuthError> {
        let mut passed = self.stand_in(&away, verified, request_policy);
        let mut role = None;
        if let Some(accounts) = &self.shared.accounts
            && request_policy.policy != FailurePolicy::Refuse
        {
            let user = verified.claims().user();
            // If the account is known to be inactive, the error must name the account and not the
            // store.
            let is_refused_for_it = |error: &AuthError| {
                error.kind() == AuthErrorKind::StoreUnavailable && accounts.is_known_inactive(user)
            };
            if passed.as_ref().err().is_none_or(is_refused_for_it) {
                role = Some(self.account_is_active(accounts, user).await?.role);
                // The session may have been revoked or may have expired during the directory call.
                passed = self.stand_in(&away, verified, request_policy);
            }
        }
        let live = match passed? {
            StandIn::Live(live) => live,
            StandIn::TokenOnly(token) => return Ok(Passed::TokenOnly(token)),
        };
        let live = match role {
            Some(role) => self.with_role(&live, role),
            None => live,
        };
        if let Some(near) = &self.shared.near {
            increment(&near.counters().stale_served);
        }
        self.note_use(&live);
        Ok(Passed::Session(Session::of_entry(live, true)))
    }

    /// Decides whether the failure policy accepts the request. Uses only data in the memory of this
    /// process, and does no I/O.
    fn stand_in(
        &self,
        away: &StoreUnavailable,
        verified: &Verified<D>,
        request_policy: &RequestPolicy,
    ) -> Result<StandIn<D>, AuthError> {
        let refused = || AuthError::from(away.clone());
        let claims = verified.claims();
        if request_policy.policy == FailurePolicy::Refuse {
            return Err(refused());
        }
        // If this process remembers that the session was revoked or has expired, reject the
        // request. The store is not needed for this rejection.
        if let Some(ended) = verified.last_end() {
            return Err(ended.clone());
        }
        let key = (claims.user().clone(), claims.session_id().clone());
        if let Some(ended) = self.shared.ended.get(&key) {
            return Err(ended);
        }
        match request_policy.policy {
            FailurePolicy::TokenOnly => Ok(StandIn::TokenOnly(TokenOnly::new(claims.clone()))),
            FailurePolicy::ServeStale(max) => {
                let near = self.shared.near.as_ref();
                let (Some(near), Some(key)) = (near, &verified.key) else { return Err(refused()) };
                let Some(CacheEntry::Live(live)) = near.get(key) else { return Err(refused()) };
                let bound = near.lease().saturating_add(max);
                let serves = live.validity.as_ref().is_some_and(|validity| {
                    validity.serves_stale(verified.policy, Tick::now(), bound)
                });
                if serves { Ok(StandIn::Live(live)) } else { Err(refused()) }
            }
            FailurePolicy::Refuse => Err(refused()),
        }
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests;
