//! A server whose routes need a valid JWT *and* a live session, made with axum.
//!
//! ```sh
//! cargo run --example axum                                   # embedded store, nothing to install
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example axum   # sessions in Redis
//! ```
//!
//! `app.rs` shows how the library goes into an axum application; `../common` has what a server needs beside it.

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
