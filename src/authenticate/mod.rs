//! The path of one request from its token to a live session, in this order: [`lookup`] in the near
//! cache, [`verify`] of the token, [`load`] from the store, and the [`failure_policy`] if the store
//! cannot answer.

pub(crate) mod failure_policy;
pub(crate) mod load;
pub(crate) mod lookup;
pub(crate) mod request_policy;
pub(crate) mod token_only;
pub(crate) mod verify;
