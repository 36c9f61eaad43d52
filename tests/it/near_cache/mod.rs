//! The near cache as an application sees it: request policies, behavior while Redis is unavailable,
//! and status.

mod addresses;
mod demotions;
mod directories;
mod health;
mod layers;
mod policies;
mod world;
