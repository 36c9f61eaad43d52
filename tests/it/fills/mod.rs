//! Fills of the near cache while the session changes, at every step. A fake Redis server holds back
//! each answer and each message.

mod alone;
mod changes;
mod closed;
mod fake;
mod links;
mod own;
mod resp;
mod world;
