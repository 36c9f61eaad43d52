//! A fake Redis server. It has real connections, speaks RESP3, and supports the commands that the
//! store sends. The test decides when the server sends each answer and each push.

mod commands;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::{Shutdown, TcpStream as Socket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::fills::resp::{live, news};
use crate::support::wait::PATIENCE;

/// The name of the script that writes a probe key.
const PROBE: &str = "probe";

/// The kind of connection: the invalidation connection, or one of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Link,
    Pool,
}

/// How the server behaves.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) role: &'static str,
    /// The role that the server reports on invalidation connections, if that role differs from
    /// `role`.
    pub(crate) link_role: Option<&'static str>,
    /// The error with which the server answers `HELLO 3` on a new connection, if any.
    pub(crate) refusal: Option<&'static str>,
    /// The answer to `CLIENT TRACKING`.
    pub(crate) tracking: &'static str,
    /// Whether the server sends invalidations of the probe key.
    pub(crate) tells_canary: bool,
}

pub(crate) struct Fake {
    port: u16,
    server: Arc<Server>,
    held: mpsc::UnboundedReceiver<Held>,
}

struct Server {
    started: Instant,
    state: Mutex<State>,
    held: mpsc::UnboundedSender<Held>,
}

struct State {
    hashes: HashMap<String, HashMap<String, String>>,
    texts: HashMap<String, String>,
    connections: Vec<Arc<Connection>>,
    manners: Manners,
    /// The kind of connection and the name of the commands that the server holds until the test
    /// continues.
    hold: Option<(Lane, &'static str)>,
    asked: HashMap<(Lane, String), usize>,
}

struct Connection {
    socket: Socket,
    is_link: Mutex<bool>,
    is_closed: Mutex<bool>,
    tracked: Mutex<HashSet<String>>,
}

/// A command that the server has received and not executed yet. Later commands on the same
/// connection wait for it.
pub(crate) struct Held {
    server: Arc<Server>,
    connection: Arc<Connection>,
    words: Vec<String>,
    _go_on: oneshot::Sender<()>,
}

impl Held {
    /// Executes the command now, and returns the answer without sending it.
    pub(crate) fn execute(&self) -> Vec<u8> {
        self.server.execute(&self.connection, &self.words)
    }

    /// Sends these parts in one write, and lets the connection continue.
    pub(crate) fn send(self, parts: &[&[u8]]) {
        self.connection.write(&parts.concat());
    }

    /// Closes the connection instead of answering.
    pub(crate) fn close(self) {
        self.connection.close();
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, held) = mpsc::unbounded_channel();
        let manners = Manners {
            role: "master",
            link_role: None,
            refusal: None,
            tracking: "+OK\r\n",
            tells_canary: true,
        };
        let state = State {
            hashes: HashMap::new(),
            texts: HashMap::new(),
            connections: Vec::new(),
            manners,
            hold: None,
            asked: HashMap::new(),
        };
        let server =
            Arc::new(Server { started: Instant::now(), state: Mutex::new(state), held: sender });
        tokio::spawn(accept(listener, Arc::clone(&server)));
        Self { port, server, held }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    pub(crate) fn behave(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.server.state().manners);
    }

    /// From now on, holds each command of this name on this kind of connection.
    pub(crate) fn hold(&self, lane: Lane, name: &'static str) {
        self.server.state().hold = Some((lane, name));
    }

    pub(crate) fn hold_nothing(&self) {
        self.server.state().hold = None;
    }

    /// Waits for the next held command.
    pub(crate) async fn held(&mut self) -> Held {
        timeout(PATIENCE, self.held.recv())
            .await
            .expect("the server receives a command that it holds")
            .unwrap()
    }

    /// The number of received commands of this name. For `CLIENT`, the name includes all words of
    /// the command.
    pub(crate) fn asked(&self, lane: Lane, name: &str) -> usize {
        self.server.state().asked.get(&(lane, name.to_owned())).copied().unwrap_or(0)
    }

    pub(crate) fn revision(&self, user: &str, sid: &str) -> Option<u64> {
        let state = self.server.state();
        let record = state.hashes.get(&live(user))?.get(sid)?;
        record.split(' ').nth(1)?.parse().ok()
    }

    /// Increases the revision of a session as an update does, but sends no invalidation.
    pub(crate) fn update(&self, user: &str, sid: &str) {
        let next = self.revision(user, sid).unwrap() + 1;
        let mut state = self.server.state();
        let record = state.hashes.get_mut(&live(user)).unwrap().get_mut(sid).unwrap();
        let mut words: Vec<_> = record.splitn(3, ' ').map(str::to_owned).collect();
        words[1] = next.to_string();
        *record = words.join(" ");
    }

