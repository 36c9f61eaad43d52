//! Tests with slow and hostile clients over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{SECRET, config};
use crate::common::connections;
use crate::common::demo::Demo;
use crate::common::serve::{Limits, serve};
use crate::common::stack::around;

/// Starts a server with these limits on a free port. It ends with the test's runtime.
async fn serving(limits: Limits) -> SocketAddr {
    serving_behind("", limits).await
}

/// Starts the same server behind these trusted proxies.
async fn serving_behind(proxies: &str, limits: Limits) -> SocketAddr {
    let config = config(&[("JWT_SECRET", SECRET), ("TRUSTED_PROXIES", proxies)]).unwrap();
    let (demo, worker) = Demo::new(&config, limits).await.unwrap();
    drop(worker);
    let service = around(demo.routes.standard(), limits);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the server under test")]
    tokio::spawn(serve(listener, service, limits, config.proxies, std::future::pending()));
    address
}

/// Sends these bytes, and returns all that the server sends until it closes the connection.
async fn conversation(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    closed.expect("the server does not wait for ever").unwrap();
    String::from_utf8(answer).unwrap()
}

const IMPATIENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn connection_without_complete_headers_is_closed() {
    let address = serving(Limits { header_read: IMPATIENT, ..Limits::default() }).await;
    for sent in ["", "GET /hea", "GET /health HTTP/1.1\r\nhost: x\r\n"] {
        let answer = conversation(address, sent.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "{sent:?}: {answer}");
    }
    // A connection that is kept open after a response is closed too.
    let answer = conversation(address, b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn body_that_never_ends_gets_408() {
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
async fn request_that_takes_too_long_gets_408() {
    let address = serving(Limits { handler: IMPATIENT, ..Limits::default() }).await;
    let sent = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let answer = conversation(address, sent).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

/// The time limit of a test if the server hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";

/// A connection of a client.
struct Client(TcpStream);

impl Client {
    /// Connects from 127.0.0.`host`.
    async fn connect(server: SocketAddr, host: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
        Self(socket.connect(server).await.unwrap())
    }

    /// Returns the first line of the next response; empty if the server has closed the connection.
    async fn answer(&mut self) -> String {
        let mut head = Vec::new();
        let read = async {
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(self.0.read(&mut byte).await, Ok(1)) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(std::mem::take(&mut head)).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            let whole = self.0.read_exact(&mut body).await;
            assert!(whole.is_ok(), "an answer is whole");
            head.lines().next().unwrap_or_default().to_owned()
        };
        timeout(PATIENCE, read).await.expect("the server answers or closes")
    }

    /// Sends a request and returns the first line of its response. The connection is then idle.
    async fn ask(&mut self) -> String {
        // Ignore the error: the server may have closed the connection.
        drop(self.0.write_all(LIVE).await);
        self.answer().await
    }

    /// Starts a request without sending its body, so that it stays in progress.
    async fn is_under_way(&mut self) {
        let head = b"POST /auth/login HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
            content-type: application/json\r\ncontent-length: 100\r\n\r\n";
        self.0.write_all(head).await.unwrap();
        assert_eq!(self.answer().await, "HTTP/1.1 100 Continue");
    }
}

const OK: &str = "HTTP/1.1 200 OK";
const CLOSED: &str = "";

/// Returns limits with timeouts so long that none of them ends a connection.
fn patient(connections: usize, connections_per_client: usize) -> Limits {
    Limits {
        header_read: PATIENCE,
        body_read: PATIENCE,
        handler: PATIENCE,
        connections,
        connections_per_client,
        ..Limits::default()
    }
}

#[tokio::test]
async fn busy_connection_keeps_its_slot_and_a_new_connection_waits() {
    let server = serving(patient(1, 10)).await;
    let mut first = Client::connect(server, 1).await;
    first.is_under_way().await;
    let mut second = Client::connect(server, 2).await;
    second.0.write_all(LIVE).await.unwrap();
    let waited = timeout(IMPATIENT, second.0.readable()).await;
    assert!(waited.is_err(), "the second is not served beside the first");
    drop(first);
    assert_eq!(second.answer().await, OK);
}

#[tokio::test]
async fn client_with_idle_connections_leaves_slots_to_other_clients() {
    let server = serving(patient(64, 16)).await;
    let mut kept = Vec::new();
    for _ in 0..100 {
        let mut one = Client::connect(server, 1).await;
        assert_eq!(one.ask().await, OK);
        kept.push(one);
    }
    // The client's newest connections have replaced its oldest ones.
    let mut open = 0;
    for one in &mut kept {
        open += usize::from(one.ask().await == OK);
    }
    assert_eq!(open, 16);
    let mut other = Client::connect(server, 2).await;
    assert_eq!(other.ask().await, OK);
}

#[tokio::test]
async fn full_server_closes_the_connection_that_was_idle_for_longest() {
    let server = serving(patient(3, 3)).await;
    let mut clients = Vec::new();
    for host in 1..4 {
        let mut one = Client::connect(server, host).await;
        assert_eq!(one.ask().await, OK);
        clients.push(one);
    }
    // The first connection is used again, so the second one is now idle for longest.
    assert_eq!(clients[0].ask().await, OK);
    let mut further = Client::connect(server, 9).await;
    assert_eq!(further.ask().await, OK);
    let mut answers = Vec::new();
    for one in &mut clients {
        answers.push(one.ask().await);
    }
    assert_eq!(answers, [OK, CLOSED, OK]);
}

#[tokio::test]
async fn connection_without_a_complete_request_counts_as_idle() {
    let server = serving(patient(1, 1)).await;
    let mut silent = Client::connect(server, 1).await;
    silent.0.write_all(b"GET /hea").await.unwrap();
    let mut other = Client::connect(server, 2).await;
    assert_eq!(other.ask().await, OK);
    assert_eq!(silent.answer().await, CLOSED);
}

/// Opens `count` connections of client 1, each with a request in progress.
async fn under_way(server: SocketAddr, count: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(server, 1).await;
        client.is_under_way().await;
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn client_with_all_its_connections_busy_gets_no_further_one() {
    let server = serving(patient(64, 2)).await;
    let _kept = under_way(server, 2).await;
    let mut further = Client::connect(server, 1).await;
    assert_eq!(further.ask().await, CLOSED);
    let mut other = Client::connect(server, 2).await;
    assert_eq!(other.ask().await, OK);
}

#[tokio::test]
async fn trusted_proxy_may_hold_any_number_of_connections() {
    let server = serving_behind("127.0.0.1", patient(64, 2)).await;
    let _kept = under_way(server, 10).await;
    let mut further = Client::connect(server, 1).await;
    assert_eq!(further.ask().await, OK);
}

#[tokio::test]
async fn client_holds_at_most_128_connections_by_default() {
    let Limits { connections, connections_per_client, .. } = Limits::default();
    let server = serving(patient(connections, connections_per_client)).await;
    let _kept = under_way(server, 128).await;
    let mut further = Client::connect(server, 1).await;
    assert_eq!(further.ask().await, CLOSED);
    let mut other = Client::connect(server, 2).await;
    assert_eq!(other.ask().await, OK);
}

#[tokio::test]
async fn shutdown_completes_running_requests_and_closes_idle_connections() {
    let limits = patient(64, 64);
    let config = config(&[("JWT_SECRET", SECRET)]).unwrap();
    let (demo, worker) = Demo::new(&config, limits).await.unwrap();
    drop(worker);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let service = around(demo.routes.standard(), limits);
    let shutdown = async { stopped.await.unwrap() };
    #[expect(clippy::disallowed_methods, reason = "the server under test")]
    let serving = tokio::spawn(serve(listener, service, limits, config.proxies, shutdown));
    let mut idle = Client::connect(server, 1).await;
    assert_eq!(idle.ask().await, OK);
    let mut busy = Client::connect(server, 1).await;
    busy.is_under_way().await;
    stop.send(()).unwrap();
    assert_eq!(idle.answer().await, CLOSED);
    busy.0.write_all(&[b' '; 100]).await.unwrap();
    assert_eq!(busy.answer().await, "HTTP/1.1 400 Bad Request");
    assert_eq!(busy.answer().await, CLOSED);
    timeout(PATIENCE, serving).await.expect("the server ends").unwrap();
}

#[test]
fn client_is_an_ipv4_address_or_an_ipv6_network_of_64_bits() {
    let client = |address: &str| connections::Client::of(address.parse().unwrap());
    assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
    assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    assert_eq!(client("2001:db8:0:1::1"), client("2001:db8:0:1:ffff::2"));
    assert_ne!(client("2001:db8:0:1::1"), client("2001:db8:0:2::1"));
}

#[test]
fn client_that_delays_the_closing_of_its_connections_gets_no_new_one() {
    let client = |last: u8| Some(connections::Client::of([192, 0, 2, last].into()));
    let all = connections::Connections::default();
    let open = |last| {
        let mut connection = all.open(client(last), 2)?;
        connection.has_place();
        Some(connection)
    };
    // Each new connection closes an idle one, which counts as open until it is dropped.
    let mut held: Vec<_> = (0..4).map(|_| open(1).unwrap()).collect();
    assert!(open(1).is_none());
    assert!(open(2).is_some(), "another client");
    // The first one ends.
    drop(held.remove(0));
    assert!(open(1).is_some());
}

#[tokio::test]
async fn headers_that_are_too_large_get_431() {
    let address = serving(Limits::default()).await;
    let sent =
        format!("GET /health HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "c".repeat(200_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may respond and close the connection before all bytes are written.
    let written = stream.write_all(sent.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 431") || written.is_err() || read.is_err(), "{answer}");
    assert!(!answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let address = serving(Limits { write: IMPATIENT, ..Limits::default() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // Write until the server stops reading, and then until it closes the connection.
    let refused = timeout(Duration::from_secs(60), async {
        while stream.write_all(&request).await.is_ok() {}
    });
    assert!(refused.await.is_ok(), "the server does not wait for ever");
}
