//! What lets a process trust something that it read before: generations, leases, and the clock that both are judged by.
//!
//! A server that tells of changes (Redis's client-side caching) makes a copy in this process as good as the original,
//! under two conditions that a [`Stamp`] checks each time the copy is used:
//!
//! - **Nothing was told about it since before it was asked for.** A message does one thing: it moves a counter
//!   ([`Generations`]). A copy holds the counter as it was *before* its question was sent, so it does not matter which
//!   came first, the answer or the message that makes it old: there is nothing to remove, and no race to lose.
//! - **The messages still come.** Each beat is a question on the connection that the messages come on, and answers and
//!   messages keep their order there: once a beat is answered, all that was told before it was is known. A [`Lease`] is
//!   the time since a beat that was answered was *sent*, so a connection that dies, hangs or is held up by a busy runtime
//!   ends it without anybody noticing anything.
//!
//! Nothing here knows what is kept, or how the messages come.

mod figures;
mod generations;
mod kept;
mod lease;
mod stamp;
mod tick;

/// The atomics, as a test that tries every order of them can replace them.
mod sync {
    pub(super) use std::sync::Arc;
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

pub(crate) use self::figures::{Figures, LinkState, one_more};
#[cfg(feature = "redis")]
pub(crate) use self::generations::Generations;
pub(crate) use self::kept::{Kept, Terms};
#[cfg(feature = "redis")]
pub(crate) use self::lease::Lease;
pub(crate) use self::stamp::Stamp;
pub(crate) use self::tick::Tick;
