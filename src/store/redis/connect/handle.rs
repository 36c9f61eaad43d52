//! A handle to one of the driver's connections. After the connection is closed, a request that uses
//! this handle fails at once.
//!
//! When a connection is closed, the driver empties the connection's queue. The requests in the
//! queue then fail at once. But a request that enters the queue at that moment can stay in it.
//! Without this handle, such a request would wait until its timeout, although another connection
//! could answer at once.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::Poll;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisResult, Value};

/// Whether the driver has reported that its connection is closed.
///
/// A request enters the driver's queue under the read lock. The driver's report that the connection
/// is closed takes the write lock. So there are two cases:
/// - The request enters before the report. It is completely in the queue when the driver empties
///   the queue.
/// - The request comes after the report. It finds that the connection is closed.
#[derive(Default)]
pub(crate) struct Closed(RwLock<bool>);

impl Closed {
    /// Registers a callback with the driver. The driver calls it for each message that is not an
    /// answer. The callback calls `hear`. If the message reports that the connection is closed, the
    /// callback then marks the connection as closed.
    pub(crate) fn listen(
        self: &Arc<Self>,
        config: AsyncConnectionConfig,
        hear: impl Fn(&PushInfo) + Send + Sync + 'static,
    ) -> AsyncConnectionConfig {
        let closed = Arc::clone(self);
        // This is a closure, not a channel. The driver calls it for a message before it delivers
        // any answer that follows the message, and before it empties its queue.
        config.set_push_sender(move |push: PushInfo| {
            // Requests learn of the loss last, after all other parts of the store.
            hear(&push);
            if push.kind == PushKind::Disconnection {
                closed.mark();
            }
            Ok::<_, SendError>(())
        })
    }

    /// Marks the connection as closed. Waits for requests that are entering the queue at this
    /// moment.
    fn mark(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Waits for an answer. Fails at once when the connection is closed.
    ///
    /// A waiting request needs no separate wake-up when the connection is closed. The driver
    /// reports the close and ends in the same poll. When the driver ends, it closes and empties its
    /// queue. This wakes all requests that are in the queue or wait for a place in it. A separate
    /// registration for each request would cost 2 % of a request that asks Redis.
    async fn or_closed<T>(
        &self,
        // The caller pins the future: moving it would cost more than the rest of this function.
        mut answer: Pin<&mut impl Future<Output = RedisResult<T>>>,
    ) -> RedisResult<T> {
        let mut is_sent = false;
        poll_fn(|context| {
            let is_closed = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if *is_closed && !is_sent {
                return Poll::Ready(closed());
            }
            is_sent = true;
            match answer.as_mut().poll(context) {
                // The answers that the driver received before the close are available now. No
                // answer arrives later.
                Poll::Pending if *is_closed => Poll::Ready(closed()),
                answer => answer,
            }
        })
        .await
    }
}

fn closed<T>() -> RedisResult<T> {
    Err(io::Error::from(io::ErrorKind::BrokenPipe).into())
}

/// A connection of the driver. Clones share it.
#[derive(Clone)]
pub(crate) struct Handle {
    connection: MultiplexedConnection,
    closed: Arc<Closed>,
}

impl Handle {
    /// Creates a handle. `closed` must be [registered](Closed::listen) with this connection.
    pub(crate) fn new(connection: MultiplexedConnection, closed: Arc<Closed>) -> Self {
        Self { connection, closed }
    }

    /// Sends one command.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = pin!(self.connection.send_packed_command(command));
        self.closed.or_closed(answer).await
    }

    /// Sends commands in one pipeline. An error answer stays in its place as
    /// [`Value::ServerError`].
    pub(crate) async fn send_all(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let answers = pin!(self.connection.send_packed_commands(commands, 0, commands.len()));
        self.closed.or_closed(answers).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Wake, Waker};

    use redis::{IntoConnectionInfo as _, ProtocolVersion, cmd};
    use tokio::io::{
        AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
    };
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    type Driver = Pin<Box<dyn Future<Output = ()>>>;

    /// Returns a connection and the server's end of its socket. The connection's driver runs only
    /// when the test polls it.
    async fn connected() -> (Handle, Arc<Closed>, Driver, DuplexStream) {
        let (client, server) = duplex(4096);
        connected_over(client, server).await
    }

    async fn connected_over(
        client: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        mut server: DuplexStream,
    ) -> (Handle, Arc<Closed>, Driver, DuplexStream) {
        let info = "redis://127.0.0.1".into_connection_info().unwrap();
        let login = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let login = login.set_skip_set_lib_name();
        let closed = Arc::<Closed>::default();
        let config = closed.listen(AsyncConnectionConfig::new(), |_| {});
        let greeting = async {
            let _hello = server.read(&mut [0; 4096]).await.unwrap();
            server.write_all(b"%1\r\n+role\r\n+master\r\n").await.unwrap();
        };
        let connection = MultiplexedConnection::new_with_config(&login, client, config);
        let (connection, ()) = tokio::join!(connection, greeting);
        let (connection, driver) = connection.unwrap();
        (Handle::new(connection, Arc::clone(&closed)), closed, Box::pin(driver), server)
    }

