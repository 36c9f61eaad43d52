//! What becomes of a request while the store cannot tell.

use std::fmt;
use std::sync::Arc;

use super::SessionManager;
use super::check::Passed;
use super::demand::{Demand, FailurePolicy};
use super::recall::Verified;
use crate::coherence::{Tick, one_more};
use crate::error::{AuthError, AuthErrorKind};
use crate::near::Known;
use crate::session::SessionData;
use crate::token::VerifiedClaims;

/// In the extensions of a request that a layer with [`FailurePolicy::TokenOnly`] let in while the store was away: what
/// its JWT says, and nothing that is true of its session. Cheap to clone.
#[derive(Clone)]
pub struct TokenOnly(Arc<VerifiedClaims>);

impl TokenOnly {
    /// The claims of the access token. That its session lives is not known.
    #[must_use]
    pub fn claims(&self) -> &VerifiedClaims {
        &self.0
    }
}

impl fmt::Debug for TokenOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenOnly").field(&self.0).finish()
    }
}

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
            FailurePolicy::TokenOnly => Ok(Passed::TokenOnly(TokenOnly(Arc::new(claims.clone())))),
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
