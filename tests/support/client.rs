//! As much of an HTTP/1.1 client as the tests need: one request a connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    head: String,
    pub body: serde_json::Value,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim())
    }

    /// The `code` of a refusal.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

pub async fn get(server: SocketAddr, path: &str, token: Option<&str>) -> Reply {
    send(server, "GET", path, token, "").await
}

pub async fn post(server: SocketAddr, path: &str, token: Option<&str>, json: &str) -> Reply {
    send(server, "POST", path, token, json).await
}

async fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    json: &str,
) -> Reply {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n{token}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        json.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), exchange).await;
    let answer = answer.unwrap_or_else(|_| panic!("{method} {path}: no answer within 20 s"));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    Reply {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body:?}")),
    }
}
