//! The check of one request, from its token to a live session. The steps are, in this order:
//!
//! 1. [`lookup`]: look up the token in the near cache.
//! 2. [`verify`]: verify the token, unless this process has verified it before.
//! 3. [`load`]: load the session from the store, if no valid cache entry has it.
//! 4. [`failure_policy`]: apply the failure policy, if the store cannot answer.

pub(crate) mod failure_policy;
pub(crate) mod load;
pub(crate) mod lookup;
pub(crate) mod request_policy;
pub(crate) mod token_only;
pub(crate) mod verify;
