//! The data that a store keeps to rotate refresh tokens.
//!
//! A store keeps no refresh token, and nothing from which a refresh token could be derived. It
//! keeps a counter and a random text, the salt. The salt is part of the input of each token's MAC.
//! The MAC's key never reaches the store.

use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{RandomError, is_plain, random_text};

/// Random text that is part of the MAC input of all refresh tokens of one session. It is useless
/// without the MAC's key. Cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(Arc<str>);

impl Salt {
    /// The maximum length of a salt, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Returns a salt of 256 random bits, as 43 characters.
    pub(crate) fn random() -> Result<Self, RandomError> {
        Ok(Self(random_text::<32>()?.into()))
    }

    /// Parses the output of [`as_str`](Self::as_str): 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of
    /// `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        is_plain(raw, Self::MAX_LEN).then(|| Self(raw.into()))
    }

    /// Returns the text, for a store to keep.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The current state of a session's refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rotation {
    /// The number of the current refresh token. It is 0 when the session is created, and each
    /// rotation adds one.
    pub counter: u64,
    /// The time at which the counter reached this value.
    pub since: Timestamp,
    /// The salt. It never changes during the life of the session.
    pub salt: Salt,
}

impl Rotation {
    /// Creates a rotation state from the values that a store keeps.
    #[must_use]
    pub fn new(counter: u64, since: Timestamp, salt: Salt) -> Self {
        Self { counter, since, salt }
    }
}
