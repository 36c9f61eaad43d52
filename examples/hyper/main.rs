//! A server with hyper and Tower, without a web framework, whose routes need a valid JWT *and* a
//! live session.
//!
//! ```sh
//! cargo run --example hyper                                   # embedded store, nothing to install
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example hyper   # sessions in Redis
//! ```
//!
//! `app.rs` shows how to put the library's layer around a service and its routes beside it;
//! `../common` contains the other parts of a server.

mod app;
mod body;
#[path = "../common/mod.rs"]
mod common;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::start::start(app::app, &["/api/openapi.json"]).await
}
