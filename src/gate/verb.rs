//! What a store is asked for, by name.

/// A verb of the store, for figures and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Guard,
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
    Ended,
    Attempt,
    Settle,
    Upkeep,
    Health,
}

impl Verb {
    /// Every verb, first that of each request.
    pub(crate) const ALL: [Self; 18] = [
        Self::Load,
        Self::Create,
        Self::Guard,
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

    /// The verb in stable `snake_case`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Guard => "guard",
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
