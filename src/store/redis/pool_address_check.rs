//! Address check of a store without an invalidation connection. At intervals, the store makes a new
//! connection and compares it with the connection that carries requests.

use tokio::time::timeout;

use super::inner::Inner;
use crate::timer_elision;
use crate::trace;

impl Inner {
    /// Checks the address if a check is due and the store has no invalidation connection: opens a
    /// new connection and compares it with the connection that carries requests. If the new
    /// connection leads to another server, the store gives up all its connections.
    pub(super) async fn follow_address(&self) {
        // The caller runs this about once a second, but not exactly. So a check is already due
        // after nine tenths of the interval.
        let interval = self.address_check.saturating_sub(self.address_check / 10);
        if !self.same_server.start_address_check(interval) {
            return;
        }
        // The caller needs most of its time limit for other work of the store. So each step may
        // take only a quarter of that time.
        let limit = self.requests.timeout().min(timer_elision::remaining()) / 4;
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
