//! The near cache lookup of a request's token. The fast path (cache hit) ends here.

use std::sync::Arc;

use super::request_policy::RequestPolicy;
use crate::cache::{CacheEntry, Key, Live, Session};
use crate::coherence::{Tick, increment};
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::manager::{SessionManager, Shared};
use crate::session::SessionData;
use crate::token::VerifiedClaims;

/// The result of the check of a token without I/O.
pub(crate) enum Lookup<D> {
    /// A valid cache entry holds the token's live session.
    Passes(Session<D>),
    /// The token is not valid or has expired, or a valid cache entry says that its session is not
    /// live.
    Refused(AuthError),
    /// The token verifies, but the store must be asked whether its session is live.
    Verified(Box<Verified<D>>),
}

/// A verified token whose session the store must check.
pub(crate) struct Verified<D> {
    pub(crate) token: Token<D>,
    /// The number of the policy and audience with which the token was verified.
    pub(crate) policy: u64,
    /// The near cache key for the answer; `None` without a near cache.
    pub(crate) key: Option<Key>,
}

/// The source of the claims of a verified token.
pub(crate) enum Token<D> {
    /// The token was verified just now.
    New(VerifiedClaims),
    /// The token was verified earlier, and a cache entry holds its claims. The session must be
    /// checked again.
    Cached(CacheEntry<D>),
}

impl<D> Verified<D> {
    /// Returns the token's user and session.
    pub(crate) fn who(&self) -> (UserId, SessionId) {
        let claims = self.claims();
        (claims.user().clone(), claims.session_id().clone())
    }

    pub(crate) fn claims(&self) -> &VerifiedClaims {
        match &self.token {
            Token::New(claims) => claims,
            Token::Cached(entry) => entry.claims(),
        }
    }

    /// Returns the cached error, if the cache entry says that the session is not live.
    pub(crate) fn last_end(&self) -> Option<&AuthError> {
        match &self.token {
            Token::Cached(CacheEntry::Ended(ended)) => Some(&ended.error),
            _ => None,
        }
    }

    /// Returns the cache entry, if the session was live when the entry was read.
    pub(crate) fn last_seen(&self) -> Option<&Arc<Live<D>>> {
        match &self.token {
            Token::Cached(CacheEntry::Live(live)) => Some(live),
            _ => None,
        }
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Looks up a token in the near cache. If there is no valid entry, verifies the token. Does no
    /// I/O. Emits an event if it rejects the token.
    pub(crate) fn lookup(&self, token: &[u8], request_policy: &RequestPolicy) -> Lookup<D> {
        let Shared { near, policy_number, .. } = &*self.shared;
        let Some(near) = near else { return self.verify_text(token, request_policy) };
        let audience = request_policy.audience_number();
        let policy = policy_number.with(audience);
        let entry = near.find(audience, token);
        let now = Tick::now();
        if let Some(entry) = entry
            && let Some(validity) = entry.validity()
        {
            let bound = request_policy.staleness.within(near.lease());
            if bound.is_some_and(|bound| validity.serves(policy, now, bound)) {
                near.counters().hits.increment();
                let is_due = validity.is_due(now);
                return self.hit(entry, is_due);
            }
            // Check `exp` again, because the host's clock may have been changed after the token was
            // verified.
            let is_verified = validity.is_verified(policy, now);
            if !is_verified || self.is_past(entry.claims()) {
                return self.verify_text(token, request_policy);
            }
            increment(&near.counters().misses);
            // A cached token is always UTF-8 text.
            let key = str::from_utf8(token).ok().map(|token| Key::new(audience, token));
            let token = Token::Cached(entry);
            return Lookup::Verified(Box::new(Verified { token, policy, key }));
        }
        self.verify_text(token, request_policy)
    }

    /// Turns a cache hit into the result of the lookup, and queues a touch if one is due.
    fn hit(&self, entry: CacheEntry<D>, is_due: bool) -> Lookup<D> {
        match entry {
            CacheEntry::Live(live) => {
                self.shared.accepted.increment(1);
                if is_due {
                    self.note_use(&live);
                }
                Lookup::Passes(Session::of_entry(live, false))
            }
            CacheEntry::Ended(ended) => {
                self.refused(&ended.error, Some(ended.who()));
                Lookup::Refused(ended.error.clone())
            }
        }
    }

    fn verify_text(&self, token: &[u8], request_policy: &RequestPolicy) -> Lookup<D> {
        let Ok(token) = str::from_utf8(token) else {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            self.refused(&error, None);
            return Lookup::Refused(error);
        };
        match self.verify(token, request_policy.audience.as_ref()) {
            Ok((claims, policy)) => {
                let key = self.shared.near.as_ref().map(|near| {
                    increment(&near.counters().misses);
                    Key::new(request_policy.audience_number(), token)
                });
                Lookup::Verified(Box::new(Verified { token: Token::New(claims), policy, key }))
            }
            Err(error) => Lookup::Refused(error),
        }
    }
}
