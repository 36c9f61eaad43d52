//! The operations of a store, by name.

/// An operation of the store, for metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    /// Reads the login fence of a user.
    LoginFence,
    Load,
    Activity,
    Touch,
    Update,
    UpdateAll,
    Rotate,
    Delete,
    DeleteAll,
    List,
    Scan,
    Cleanup,
    /// Reads the tombstone of a session: the reason of its revocation.
    Ended,
    /// Counts an attempt, for a rate limit.
    Attempt,
    /// Takes back a counted attempt, or removes the whole counter.
    Settle,
    Upkeep,
    Health,
}

impl Operation {
    /// All operations. The most frequent operation is first.
    pub(crate) const ALL: [Self; 18] = [
        Self::Load,
        Self::Create,
        Self::LoginFence,
        Self::Activity,
        Self::Touch,
        Self::Update,
        Self::UpdateAll,
        Self::Rotate,
        Self::Delete,
        Self::DeleteAll,
        Self::List,
        Self::Scan,
        Self::Cleanup,
        Self::Ended,
        Self::Attempt,
        Self::Settle,
        Self::Upkeep,
        Self::Health,
    ];

    /// Returns the operation as stable text in `snake_case`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::LoginFence => "login_fence",
            Self::Load => "load",
            Self::Activity => "activity",
            Self::Touch => "touch",
            Self::Update => "update",
            Self::UpdateAll => "update_all",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
            Self::DeleteAll => "delete_all",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Cleanup => "cleanup",
            Self::Ended => "ended",
            Self::Attempt => "attempt",
            Self::Settle => "settle",
            Self::Upkeep => "upkeep",
            Self::Health => "health",
        }
    }
}
