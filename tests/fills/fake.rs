//! A Redis that a test plays: real connections and RESP3, the commands that the store sends, and each answer and each
//! push when the test says so.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::{Shutdown, TcpStream as Socket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::resp::{bulk, hello, live, news, replaced};
use crate::support::START;
use crate::support::wait::PATIENCE;

/// The name of the script that writes a probe key: its place in the order in which the store loads scripts.
const PROBE: &str = "11";

/// On which connection: the one that is told of changes, or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    Link,
    Pool,
}

/// What the server is and does.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) role: &'static str,
    /// The role that it tells on a connection that is told of changes, if it is another one.
    pub(crate) link_role: Option<&'static str>,
    /// What it says to a new connection's `HELLO 3`, if not yes.
    pub(crate) refusal: Option<&'static str>,
    /// What it says to `CLIENT TRACKING`.
    pub(crate) tracking: &'static str,
    /// Whether it tells of changes of the canary.
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
    scripts: Vec<String>,
    connections: Vec<Arc<Connection>>,
    manners: Manners,
    /// What is not answered before the test says so.
    hold: Option<(Lane, &'static str)>,
    asked: HashMap<(Lane, String), usize>,
}

struct Connection {
    socket: Socket,
    is_link: Mutex<bool>,
    is_closed: Mutex<bool>,
    tracked: Mutex<HashSet<String>>,
}

/// A command that has come and was not carried out. What comes on its connection behind it waits.
pub(crate) struct Held {
    server: Arc<Server>,
    connection: Arc<Connection>,
    words: Vec<String>,
    _go_on: oneshot::Sender<()>,
}

impl Held {
    /// Carries it out now. The answer is not sent.
    pub(crate) fn execute(&self) -> Vec<u8> {
        self.server.execute(&self.connection, &self.words)
    }

    /// Sends this, in one piece, and lets the connection go on.
    pub(crate) fn send(self, parts: &[&[u8]]) {
        self.connection.write(&parts.concat());
    }

    /// Closes its connection instead.
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
            scripts: Vec::new(),
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

    /// From now on commands of this name wait for the test.
    pub(crate) fn hold(&self, lane: Lane, name: &'static str) {
        self.server.state().hold = Some((lane, name));
    }

    pub(crate) fn hold_nothing(&self) {
        self.server.state().hold = None;
    }

    /// The next command that waits.
    pub(crate) async fn held(&mut self) -> Held {
        timeout(PATIENCE, self.held.recv()).await.expect("a command comes").unwrap()
    }

    /// How many commands of this name have come. (`CLIENT` goes by all of its words.)
    pub(crate) fn asked(&self, lane: Lane, name: &str) -> usize {
        self.server.state().asked.get(&(lane, name.to_owned())).copied().unwrap_or(0)
    }

    pub(crate) fn revision(&self, user: &str, sid: &str) -> Option<u64> {
        let state = self.server.state();
        let record = state.hashes.get(&live(user))?.get(sid)?;
        record.split(' ').nth(1)?.parse().ok()
    }

    /// Changes a session as an update does. Nobody is told.
    pub(crate) fn update(&self, user: &str, sid: &str) {
        let next = self.revision(user, sid).unwrap() + 1;
        let mut state = self.server.state();
        let record = state.hashes.get_mut(&live(user)).unwrap().get_mut(sid).unwrap();
        let mut words: Vec<_> = record.splitn(3, ' ').map(str::to_owned).collect();
        words[1] = next.to_string();
        *record = words.join(" ");
    }

    /// Ends a session as an operator does. Nobody is told.
    pub(crate) fn end(&self, user: &str, sid: &str) {
        self.server.state().hashes.get_mut(&live(user)).unwrap().remove(sid);
    }

    /// The message that a user's sessions have changed: due on the link, which has read them.
    pub(crate) fn news_of(&self, user: &str) -> Vec<u8> {
        let was_read = self.link().tracked.lock().unwrap().remove(&live(user));
        assert!(was_read, "redis tells only of what was read since it told last");
        news(&live(user))
    }

