//! What is already known about the token of a request: the path of a hit, and where it ends.

use super::demand::Demand;
use super::{SessionManager, Shared};
use crate::coherence::{Tick, one_more};
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::near::{Key, Known};
use crate::session::{Session, SessionData};
use crate::token::{Expiry, VerifiedClaims};

/// What becomes of a token without asking anybody.
pub(crate) enum Recalled<D> {
    /// Its session lives.
    Passes(Session<D>),
    /// It is good for nothing.
    Refused(AuthError),
    /// It verifies. Whether its session lives is for the store to say.
    Verified(Box<Verified<D>>),
}

/// A verified token, on its way to the store.
pub(crate) struct Verified<D> {
    pub(super) token: Token<D>,
    /// Which rules it was verified by.
    pub(super) policy: u64,
    /// Under which name the answer is kept; `None` where nothing is.
    pub(super) key: Option<Key>,
}

/// What is known of a verified token.
pub(super) enum Token<D> {
    /// What it says.
    New(VerifiedClaims),
    /// What was known the last time.
    Known(Known<D>),
}

impl<D> Verified<D> {
    /// Whose it is.
    pub(super) fn who(&self) -> Option<(UserId, SessionId)> {
        self.claims().map(|claims| (claims.user().clone(), claims.session_id().clone()))
    }

    /// `None` only for what was never kept as one: see [`Known::claims`].
    pub(super) fn claims(&self) -> Option<&VerifiedClaims> {
        match &self.token {
            Token::New(claims) => Some(claims),
            Token::Known(known) => known.claims(),
        }
    }

    /// How a request heard the last time that the session has ended.
    pub(super) fn last_end(&self) -> Option<&AuthError> {
        match &self.token {
            Token::Known(Known::Ended(ended)) => Some(&ended.error),
            _ => None,
        }
    }

    /// The session as it was the last time.
    pub(super) fn last_seen(&self) -> Option<&Session<D>> {
        match &self.token {
            Token::Known(Known::Lives(session)) => Some(session),
            _ => None,
        }
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Token text to whatever is known about it; no I/O. What is refused is told as an event.
    pub(crate) fn recall(&self, token: &[u8], demand: &Demand) -> Recalled<D> {
        let Shared { near, policy_number, .. } = &*self.shared;
        let Some(near) = near else { return self.verified(token, demand) };
        let audience = demand.audience_number();
        let policy = policy_number.with(audience);
        let known = near.find(audience, token);
        let now = Tick::now();
        if let Some(known) = known
            && let Some(kept) = known.kept()
        {
            let bound = demand.staleness.within(near.lease());
            if bound.is_some_and(|bound| kept.serves(policy, now, bound)) {
                near.figures().hits.one_more();
                let is_due = kept.is_due(now);
                return self.known(known, is_due);
            }
            // This host's clock may have been set since.
            let is_verified = kept.is_verified(policy, now);
            if !is_verified || known.claims().is_none_or(|claims| self.is_past(claims)) {
                return self.verified(token, demand);
            }
            one_more(&near.figures().misses);
            // Whatever is known is text.
            let key = str::from_utf8(token).ok().map(|token| Key::new(audience, token));
            let token = Token::Known(known);
            return Recalled::Verified(Box::new(Verified { token, policy, key }));
        }
        self.verified(token, demand)
    }

    /// A hit.
    fn known(&self, known: Known<D>, is_due: bool) -> Recalled<D> {
        match known {
            Known::Lives(session) => {
                self.shared.accepted.increment(1);
                if is_due {
                    self.note_use(&session);
                }
                Recalled::Passes(session)
            }
            Known::Ended(ended) => {
                self.refused(&ended.error, Some(ended.who()));
                Recalled::Refused(ended.error.clone())
            }
        }
    }

    fn verified(&self, token: &[u8], demand: &Demand) -> Recalled<D> {
        let Ok(token) = str::from_utf8(token) else {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            self.refused(&error, None);
            return Recalled::Refused(error);
        };
        match self.verify(token, demand.audience.as_ref(), Expiry::Enforced) {
            Ok((claims, policy)) => {
                let key = self.shared.near.as_ref().map(|near| {
                    one_more(&near.figures().misses);
                    Key::new(demand.audience_number(), token)
                });
                Recalled::Verified(Box::new(Verified { token: Token::New(claims), policy, key }))
            }
            Err(error) => Recalled::Refused(error),
        }
    }
}
