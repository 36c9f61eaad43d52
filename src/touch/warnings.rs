//! What the store's operator should know, in the log once.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::gate::Gate;
use crate::trace;

/// Asks the store beside the worker, so that uses of sessions never wait for it. Ends with the worker.
#[derive(Default)]
pub(super) struct Warnings {
    /// One task at most. It tells whether the store answered.
    asking: JoinSet<bool>,
    logged: bool,
}

impl Warnings {
    /// Logs what the store has to say, unless that was done. Never waits.
    pub(super) fn log_once(&mut self, gate: &Arc<Gate>) {
        while let Some(answered) = self.asking.try_join_next() {
            // A store that panics here would do so again.
            self.logged |= answered.unwrap_or(true);
        }
        if !self.logged && self.asking.is_empty() {
            let gate = Arc::clone(gate);
            self.asking.spawn(async move { log(&gate).await });
        }
    }
}

async fn log(gate: &Gate) -> bool {
    match gate.warnings().await {
        Ok(warnings) => {
            for warning in warnings {
                trace::store_warning(&warning);
            }
            true
        }
        Err(error) => {
            trace::debug!("the session store was not diagnosed", error = trace::Chain(&error));
            false
        }
    }
}
