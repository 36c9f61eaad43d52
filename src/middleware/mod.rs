//! The layers that an application puts into its stack, and the steps that one request takes.
//!
//! 1. `extract` (uses the module `cookies`): from the request headers to the token text.
//! 2. `SessionManager::lookup`: from the token text to a cache entry (`authenticate/lookup.rs`,
//!    `cache/`). A hit on a live session continues with step 5, a hit on a session that is over
//!    with step 6. If the entry shows that the token was verified, but is too old to use, step 4
//!    follows.
//! 3. `SessionManager::verify`: from the token text to the claims (`authenticate/verify.rs`,
//!    `token/jwt/verify.rs`).
//! 4. `SessionManager::check`: from the claims to a live session in the store
//!    (`authenticate/load.rs`), or to the result of the layer's failure policy
//!    (`authenticate/failure_policy.rs`).
//! 5. `attach`: puts the session into the request's extensions.
//! 6. `reject`: turns the error of any step into a response. A layer in `optional_mode` may let the
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
