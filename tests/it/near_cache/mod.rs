//! The near cache as its user sees it: what a layer may ask of it, what happens while Redis is away, what it tells.

mod addresses;
mod demotions;
mod directories;
mod health;
mod layers;
mod policies;
mod world;
