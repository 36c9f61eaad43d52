//! The layer in a plain hyper server, over real sockets. Also tests body types that cannot be
//! created from text.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_session_auth::auth_layer::Head;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::{AuthError, AuthErrorKind, Session, SessionAuthLayer, SessionManager};

use crate::support::switch::{Mood, SwitchStore};
use crate::support::{anonymous, bearer, builder, login, manager};

/// Reports how a request ended. Either it was answered, or it was dropped because its client
/// disconnected.
struct Ending {
    answered: bool,
    told: UnboundedSender<bool>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        let _told = self.told.send(self.answered);
    }
}

/// A server on a free port of the loopback interface. It stops when it is dropped.
struct Server {
    address: SocketAddr,
    calls: Arc<AtomicUsize>,
    /// Whether each request was answered, in the order in which the requests ended.
    endings: UnboundedReceiver<bool>,
    _connections: JoinSet<()>,
}

impl Server {
    async fn start(manager: SessionManager) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, endings) = mpsc::unbounded_channel();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager)).service_fn(
            move |request: Request<Incoming>| {
                counted.fetch_add(1, Ordering::SeqCst);
                answer(request)
            },
        );
        let service = service_fn(move |request: Request<Incoming>| {
            let ending = Ending { answered: false, told: told.clone() };
            let call = service.clone().oneshot(request);
            async move {
                // Moves the whole value into this future. The value is therefore dropped together
                // with the request.
                let mut ending = ending;
                let response = call.await;
                ending.answered = true;
                response
            }
        });
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(
                    TokioIo::new(stream),
                    TowerToHyperService::new(service.clone()),
                );
                open.spawn(async move {
                    // A client that disconnects causes an error here. The test ignores the error.
                    let _closed = connection.await;
                });
            }
        });
        Self { address, calls, endings, _connections: connections }
    }

    async fn connect(&self) -> Client {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }
}

/// `/echo` answers with the body. `/hang` never answers. All other paths answer with the user.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let user = request.extensions().get::<Session>().unwrap().user_id().to_string();
    let body = match request.uri().path() {
        "/hang" => std::future::pending().await,
        "/echo" => request.into_body().collect().await.unwrap().to_bytes(),
        _ => user.into(),
    };
    Ok(Response::new(Full::new(body)))
}

/// A client connection that sends raw bytes.
struct Client(BufReader<TcpStream>);

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn receive(&mut self) -> Answer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Sends `GET /` with these header lines.
    async fn get(&mut self, lines: impl AsRef<[u8]>) -> Answer {
        self.send(b"GET / HTTP/1.1\r\nhost: test\r\n").await;
        self.send(lines).await;
        self.send(b"\r\n").await;
        self.receive().await
    }
}