    /// Removes a session as an operator does, but sends no invalidation.
    pub(crate) fn end(&self, user: &str, sid: &str) {
        self.server.state().hashes.get_mut(&live(user)).unwrap().remove(sid);
    }

    /// The invalidation of a user's sessions. The invalidation connection must have read these
    /// sessions before.
    pub(crate) fn news_of(&self, user: &str) -> Vec<u8> {
        let was_read = self.link().tracked.lock().unwrap().remove(&live(user));
        assert!(was_read, "the invalidation connection has read the key since the last message");
        news(&live(user))
    }

    /// The invalidation of all keys.
    pub(crate) fn news_of_all(&self) -> Vec<u8> {
        self.link().tracked.lock().unwrap().clear();
        b">2\r\n$10\r\ninvalidate\r\n_\r\n".to_vec()
    }

    pub(crate) fn push(&self, message: &[u8]) {
        self.link().write(message);
    }

    pub(crate) fn close_link(&self) {
        self.link().close();
    }

    fn link(&self) -> Arc<Connection> {
        let state = self.server.state();
        let link = state.connections.iter().rev().find(|one| one.lane() == Lane::Link);
        Arc::clone(link.expect("an invalidation connection exists"))
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let stream = stream.into_std().unwrap();
        stream.set_nodelay(true).unwrap();
        let connection = Arc::new(Connection {
            socket: stream.try_clone().unwrap(),
            is_link: Mutex::default(),
            is_closed: Mutex::default(),
            tracked: Mutex::default(),
        });
        server.state().connections.push(Arc::clone(&connection));
        let reader = BufReader::new(TcpStream::from_std(stream).unwrap());
        tokio::spawn(serve(Arc::clone(&server), connection, reader));
    }
}

async fn serve(server: Arc<Server>, connection: Arc<Connection>, mut reader: BufReader<TcpStream>) {
    while let Some(words) = command(&mut reader).await {
        // The server does not execute commands that it received before the connection was closed.
        if *connection.is_closed.lock().unwrap() {
            return;
        }
        if server.is_held(&connection, &words) {
            let (go_on, may_go_on) = oneshot::channel::<()>();
            let held = Held {
                server: Arc::clone(&server),
                connection: Arc::clone(&connection),
                words,
                _go_on: go_on,
            };
            if server.held.send(held).is_err() {
                return;
            }
            drop(may_go_on.await);
        } else {
            connection.write(&server.execute(&connection, &words));
        }
    }
}

/// Reads one array of strings. Returns `None` when the connection is closed.
async fn command(reader: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let words = number(reader, '*').await?;
    let mut command = Vec::with_capacity(words);
    for _ in 0..words {
        let mut word = vec![0; number(reader, '$').await? + 2];
        reader.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        command.push(String::from_utf8(word).unwrap());
    }
    Some(command)
}

async fn number(reader: &mut BufReader<TcpStream>, mark: char) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).await.ok()?;
    line.strip_prefix(mark)?.trim_end().parse().ok()
}

impl Connection {
    fn lane(&self) -> Lane {
        if *self.is_link.lock().unwrap() { Lane::Link } else { Lane::Pool }
    }

    fn write(&self, bytes: &[u8]) {
        // A write to a closed connection is allowed to fail. All data of the tests fits into the
        // socket buffer.
        drop((&self.socket).write_all(bytes));
    }

    fn close(&self) {
        *self.is_closed.lock().unwrap() = true;
        self.tracked.lock().unwrap().clear();
        // The peer may already have closed the connection.
        drop(self.socket.shutdown(Shutdown::Both));
    }

    fn read(&self, key: &str) {
        if self.lane() == Lane::Link {
            self.tracked.lock().unwrap().insert(key.to_owned());
        }
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn is_held(&self, connection: &Connection, words: &[String]) -> bool {
        let called = match (words[0].as_str(), words.get(1).map(String::as_str)) {
            ("CLIENT", _) => words.join(" "),
            ("EVALSHA", Some(PROBE)) => "PROBE".to_owned(),
            _ => words[0].clone(),
        };
        let mut state = self.state();
        let is_held =
            state.hold.is_some_and(|(lane, name)| lane == connection.lane() && name == called);
        *state.asked.entry((connection.lane(), called)).or_default() += 1;
        is_held
    }
}
