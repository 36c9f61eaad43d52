//! The result of a scan that counts all sessions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

/// The number of live sessions in the store, by role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// The number of live sessions.
    pub total: u64,
    /// The number of live sessions by role. Sessions without a role are under the empty name.
    pub by_role: BTreeMap<String, u64>,
    /// The average time that was left until the idle deadline of a session.
    pub average_ttl: Duration,
    /// When the scan began, on the store's clock.
    pub as_of: Timestamp,
}

/// The latest statistics and the end of their scan, on the clock's monotonic time.
pub(crate) type LatestStatistics = tokio::sync::Mutex<Option<(Duration, Arc<Statistics>)>>;
