//! The path of one request from its token to a live session. The steps, in this order: [`lookup`]
//! in the near cache, [`verify`] the token, [`load`] the session from the store, and apply the
//! [`failure_policy`] if the store cannot answer.

pub(crate) mod failure_policy;
pub(crate) mod load;
pub(crate) mod lookup;
pub(crate) mod request_policy;
pub(crate) mod token_only;
pub(crate) mod verify;
