//! A handle on one of the driver's connections. After the connection is closed, no request waits on
//! it.
//!
//! When its connection is closed, the driver empties its queue and so ends the waits of the
//! requests in it. A request that enters the queue at that moment can stay in it. Without this
//! handle only a timeout would end that wait, although the next connection would answer at once.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};
use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Cmd, Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;

/// Whether the driver has reported that its connection is closed.
#[derive(Default)]
pub(crate) struct Closed {
    is_closed: AtomicBool,
    told: Notify,
}

impl Closed {
    /// Registers `hear`, and then this, with the driver for each message that is not an answer.
    pub(crate) fn listen(
        self: &Arc<Self>,
        config: AsyncConnectionConfig,
        hear: impl Fn(&PushInfo) + Send + Sync + 'static,
    ) -> AsyncConnectionConfig {
        let closed = Arc::clone(self);
        // A closure, not a channel: the driver calls it for a message before it hands out any
        // answer behind that message.
        config.set_push_sender(move |push: PushInfo| {
            // Waiting requests are woken last, after all other parts have learned of the loss.
            hear(&push);
            if push.kind == PushKind::Disconnection {
                closed.tell();
            }
            Ok::<_, SendError>(())
        })
    }

    /// Marks the connection as closed, and ends all waits on it.
    fn tell(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Waits for an answer, or until the driver reports that the connection is closed.
    async fn or_closed<T>(
        &self,
        // Pinned by the caller: moving it would cost more than the rest of this function.
        answer: Pin<&mut impl Future<Output = RedisResult<T>>>,
    ) -> RedisResult<T> {
        let closed = || Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        // Created before the flag is read: it receives every notification from here on.
        let told = pin!(self.told.notified());
        if self.is_closed.load(Ordering::Acquire) {
            return closed();
        }
        match select(answer, told).await {
            Either::Left((answer, _)) => answer,
            // Answers that the driver got before the close are available now. No answer comes after
            // it.
            Either::Right(((), answer)) => answer.now_or_never().unwrap_or_else(closed),
        }
    }
}

/// A connection of the driver. Clones share it.
#[derive(Clone)]
pub(crate) struct Handle {
    connection: MultiplexedConnection,
    closed: Arc<Closed>,
}

impl Handle {
    /// `closed` must be [registered](Closed::listen) with this connection.
    pub(crate) fn new(connection: MultiplexedConnection, closed: Arc<Closed>) -> Self {
        Self { connection, closed }
    }

    /// Sends one command.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = pin!(self.connection.send_packed_command(command));
        self.closed.or_closed(answer).await
    }

    /// Sends commands in one pipeline. An answer that is an error stays in its place as
    /// [`Value::ServerError`].
    pub(crate) async fn send_all(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let answers = pin!(self.connection.send_packed_commands(commands, 0, commands.len()));
        self.closed.or_closed(answers).await
    }
}

#[cfg(test)]
mod tests {
    use redis::{IntoConnectionInfo as _, ProtocolVersion, cmd};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    type Driver = Pin<Box<dyn Future<Output = ()>>>;

    /// Returns a connection whose driver runs only when the test polls it, and the server's end of
    /// its socket.
    async fn connected() -> (Handle, Arc<Closed>, Driver, DuplexStream) {
        let (client, mut server) = duplex(4096);
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
    async fn request_left_in_the_driver_queue_fails_when_the_connection_closes() {
        let (mut handle, closed, _driver, _server) = connected().await;
        let mut other = handle.clone();
        let ping = cmd("PING");
        let mut waits = task::spawn(handle.send(&ping));
        // The request is in the queue, and the driver does not read the queue again.
        assert_pending!(waits.poll());
        closed.tell();
        assert!(waits.is_woken());
        assert!(is_dropped(assert_ready!(waits.poll())));
        let mut late = task::spawn(other.send(&ping));
        assert!(is_dropped(assert_ready!(late.poll())), "a later request fails as well");
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
        // The driver reads the answer and then the end of the stream, and reports that the
        // connection is closed.
        assert_ready!(driver.poll());
        let answer = assert_ready!(waits.poll());
        assert_eq!(answer.unwrap(), Value::SimpleString("PONG".to_owned()));
    }
}
