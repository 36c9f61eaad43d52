//! The steps of one request, in this order:
//!
//! 1. `extract` (with `cookies`): request headers to token text.
//! 2. `SessionManager::recall`: token text to a cache entry (`manager/recall.rs`, `near/`). On a
//!    cache hit, continue with step 5.
//! 3. `SessionManager::verify`: token text to claims (`manager/check.rs`, `token/verify.rs`).
//! 4. `SessionManager::check`: claims to a live session, loaded from the store (`manager/check.rs`,
//!    `manager/load.rs`). If the store is unavailable, the layer's failure policy decides.
//! 5. `attach`: the session into the request's extensions.
//! 6. If a step fails, `reject` turns the error into a response. In optional mode, `lenient` may
//!    instead let the request continue without a session.
//!
//! `checked` is the future of the layers with a synchronous check: the guards and the same-origin
//! check.

pub(crate) mod attach;
pub(crate) mod checked;
pub(crate) mod cookies;
pub(crate) mod extract;
pub(crate) mod lenient;
pub(crate) mod reject;
