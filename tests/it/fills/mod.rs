//! What is remembered beside what changes, met at every step: a Redis that the test plays holds back each answer and
//! each message.

mod alone;
mod changes;
mod fake;
mod links;
mod own;
mod resp;
mod world;
