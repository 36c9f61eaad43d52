//! Marks this application's issuers under the key prefix (`lua/mark.lua`). The module
//! [`sharing`](crate::store::redis::sharing) gives the reason.

use std::time::Duration;

use redis::Value;

use crate::store::redis::diagnosis::Finding;
use crate::store::redis::inner::Inner;
use crate::store::redis::scripts::{Script, millis_arg};
use crate::trace;

/// The interval at which a mark is written again.
const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How long a mark counts after it was last written.
const LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Inner {
    /// Writes the marks of this application's issuers again, if they are due. Logs a warning when
    /// another issuer is found for the first time. After a failure, the next attempt is made when
    /// the marks are due again.
    pub(crate) async fn mark_again(&self) {
        let Self { sharing, diagnostics, .. } = self;
        let due = sharing.due();
        if due.is_some_and(|due| diagnostics.monotonic() >= due) && self.is_shared().await {
            for warning in diagnostics.news(vec![Finding::SharedPrefix]) {
                trace::store_warning(&warning);
            }
        }
    }

    /// Writes the marks of this application's issuers. Returns whether there are marks of other
    /// issuers. Returns `false` if the call fails or its answer does not show this.
    pub(crate) async fn is_shared(&self) -> bool {
        let due = self.diagnostics.monotonic().saturating_add(INTERVAL);
        let issuers = self.sharing.start_mark(due);
        if issuers.is_empty() {
            return false;
        }
        let life = millis_arg(LIFE);
        let args: Vec<&[u8]> =
            std::iter::once(&life).chain(&issuers).map(|arg| arg.as_bytes()).collect();
        let keys = [self.prefix.reserved("issuers")];
        match self.requests.run(Script::Mark, &keys, &args).await {
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
