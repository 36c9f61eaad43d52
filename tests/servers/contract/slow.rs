//! Clients that send an incomplete request.

use serde_json::{Value, json};

use crate::contract::World;
use crate::support::client::{exchange, status};

/// An incomplete body gets 408 after the request timeout of the server.
pub(crate) async fn check(world: World) {
    let sent = "POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"user_id\"";
    let answer = exchange(world.server, sent.as_bytes()).await;
    assert_eq!(status(&answer), 408, "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let expected = json!({"detail": "Request timed out", "code": "request_timeout"});
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), expected);
    let head = head.to_ascii_lowercase();
    for header in [
        "content-type: application/json",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
}
