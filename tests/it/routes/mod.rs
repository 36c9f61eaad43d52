//! The routes: their responses, their access control, and their OpenAPI document.

mod access;
mod address;
mod admin;
mod bad_bodies;
mod body_delivery;
mod contract_errors;
mod cookies;
mod csrf;
mod csrf_upgrades;
pub(crate) mod desk;
mod document;
mod durations;
mod extremes;
mod hostile_ids;
mod hyper;
pub(crate) mod jar;
mod login;
mod logout;
mod optional_pages;
mod outage;
mod own;
mod own_logins;
mod races;
mod refresh;
mod several_cookies;
pub(crate) mod site;
mod token_source;
