//! Scans over all sessions of all users, page by page: statistics and cleanup.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::run_to_completion::run_to_completion;
use super::shared::statistics::Statistics;
use super::{SessionManager, Shared};
use crate::error::SessionError;
use crate::resilience::Operation;
use crate::session::{SessionData, role_of};

/// The number of sessions per page of a scan.
const PAGE: usize = 1_000;

/// The progress of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of steps so far.
    pub steps: u64,
    /// The number of sessions that the scan has counted, or that the cleanup has freed, so far.
    pub sessions: u64,
    /// The time since the scan began.
    pub elapsed: Duration,
}

impl<D: SessionData> SessionManager<D> {
    /// Counts all live sessions, and calls `progress` after each step.
    ///
    /// Scans the whole store, about 1,000 sessions per step. A scan of a million sessions takes
    /// some seconds. The scan does not delay requests. It is not a snapshot: the count may or may
    /// not include a session that is created or ends during the scan. No session is counted twice.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer.
    ///
    /// # Cancel safety
    ///
    /// Safe: the scan changes nothing in the store.
    pub async fn statistics(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<Statistics, SessionError> {
        let mut scan = Scan::new(progress);
        let store_client = &self.shared.store_client;
        let as_of = store_client.now();
        // The set holds a hash of each session's ids. For a million sessions, the ids themselves
        // would take about a hundred megabytes.
        let (hasher, mut seen) = (RandomState::new(), HashSet::new());
        let mut by_role = BTreeMap::new();
        let mut ttls = Duration::ZERO;
        let mut from = None;
        loop {
            let page = store_client
                .ask_aside(Operation::Scan, |store| store.scan_heads(from.as_ref(), PAGE))
                .await?;
            let page = page.ok_or(SessionError::Cursor)?;
            let now = store_client.now();
            for entry in page.sessions {
                // If the store's tables grow or shrink during the scan, the store can return a
                // session twice.
                if !seen.insert(hasher.hash_one((&entry.user, &entry.id))) {
                    continue;
                }
                let role = role_of(&entry.record.payload).unwrap_or_default();
                *by_role.entry(role).or_insert(0_u64) += 1;
                // Saturating, because a deadline of a custom store can have any value.
                ttls = ttls.saturating_add(entry.record.idle_deadline.saturating_since(now));
            }
            scan.step(seen.len() as u64);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        self.shared.metrics.sessions(by_role.iter().map(|(role, count)| (role.as_str(), *count)));
        let total = seen.len() as u64;
        let average_ttl = u32::try_from(total).ok().and_then(|total| ttls.checked_div(total));
        let average_ttl = average_ttl.unwrap_or_default();
        Ok(Statistics { total, by_role, average_ttl, as_of })
    }

    /// Returns statistics whose scan ended at most `max_age` ago.
    ///
    /// If the latest statistics are older than `max_age`, the method starts a new scan. If several
    /// callers need a new scan at the same time, one caller scans and the others wait for the
    /// result of that scan.
    ///
    /// # Errors
    ///
    /// As for [`statistics`](Self::statistics).
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped, the scan still runs to completion, and the next caller gets
    /// the result.
    pub async fn recent_statistics(
        &self,
        max_age: Duration,
    ) -> Result<Arc<Statistics>, SessionError> {
        let manager = self.clone();
        run_to_completion(async move {
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

    /// Frees all expired sessions, and calls `progress` after each step. Returns how many it freed.
    ///
    /// The application does not have to call this method. An expired session is never accepted, and
    /// the store itself frees it later. The cleanup scans the whole store, in steps of the same
    /// size and at the same speed as [`statistics`](Self::statistics).
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer, or accepts no writes.
    ///
    /// # Cancel safety
    ///
    /// Safe: if the future is dropped, the cleanup stops. The sessions that it has freed stay
    /// freed.
    pub async fn cleanup(
        &self,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<u64, SessionError> {
        let mut scan = Scan::new(progress);
        let store_client = &self.shared.store_client;
        let mut from = None;
        let mut freed = 0_u64;
        loop {
            let step = store_client
                .ask_aside(Operation::Cleanup, |store| store.cleanup(from.as_ref()))
                .await?;
            let step = step.ok_or(SessionError::Cursor)?;
            freed = freed.saturating_add(step.count);
            scan.step(freed);
            from = step.next;
            if from.is_none() {
                return Ok(freed);
            }
        }
    }
}

/// Counts the steps of a scan and reports them to `progress`.
struct Scan<P> {
    progress: P,
    steps: u64,
    began: Instant,
}

impl<P: FnMut(Progress)> Scan<P> {
    fn new(progress: P) -> Self {
        Self { progress, steps: 0, began: Instant::now() }
    }

    fn step(&mut self, sessions: u64) {
        self.steps += 1;
        (self.progress)(Progress { steps: self.steps, sessions, elapsed: self.began.elapsed() });
    }
}
