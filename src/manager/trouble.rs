//! What becomes of a request while the store cannot tell.

use std::error::Error as _;

use super::SessionManager;
use super::check::Passed;
use super::demand::{Demand, FailurePolicy};
use super::recall::Verified;
use super::token_only::TokenOnly;
use crate::coherence::{Tick, one_more};
use crate::error::{AuthError, AuthErrorKind};
use crate::near::Known;
use crate::session::SessionData;
use crate::store::{StoreError, StoreErrorKind};

impl<D: SessionData> SessionManager<D> {
    /// What the layer's policy makes of a store that cannot answer. Every other refusal stays one.
    pub(super) fn in_trouble(
        &self,
        error: AuthError,
        verified: &Verified<D>,
        demand: &Demand,
    ) -> Result<Passed<D>, AuthError> {
        let Some(claims) = verified.claims() else { return Err(error) };
        if !is_away(&error) || demand.policy == FailurePolicy::Refuse {
            return Err(error);
        }
        // What has ended stays ended, whoever cannot say so now.
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
                let (Some(near), Some(key)) = (near, &verified.key) else { return Err(error) };
                let Some(Known::Lives(session)) = near.get(key) else { return Err(error) };
                let bound = near.lease().saturating_add(max);
                let serves = session
                    .kept()
                    .is_some_and(|kept| kept.serves_stale(verified.policy, Tick::now(), bound));
                if !serves {
                    return Err(error);
                }
                one_more(&near.figures().stale_served);
                self.note_use(&session);
                Ok(Passed::Session(session.stale()))
            }
            FailurePolicy::Refuse => Err(error),
        }
    }
}

/// Whether nobody can tell. A store that answers, and cannot be used as it is set up, is for its operator to repair.
fn is_away(error: &AuthError) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<StoreError>());
    error.kind() == AuthErrorKind::StoreUnavailable
        && cause.is_none_or(|cause| cause.kind() != StoreErrorKind::Unsupported)
}
