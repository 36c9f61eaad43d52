//! Logs the store's warnings for its operator once.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::resilience::StoreClient;
use crate::trace;

/// Asks the store for its warnings in a separate task, so that the worker's touches never wait for
/// the answer. The task is aborted when the worker ends.
#[derive(Default)]
pub(super) struct Warnings {
    /// Holds at most one task, which returns whether the store answered.
    asking: JoinSet<bool>,
    logged: bool,
}

impl Warnings {
    /// Starts a task that logs the store's warnings. Does nothing if the warnings have been logged
    /// or if such a task is running. Never waits.
    pub(super) fn log_once(&mut self, store_client: &Arc<StoreClient>) {
        while let Some(answered) = self.asking.try_join_next() {
            // A task that panicked is treated as done, because a new task would panic too.
            self.logged |= answered.unwrap_or(true);
        }
        if !self.logged && self.asking.is_empty() {
            let store_client = Arc::clone(store_client);
            self.asking.spawn(async move { log(&store_client).await });
        }
    }
}

async fn log(store_client: &StoreClient) -> bool {
    match store_client.warnings().await {
        Ok(warnings) => {
            for warning in warnings {
                trace::store_warning(&warning);
            }
            true
        }
        Err(error) => {
            trace::debug!(
                "the diagnosis of the session store failed",
                error = trace::Chain(&error)
            );
            false
        }
    }
}
