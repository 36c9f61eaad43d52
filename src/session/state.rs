//! The state of a session when it was read from the store.

use std::sync::Arc;
use std::time::Duration;

use super::StoredContent;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::directory::Role;
use crate::id::{SessionId, UserId};
use crate::store::Record;
use crate::telemetry::events::Events;

/// The state of a session when it was read.
pub(crate) struct State<D> {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    pub(crate) revision: u64,
    pub(crate) created: Timestamp,
    pub(crate) last_activity: Timestamp,
    pub(crate) idle_ttl: Duration,
    pub(crate) idle_deadline: Timestamp,
    pub(crate) absolute_deadline: Timestamp,
    /// The time of the read on the store's clock.
    pub(crate) read: Timestamp,
    /// The time of the read on this host's monotonic clock.
    pub(crate) read_at: Tick,
    /// Shared by all sessions that were read from the same payload.
    pub(crate) stored: Arc<StoredContent<D>>,
    /// The user directory's answer about the user's role. It takes precedence over the stored role.
    pub(crate) directory_role: Role,
    pub(crate) events: Events,
}

impl<D> State<D> {
    // A method instead of `Clone`, so that a copy is always deliberate. Copies are rare.
    pub(crate) fn copy(&self) -> Self {
        Self {
            user: self.user.clone(),
            id: self.id.clone(),
            stored: Arc::clone(&self.stored),
            directory_role: self.directory_role.clone(),
            events: self.events.clone(),
            ..*self
        }
    }

    /// Returns whether this state equals the store's record. The idle deadline of this state can
    /// also be later than that of the record, because the record's deadline is only a lower bound.
    pub(crate) fn is_of(&self, record: &Record) -> bool {
        self.revision == record.revision
            && self.created == record.created
            && self.idle_ttl == record.idle_ttl
            && self.absolute_deadline == record.absolute_deadline
            && self.idle_deadline >= record.idle_deadline
            && self.stored.payload == record.payload
    }
}