#[tokio::test]
async fn connection_stays_usable_after_a_refused_request() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let server = Server::start(manager).await;
    let mut client = server.connect().await;

    let refused = client.get("").await;
    assert_eq!(refused.status, 401);
    assert!(refused.head.contains("\r\nwww-authenticate: bearer\r\n"), "{}", refused.head);
    assert!(refused.head.contains("\r\ncache-control: no-store\r\n"), "{}", refused.head);
    assert_eq!(refused.body, r#"{"detail":"Not authenticated","code":"missing_token"}"#);

    let good = format!("Authorization: Bearer {token}\r\n");
    for round in 0..3 {
        let let_in = client.get(&good).await;
        assert_eq!((let_in.status, let_in.body.as_str()), (200, "jeju"), "{round}");
        let refused = client.get("authorization: Bearer a.b.c\r\n").await;
        assert_eq!(refused.status, 401, "{round}");
        assert!(refused.body.contains("invalid_token"), "{round}: {}", refused.body);
    }
    assert_eq!(server.calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn authorization_header_lines_are_parsed_strictly_on_the_wire() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let server = Server::start(manager).await;
    let good = format!("authorization: Bearer {token}\r\n");
    #[rustfmt::skip]
    let rows: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("as it should be", good.clone().into(), 200, "jeju"),
        ("another spelling of the name", good.replace("auth", "AUTH").into(), 200, "jeju"),
        // HTTP strips white space around a field value (RFC 9110 section 5.5).
        ("white space around", format!("authorization: \t Bearer {token} \t\r\n").into(), 200, "jeju"),
        ("a tab after the scheme", good.replace("Bearer ", "Bearer\t").into(), 401, "invalid_token"),
        ("twice", good.repeat(2).into(), 400, "invalid_request"),
        ("a bad one behind", format!("{good}authorization: Bearer x\r\n").into(), 400, "invalid_request"),
        ("an empty one in front", format!("authorization:\r\n{good}").into(), 400, "invalid_request"),
        ("obs-text", [b"authorization: Bearer \xff\xfe".as_slice(), b"\r\n"].concat(), 401, "invalid_token"),
        ("100 kB", format!("authorization: Bearer {}\r\n", "A".repeat(100_000)).into(), 401, "invalid_token"),
        ("a cookie", format!("cookie: authorization=Bearer {token}\r\n").into(), 401, "missing_token"),
    ];
    for (row, lines, status, body) in rows {
        let answer = server.connect().await.get(lines).await;
        assert_eq!(answer.status, status, "{row}");
        assert!(answer.body.contains(body), "{row}: {}", answer.body);
    }
    // hyper rejects a request with an invalid header line before the layer receives it.
    for (row, lines) in [
        ("NUL", format!("authorization: Bearer {token}\0\r\n")),
        ("a folded line", format!("authorization: Bearer\r\n {token}\r\n")),
        ("a blank before the colon", format!("authorization : Bearer {token}\r\n")),
    ] {
        let answer = server.connect().await.get(lines).await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""), "{row}");
    }
}

#[tokio::test]
async fn body_of_a_refused_request_is_not_parsed_as_the_next_request() {
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let server = Server::start(manager).await;
    let mut client = server.connect().await;
    // The body looks like a request with a good token.
    let inner = format!("GET / HTTP/1.1\r\nauthorization: Bearer {token}\r\n\r\n");
    let post = |more: &str| {
        let length = inner.len();
        format!(
            "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n{more}\r\n{inner}"
        )
    };
    client.send(post("")).await;
    assert_eq!(client.receive().await.status, 401);
    client.send(post(&format!("authorization: Bearer {token}\r\n"))).await;
    let echo = client.receive().await;
    assert_eq!((echo.status, echo.body), (200, inner.clone()));
    assert_eq!(server.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn client_that_disconnects_cancels_only_its_own_request() {
    let store = SwitchStore::new(MemoryStore::new());
    // The timeout is longer than the test. Requests therefore end early only because a client
    // disconnects.
    let (manager, _worker) =
        builder().store(store.clone()).store_timeout(Duration::from_secs(10)).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let mut server = Server::start(manager).await;
    let good = format!("authorization: Bearer {token}\r\n");

    // The client disconnects in the middle of the header lines.
    let mut client = server.connect().await;
    client.send(b"GET / HTTP/1.1\r\nauthorization: Bea").await;
    drop(client);

    // The client disconnects while the store call is under way.
    store.set(Mood::Hang);
    let asked = store.calls();
    let mut client = server.connect().await;
    client.send(format!("GET / HTTP/1.1\r\nhost: test\r\n{good}\r\n")).await;
    while store.calls() == asked {
        tokio::task::yield_now().await;
    }
    drop(client);
    assert_eq!(server.endings.recv().await, Some(false));
    assert_eq!(server.calls.load(Ordering::SeqCst), 0);

    // The client disconnects while the inner service handles the request.
    store.set(Mood::Answer);
    let mut client = server.connect().await;
    client.send(format!("GET /hang HTTP/1.1\r\nhost: test\r\n{good}\r\n")).await;
    while server.calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(client);
    assert_eq!(server.endings.recv().await, Some(false));

    let answer = server.connect().await.get(&good).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "jeju"));
    assert_eq!(server.endings.recv().await, Some(true));
}

