//! What happens to one request, in this order:
//!
//! 1. `extract`: headers to token text;
//! 2. `SessionManager::verify`: token text to claims (`manager/check.rs`, `token/verify.rs`);
//! 3. `SessionManager::check`: claims to a living session, from the store (`manager/check.rs`);
//! 4. `attach`: the session into the request's extensions;
//! 5. or, wherever one of these fails, `reject`: the error to a response.

pub(crate) mod attach;
pub(crate) mod extract;
pub(crate) mod reject;
