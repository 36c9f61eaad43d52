//! What happens to one request, in this order:
//!
//! 1. `extract` (with `cookies`): headers to token text;
//! 2. `SessionManager::recall`: token text to what is known of it (`manager/recall.rs`, `near/`), and if that is enough, to
//!    step 5;
//! 3. `SessionManager::verify`: token text to claims (`manager/check.rs`, `token/verify.rs`);
//! 4. `SessionManager::check`: claims to a living session, from the store (`manager/check.rs`, `load.rs`), or what the
//!    layer's policy says (`trouble.rs`);
//! 5. `attach`: the session into the request's extensions;
//! 6. or, wherever one of these fails, `reject`: the error to a response; or, where a layer in optional mode is `lenient`,
//!    on without a session.
//!
//! `checked` is the future of the layers whose check waits for nothing: guards, and the same-origin check.

pub(crate) mod attach;
pub(crate) mod checked;
pub(crate) mod cookies;
pub(crate) mod extract;
pub(crate) mod lenient;
pub(crate) mod reject;
