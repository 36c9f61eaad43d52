//! Tower middleware that lets a request in only with a valid JWT and a live server-side session.

pub mod clock;
pub mod error;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
