//! The open connections: the client of each, and which of them are idle.
//!
//! A new connection may cause an older one to be closed. That is always an idle connection, the one
//! that has been idle for longest:
//!
//! - If the client already holds its share of the connections: one of its own connections.
//! - If there is no free slot: a connection of any client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::Notify;

/// One client: an IPv4 address, or the first 64 bits of an IPv6 address, because a customer of a
/// provider has at least a network of that size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << 64);
                Ipv6Addr::from_bits(network).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// All open connections. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Connections(Arc<Inner>);

#[derive(Default)]
struct Inner {
    open: Mutex<HashMap<u64, Arc<State>>>,
    next: AtomicU64,
    /// The number of ended requests. A connection keeps this number from the end of its last
    /// request. The lower it is, the longer the connection has been idle.
    ends: AtomicU64,
}

/// An open connection. Dropping it removes it from [`Connections`].
pub(crate) struct Connection {
    all: Connections,
    number: u64,
    state: Arc<State>,
    /// Set while the connection waits for its slot. During this time it does not count as idle,
    /// so it is not closed to make room for itself.
    waiting: Option<UnderWay>,
}

struct State {
    /// `None` for a trusted proxy, which carries requests of many clients.
    client: Option<Client>,
    requests: AtomicU64,
    under_way: AtomicU64,
    idle_since: AtomicU64,
    is_closing: AtomicBool,
    close: Notify,
}

/// A request in progress, until its response is written or abandoned.
pub(crate) struct UnderWay {
    all: Arc<Inner>,
    state: Arc<State>,
}

impl Connections {
    /// Opens a connection of `client`, which waits for its [slot](Connection::has_place).
    ///
    /// If the client already has `share` connections, closes an idle one of them. Returns `None` if
    /// none of them is idle, or if `share` connections of the client are still closing.
    pub(crate) fn open(&self, client: Option<Client>, share: usize) -> Option<Connection> {
        let mut open = self.lock();
        if let Some(client) = client {
            let is_of_client = |state: &&Arc<State>| state.client == Some(client);
            let (mut held, mut closing) = (0, 0);
            for state in open.values().filter(is_of_client) {
                if state.is_closing() {
                    closing += 1;
                } else {
                    held += 1;
                }
            }
            // A connection may take a moment to close. A client that delays this gets no new one.
            if closing >= share || (held >= share && !close_one(open.values().filter(is_of_client)))
            {
                return None;
            }
        }
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(State {
            client,
            requests: AtomicU64::new(0),
            under_way: AtomicU64::new(1),
            idle_since: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            close: Notify::new(),
        });
        open.insert(number, Arc::clone(&state));
        let waiting = Some(UnderWay { all: Arc::clone(&self.0), state: Arc::clone(&state) });
        Some(Connection { all: self.clone(), number, state, waiting })
    }

    /// Closes the connection that has been idle for longest, if there is one. It ends a moment
    /// later.
    pub(crate) fn close_one(&self) {
        close_one(self.lock().values());
    }

    /// Closes all connections. A connection with a request in progress closes after its response.
    pub(crate) fn close_all(&self) {
        self.lock().values().for_each(|state| state.close());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<State>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close_one<'a>(states: impl Iterator<Item = &'a Arc<State>>) -> bool {
    let idle = states.filter(|state| state.is_idle() && !state.is_closing());
    let longest = idle.min_by_key(|state| state.idle_since.load(Ordering::Relaxed));
    if let Some(state) = longest {
        state.close();
    }
    longest.is_some()
}

impl State {
    fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.close.notify_one();
    }
}

impl Connection {
    /// Marks that this connection has its slot. From now on it is idle until it brings a request.
    pub(crate) fn has_place(&mut self) {
        self.waiting = None;
    }

    /// Waits until this connection must close.
    pub(crate) async fn is_to_close(&self) {
        self.state.close.notified().await;
    }

    /// Returns whether the connection has brought a request.
    pub(crate) fn was_used(&self) -> bool {
        self.state.requests.load(Ordering::Acquire) > 0
    }

    /// Returns a function that counts a request of this connection.
    pub(crate) fn counter(&self) -> impl Fn() -> UnderWay + Clone + Send + 'static {
        let (all, state) = (Arc::clone(&self.all.0), Arc::clone(&self.state));
        move || {
            state.requests.fetch_add(1, Ordering::Release);
            state.under_way.fetch_add(1, Ordering::Release);
            UnderWay { all: Arc::clone(&all), state: Arc::clone(&state) }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.lock().remove(&self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self { all, state } = self;
        state.idle_since.store(all.ends.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        state.under_way.fetch_sub(1, Ordering::Release);
    }
}

pin_project! {
    /// A response body. Its request is in progress until the body is dropped.
    pub(crate) struct Answer<B> {
        #[pin]
        body: B,
        under_way: UnderWay,
    }
}

impl<B> Answer<B> {
    pub(crate) fn new(body: B, under_way: UnderWay) -> Self {
        Self { body, under_way }
    }
}

impl<B: Body> Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