    /// The message that everything has changed.
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
        Arc::clone(link.expect("there is a link"))
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
        // What had come before it was closed is not carried out.
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

/// One array of strings; `None` when the connection is closed.
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
        // Who does not listen any more hears nothing. What tests send fits into any socket's buffer.
        drop((&self.socket).write_all(bytes));
    }

    fn close(&self) {
        *self.is_closed.lock().unwrap() = true;
        self.tracked.lock().unwrap().clear();
        // It may be closed from the other side already.
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

    fn execute(&self, connection: &Connection, words: &[String]) -> Vec<u8> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut state = self.state();
        match *words {
            ["HELLO", ..] => match state.manners.refusal {
                Some(refusal) if words.len() > 1 => refusal.as_bytes().to_vec(),
                _ => {
                    let link_role = state.manners.link_role;
                    let link_role = link_role.filter(|_| connection.lane() == Lane::Link);
                    hello(link_role.unwrap_or(state.manners.role)).into_bytes()
                }
            },
            ["CLIENT", "TRACKING", "ON"] => {
                let answer = state.manners.tracking;
                *connection.is_link.lock().unwrap() = answer.starts_with('+');
                answer.as_bytes().to_vec()
            }
            ["TIME"] => {
                let now = self.now();
                [
                    b"*2\r\n".to_vec(),
                    bulk(&(now / 1_000).to_string()),
                    bulk(&(now % 1_000 * 1_000).to_string()),
                ]
                .concat()
            }
            ["SCRIPT", "LOAD", source] => {
                let known = state.scripts.iter().position(|script| script == source);
                let number = known.unwrap_or_else(|| {
                    state.scripts.push(source.to_owned());
                    state.scripts.len() - 1
                });
                bulk(&number.to_string())
            }
            ["GET", key] => {
                connection.read(key);
                state.texts.get(key).map_or_else(|| b"_\r\n".to_vec(), |value| bulk(value))
            }
            // A probe.
            ["EVALSHA", PROBE, "1", key, value, ..] => {
                if state.manners.tells_canary {
                    state
                        .connections
                        .iter()
                        .filter(|one| one.tracked.lock().unwrap().remove(key))
                        .for_each(|one| {
                            one.write(&news(key));
                        });
                }
                state.texts.insert(key.to_owned(), value.to_owned());
                b":1\r\n".to_vec()
            }
            ["HGET", key, field] => {
                connection.read(key);
                let found = state.hashes.get(key).and_then(|hash| hash.get(field));
                found.map_or_else(|| b"_\r\n".to_vec(), |value| bulk(value))
            }
            // In the order in which the store loads them.
            [
                "EVALSHA",
                "0",
                "3",
                live,
                seen,
                _,
                sid,
                idle,
                lifetime,
                payload,
                max,
                ..,
                salt,
                _room,
            ] => {
                let (now, idle, lifetime) =
                    (self.now(), idle.parse::<i64>().unwrap(), lifetime.parse::<i64>().unwrap());
                let header = format!("1 {now} {idle} {}", now + lifetime);
                let record = match salt {
                    "" => format!("1 {header}\n{payload}"),
                    salt => format!("2 {header} 0 {now} {salt}\n{payload}"),
                };
                // Tests fill what is as large as one session.
                let evicted = if max == "1" { state.hashes.remove(live) } else { None };
                for (key, value) in [(live, record), (seen, format!("{}:{now}", now + idle))] {
                    state.hashes.entry(key.to_owned()).or_default().insert(sid.to_owned(), value);
                }
                let evicted: Vec<_> = evicted.into_iter().flat_map(HashMap::into_keys).collect();
                let mut answer = format!("*{}\r\n:{now}\r\n:0\r\n", 2 + evicted.len()).into_bytes();
                answer.extend(evicted.iter().flat_map(|sid| bulk(sid)));
                answer
            }
            ["EVALSHA", "2", "3", live, _, _, sid, expected, payload] => {
                let next = replaced(state.hashes.get_mut(live).unwrap(), sid, expected, payload);
                format!(":{next}\r\n").into_bytes()
            }
            ["EVALSHA", "3", "3", live, _, _, _guard, ref new @ ..] => {
                for new in new.chunks(3) {
                    replaced(state.hashes.get_mut(live).unwrap(), new[0], new[1], new[2]);
                }
                b":1\r\n".to_vec()
            }
            // As if somebody had been faster with the same refresh token.
            ["EVALSHA", "4", "3", live, _, _, sid, ..] => {
                state.hashes.get_mut(live).unwrap().remove(sid);
                b":-3\r\n".to_vec()
            }
            ["EVALSHA", "7", "3", live, seen, _] => {
                let sessions: Vec<_> = state.hashes[live].iter().collect();
                let mut answer = format!("*{}\r\n", 3 * sessions.len()).into_bytes();
                for (sid, record) in sessions {
                    answer.extend(
                        [sid, record, &state.hashes[seen][sid]].map(|text| bulk(text)).concat(),
                    );
                }
                answer
            }
            ["EVALSHA", "1", ..] => format!(":{}\r\n", self.now() + 3_600_000).into_bytes(),
            ["EVALSHA", "5", "3", live, seen, gone, sid, reason, ..] => {
                let lived = [live, seen]
                    .map(|key| state.hashes.entry(key.to_owned()).or_default().remove(sid));
                let stone = format!("{reason}:{}", self.now() + 3_600_000);
                state.hashes.entry(gone.to_owned()).or_default().insert(sid.to_owned(), stone);
                format!(":{}\r\n", u8::from(lived[0].is_some())).into_bytes()
            }
            _ => format!("-ERR unknown command '{}'\r\n", words[0]).into_bytes(),
        }
    }

    /// Milliseconds.
    fn now(&self) -> i64 {
        START.as_millis() + i64::try_from(self.started.elapsed().as_millis()).unwrap()
    }
}
