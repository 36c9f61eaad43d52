//! A server with axum whose routes need a valid JWT *and* a live session.
//!
//! ```sh
//! cargo run --example axum                                   # embedded store, nothing to install
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example axum   # sessions in Redis
//! ```
//!
//! `app.rs` shows how to add the library to an axum application; `../common` contains the other
//! parts of a server.

mod app;
#[path = "../common/mod.rs"]
mod common;
mod docs;
mod page;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    common::start::start(app::app, &["/", "/docs"]).await
}
