//! Optional operations of a store: scans, counters of attempts, and the work that the background
//! worker does with the store.

use std::future::Future;

use super::attempts::{Attempt, AttemptKey, AttemptRule, Settle};
use super::scan::{Cleaned, Page, ScanCursor};
use super::tracking::Tracking;
use crate::error::{StoreError, StoreErrorKind};

/// Scans over the sessions of all users, as optional operations of a
/// [`SessionStore`](super::SessionStore).
///
/// The manager uses scans for its lists of all sessions, its statistics and its cleanup. A store
/// that cannot scan keeps the default methods. With such a store, these operations of the manager
/// fail with [`Unsupported`](StoreErrorKind::Unsupported). All other operations work.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether it can scan its sessions",
    note = "a store that cannot scan needs an empty implementation: `impl ScanSessions for {Self} {{}}`"
)]
pub trait ScanSessions: Send + Sync + 'static {
    /// Returns a [page](Page) of the live sessions of all users, starting at the cursor `from`. The
    /// page holds at most `limit` sessions. A `limit` of 0 is treated as 1, and a store can have a
    /// lower maximum. Returns `None` if `from` is not a cursor of this store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer. The default implementation always fails, with
    /// [`Unsupported`](StoreErrorKind::Unsupported).
    fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send {
        let _ = (from, limit);
        std::future::ready(Err(StoreError::new(StoreErrorKind::Unsupported)))
    }

    /// Like [`scan`](Self::scan), but a store is allowed to leave out a part of each payload, as in
    /// [`list_heads`](super::SessionStore::list_heads). The default implementation returns whole
    /// payloads.
    fn scan_heads(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Option<Page>, StoreError>> + Send {
        self.scan(from, limit)
    }

    /// Removes expired sessions from one part of the store and returns their number. Keeps live
    /// sessions and unexpired tombstones. Returns `None` if `from` is not a cursor of this store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. The default implementation
    /// always fails, with [`Unsupported`](StoreErrorKind::Unsupported).
    fn cleanup(
        &self,
        from: Option<&ScanCursor>,
    ) -> impl Future<Output = Result<Option<Cleaned>, StoreError>> + Send {
        let _ = from;
        std::future::ready(Err(StoreError::new(StoreErrorKind::Unsupported)))
    }
}

/// Counters of attempts for [rate limits](crate::rate_limit), as optional operations of a
/// [`SessionStore`](super::SessionStore).
///
/// A store that does not count keeps the default methods. With such a store, each process counts
/// its own attempts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether it counts attempts",
    note = "a store that does not count needs an empty implementation: `impl CountAttempts for {Self} {{}}`"
)]
pub trait CountAttempts: Send + Sync + 'static {
    /// Counts an attempt, or refuses it. The caller calls this before it makes the attempt. If many
    /// attempts arrive at the same time, the store counts exactly as many as the
    /// [`rule`](AttemptRule) allows. All processes that use the store share its counters. The
    /// counters are independent of sessions.
    ///
    /// `None`, the default, means that the store does not count. In that case, each process counts
    /// its own attempts.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, it is
    /// unknown whether the attempt was counted, and the caller must not make the attempt.
    fn attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> impl Future<Output = Result<Option<Attempt>, StoreError>> + Send {
        let _ = (key, rule);
        std::future::ready(Ok(None))
    }

    /// Corrects a counter after an attempt that [`attempt`](Self::attempt) has counted. [`Settle`]
    /// defines the two corrections. Does nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer or refuses to write. After this error, the
    /// counter still includes the attempt, as if the attempt had failed.
    fn settle(
        &self,
        key: &AttemptKey,
        settle: Settle,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (key, settle);
        std::future::ready(Ok(()))
    }
}

/// What the background worker does with a [`SessionStore`](super::SessionStore): regular work,
/// warnings for the operator, and invalidations for the near cache.
///
/// A store that needs none of these keeps the defaults.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what the background worker does with it",
    note = "a store that needs no regular work needs an empty implementation: `impl MaintainStore for {Self} {{}}`"
)]
pub trait MaintainStore: Send + Sync + 'static {
    /// Does regular work, for example removes expired data and compares clocks. The background
    /// worker calls this about once a second. Does nothing by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer.
    fn upkeep(&self) -> impl Future<Output = Result<(), StoreError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Returns warnings for the operator. Each warning is one sentence that says what is wrong and
    /// how to fix it. It contains no address. The background worker calls this after its first
    /// [`upkeep`](Self::upkeep) and logs the warnings. A later call need not repeat a warning.
    /// Empty by default.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store cannot answer. In that case, the worker calls this again
    /// later.
    fn warnings(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Returns the source of this store's invalidations. With invalidations, a process can cache
    /// what it reads. `None`, the default, means that there are none, so each request reads the
    /// store. Each manager calls this only once. Does no I/O.
    fn tracking(&self) -> Option<Tracking> {
        None
    }

    /// Tells the store the token issuer of a manager that uses the store. Does no I/O. Does nothing
    /// by default.
    fn used_by(&self, _issuer: &str) {}
}
