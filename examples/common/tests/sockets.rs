//! Slow and hostile clients, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{SECRET, config};
use crate::common::demo::Demo;
use crate::common::serve::{Limits, serve};
use crate::common::stack::around;

/// A server with little patience on a free port; it ends with the test's runtime.
async fn serving(limits: Limits) -> SocketAddr {
    let (demo, worker) =
        Demo::new(&config(&[("JWT_SECRET", SECRET)]).unwrap(), limits).await.unwrap();
    drop(worker);
    let service = around(demo.routes.standard(), limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server under test")]
    tokio::spawn(serve(listener, service, limits, std::future::pending()));
    address
}

/// All that the server says to these bytes until it closes the connection.
async fn conversation(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    let closed =
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    closed.expect("the server does not wait for ever").unwrap();
    String::from_utf8(answer).unwrap()
}

const IMPATIENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn headers_that_never_end_and_connections_that_say_nothing_are_closed() {
    let address = serving(Limits { header_read: IMPATIENT, ..Limits::default() }).await;
    for sent in ["", "GET /hea", "GET /health HTTP/1.1\r\nhost: x\r\n"] {
        let answer = conversation(address, sent.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    }
    // Kept open after an answer, it is closed as well.
    let answer = conversation(address, b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_408() {
    let address = serving(Limits { body_read: IMPATIENT, ..Limits::default() }).await;
    let sent = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n{\"user_id\"";
    let answer = conversation(address, sent).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.ends_with(r#"{"detail":"Request timed out","code":"request_timeout"}"#),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_408() {
    let address = serving(Limits { handler: IMPATIENT, ..Limits::default() }).await;
    let sent = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let answer = conversation(address, sent).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_free_place() {
    let address = serving(Limits { connections: 1, ..Limits::default() }).await;
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET").await.unwrap();
    // Let the server take the first one in, so that the second finds no place.
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(request).await.unwrap();
    let mut byte = [0];
    let waited = tokio::time::timeout(IMPATIENT, second.read(&mut byte)).await;
    assert!(waited.is_err(), "the second is not served beside the first");
    drop(first);
    let served = tokio::time::timeout(Duration::from_secs(20), second.read(&mut byte)).await;
    assert_eq!(served.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn headers_that_are_too_large_are_431() {
    let address = serving(Limits::default()).await;
    let sent =
        format!("GET /health HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "c".repeat(200_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before all of it is written.
    let written = stream.write_all(sent.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431") || written.is_err() || read.is_err(), "{answer}");
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let address = serving(Limits { write: IMPATIENT, ..Limits::default() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // Written until the server no longer takes it, and then until it closes the connection.
    let refused = tokio::time::timeout(Duration::from_secs(60), async {
        while stream.write_all(&request).await.is_ok() {}
    });
    assert!(refused.await.is_ok(), "the server does not wait for ever");
}
