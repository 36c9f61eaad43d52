//! What access tokens say.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::http::Client;
use crate::masks::Masks;

/// Gives names to the ids in a token.
pub(crate) fn learn(token: &str, masks: &mut Masks) {
    let claims: Value = serde_json::from_str(&part(token, 1)).unwrap();
    masks.add("session", claims["sid"].as_str().unwrap());
    masks.add("token id", claims["jti"].as_str().unwrap());
}

/// Header and claims of each access token that the client was given.
pub(crate) fn claims(client: &Client) -> String {
    let mut shown = String::new();
    for token in &client.access_tokens {
        writeln!(shown, "{}\n{}", part(token, 0), part(token, 1)).unwrap();
    }
    client.masks.apply(&shown)
}

fn part(token: &str, number: usize) -> String {
    let part = token.split('.').nth(number).unwrap();
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
