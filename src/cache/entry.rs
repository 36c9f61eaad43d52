//! The key and the value of a near-cache entry.

use std::hash::{Hash, Hasher};
use std::iter::repeat_n;
use std::sync::Arc;

use quick_cache::Equivalent;

use crate::coherence::Validity;
use crate::error::AuthError;
use crate::id::{SessionId, UserId};
use crate::session::State;
use crate::token::VerifiedClaims;

/// The key of an entry: a verified token, and the number of the audience that it was verified for.
/// The audience is part of the key because a layer with a different audience may refuse the same
/// token.
///
/// One allocation holds the token, followed by the audience number. This makes keys small, so more
/// of them fit into the processor's cache.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Arc<[u8]>);

/// The borrowed form of a [`Key`], for a lookup without an allocation.
#[derive(PartialEq, Eq)]
pub(super) struct KeyRef<'a> {
    pub(super) audience: u32,
    pub(super) token: &'a [u8],
}

impl Key {
    pub(crate) fn new(audience: u32, token: &str) -> Self {
        // One allocation only, because each request that reaches the store creates a key.
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

    /// Returns the length of the token, in bytes.
    pub(super) fn len(&self) -> usize {
        self.as_key_ref().token.len()
    }

    fn as_key_ref(&self) -> KeyRef<'_> {
        // Each key ends with the four bytes of the audience number, so the fallback is never used.
        let (token, audience) = self.0.split_last_chunk().unwrap_or((&[], &[0; 4]));
        KeyRef { audience: u32::from_ne_bytes(*audience), token }
    }
}

/// The number of trailing token bytes that are hashed (about 94 bits of the signature).
const HASHED: usize = 16;

// Only the last bytes are hashed. They are part of the signature, which differs between verified
// tokens. Equality compares the whole token.
impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.audience);
        match self.token.last_chunk::<HASHED>() {
            Some(end) => state.write_u128(u128::from_ne_bytes(*end)),
            None => state.write(self.token),
        }
    }
}

// `Equivalent` requires that a key and its borrowed form have the same hash.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_key_ref().hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_key_ref()
    }
}

/// What this process knows about a verified token. Cheap to clone.
pub(crate) enum CacheEntry<D> {
    /// The session was live when it was read.
    Live(Arc<Live<D>>),
    /// The session was revoked or has expired, or its record cannot be read.
    Ended(Arc<Ended>),
}

/// A token whose session was live when it was read.
///
/// All fields are behind one `Arc`, because each request clones and drops the entry. `repr(C)`
/// keeps `validity` first, next to the reference counts of the `Arc`: a cache hit reads both.
#[repr(C)]
pub(crate) struct Live<D> {
    pub(crate) validity: Option<Validity>,
    pub(crate) state: State<D>,
    pub(crate) claims: VerifiedClaims,
}

/// Identifies a [`Live`] entry while the entry exists: its address in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntryAddress(usize);

/// A token whose session is not live, and the error for its requests.
pub(crate) struct Ended {
    pub(crate) claims: VerifiedClaims,
    pub(crate) error: AuthError,
    pub(crate) validity: Option<Validity>,
}

impl<D> Live<D> {
    /// Returns a copy of this entry. `change` changes the state of the copy.
    pub(crate) fn with_state(&self, change: impl FnOnce(&mut State<D>)) -> Self {
        let mut state = self.state.copy();
        change(&mut state);
        Self { validity: self.validity.clone(), state, claims: self.claims.clone() }
    }

    /// Returns an entry without a validity, with the claims of a token of this session.
    #[cfg(test)]
    pub(super) fn for_test(state: State<D>) -> Self {
        let claims = VerifiedClaims {
            user: state.user.clone(),
            session: state.id.clone(),
            token_id: "jti".into(),
            issued_at: state.created,
            expires_at: state.absolute_deadline,
            rotation: None,
            custom: None,
        };
        Self { validity: None, state, claims }
    }

    pub(super) fn address(self: &Arc<Self>) -> EntryAddress {
        EntryAddress(Arc::as_ptr(self).addr())
    }

    /// Returns an estimate of the memory of this entry in bytes, without the content that entries
    /// share.
    pub(super) fn own_size(&self) -> usize {
        let role = self.state.directory_role.name().map_or(0, str::len);
        size_of::<Self>() + self.claims.heap_size() + role
    }
}

impl Ended {
    pub(crate) fn who(&self) -> (UserId, SessionId) {
        (self.claims.user().clone(), self.claims.session_id().clone())
    }
}

impl<D> CacheEntry<D> {
    /// Returns the conditions under which a request can use the cached entry. `None` if the entry
    /// was not created for the cache.
    pub(crate) fn validity(&self) -> Option<&Validity> {
        match self {
            Self::Live(live) => live.validity.as_ref(),
            Self::Ended(ended) => ended.validity.as_ref(),
        }
    }

    /// Returns the claims of the token.
    pub(crate) fn claims(&self) -> &VerifiedClaims {
        match self {
            Self::Live(live) => &live.claims,
            Self::Ended(ended) => &ended.claims,
        }
    }
}

// Implemented by hand, because a derive would require `D: Clone`.
impl<D> Clone for CacheEntry<D> {
    fn clone(&self) -> Self {
        match self {
            Self::Live(live) => Self::Live(Arc::clone(live)),
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
    fn key_equals_only_a_key_ref_with_the_same_audience_and_token() {
        let hasher = RandomState::default();
        let key = Key::new(1, "a.b.c");
        let same = KeyRef { audience: 1, token: b"a.b.c" };
        assert!(same.equivalent(&key));
        assert_eq!(hasher.hash_one(&same), hasher.hash_one(&key));
        for (audience, token) in [(2, "a.b.c"), (1, "a.b.d"), (1, "a.b."), (1, "a.b.cc"), (0, "")] {
            assert!(
                !KeyRef { audience, token: token.as_bytes() }.equivalent(&key),
                "{audience} {token}"
            );
        }
    }

    #[test]
    fn tokens_with_the_same_end_have_the_same_hash_but_are_not_equal() {
        let key = Key::new(1, "header.payload.0123456789abcdef");
        let other = KeyRef { audience: 1, token: b"header.poyload.0123456789abcdef" };
        let hasher = RandomState::default();
        assert_eq!(hasher.hash_one(&other), hasher.hash_one(&key), "only the end is hashed");
        assert!(!other.equivalent(&key));
    }
}
