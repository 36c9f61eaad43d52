//! A proxy between the browser and the server that counts requests. What the page reports about
//! itself would be no proof.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// All bytes that clients have sent, per connection.
type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

/// A counting proxy. Its threads end with the connections, and its listener thread ends with the
/// test process.
pub(crate) struct Meter {
    pub(crate) address: SocketAddr,
    seen: Seen,
}

impl Meter {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Seen::default();
        let all = Arc::clone(&seen);
        thread::spawn(move || {
            for (at, client) in listener.incoming().map_while(Result::ok).enumerate() {
                all.lock().unwrap().push(Vec::new());
                let all = Arc::clone(&all);
                thread::spawn(move || forward(client, server, &all, at));
            }
        });
        Self { address, seen }
    }

    /// Number of times that this request was sent, such as `POST /api/auth/refresh`.
    pub(crate) fn count(&self, request: &str) -> usize {
        let line = format!("{request} HTTP/1.1\r\n");
        let seen = self.seen.lock().unwrap();
        let of = |bytes: &Vec<u8>| {
            bytes.windows(line.len()).filter(|&part| part == line.as_bytes()).count()
        };
        seen.iter().map(of).sum()
    }
}

/// Forwards one connection in both directions. When either side closes, the proxy closes both.
fn forward(client: TcpStream, server: SocketAddr, seen: &Seen, at: usize) {
    let Ok(server) = TcpStream::connect(server) else { return };
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answers = thread::spawn(move || copy(back.0, back.1, |_| {}));
    copy(client, server, |bytes| seen.lock().unwrap()[at].extend_from_slice(bytes));
    answers.join().unwrap();
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    let mut pass = || -> io::Result<bool> {
        let length = from.read(&mut buffer)?;
        look(&buffer[..length]);
        to.write_all(&buffer[..length])?;
        Ok(length > 0)
    };
    while pass().unwrap_or(false) {}
    for side in [from, to] {
        // Fails only if the other side has already closed.
        let _closed = side.shutdown(Shutdown::Both);
    }
}
