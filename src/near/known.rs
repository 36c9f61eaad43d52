//! What is known about a token.

use std::hash::{Hash, Hasher};
use std::iter::repeat_n;
use std::sync::Arc;

use quick_cache::Equivalent;

use crate::coherence::Kept;
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::session::Session;
use crate::token::VerifiedClaims;

/// A verified token, and for whom it was verified: what one layer takes, another may refuse.
///
/// In one piece, the token first and the number of its audience behind it: the less a key takes, the more of them are in
/// a processor's cache.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Arc<[u8]>);

/// The same, to look one up.
#[derive(PartialEq, Eq)]
pub(super) struct Lookup<'a> {
    pub(super) audience: u32,
    pub(super) token: &'a [u8],
}

impl Key {
    pub(crate) fn new(audience: u32, token: &str) -> Self {
        // One allocation, for this is made with each question to the store.
        let audience = audience.to_ne_bytes();
        let mut both: Arc<[u8]> = repeat_n(0, token.len() + audience.len()).collect();
        if let Some((first, rest)) =
            Arc::get_mut(&mut both).and_then(|both| both.split_at_mut_checked(token.len()))
        {
            first.copy_from_slice(token.as_bytes());
            rest.copy_from_slice(&audience);
        }
        Self(both)
    }

    /// The length of the token.
    pub(super) fn len(&self) -> usize {
        self.as_lookup().token.len()
    }

    fn as_lookup(&self) -> Lookup<'_> {
        // Each key has both parts.
        let (token, audience) = self.0.split_last_chunk().unwrap_or((&[], &[0; 4]));
        Lookup { audience: u32::from_ne_bytes(*audience), token }
    }
}

/// So much of a token's end is hashed: some 94 bits of its signature.
const HASHED: usize = 16;

// The end is enough: signatures of verified tokens differ there, and equality looks at all of the token.
impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.audience);
        match self.token.last_chunk::<HASHED>() {
            Some(end) => state.write_u128(u128::from_ne_bytes(*end)),
            None => state.write(self.token),
        }
    }
}

// What is equal must fall into the same place.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_lookup().hash(state);
    }
}

impl Equivalent<Key> for Lookup<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_lookup()
    }
}

/// What is known about a verified token. Cheap to clone.
pub(crate) enum Known<D> {
    /// Its session lived when it was read.
    Lives(Session<D>),
    /// Its session has ended.
    Ended(Arc<Ended>),
}

/// A session that has ended, and how a request hears of it.
pub(crate) struct Ended {
    pub(crate) claims: VerifiedClaims,
    pub(crate) error: AuthError,
    pub(crate) kept: Option<Kept>,
}

impl Ended {
    pub(crate) fn who(&self) -> (UserId, SessionId) {
        (self.claims.user().clone(), self.claims.session_id().clone())
    }
}

impl<D> Known<D> {
    /// `None` for what was not kept.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        match self {
            Self::Lives(session) => session.kept(),
            Self::Ended(ended) => ended.kept.as_ref(),
        }
    }

    /// `None` for a session that no token was shown for: never so here.
    pub(crate) fn claims(&self) -> Option<&VerifiedClaims> {
        match self {
            Self::Lives(session) => session.claims(),
            Self::Ended(ended) => Some(&ended.claims),
        }
    }
}

// By hand: a derive would ask for `D: Clone`.
impl<D> Clone for Known<D> {
    fn clone(&self) -> Self {
        match self {
            Self::Lives(session) => Self::Lives(session.clone()),
            Self::Ended(ended) => Self::Ended(Arc::clone(ended)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use foldhash::fast::RandomState;

    use super::*;

    #[test]
    fn a_key_is_found_by_its_parts_and_by_nothing_else() {
        let hasher = RandomState::default();
        let key = Key::new(1, "a.b.c");
        let same = Lookup { audience: 1, token: b"a.b.c" };
        assert!(same.equivalent(&key));
        assert_eq!(hasher.hash_one(&same), hasher.hash_one(&key));
        for (audience, token) in [(2, "a.b.c"), (1, "a.b.d"), (1, "a.b."), (1, "a.b.cc"), (0, "")] {
            assert!(
                !Lookup { audience, token: token.as_bytes() }.equivalent(&key),
                "{audience} {token}"
            );
        }
    }

    #[test]
    fn tokens_that_end_alike_are_not_the_same() {
        let key = Key::new(1, "header.payload.0123456789abcdef");
        let other = Lookup { audience: 1, token: b"header.poyload.0123456789abcdef" };
        let hasher = RandomState::default();
        assert_eq!(hasher.hash_one(&other), hasher.hash_one(&key), "they meet in one place");
        assert!(!other.equivalent(&key));
    }
}
