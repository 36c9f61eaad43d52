//! Events: what is told of what happens, and that telling it hurts nobody.

mod refusals;
mod sinks;
