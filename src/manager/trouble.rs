//! What becomes of a request while the store cannot tell.

use super::SessionManager;
use super::check::Passed;
use super::demand::{Demand, FailurePolicy};
use super::recall::Verified;
use super::token_only::TokenOnly;
use crate::coherence::{Tick, one_more};
use crate::error::{AuthError, AuthErrorKind};
use crate::near::Known;
use crate::session::SessionData;

impl<D: SessionData> SessionManager<D> {
    /// What the layer's policy makes of a store that cannot answer. Every other refusal stays one.
    pub(super) fn in_trouble(
        &self,
        error: AuthError,
        verified: &Verified<D>,
        demand: &Demand,
    ) -> Result<Passed<D>, AuthError> {
        let Some(claims) = verified.claims() else { return Err(error) };
        let unknown = error.kind() == AuthErrorKind::StoreUnavailable;
        if !unknown || demand.policy == FailurePolicy::Refuse {
            return Err(error);
        }
        // What has ended stays ended, whoever cannot say so now.
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