    fn is_dropped(answer: RedisResult<Value>) -> bool {
        answer.is_err_and(|error| error.is_connection_dropped())
    }

    #[tokio::test]
    async fn request_after_the_close_fails_and_does_not_enter_the_queue() {
        let (mut handle, closed, driver, mut server) = connected().await;
        closed.mark();
        let ping = cmd("PING");
        let mut late = task::spawn(handle.send(&ping));
        assert!(is_dropped(assert_ready!(late.poll())));
        let mut driver = task::spawn(driver);
        assert_pending!(driver.poll());
        let mut sent = task::spawn(server.read_u8());
        assert_pending!(sent.poll());
    }

    #[tokio::test]
    async fn request_that_is_polled_after_the_close_does_not_wait_on() {
        let (mut handle, closed, _driver, _server) = connected().await;
        let ping = cmd("PING");
        let mut waits = task::spawn(handle.send(&ping));
        // The request is in the queue, and the driver does not read the queue again.
        assert_pending!(waits.poll());
        closed.mark();
        assert!(is_dropped(assert_ready!(waits.poll())));
    }

    /// A waker for the driver. It wakes the driver when a request has entered the queue.
    struct WhileSending {
        closed: Arc<Closed>,
        could_mark: Mutex<Vec<bool>>,
    }

    impl Wake for WhileSending {
        fn wake(self: Arc<Self>) {
            self.could_mark.lock().unwrap().push(self.closed.0.try_write().is_ok());
        }
    }

    #[tokio::test]
    async fn connection_cannot_be_marked_closed_while_a_request_enters_the_queue() {
        let (mut handle, closed, mut driver, _server) = connected().await;
        let spy = Arc::new(WhileSending { closed, could_mark: Mutex::default() });
        let waker = Waker::from(Arc::clone(&spy));
        assert_pending!(driver.as_mut().poll(&mut Context::from_waker(&waker)));
        let ping = cmd("PING");
        let mut waits = task::spawn(handle.send(&ping));
        assert_pending!(waits.poll());
        assert_eq!(*spy.could_mark.lock().unwrap(), [false]);
    }

    #[tokio::test]
    async fn close_wakes_all_requests_in_the_queue_and_those_that_wait_for_a_place_in_it() {
        let (handle, _closed, driver, server) = connected().await;
        let ping = &cmd("PING");
        let mut all: Vec<_> = (0..60)
            .map(|_| {
                let mut handle = handle.clone();
                task::spawn(async move { handle.send(ping).await })
            })
            .collect();
        for waits in &mut all {
            assert_pending!(waits.poll());
        }
        drop(server);
        let mut driver = task::spawn(driver);
        assert_ready!(driver.poll());
        for waits in &mut all {
            assert!(waits.is_woken());
            assert!(is_dropped(assert_ready!(waits.poll())));
        }
    }

    #[tokio::test]
    async fn answer_received_before_the_close_is_returned() {
        let (mut handle, _closed, driver, mut server) = connected().await;
        let ping = cmd("PING");
        let mut waits = task::spawn(handle.send(&ping));
        assert_pending!(waits.poll());
        let mut driver = task::spawn(driver);
        assert_pending!(driver.poll());
        server.write_all(b"+PONG\r\n").await.unwrap();
        drop(server);
        // The driver reads the answer and then the end of the stream. It reports that the
        // connection is closed.
        assert_ready!(driver.poll());
        let answer = assert_ready!(waits.poll());
        assert_eq!(answer.unwrap(), Value::SimpleString("PONG".to_owned()));
    }

    /// A socket whose writes can be made to fail. Its reads never fail: they wait for data.
    struct FailingWrites {
        socket: DuplexStream,
        fail: Arc<AtomicBool>,
    }

    impl AsyncRead for FailingWrites {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.socket).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for FailingWrites {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            if self.fail.load(Ordering::Relaxed) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            Pin::new(&mut self.socket).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.socket).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.socket).poll_shutdown(context)
        }
    }

    #[tokio::test]
    async fn failed_write_wakes_all_requests_although_no_read_fails() {
        let (socket, server) = duplex(4096);
        let fail = Arc::<AtomicBool>::default();
        let client = FailingWrites { socket, fail: Arc::clone(&fail) };
        let (handle, _closed, driver, _server) = connected_over(client, server).await;
        let ping = &cmd("PING");
        let send = || {
            let mut handle = handle.clone();
            task::spawn(async move { handle.send(ping).await })
        };
        let mut driver = task::spawn(driver);
        let mut sent = send();
        assert_pending!(sent.poll());
        assert_pending!(driver.poll());
        fail.store(true, Ordering::Relaxed);
        let mut all = [sent, send(), send()];
        for waits in &mut all[1..] {
            assert_pending!(waits.poll());
        }
        assert_ready!(driver.poll());
        for waits in &mut all {
            assert!(waits.is_woken());
            assert!(is_dropped(assert_ready!(waits.poll())));
        }
    }
}
