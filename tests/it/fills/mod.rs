//! The near cache is filled while the session changes, at each step of the read. A fake Redis
//! server holds back each answer and each message.

mod alone;
mod changes;
mod closed;
mod fake;
mod links;
mod own;
mod resp;
mod world;
