//! The minimal examples print a working `curl` command, check tokens, and stop on signals.

use std::net::SocketAddr;

use crate::support::client::{exchange, status};
use crate::support::server::Server;

async fn answer(server: SocketAddr, path: &str, token: Option<&str>) -> (u16, String) {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {server}\r\n{token}connection: close\r\n\r\n");
    let answer = exchange(server, request.as_bytes()).await;
    (status(&answer), answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Runs the example once for each stop signal: SIGINT (Ctrl-C) and SIGTERM (a service manager).
async fn check_example(example: &'static str, path: &str) {
    for signal in ["-INT", "-TERM"] {
        run_and_stop(signal, example, path).await;
    }
}

async fn run_and_stop(signal: &str, example: &'static str, path: &str) {
    let mut server = Server::spawn(example, &[]);
    let log = server.until_logged("curl -i http://").await;
    let line = log.lines().find_map(|line| line.strip_prefix("curl -i http://")).unwrap();
    let address = line.split('/').next().unwrap().parse().unwrap();
    let token = line.split("Bearer ").nth(1).unwrap().trim_end_matches('\'');
    assert!(line.starts_with(&format!("{address}{path} -H 'authorization: ")), "{line}");

    assert_eq!(answer(address, path, Some(token)).await, (200, "hello jeju\n".to_owned()));
    let (refused, body) = answer(address, path, None).await;
    assert!(refused == 401 && body.contains("missing_token"), "{refused} {body}");
    let forged = format!("{}x", &token[..token.len() - 2]);
    let (refused, body) = answer(address, path, Some(&forged)).await;
    assert!(refused == 401 && body.contains("invalid_token"), "{refused} {body}");
    if example == "minimal-axum" {
        assert_eq!(
            answer(address, "/open", None).await.0,
            200,
            "the route outside the layer needs no token"
        );
    }
    server.signal(signal);
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{signal}: {log}");
}

#[tokio::test]
async fn minimal_axum_example_checks_tokens_and_stops_on_signals() {
    check_example("minimal-axum", "/hello").await;
}

#[tokio::test]
async fn minimal_hyper_example_checks_tokens_and_stops_on_signals() {
    check_example("minimal-hyper", "/").await;
}

#[test]
fn minimal_examples_have_fewer_than_70_lines() {
    for source in [
        include_str!("../../examples/minimal_axum.rs"),
        include_str!("../../examples/minimal_hyper.rs"),
    ] {
        assert!(source.lines().count() < 70);
    }
}
