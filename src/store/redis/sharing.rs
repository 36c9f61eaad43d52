//! Detects another application that uses the same key prefix by mistake.
//!
//! Each application writes a mark, the hash of its token issuer, under the prefix. The diagnosis at
//! the start of the worker writes it, and the upkeep writes it again once an hour. A mark counts
//! for a week, so that a renamed issuer is forgotten. With each write, the store looks for the
//! marks of others. So the application that started first also learns of the second one.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Value;

use super::diagnosis::Finding;
use super::scripts::Script;
use super::{Inner, RedisStore, text};
use crate::trace;

/// The interval at which a mark is written again.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long a mark counts.
const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The token issuers of the managers that use this store.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    issuers: BTreeSet<String>,
    /// When the next mark is due, on the host's monotonic clock; `None` before the first mark.
    due: Option<Duration>,
}

impl Sharing {
    pub(super) fn add(&self, issuer: &str) {
        self.with(|marks| marks.issuers.insert(issuer.to_owned()));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Marks) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RedisStore {
    /// Writes the marks of this application's issuers again if that is due. Logs a warning when
    /// another issuer is found for the first time. After a failure, the next due mark tries again.
    pub(super) async fn mark_again(&self) {
        let Inner { sharing, diagnosis, .. } = &*self.inner;
        let due = sharing.with(|marks| marks.due);
        if due.is_some_and(|due| diagnosis.monotonic() >= due) && self.is_shared().await {
            for warning in diagnosis.news(vec![Finding::SharedPrefix]) {
                trace::store_warning(&warning);
            }
        }
    }

    /// Writes the marks of this application's issuers, and returns whether there are others.
    /// `false` if that cannot be determined.
    pub(super) async fn is_shared(&self) -> bool {
        let due = self.inner.diagnosis.monotonic().saturating_add(INTERVAL);
        let issuers: Vec<String> = self.inner.sharing.with(|marks| {
            marks.due = Some(due);
            marks.issuers.iter().cloned().collect()
        });
        if issuers.is_empty() {
            return false;
        }
        let life = text(LIFE);
        let args: Vec<&[u8]> =
            std::iter::once(&life).chain(&issuers).map(|arg| arg.as_bytes()).collect();
        let keys = [self.inner.prefix.reserved("issuers")];
        match self.inner.requests.run(Script::Mark, &keys, &args).await {
            Ok(others) => matches!(others, Value::Int(1..)),
            Err(error) => {
                trace::debug!(
                    "cannot mark the issuer: a shared key prefix is not detected",
                    error = trace::Chain(&error)
                );
                false
            }
        }
    }
}
