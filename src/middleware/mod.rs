//! The layers that an application puts into its stack, and the steps that one request takes.
//!
//! 1. `extract` (uses the module `cookies`): reads the token text from the request headers.
//! 2. `SessionManager::lookup` (`authenticate/lookup.rs`, `cache/`): looks up the token text in the
//!    near cache. After a hit on a live session, step 5 follows. After a hit on a session that is
//!    over, step 6 follows. If the cache entry is no longer valid but shows that the token was
//!    verified and has not expired, step 4 follows. In all other cases, step 3 follows.
//! 3. `SessionManager::verify` (`authenticate/verify.rs`, `token/jwt/verify.rs`): verifies the
//!    token text and reads its claims.
//! 4. `SessionManager::check`: loads the live session of the claims from the store
//!    (`authenticate/load.rs`), or applies the layer's failure policy
//!    (`authenticate/failure_policy.rs`).
//! 5. `attach`: puts the session into the request's extensions.
//! 6. `reject`: turns the error of any step into a response. A layer in `optional_mode` can let the
//!    request pass without a session instead.
//!
//! `checked` is the response future of the layers whose check needs no I/O: the guards and the
//! same-origin check.

pub(crate) mod attach;
pub(crate) mod checked;
pub(crate) mod cookies;
pub(crate) mod extract;
#[cfg(feature = "axum")]
pub mod extractors;
pub(crate) mod future;
pub mod guards;
pub(crate) mod layer;
pub(crate) mod optional_mode;
pub(crate) mod reject;
pub(crate) mod rules;
pub mod same_origin;
pub(crate) mod service;
