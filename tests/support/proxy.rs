//! A TCP proxy between a process and its Redis server. A test decides whether bytes pass.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// Bytes wait and arrive when the rule changes, as in a temporary network failure.
    Wait,
    /// The proxy drops these bytes and all later ones of their connection, which stays open, as if
    /// the host had vanished.
    Vanish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Both,
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug)]
pub struct Rule {
    pub fate: Fate,
    pub way: Way,
    /// Applies only to connections on which the client sent `TRACKING`, that is, invalidation
    /// connections.
    pub links_only: bool,
}

impl Rule {
    pub const PASS: Self = Self { fate: Fate::Pass, way: Way::Both, links_only: false };

    fn of(self, way: Way, is_link: bool) -> Fate {
        let meant = (self.way == Way::Both || self.way == way) && (is_link || !self.links_only);
        if meant { self.fate } else { Fate::Pass }
    }
}

/// A proxy on its own threads, so that a blocked test runtime does not block it.
pub struct Proxy {
    port: u16,
    target: Arc<AtomicU16>,
    rule: watch::Sender<Rule>,
    connections: Arc<Mutex<Vec<(u16, tokio::task::AbortHandle)>>>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Starts a proxy to a server on this port of the loopback interface.
    pub fn start(target: u16) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(target));
        let (rule, _) = watch::channel(Rule::PASS);
        let connections = Arc::<Mutex<Vec<_>>>::default();
        let (to, rules, all) = (Arc::clone(&target), rule.clone(), Arc::clone(&connections));
        let threads = runtime.handle().clone();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let port = to.load(Ordering::SeqCst);
                let carried = threads.spawn(carry(client, port, rules.subscribe()));
                all.lock().unwrap().push((port, carried.abort_handle()));
            }
        });
        Self { port, target, rule, connections, runtime: Some(runtime) }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Sets the server port for new connections. Existing connections keep their server.
    pub fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    pub fn set(&self, rule: Rule) {
        self.rule.send_replace(rule);
    }

    /// Returns the number of connections accepted so far, without those that were cut.
    pub fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }

    /// Closes all connections to this server port.
    pub fn cut(&self, port: u16) {
        self.connections.lock().unwrap().retain(|(to, connection)| {
            if *to == port {
                connection.abort();
            }
            *to != port
        });
    }

    /// Closes all connections.
    pub fn cut_all(&self) {
        self.connections.lock().unwrap().drain(..).for_each(|(_, connection)| connection.abort());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn carry(client: TcpStream, port: u16, rule: watch::Receiver<Rule>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let is_link = AtomicBool::new(false);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        pump(from_client, to_server, Way::ToServer, rule.clone(), &is_link),
        pump(from_server, to_client, Way::ToClient, rule, &is_link),
    );
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut rule: watch::Receiver<Rule>,
    is_link: &AtomicBool,
) {
    let mut buffer = vec![0; 65_536];
    loop {
        // The end of a stream follows the same rule as bytes: it may arrive late or never.
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let bytes = &buffer[..read];
        if way == Way::ToServer && bytes.windows(8).any(|word| word == b"TRACKING") {
            is_link.store(true, Ordering::SeqCst);
        }
        loop {
            let now = rule.borrow_and_update().of(way, is_link.load(Ordering::SeqCst));
            match now {
                Fate::Pass => break,
                Fate::Wait => rule.changed().await.unwrap(),
                Fate::Vanish => std::future::pending().await,
            }
        }
        // Dropping `to` signals the end of the stream to the other side.
        if read == 0 || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
