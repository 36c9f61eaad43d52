//! The layers that an application puts into its stack, and the steps of one request through them.
//!
//! 1. `extract` (with `cookies`): request headers to token text.
//! 2. `SessionManager::lookup`: token text to a cache entry (`authenticate/lookup.rs`, `cache/`). A
//!    hit goes on with step 5.
//! 3. `SessionManager::verify`: token text to claims (`authenticate/verify.rs`,
//!    `token/jwt/verify.rs`).
//! 4. `SessionManager::check`: claims to a live session, from the store (`authenticate/load.rs`), or
//!    the result of the layer's failure policy (`authenticate/failure_policy.rs`).
//! 5. `attach`: the session into the request's extensions.
//! 6. `reject`: the error of any step to a response. A layer in `optional_mode` lets the request
//!    pass without a session instead.
//!
//! `checked` is the response future of the layers whose check needs no I/O: guards, and the
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
