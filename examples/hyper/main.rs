//! A server whose routes need a valid JWT *and* a live session, made with hyper and Tower: no framework.
//!
//! ```sh
//! cargo run --example hyper                                   # embedded store, nothing to install
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example hyper   # sessions in Redis
//! ```
//!
//! `app.rs` shows how the library goes around a service of your own and beside it; `../common` has what a server needs
//! besides.

mod app;
mod body;
#[path = "../common/mod.rs"]
mod common;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::start::start(app::app, &["/api/openapi.json"]).await
}