#[tokio::test]
async fn unavailable_store_is_503_and_the_connection_stays_open() {
    let store = SwitchStore::new(MemoryStore::new());
    let (manager, _worker) = builder().store(store.clone()).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let server = Server::start(manager).await;
    let mut client = server.connect().await;
    let good = format!("authorization: Bearer {token}\r\n");
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    let away = client.get(&good).await;
    assert_eq!(away.status, 503);
    assert!(away.head.contains("\r\nretry-after: 1\r\n"), "{}", away.head);
    assert!(!away.head.contains("www-authenticate"), "{}", away.head);
    assert_eq!(away.body, r#"{"detail":"Session store unavailable","code":"store_unavailable"}"#);
    assert_eq!(
        client.get("").await.status,
        401,
        "a request without a token does not call the store"
    );
}

type Status = Box<dyn std::error::Error + Send + Sync>;

/// Rejects requests as gRPC does: with status 200 and no content. The result is in `grpc-status`,
/// where 16 means UNAUTHENTICATED and 14 means UNAVAILABLE.
fn grpc<B>(error: &AuthError, body: B) -> Response<B> {
    let status = match error.kind() {
        AuthErrorKind::StoreUnavailable => "14",
        _ => "16",
    };
    Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", status)
        .header("grpc-message", error.kind().code().as_str())
        .body(body)
        .unwrap()
}

fn grpc_trailers() -> HeaderMap {
    [("grpc-status".parse().unwrap(), "0".parse().unwrap())].into_iter().collect()
}

#[tokio::test]
async fn on_reject_refuses_with_an_unsync_boxed_body_and_trailers_are_kept() {
    async fn unsync(
        request: Request<String>,
    ) -> Result<Response<UnsyncBoxBody<Bytes, Status>>, Infallible> {
        let user = request.extensions().get::<Session>().unwrap().user_id().to_string();
        let body = Full::from(user)
            .with_trailers(async { Some(Ok(grpc_trailers())) })
            .map_err(Into::into)
            .boxed_unsync();
        Ok(Response::new(body))
    }
    let store = SwitchStore::new(MemoryStore::new());
    let (manager, _worker) = builder().store(store.clone()).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager).on_reject(|error: &AuthError, _: Head<'_>| {
        grpc(error, Empty::new().map_err(Into::into).boxed_unsync())
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(unsync);

    let let_in = service.clone().oneshot(bearer(&token)).await.unwrap();
    let body = let_in.into_body().collect().await.unwrap();
    assert_eq!(body.trailers(), Some(&grpc_trailers()));
    assert_eq!(body.to_bytes(), "jeju");

    for (request, status, message) in
        [(anonymous(), "16", "missing_token"), (bearer("a.b.c"), "16", "invalid_token")]
    {
        let refused = service.clone().oneshot(request).await.unwrap();
        assert_eq!(refused.status(), 200, "{message}");
        assert_eq!(refused.headers()["grpc-status"], status, "{message}");
        assert_eq!(refused.headers()["grpc-message"], message);
        assert!(refused.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    let away = service.oneshot(bearer(&token)).await.unwrap();
    assert_eq!(away.headers()["grpc-status"], "14");
}

#[tokio::test]
async fn on_reject_refuses_with_a_boxed_body() {
    async fn boxed(_: Request<String>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        Ok(Response::new(Full::from("let in").boxed()))
    }
    let (manager, _worker) = manager(MemoryStore::new());
    let token = login(&manager, "jeju").await.access_token;
    let layer = SessionAuthLayer::new(manager).on_reject(|error: &AuthError, head: Head<'_>| {
        assert!(head.extensions.get::<Session>().is_none());
        // The default response of the library, converted to the body type of this stack.
        error.to_response::<Full<Bytes>>().map(Full::boxed)
    });
    let service = ServiceBuilder::new().layer(layer).service_fn(boxed);
    let let_in = service.clone().oneshot(bearer(&token)).await.unwrap();
    assert_eq!(let_in.into_body().collect().await.unwrap().to_bytes(), "let in");
    let refused = service.oneshot(bearer("a.b.c")).await.unwrap();
    assert_eq!(refused.status(), 401);
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"detail":"Could not validate credentials","code":"invalid_token"}"#);
}
