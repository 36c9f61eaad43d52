//! The check of a request: from its token to a live session.

use tokio::time::Instant;

use super::load::overloaded;
use super::lookup::{Lookup, Verified};
use super::request_policy::RequestPolicy;
use super::token_only::TokenOnly;
use crate::cache::LoadError;
use crate::cache::Session;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::manager::SessionManager;
use crate::session::SessionData;
use crate::telemetry::events::{Event, Events};
use crate::timer_elision;
use crate::token::{Audience, VerifiedClaims, VerifiedToken};

/// What an accepted request receives.
pub(crate) enum Passed<D> {
    /// The session of the request's token.
    Session(Session<D>),
    /// Only the claims of the request's token: see
    /// [`FailurePolicy::TokenOnly`](super::request_policy::FailurePolicy::TokenOnly).
    TokenOnly(TokenOnly),
}

impl<D: SessionData> SessionManager<D> {
    /// Checks an access token. A layer with default settings does the same with the bearer token of
    /// a request.
    ///
    /// If the token is accepted, its session is touched in the background.
    ///
    /// # Errors
    ///
    /// [`AuthError`] with a kind that names the reason: 401 if the token or its session is not
    /// valid, 403 if the account is not active, 503 if the store or the user directory cannot
    /// answer.
    ///
    /// # Cancel safety
    ///
    /// Safe. A check writes nothing but the touch, and the worker writes it in the background.
    pub async fn authenticate(&self, token: &str) -> Result<Session<D>, AuthError> {
        let request_policy = RequestPolicy::default();
        let verified = match self.lookup(token.as_bytes(), &request_policy) {
            Lookup::Passes(session) => return Ok(session),
            Lookup::Refused(error) => return Err(error),
            Lookup::Verified(verified) => verified,
        };
        match self.check(&verified, &request_policy).await? {
            Passed::Session(session) => Ok(session),
            // This does not occur: the default request policy does not accept a token alone.
            Passed::TokenOnly(_) => Err(AuthError::new(AuthErrorKind::StoreUnavailable)),
        }
    }

    /// Verifies a token. Does no I/O. Returns the claims and a number. The number identifies the
    /// policy and the audience with which the token was verified. Emits an event if it rejects the
    /// token.
    pub(crate) fn verify(
        &self,
        token: &str,
        audience: Option<&Audience>,
    ) -> Result<(VerifiedClaims, u64), AuthError> {
        let (policy, now) = (self.shared.policy.load(), self.shared.clock.now());
        let verified = policy.verify_for(audience, token, now);
        // The event of an expired token names its user and session.
        let who = match &verified {
            Ok(VerifiedToken::Expired(claims)) => {
                Some((claims.user().clone(), claims.session_id().clone()))
            }
            _ => None,
        };
        match verified.and_then(VerifiedToken::into_valid) {
            Ok(claims) => Ok((claims, policy.number(audience))),
            Err(error) => {
                self.refused(&error, who);
                Err(error)
            }
        }
    }

    /// Like [`verify`](Self::verify), but accepts a token whose `exp` has passed, or whose `iat` or
    /// `nbf` is in the future.
    pub(crate) fn verify_at_any_time(&self, token: &str) -> Result<VerifiedClaims, AuthError> {
        let (policy, now) = (self.shared.policy.load(), self.shared.clock.now());
        let verified = policy.verify_for(None, token, now).map(VerifiedToken::into_claims);
        verified.inspect_err(|error| self.refused(error, None))
    }

    /// Returns whether a token's `exp` has passed.
    pub(crate) fn is_past(&self, claims: &VerifiedClaims) -> bool {
        self.shared.policy.load().is_past(claims, self.shared.clock.now())
    }

    /// Checks the session of a verified token. Applies the layer's failure policy if the store is
    /// unavailable. Emits an event if it rejects the request.
    pub(crate) async fn check(
        &self,
        verified: &Verified<D>,
        request_policy: &RequestPolicy,
    ) -> Result<Passed<D>, AuthError> {
        let end = self.request_end();
        let checked = match self.load(verified, request_policy, end).await {
            Ok(live) => Ok(Passed::Session(Session::of_entry(live, false))),
            Err(LoadError::Refused(error)) => Err(error),
            // Boxed because it is rare: this keeps the future of each request small.
            Err(LoadError::StoreUnavailable(away)) => {
                let work = Box::pin(self.without_the_store(away, verified, request_policy));
                timer_elision::timeout_at(end, work, || false, overloaded).await
            }
        };
        match &checked {
            Ok(_) => self.shared.accepted.increment(1),
            Err(error) => self.refused(error, Some(verified.who())),
        }
        checked
    }

    /// Returns the deadline of a request that arrives now. It is twice the sum of the store timeout
    /// and the directory timeout.
    pub(crate) fn request_end(&self) -> Instant {
        Instant::now() + 2 * (self.shared.store_client.limit() + self.directory_limit())
    }

    /// Returns the sink of all events of this manager.
    pub(crate) fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Emits the event of a rejected request. Called once per rejection.
    pub(crate) fn refused(&self, error: &AuthError, who: Option<(UserId, SessionId)>) {
        let (user, session) = who.unzip();
        self.shared.events.emit(Event::Rejected { kind: error.kind(), user, session });
    }
}
