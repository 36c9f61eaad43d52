//! The address check: makes a new connection at intervals, and compares it with the invalidation
//! connection.

use redis::RedisResult;
use tokio::time::sleep;

use super::connection::InvalidationConnection;
use super::lost::Lost;
use super::probe::{Proof, Route};
use super::{FIRST_PAUSE, InvalidationConnections, LAST_PAUSE};
use crate::coherence::Tick;
use crate::store::StoreError;
use crate::store::redis::error::store_error;
use crate::trace;

impl InvalidationConnections {
    /// Checks at intervals which server the configured address leads to. Returns when this is no
    /// longer the server of the invalidation connection, or when that connection is lost.
    ///
    /// While the check cannot connect or cannot compare, the lease is not extended. As soon as it
    /// has ended, each request asks the store.
    pub(super) async fn follow_address(&self, link: &InvalidationConnection) -> Lost {
        let interval = self.store.address_check;
        let (mut pause, mut failing) = (FIRST_PAUSE, false);
        let mut next = link.address_proved().after(interval);
        loop {
            sleep(next.since(Tick::now())).await;
            match self.compare_address(link).await {
                Ok(Ok((Proof::Same(_), begun))) => {
                    link.mark_address_proved(begun);
                    if std::mem::take(&mut failing) {
                        trace::info!("the address check of redis succeeds again");
                    }
                    pause = FIRST_PAUSE;
                    next = begun.after(interval);
                }
                Ok(Ok((Proof::Other, _))) => return Lost::Moved,
                Err(_) => return Lost::Closed,
                Ok(Ok((Proof::Unknown(error), _))) => {
                    self.unknown_address(&store_error(&error), &mut failing);
                    next = Tick::now().after(pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                }
                Ok(Err(error)) => {
                    self.unknown_address(&error, &mut failing);
                    next = Tick::now().after(pause);
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    /// Logs a warning for the first of several failed checks in a row.
    fn unknown_address(&self, error: &StoreError, failing: &mut bool) {
        if !std::mem::replace(failing, true) {
            trace::warn!(
                "the address check of redis failed: the near cache is off and each request asks \
                 redis until a check succeeds",
                error = trace::Chain(error)
            );
        }
    }

    /// Makes a connection and compares it with the invalidation connection. Also returns the time
    /// at which the connect started. The outer error is an error of the invalidation connection.
    /// The inner error means that the new connection could not be made.
    async fn compare_address(
        &self,
        link: &InvalidationConnection,
    ) -> RedisResult<Result<(Proof, Tick), StoreError>> {
        match self.store.requests.fresh(self.lease).await {
            Ok((mut connection, begun)) => {
                let proof = link.prove(&mut connection, Route::Address, self.lease).await?;
                Ok(Ok((proof, begun)))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}
