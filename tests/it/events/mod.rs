//! The events that the manager and the layers report to sinks. A faulty sink cannot harm a request.

mod refusals;
mod sinks;
