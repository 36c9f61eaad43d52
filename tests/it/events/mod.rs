//! Events: what the manager and the layers report to sinks, and that a faulty sink cannot harm a
//! request.

mod refusals;
mod sinks;
