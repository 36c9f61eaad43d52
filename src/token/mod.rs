//! Access tokens: the keys that sign and verify them, and the rules that a token must meet.
//!
//! A token is a JWS in compact form with the type `at+jwt`. It identifies a user and a session. The
//! layer uses it for nothing else: roles and all other session data come from the session's record.
//! Where RFC 7515, 7519, 8725 and 9068 leave a choice, verification is strict. A token must have:
//!
//! 1. at most [`MAX_TOKEN_LEN`] bytes of the base64url alphabet, three parts, canonical encoding;
//! 2. a header without duplicate names, with the exact type, a known `kid`, and the one algorithm
//!    of that key. A header with `crit`, `b64`, `zip`, `enc`, `cty`, `jwk`, `jku`, `x5u` or `x5c`
//!    is rejected;
//! 3. a valid signature, which is verified before the payload is decoded;
//! 4. a payload without duplicate names, with a valid issuer, audience, subject, session and token
//!    id, and with valid times.
//!
//! ```
//! use tower_session_auth::token::{KeySet, SigningKey, VerifyingKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (this_year, last_year) = (*b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo", *b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4");
//! // `this_year` signs. Tokens of `last_year` pass until they expire or that key is removed.
//! let keys = KeySet::new(SigningKey::hs256("2026", &this_year)?)
//!     .also_verify(VerifyingKey::hs256("2025", &last_year)?);
//! keys.self_test()?;
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "routes")]
mod device;
mod jwt;
pub(crate) mod keys;
mod pseudonym;
mod refresh;
mod seal;
#[cfg(test)]
mod tests;

#[cfg(feature = "routes")]
pub(crate) use self::device::Device;
pub use self::jwt::claims::VerifiedClaims;
pub(crate) use self::jwt::policy::{Audience, Policy, TokenSettings};
pub(crate) use self::jwt::sign::NewToken;
pub(crate) use self::jwt::verify::VerifiedToken;
pub use self::keys::key_set::KeySet;
pub use self::keys::{Algorithm, SigningKey, VerifyingKey};
pub use self::refresh::{MAX_REFRESH_TOKEN_LEN, RefreshToken};
pub(crate) use self::refresh::{RefreshClaims, RefreshPolicy, Sealed};

/// The maximum length of an access token, in bytes. Verification rejects a longer token without
/// reading it. Signing returns an error instead of a longer token.
pub const MAX_TOKEN_LEN: usize = 8192;
