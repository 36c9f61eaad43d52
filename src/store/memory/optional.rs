//! The optional operations of the memory store: scans, counters of attempts, and regular work.

use super::MemoryStore;
use super::scan::{self, CursorParts};
use crate::store::{
    Attempt, AttemptKey, AttemptRule, Cleaned, CountAttempts, MaintainStore, Page, ScanCursor,
    ScanSessions, SessionStore, Settle, StoreError,
};

impl ScanSessions for MemoryStore {
    async fn scan(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        let from = match from.map(CursorParts::parse) {
            Some(None) => return Ok(None),
            from => from.flatten(),
        };
        let now = self.now();
        Ok(Some(scan::page(&self.lock(), now, from.as_ref(), limit)))
    }

    async fn cleanup(&self, from: Option<&ScanCursor>) -> Result<Option<Cleaned>, StoreError> {
        if from.is_some_and(|from| !scan::is_due(from)) {
            return Ok(None);
        }
        let now = self.now();
        let (count, more) = self.lock().reap(now);
        Ok(Some(Cleaned::new(count, more.then(scan::due))))
    }
}

impl CountAttempts for MemoryStore {
    async fn attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> Result<Option<Attempt>, StoreError> {
        let now = self.now();
        Ok(Some(self.attempts().attempt(now, key, rule)))
    }

    async fn settle(&self, key: &AttemptKey, settle: Settle) -> Result<(), StoreError> {
        self.attempts().settle(key, settle);
        Ok(())
    }
}

impl MaintainStore for MemoryStore {
    async fn upkeep(&self) -> Result<(), StoreError> {
        let now = self.now();
        while self.attempts().reap(now) {
            tokio::task::yield_now().await;
        }
        self.attempts().shrink();
        loop {
            let (_, more) = self.lock().reap(now);
            if !more {
                break;
            }
            // Between two steps, other requests can take the lock and run on this thread.
            tokio::task::yield_now().await;
        }
        let users = &mut self.lock().users;
        if users.capacity() > 1_024 && users.capacity() / 8 > users.len() {
            users.shrink_to_fit();
        }
        Ok(())
    }
}
