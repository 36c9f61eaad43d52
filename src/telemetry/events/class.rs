//! Classes of events. Each class has its own queue.

/// A class of events. Each [sink](super::EventSink) has a separate queue for each class, so that
/// events of one class never displace events of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventClass {
    /// Changes of who has access: `created`, `token_issued`, `reauthenticated`, `updated`,
    /// `revoked`, `evicted`, `suspicious`.
    StateChange,
    /// `login_refused`. Anyone on the network can cause it.
    LoginRefusal,
    /// All other events: `rejected`, `extended`, `token_refreshed`, `refresh_retried`. Clients can
    /// cause them as often as they like.
    Other,
}

impl EventClass {
    /// All classes, in the order in which a sink gets waiting events.
    pub(super) const ALL: [Self; 3] = [Self::StateChange, Self::LoginRefusal, Self::Other];

    /// Returns the class as stable text in `snake_case`, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StateChange => "state_change",
            Self::LoginRefusal => "login_refusal",
            Self::Other => "other",
        }
    }

    /// Returns the maximum number of events of this class that wait for one sink.
    pub(super) const fn capacity(self) -> usize {
        match self {
            Self::StateChange => 4_096,
            Self::LoginRefusal | Self::Other => 2_048,
        }
    }
}
