//! Work on all sessions of all users, page by page: statistics and cleanup.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::whole::whole;
use super::{SessionManager, Shared};
use crate::error::SessionError;
use crate::gate::Verb;
use crate::session::{SessionData, role_of};

/// How many sessions a walk takes at once.
const PAGE: usize = 1_000;

/// How far a walk has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// How many steps it took so far.
    pub steps: u64,
    /// How many sessions were counted, or freed, so far.
    pub sessions: u64,
    /// How long it has been under way.
    pub elapsed: Duration,
}

/// How many sessions there are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Living sessions.
    pub total: u64,
    /// Living sessions by role. Those without a role are under the empty name.
    pub by_role: BTreeMap<String, u64>,
    /// How long they live on average unless they are used.
    pub average_ttl: Duration,
    /// When the walk began, on the store's clock.
    pub as_of: DateTime<Utc>,
}

/// The last statistics, and when their walk ended, on the clock's monotonic time.
pub(super) type Latest = tokio::sync::Mutex<Option<(Duration, Arc<Statistics>)>>;

impl<D: SessionData> SessionManager<D> {
    /// Counts all living sessions, and tells `progress` after each step.
    ///
    /// Walks through the whole store, some 1,000 sessions a step: seconds for a million sessions. Requests are not held
    /// up by it. It is no snapshot: sessions that come and go meanwhile may be counted or not, none is counted twice.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer.
    ///
    /// # Cancel safety
    ///
    /// Safe: it changes nothing.
    pub async fn statistics(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Statistics, SessionError> {
        let mut walk = Walk::new(progress);
        let gate = &self.shared.gate;
        let as_of = gate.now().to_datetime();
        // A hash each: with a million sessions the names themselves would take a hundred megabytes.
        let (hasher, mut seen) = (RandomState::new(), HashSet::new());
        let mut by_role = BTreeMap::new();
        let mut ttls = Duration::ZERO;
        let mut from = None;
        loop {
            let page =
                gate.ask_aside(Verb::Scan, |store| store.scan_heads(from.as_ref(), PAGE)).await?;
            let page = page.ok_or(SessionError::Cursor)?;
            let now = gate.now();
            for entry in page.sessions {
                // A store's tables may grow or shrink under the walk: then it shows some twice.
                if !seen.insert(hasher.hash_one((&entry.user, &entry.id))) {
                    continue;
                }
                let role = role_of(&entry.record.payload).unwrap_or_default();
                *by_role.entry(role).or_insert(0_u64) += 1;
                // A custom store may answer with any deadline.
                ttls = ttls.saturating_add(entry.record.idle_deadline.saturating_since(now));
            }
            walk.step(seen.len() as u64);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        self.shared.meter.sessions(by_role.iter().map(|(role, count)| (role.as_str(), *count)));
        let total = seen.len() as u64;
        let average_ttl = u32::try_from(total).ok().and_then(|total| ttls.checked_div(total));
        let average_ttl = average_ttl.unwrap_or_default();
        Ok(Statistics { total, by_role, average_ttl, as_of })
    }

    /// Statistics from a walk that ended no longer than `max_age` ago: the last one's, or those of a new walk. Of many
    /// callers at once, one walks and the others wait for it.
    ///
    /// # Errors
    ///
    /// As for [`statistics`](Self::statistics).
    ///
    /// # Cancel safety
    ///
    /// The walk goes on without its caller, and serves the next one.
    pub async fn recent_statistics(
        &self,
        max_age: Duration,
    ) -> Result<Arc<Statistics>, SessionError> {
        let manager = self.clone();
        whole(async move {
            let Shared { statistics, clock, .. } = &*manager.shared;
            let mut latest = statistics.lock().await;
            if let Some((at, statistics)) = &*latest
                && clock.monotonic().saturating_sub(*at) <= max_age
            {
                return Ok(Arc::clone(statistics));
            }
            let statistics = Arc::new(manager.statistics(|_| {}).await?);
            *latest = Some((clock.monotonic(), Arc::clone(&statistics)));
            Ok(statistics)
        })
        .await
    }

    /// Frees all expired sessions, and tells `progress` after each step. Returns how many it freed.
    ///
    /// Nothing depends on it: what has expired lets nobody in, and is freed by and by. It walks as
    /// [`statistics`](Self::statistics) does.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer, or takes no writes.
    ///
    /// # Cancel safety
    ///
    /// Safe: what was freed stays freed.
    pub async fn cleanup(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<u64, SessionError> {
        let mut walk = Walk::new(progress);
        let gate = &self.shared.gate;
        let mut from = None;
        let mut freed = 0_u64;
        loop {
            let step = gate.ask_aside(Verb::Cleanup, |store| store.cleanup(from.as_ref())).await?;
            let step = step.ok_or(SessionError::Cursor)?;
            freed = freed.saturating_add(step.count);
            walk.step(freed);
            from = step.next;
            if from.is_none() {
                return Ok(freed);
            }
        }
    }
}

/// Counts steps for whoever watches.
struct Walk<P> {
    progress: P,
    steps: u64,
    began: Instant,
}

impl<P: FnMut(Progress)> Walk<P> {
    fn new(progress: P) -> Self {
        Self { progress, steps: 0, began: Instant::now() }
    }

    fn step(&mut self, sessions: u64) {
        self.steps += 1;
        (self.progress)(Progress { steps: self.steps, sessions, elapsed: self.began.elapsed() });
    }
}
