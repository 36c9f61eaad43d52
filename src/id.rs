//! Identifiers of sessions and of users.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Identifies one session in the store (the JWT's `sid` claim).
///
/// The id is public: a list of sessions can contain it, and it authenticates nothing. `Debug` shows
/// the first eight characters of the id, which is enough for a log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// The longest session id that [`parse`](Self::parse) accepts, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Random bytes in a new id: 144 bits, which is 24 characters of base64url without spare bits.
    const RANDOM_BYTES: usize = 18;

    /// Parses a session id: 1 to [`MAX_LEN`](Self::MAX_LEN) bytes of `[A-Za-z0-9_-]`. `FromStr` and
    /// `TryFrom` do the same.
    ///
    /// # Errors
    ///
    /// [`IdError`] says what is allowed. It does not contain `raw`.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        if !(1..=Self::MAX_LEN).contains(&raw.len()) {
            return Err(IdError::SessionIdLength(raw.len()));
        }
        if !is_plain(raw, Self::MAX_LEN) {
            return Err(IdError::SessionIdCharacter);
        }
        Ok(Self(raw.into()))
    }

    /// Creates a new session id from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`RandomError`] if the operating system returns no random bytes.
    pub fn random() -> Result<Self, RandomError> {
        random_text::<{ Self::RANDOM_BYTES }>().map(|text| Self(text.into()))
    }

    /// Returns the session id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first eight characters, for logs.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({}…)", self.short())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identifies one user (the JWT's `sub` claim).
///
/// A user id is any text of 1 to 256 bytes. Characters that are syntax in a store (`{`, `:`, `*`,
/// line breaks) are allowed, and the store must escape them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

impl UserId {
    /// The longest user id, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Parses a user id: 1 to [`MAX_LEN`](Self::MAX_LEN) bytes. `FromStr` and `TryFrom` do the same.
    ///
    /// # Errors
    ///
    /// [`IdError`] says what is allowed. It does not contain `raw`.
    pub fn parse(raw: &str) -> Result<Self, IdError> {
        if !(1..=Self::MAX_LEN).contains(&raw.len()) {
            return Err(IdError::UserIdLength(raw.len()));
        }
        Ok(Self(raw.into()))
    }

    /// Returns the user id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// Escaped, so that line breaks and escape sequences in a user id cannot forge a log line.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({:?})", &*self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implements the standard conversions from text with the `parse` of an id.
macro_rules! from_text {
    ($id:ident) => {
        impl FromStr for $id {
            type Err = IdError;

            fn from_str(raw: &str) -> Result<Self, IdError> {
                Self::parse(raw)
            }
        }

        impl TryFrom<&str> for $id {
            type Error = IdError;

            fn try_from(raw: &str) -> Result<Self, IdError> {
                Self::parse(raw)
            }
        }

        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(raw: String) -> Result<Self, IdError> {
                Self::parse(&raw)
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

from_text!(SessionId);
from_text!(UserId);

/// A text is not a valid [`UserId`] or [`SessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The user id is empty or too long. Holds its length in bytes.
    #[error("a user id must have 1 to {max} bytes, but this one has {0}", max = UserId::MAX_LEN)]
    UserIdLength(usize),
    /// The session id is empty or too long. Holds its length in bytes.
    #[error("a session id must have 1 to {max} bytes, but this one has {0}", max = SessionId::MAX_LEN)]
    SessionIdLength(usize),
    /// The session id has a character that is not allowed.
    #[error("a session id may contain only the characters A-Z, a-z, 0-9, `-` and `_`")]
    SessionIdCharacter,
}

/// The operating system returned no random bytes.
#[derive(thiserror::Error)]
#[error("the operating system returned no random bytes")]
pub struct RandomError(#[source] getrandom::Error);

// Shows the cause, because a `main` that returns the error prints `Debug`.
impl fmt::Debug for RandomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {}", self.0)
    }
}

/// Returns whether `raw` has 1 to `longest` bytes of `[A-Za-z0-9_-]`. None of these characters is
/// syntax in a store, a token or a log.
pub(crate) fn is_plain(raw: &str, longest: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=longest).contains(&raw.len()) && raw.bytes().all(allowed)
}

/// Returns `N` random bytes as base64url text.
pub(crate) fn random_text<const N: usize>() -> Result<String, RandomError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns a random number. All numbers are equally likely.
pub(crate) fn random_u32() -> Result<u32, RandomError> {
    getrandom::u32().map_err(RandomError)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn session_id_has_a_fixed_alphabet_and_a_maximum_length() {
        for good in ["a", "A-z_09", &"x".repeat(SessionId::MAX_LEN)] {
            assert!(SessionId::parse(good).is_ok(), "{good}");
        }
        for bad in ["a b", "a:b", "a{b", "a\nb", "ä"] {
            assert_eq!(SessionId::parse(bad), Err(IdError::SessionIdCharacter), "{bad:?}");
        }
        for length in [0, SessionId::MAX_LEN + 1] {
            let error = IdError::SessionIdLength(length);
            assert_eq!(SessionId::parse(&"x".repeat(length)), Err(error));
        }
    }

    #[test]
    fn random_ids_parse_and_do_not_repeat() {
        let ids: HashSet<_> = (0..1_000).map(|_| SessionId::random().unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(
            ids.iter().all(|id| id.as_str().len() == 24 && SessionId::parse(id.as_str()).is_ok())
        );
    }

    #[test]
    fn debug_shows_at_most_eight_characters_of_a_session_id_and_no_raw_line_break() {
        let id = SessionId::parse("abcdefghijklmnop").unwrap();
        assert_eq!(format!("{id:?}"), "SessionId(abcdefgh…)");
        assert_eq!(format!("{:?}", UserId::parse("a\nb").unwrap()), r#"UserId("a\nb")"#);
    }

    #[test]
    fn empty_and_too_long_user_ids_are_rejected() {
        for length in [0, 257] {
            assert_eq!(UserId::parse(&"x".repeat(length)), Err(IdError::UserIdLength(length)));
        }
        assert!(UserId::parse(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn standard_conversions_parse_and_the_error_says_what_is_allowed() {
        let user: UserId = "jeju".parse().unwrap();
        assert_eq!(UserId::try_from("jeju"), Ok(user.clone()));
        assert_eq!(UserId::try_from(String::from("jeju")), Ok(user));
        let error = "".parse::<UserId>().unwrap_err();
        assert_eq!(error.to_string(), "a user id must have 1 to 256 bytes, but this one has 0");
        let error = "a b".parse::<SessionId>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a session id may contain only the characters A-Z, a-z, 0-9, `-` and `_`"
        );
        let error = SessionId::try_from("x".repeat(65)).unwrap_err();
        assert_eq!(error.to_string(), "a session id must have 1 to 64 bytes, but this one has 65");
    }
}
