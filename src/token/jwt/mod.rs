//! Access tokens as JWTs: the compact form, the header, the claims, and the policy for signing and
//! verifying them.

pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod header;
pub(crate) mod json;
pub(crate) mod policy;
mod self_test;
pub(crate) mod sign;
pub(crate) mod verify;
