//! Applications that use one key prefix without knowing of each other.
//!
//! Each marks its token issuer (as a hash) under the prefix. The mark is written by a diagnosis, which the worker makes
//! when it starts, and once an hour after that; it counts for a week, so that an issuer that was renamed is forgotten.
//! Each time, the marks of others are looked for: the application that came first learns of the second one so.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::Value;

use super::diagnosis::Finding;
use super::scripts::Script;
use super::{Inner, RedisStore, text};
use crate::trace;

/// How often a mark is written anew.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long a mark counts.
const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The issuers of the managers over this store.
#[derive(Debug, Default)]
pub(super) struct Sharing(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    issuers: BTreeSet<String>,
    /// When the next mark is due, by the host's monotonic clock; `None` before the first.
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
    /// Marks this application's issuers again if that is due, and logs a warning where another issuer
    /// is found for the first time. Failures are left to the next time.
    pub(super) async fn mark_again(&self) {
        let Inner { sharing, diagnosis, .. } = &*self.inner;
        let due = sharing.with(|marks| marks.due);
        if due.is_some_and(|due| diagnosis.monotonic() >= due) && self.is_shared().await {
            for warning in diagnosis.news(vec![Finding::SharedPrefix]) {
                trace::store_warning(&warning);
            }
        }
    }

    /// Marks this application's issuers, and looks for others. `false` where that cannot be known.
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
                trace::debug!("the issuer was not marked", error = trace::Chain(&error));
                false
            }
        }
    }
}
