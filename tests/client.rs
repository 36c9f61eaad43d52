//! The OpenAPI document from which the types of the TypeScript client are generated must equal the
//! one that the axum example serves.
//!
//! `UPDATE_OPENAPI=1 cargo test --test client` writes the document again. Then run `npm run types`
//! and `npm run page` in `clients/typescript`.

#![cfg(all(unix, feature = "redis"))]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails at the first unexpected result"
)]

#[path = "support/mod.rs"]
mod support;

use std::{env, fs};

use serde_json::Value;

use crate::support::client::get;
use crate::support::server::Server;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/typescript/openapi.json");

#[tokio::test]
async fn client_openapi_document_equals_the_one_of_the_axum_example() {
    let (_server, address) = Server::start("axum", &[]).await;
    let served = get(address, "/api/openapi.json", None).await;
    assert_eq!(served.status, 200, "{served:?}");
    if env::var_os("UPDATE_OPENAPI").is_some() {
        let text = serde_json::to_string_pretty(&served.body).unwrap();
        fs::write(DOCUMENT, format!("{text}\n")).unwrap();
    }
    let kept: Value = serde_json::from_str(&fs::read_to_string(DOCUMENT).unwrap()).unwrap();
    let paths = served.body["paths"].as_object().unwrap().keys();
    for path in paths.chain(kept["paths"].as_object().unwrap().keys()) {
        let of = |document: &Value| document["paths"][path].clone();
        assert!(of(&served.body) == of(&kept), "{path} differs: see the head of this file");
    }
    assert!(served.body == kept, "the documents differ: see the head of this file");
}
