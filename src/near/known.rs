//! What is known about a token.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;

use crate::coherence::Kept;
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::session::Session;
use crate::token::VerifiedClaims;

/// A verified token, and for whom it was verified: what one layer takes, another may refuse.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    audience: u32,
    token: Arc<str>,
}

/// The same, to look one up.
#[derive(PartialEq, Eq)]
pub(super) struct Lookup<'a> {
    pub(super) audience: u32,
    pub(super) token: &'a [u8],
}

impl Key {
    pub(crate) fn new(audience: u32, token: &str) -> Self {
        Self { audience, token: token.into() }
    }

    /// The key of the content of a session.
    pub(super) fn of_session(user: &UserId, id: &SessionId) -> Self {
        // The id is the end, for that is what is hashed.
        let text = [user.as_str(), id.as_str()].join(SEPARATOR);
        Self { audience: CONTENT, token: text.into() }
    }

    /// The length of the token.
    pub(super) fn len(&self) -> usize {
        self.token.len()
    }

    fn as_lookup(&self) -> Lookup<'_> {
        Lookup { audience: self.audience, token: self.token.as_bytes() }
    }
}

/// The `audience` of keys that are no token's. Numbers of audiences count up from zero.
const CONTENT: u32 = u32::MAX;

/// Separates a user id from a session id, which has no such character.
const SEPARATOR: &str = "\n";

/// To look up the content of a session.
pub(super) struct SessionLookup<'a> {
    user: &'a str,
    id: &'a str,
}

impl<'a> SessionLookup<'a> {
    pub(super) fn new(user: &'a UserId, id: &'a SessionId) -> Self {
        Self { user: user.as_str(), id: id.as_str() }
    }
}

impl Equivalent<Key> for SessionLookup<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.audience == CONTENT && key.token.rsplit_once(SEPARATOR) == Some((self.user, self.id))
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
impl Hash for SessionLookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { user, id } = self;
        if id.len() >= HASHED {
            return Lookup { audience: CONTENT, token: id.as_bytes() }.hash(state);
        }
        // Ids of this library are longer; those of a store of the application's own need not be.
        let text = [user, id].map(|text| *text).join(SEPARATOR);
        Lookup { audience: CONTENT, token: text.as_bytes() }.hash(state);
    }
}

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
    fn the_content_of_a_session_is_found_by_user_and_id() {
        let hasher = RandomState::default();
        for (user, id) in [("jeju", "0123456789abcdefghijklmn"), ("a\nb", "short"), ("u", "x")] {
            let [user, other] = [user, "other"].map(|user| UserId::parse(user).unwrap());
            let [id, another] =
                [id, "0000456789abcdefghijklmn"].map(|id| SessionId::parse(id).unwrap());
            let key = Key::of_session(&user, &id);
            let same = SessionLookup::new(&user, &id);
            assert!(same.equivalent(&key));
            assert_eq!(hasher.hash_one(&same), hasher.hash_one(&key));
            assert!(!SessionLookup::new(&other, &id).equivalent(&key));
            assert!(!SessionLookup::new(&user, &another).equivalent(&key));
            assert!(!same.equivalent(&Key::new(0, &key.token)), "it is no token");
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
