//! Address check of a store without an invalidation connection: makes a new connection at
//! intervals, and compares it with the one that carries requests.

use tokio::time::timeout;

use super::inner::Inner;
use crate::deadline;
use crate::trace;

impl Inner {
    /// Without an invalidation connection: if a check is due, opens a connection and compares it
    /// with the one that carries requests. If it leads to another server, all connections are given
    /// up.
    pub(super) async fn follow_address(&self) {
        // The caller runs about once a second, so the interval has a tolerance of a tenth.
        let interval = self.address_check.saturating_sub(self.address_check / 10);
        if !self.same_server.start_address_check(interval) {
            return;
        }
        // The caller's time is meant for other work of the store. This check must not use it up.
        let limit = self.requests.timeout().min(deadline::remaining()) / 4;
        match self.requests.fresh(limit).await {
            Ok((mut connection, _)) => {
                let elsewhere = timeout(limit, self.same_server.is_elsewhere(&mut connection));
                if elsewhere.await.unwrap_or(false) {
                    trace::warn!(
                        "the address of redis leads to another server: all connections are replaced"
                    );
                    self.eras.end();
                }
            }
            Err(error) => {
                let error = trace::Chain(&error);
                trace::debug!("the address check of redis failed", error = error);
            }
        }
    }
}
