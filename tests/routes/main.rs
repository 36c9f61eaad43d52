//! The routes: what each answers, who may ask, what the document says about it.

#![allow(
    clippy::allow_attributes,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise, and may start tasks"
)]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod address;
mod admin;
mod bad_bodies;
mod body_delivery;
mod contract_errors;
mod cookies;
mod csrf;
mod csrf_upgrades;
mod desk;
mod document;
mod durations;
mod extremes;
mod hostile_ids;
mod hyper;
mod jar;
mod login;
mod logout;
mod optional_pages;
mod outage;
mod own;
mod races;
mod refresh;
mod several_cookies;
mod site;
mod token_source;
