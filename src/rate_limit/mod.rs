//! Rate limits: counts of attempts that all instances share.
//!
//! The mountable [routes](crate::routes) limit failed logins and refresh tokens themselves. For
//! other attempts, which the library cannot count by itself, call
//! [`SessionManager::attempt`](crate::SessionManager::attempt). Examples are codes of a second
//! factor, password resets and invitations.
//!
//! An attempt is counted *before* it is made, so that concurrent attempts cannot exceed the limit.
//! After an attempt that did not fail, the application must do one of two things. It takes back
//! this attempt ([`CountedAttempt::give_back`]), or it clears the whole counter
//! ([`CountedAttempt::clear`]).
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//! use tower_session_auth::SessionManager;
//! use tower_session_auth::rate_limit::{AttemptError, AttemptRule};
//!
//! # async fn is_right(_: &str) -> bool { true }
//! /// Checks a code of a second factor. At most 5 codes of a user may be wrong in 10 minutes.
//! async fn check_code(manager: &SessionManager, user: &str, code: &str) -> Result<bool, AttemptError> {
//!     let rule = AttemptRule::new(NonZeroU32::new(5).unwrap(), Duration::from_secs(600));
//!     let attempt = manager.attempt("totp", user, &rule).await?; // `RateLimited`: answer 429
//!     let right = is_right(code).await;
//!     if right {
//!         attempt.clear().await;
//!     } // else it stays counted
//!     Ok(right)
//! }
//! ```
//!
//! The session store keeps the counts, under pseudonyms of the names. If a custom store does not
//! count attempts ([`SessionStore::attempt`](crate::store::CountAttempts::attempt)), each process
//! counts its own attempts.

mod attempt;
mod count;

pub use self::attempt::{AttemptError, CountedAttempt};
#[cfg(feature = "routes")]
pub(crate) use self::count::{Counted, Tried};
#[doc(no_inline)]
pub use crate::store::AttemptRule;
