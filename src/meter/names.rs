//! What is counted, under which name.

/// One figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Accepted,
    Rejected,
    LoginsRefused,
    Suspicions,
    SessionsCreated,
    SessionsEnded,
    Sessions,
    SessionsAge,
    StoreTime,
    Breaker,
    QueueDepth,
    TouchesWritten,
    TouchesLost,
    TouchesDropped,
    EventsDropped,
    SinkPanics,
    NearHits,
    NearMisses,
    NearFills,
    NearInvalidations,
    NearLostLinks,
    NearStaleServed,
    NearCoherent,
    NearLag,
}

/// What kind of figure it is, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    /// A gauge in seconds.
    Age,
    /// A histogram in seconds.
    Time,
}

impl Name {
    /// Every figure, in the order of the table in the module's docs.
    pub(crate) const ALL: [Self; 24] = [
        Self::Accepted,
        Self::Rejected,
        Self::LoginsRefused,
        Self::Suspicions,
        Self::SessionsCreated,
        Self::SessionsEnded,
        Self::Sessions,
        Self::SessionsAge,
        Self::StoreTime,
        Self::Breaker,
        Self::QueueDepth,
        Self::TouchesWritten,
        Self::TouchesLost,
        Self::TouchesDropped,
        Self::EventsDropped,
        Self::SinkPanics,
        Self::NearHits,
        Self::NearMisses,
        Self::NearFills,
        Self::NearInvalidations,
        Self::NearLostLinks,
        Self::NearStaleServed,
        Self::NearCoherent,
        Self::NearLag,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "tower_session_auth_accepted_total",
            Self::Rejected => "tower_session_auth_rejected_total",
            Self::LoginsRefused => "tower_session_auth_logins_refused_total",
            Self::Suspicions => "tower_session_auth_suspicions_total",
            Self::SessionsCreated => "tower_session_auth_sessions_created_total",
            Self::SessionsEnded => "tower_session_auth_sessions_ended_total",
            Self::Sessions => "tower_session_auth_sessions",
            Self::SessionsAge => "tower_session_auth_sessions_age_seconds",
            Self::StoreTime => "tower_session_auth_store_duration_seconds",
            Self::Breaker => "tower_session_auth_breaker_open",
            Self::QueueDepth => "tower_session_auth_touch_queue_depth",
            Self::TouchesWritten => "tower_session_auth_touches_written_total",
            Self::TouchesLost => "tower_session_auth_touches_lost_total",
            Self::TouchesDropped => "tower_session_auth_touches_dropped_total",
            Self::EventsDropped => "tower_session_auth_events_dropped_total",
            Self::SinkPanics => "tower_session_auth_sink_panics_total",
            Self::NearHits => "tower_session_auth_near_hits_total",
            Self::NearMisses => "tower_session_auth_near_misses_total",
            Self::NearFills => "tower_session_auth_near_fills_total",
            Self::NearInvalidations => "tower_session_auth_near_invalidations_total",
            Self::NearLostLinks => "tower_session_auth_near_lost_links_total",
            Self::NearStaleServed => "tower_session_auth_near_stale_served_total",
            Self::NearCoherent => "tower_session_auth_near_coherent",
            Self::NearLag => "tower_session_auth_near_lag_seconds",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Accepted
            | Self::Rejected
            | Self::LoginsRefused
            | Self::Suspicions
            | Self::SessionsCreated
            | Self::SessionsEnded
            | Self::TouchesWritten
            | Self::TouchesLost
            | Self::TouchesDropped
            | Self::EventsDropped
            | Self::SinkPanics
            | Self::NearHits
            | Self::NearMisses
            | Self::NearFills
            | Self::NearInvalidations
            | Self::NearLostLinks
            | Self::NearStaleServed => Kind::Counter,
            Self::Sessions | Self::Breaker | Self::QueueDepth | Self::NearCoherent => Kind::Gauge,
            Self::SessionsAge | Self::NearLag => Kind::Age,
            Self::StoreTime => Kind::Time,
        }
    }

    /// What recorders show beside it.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Accepted => "Requests and tokens that were let in",
            Self::Rejected => "Requests and tokens that were not let in",
            Self::LoginsRefused => "Logins that were refused",
            Self::Suspicions => "Things that a person should look at",
            Self::SessionsCreated => "Sessions that this process opened",
            Self::SessionsEnded => "Sessions that this process ended",
            Self::Sessions => "Living sessions in the store, as of the last walk",
            Self::SessionsAge => "Time since the last walk over all sessions",
            Self::StoreTime => "How long the session store took",
            Self::Breaker => "1 while callers are turned away because there was no answer",
            Self::QueueDepth => "Uses of sessions that wait to be written",
            Self::TouchesWritten => "Uses of sessions that the store took",
            Self::TouchesLost => "Uses of sessions that were given up",
            Self::TouchesDropped => "Uses of sessions that found the queue full or closed",
            Self::EventsDropped => "Events that found their sink's queue full or closed",
            Self::SinkPanics => "Panics of event sinks",
            Self::NearHits => "Requests answered from the near cache",
            Self::NearMisses => "Requests that the near cache had no answer for",
            Self::NearFills => "Reads for the near cache",
            Self::NearInvalidations => "Changes that the store told the near cache of",
            Self::NearLostLinks => "Links of the near cache that were lost",
            Self::NearStaleServed => {
                "Requests let in with what was known before the store went away"
            }
            Self::NearCoherent => "1 while the near cache is used",
            Self::NearLag => "How long the last change of its own key took to be known",
        }
    }
}

/// Tells the recorder that is installed now.
pub(super) fn describe() {
    for name in Name::ALL {
        super::handle::describe(name);
    }
}
