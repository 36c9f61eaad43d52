//! Headers and claims of access tokens.

use std::fmt::Write as _;

use serde_json::Value;

use crate::frozen::http::Client;
use crate::frozen::masks::Masks;
use crate::support::forge::{decoded, parts};

/// Adds masks for the ids in a token.
pub(crate) fn learn(token: &str, masks: &mut Masks) {
    let claims: Value = serde_json::from_str(&decoded(parts(token).1)).unwrap();
    masks.add("session", claims["sid"].as_str().unwrap());
    masks.add("token id", claims["jti"].as_str().unwrap());
}

/// Returns the header and the claims of each access token that the client received.
pub(crate) fn claims(client: &Client) -> String {
    let mut shown = String::new();
    for token in &client.access_tokens {
        let (header, payload, _) = parts(token);
        writeln!(shown, "{}\n{}", decoded(header), decoded(payload)).unwrap();
    }
    client.masks.apply(&shown)
}
