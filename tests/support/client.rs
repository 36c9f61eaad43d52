//! A minimal HTTP/1.1 client for the tests: one request per connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wait::PATIENCE;

/// The response of a server.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    head: String,
    pub text: String,
    /// The text parsed as JSON; `Null` if the text is empty.
    pub body: serde_json::Value,
}

impl Reply {
    /// Returns names and values of the header fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.map(|(name, value)| (name, value.trim()))
    }

    /// Returns the value of a header field. Panics if the field occurs twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.fields().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let first = values.next().map(|(_, value)| value);
        assert_eq!(values.next(), None, "{name} is sent twice: {}", self.head);
        first
    }

    /// Returns the value of the first `Set-Cookie` with that name. All later ones with that name
    /// must clear cookies of other paths.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let fields = self.fields().filter(|(key, _)| key.eq_ignore_ascii_case("set-cookie"));
        let mut cookies = fields
            .map(|(_, value)| value)
            .filter(|cookie| cookie.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')));
        let first = cookies.next();
        let taken_back = format!("{name}=;");
        assert!(cookies.all(|other| other.starts_with(&taken_back)), "set twice: {}", self.head);
        first
    }

    /// Returns the `code` of an error response, or an empty text.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

pub async fn get(server: SocketAddr, path: &str, token: Option<&str>) -> Reply {
    json(server, "GET", path, token, "").await
}

pub async fn post(server: SocketAddr, path: &str, token: Option<&str>, body: &str) -> Reply {
    json(server, "POST", path, token, body).await
}

async fn json(
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> Reply {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    send(server, method, path, &headers, body.as_bytes()).await
}

/// Sends a request with these headers and this body, and adds `content-length`.
pub async fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Reply {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let sent = [head.as_bytes(), b"connection: close\r\n\r\n", body].concat();
    let reply = exchange(server, &sent).await;
    let what = || format!("{method} {path:.100}: {reply:?}");
    let (head, text) = reply.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{}", what()));
    let body = if text.is_empty() {
        serde_json::Value::Null
    } else {
        serde_json::from_str(text).unwrap_or_else(|_| panic!("no JSON: {}", what()))
    };
    Reply { status: status(head), head: head.to_owned(), text: text.to_owned(), body }
}

/// Sends these bytes and returns all that the server sends until it closes the connection.
pub async fn exchange(server: SocketAddr, sent: &[u8]) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(server).await.unwrap();
        // A server that rejects a body may close the connection before it has read the whole body.
        let _written = stream.write_all(sent).await;
        let mut answer = Vec::new();
        let _read = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await;
    answer.unwrap_or_else(|_| {
        panic!("no answer within {PATIENCE:?}: {:.200}", String::from_utf8_lossy(sent))
    })
}

pub fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no HTTP: {answer:?}"))
}
