//! From a token to a living session: recall, verify, then ask the store.

use tokio::time::Instant;

use super::demand::Demand;
use super::recall::{Recalled, Verified};
use super::{SessionManager, TokenOnly};
use crate::error::{AuthError, AuthErrorKind};
use crate::events::{Event, Events};
use crate::id::{SessionId, UserId};
use crate::limit;
use crate::near::LoadFailure;
use crate::session::{Session, SessionData};
use crate::token::{Audience, Expiry, VerifiedClaims};

/// What a request may go on with.
pub(crate) enum Passed<D> {
    /// Its session.
    Session(Session<D>),
    /// Its token alone: see [`FailurePolicy::TokenOnly`](super::FailurePolicy::TokenOnly).
    TokenOnly(TokenOnly),
}

impl<D: SessionData> SessionManager<D> {
    /// Checks an access token: what a layer with default settings does with the bearer token of a request.
    ///
    /// A session that is let in counts as used.
    ///
    /// # Errors
    ///
    /// [`AuthError`] with the kind that says why: 401 if the token or its session is not good, 503 if the store cannot
    /// tell.
    ///
    /// # Cancel safety
    ///
    /// Safe: checking changes nothing but the record of use.
    pub async fn authenticate(&self, token: &str) -> Result<Session<D>, AuthError> {
        let demand = Demand::default();
        let verified = match self.recall(token.as_bytes(), &demand) {
            Recalled::Passes(session) => return Ok(session),
            Recalled::Refused(error) => return Err(error),
            Recalled::Verified(verified) => verified,
        };
        match self.check(&verified, &demand).await? {
            Passed::Session(session) => Ok(session),
            // Only ever so where it was asked for.
            Passed::TokenOnly(_) => Err(AuthError::new(AuthErrorKind::StoreUnavailable)),
        }
    }

    /// Token text to claims, and the number of the rules that they hold under; no I/O. A refusal is told as an event.
    pub(crate) fn verify(
        &self,
        token: &str,
        audience: Option<&Audience>,
        expiry: Expiry,
    ) -> Result<(VerifiedClaims, u64), AuthError> {
        let (policy, now) = (self.shared.policy.load(), self.shared.clock.now());
        let taken = if expiry == Expiry::AnyTime { expiry } else { Expiry::Ignored };
        // Who shows a token whose time is over is known, and the event says so.
        match policy.verify_for(audience, token, now, taken) {
            Ok(claims) if expiry == Expiry::Enforced && policy.is_past(&claims, now) => {
                let error = AuthError::new(AuthErrorKind::TokenExpired);
                self.refused(&error, Some((claims.user().clone(), claims.session_id().clone())));
                Err(error)
            }
            Err(error) => {
                self.refused(&error, None);
                Err(error)
            }
            Ok(claims) => Ok((claims, policy.number(audience))),
        }
    }

    /// Whether a token's `exp` has passed.
    pub(super) fn is_past(&self, claims: &VerifiedClaims) -> bool {
        self.shared.policy.load().is_past(claims, self.shared.clock.now())
    }

    /// A verified token to its living session, or what the layer's policy makes of a store that cannot tell. A refusal
    /// is told as an event.
    pub(crate) async fn check(
        &self,
        verified: &Verified<D>,
        demand: &Demand,
    ) -> Result<Passed<D>, AuthError> {
        let end = self.request_end();
        let checked = match self.load(verified, demand, end).await {
            Ok(session) => Ok(Passed::Session(session)),
            Err(LoadFailure::Refused(error)) => Err(error),
            // Boxed, for it is rare: what each request has room for is small.
            Err(LoadFailure::StoreAway(away)) => {
                let work = Box::pin(self.without_the_store(away, verified, demand));
                limit::until(end, work, || false, overloaded).await
            }
        };
        match &checked {
            Ok(_) => self.shared.accepted.increment(1),
            Err(error) => self.refused(error, verified.who()),
        }
        checked
    }

    /// When a request that arrives now is answered at the latest: twice the time of one call to the store
    /// and one question to the directory.
    pub(super) fn request_end(&self) -> Instant {
        Instant::now() + 2 * (self.shared.gate.limit() + self.directory_limit())
    }

    /// Where to tell what happens to a request.
    pub(crate) fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Tells that a request was not let in. Once for each.
    pub(crate) fn refused(&self, error: &AuthError, who: Option<(UserId, SessionId)>) {
        let (user, session) = who.unzip();
        self.shared.events.emit(Event::Rejected { kind: error.kind(), user, session });
    }

    /// Why a session is not there any more that was let in a moment ago. Told as an event.
    #[cfg(feature = "routes")]
    pub(crate) async fn why_gone(&self, session: &Session<D>) -> AuthError {
        let (user, id) = (session.user_id(), session.id());
        let (error, _) = self.why_ended(user, id).await;
        self.refused(&error, Some((user.clone(), id.clone())));
        error
    }
}

/// The request has no time left: other requests took it, or the sum of several slow answers. That says
/// nothing about the store.
pub(super) fn overloaded() -> AuthError {
    AuthError::new(AuthErrorKind::Overloaded)
}
