//! Classes of events: what may push out what.

use super::Event;

/// A class of events. Each [sink](super::EventSink) has a queue of its own for each class, so that events of one class
/// never push out those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventClass {
    /// What changes who has access: `created`, `token_issued`, `reauthenticated`, `updated`, `revoked`, `evicted`,
    /// `suspicious`.
    StateChange,
    /// `login_refused`, which anybody can cause.
    LoginRefusal,
    /// The rest, which clients can cause as often as they like: `rejected`, `refreshed`, `rotated`,
    /// `refresh_retried`.
    Other,
}

impl EventClass {
    /// All classes, in the order in which a sink gets events that wait.
    pub(super) const ALL: [Self; 3] = [Self::StateChange, Self::LoginRefusal, Self::Other];

    /// The class in stable `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StateChange => "state_change",
            Self::LoginRefusal => "login_refusal",
            Self::Other => "other",
        }
    }

    /// How many events of the class may wait for one sink.
    pub(super) const fn capacity(self) -> usize {
        match self {
            Self::StateChange => 4_096,
            Self::LoginRefusal | Self::Other => 2_048,
        }
    }
}

impl Event {
    /// The class of the event.
    #[must_use]
    pub const fn class(&self) -> EventClass {
        match self {
            Self::Created { .. }
            | Self::TokenIssued { .. }
            | Self::Reauthenticated { .. }
            | Self::Updated { .. }
            | Self::Revoked { .. }
            | Self::Evicted { .. }
            | Self::Suspicious { .. } => EventClass::StateChange,
            Self::LoginRefused { .. } => EventClass::LoginRefusal,
            Self::Refreshed { .. }
            | Self::Rotated { .. }
            | Self::RefreshRetried { .. }
            | Self::Rejected { .. } => EventClass::Other,
            Self::Dropped { class, .. } => *class,
        }
    }

    /// How many events of its class may wait in front of this one. Applications may update sessions at each request, so
    /// `updated` leaves half of the queue to the other changes of state.
    pub(super) const fn room(&self) -> usize {
        match self {
            Self::Updated { .. } => self.class().capacity() / 2,
            _ => self.class().capacity(),
        }
    }
}
