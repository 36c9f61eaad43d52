//! A minimal HTTP/1.1 client for WebDriver and the tests. It sends one request per connection. It
//! is blocking, because `drop` must also close the browser.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::PATIENCE;

/// The answer of a server.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Sends one request. `body` is JSON.
pub(crate) fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut stream = BufReader::new(stream);
    let (mut status, mut length) = (None, None);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            }
        } else {
            status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        }
    }
    let broken = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    // chromedriver announces that it closes the connection, but does not.
    let mut body = vec![0; length.ok_or_else(|| broken("no length"))?];
    stream.read_exact(&mut body)?;
    let status = status.ok_or_else(|| broken("no status"))?;
    let body = serde_json::from_slice(&body).map_err(|_| broken("no JSON"))?;
    Ok(Reply { status, body })
}
