//! The canary: a key of the link's own, whose changes are seen to be told.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::{RedisResult, Value, cmd};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::{Link, Links};
use crate::coherence::Tick;
use crate::store::redis::error::fault;
use crate::store::{StoreError, StoreErrorKind};

/// One that is not written any more is gone soon.
const LIFE: Duration = Duration::from_secs(10);

/// A key that nobody else writes.
pub(super) struct Canary {
    key: String,
    /// When a change of it was told; 0 if not since the last look.
    told: AtomicU64,
    news: Notify,
    lost: Notify,
}

/// What a canary says about its link.
#[derive(Debug)]
pub(super) enum Sung {
    /// A write over the pool was told on the link.
    Yes,
    /// It was not.
    No,
    /// The server takes no such write now.
    Refused,
    /// Nobody could be reached to write it.
    Unknown(StoreError),
}

impl Canary {
    pub(super) fn new(key: String) -> Self {
        Self { key, told: AtomicU64::new(0), news: Notify::new(), lost: Notify::new() }
    }

    pub(super) fn is(&self, key: &[u8]) -> bool {
        self.key.as_bytes() == key
    }

    pub(super) fn hear(&self) {
        self.told.store(Tick::now().as_nanos(), Ordering::Release);
        self.news.notify_one();
    }

    pub(super) fn link_is_lost(&self) {
        self.lost.notify_one();
    }

    /// Waits until the link is lost, or `pause` is over.
    pub(super) async fn lost_within(&self, pause: Duration) -> bool {
        timeout(pause, self.lost.notified()).await.is_ok()
    }

    async fn told(&self) -> Tick {
        let mut news = pin!(self.news.notified());
        poll_fn(|context| {
            while self.told.load(Ordering::Acquire) == 0 {
                std::task::ready!(news.as_mut().poll(context));
                news.set(self.news.notified());
            }
            std::task::Poll::Ready(())
        })
        .await;
        Tick::from_nanos(self.told.load(Ordering::Acquire))
    }
}

impl Links {
    /// Looks whether what is written over the pool is told on the link: whether both reach the same server, and it tells.
    pub(super) async fn sing(&self, link: &Link) -> RedisResult<Sung> {
        let canary = &link.canary;
        let mut get = cmd("GET");
        get.arg(&canary.key);
        // From here on a change is told; one that was told before is not the one to come.
        let mut connection = link.connection.clone();
        let Ok(got) = timeout(self.lease, connection.send_packed_command(&get)).await else {
            return Ok(Sung::No);
        };
        got.and_then(Value::extract_error)?;
        canary.told.store(0, Ordering::Release);

        let mut set = cmd("SET");
        set.arg(&canary.key).arg("").arg("PX").arg(LIFE.as_millis() as u64);
        let sent = Tick::now();
        // Beats wait for it: a slow pool must not cost the lease.
        let late =
            |_| Err(fault(StoreErrorKind::Unavailable, "the canary could not be written in time"));
        let written = timeout(self.lease / 4, self.store.requests.ask(&set)).await;
        if let Err(error) = written.unwrap_or_else(late) {
            let refused = error.kind() == StoreErrorKind::WriteRefused;
            return Ok(if refused { Sung::Refused } else { Sung::Unknown(error) });
        }
        let Ok(told) = timeout(self.lease, canary.told()).await else { return Ok(Sung::No) };
        self.figures.lagged(told.since(sent));
        Ok(Sung::Yes)
    }
}
