//! The names of all metrics.

/// The name of the histogram of store calls.
pub const STORE_DURATION: &str = "tower_session_auth_store_duration_seconds";

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Requests,
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

/// The kind of a metric, with its unit.
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
    /// All metrics, in the order of the table in the module docs.
    pub(crate) const ALL: [Self; 23] = [
        Self::Requests,
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
            Self::Requests => "tower_session_auth_requests_total",
            Self::LoginsRefused => "tower_session_auth_logins_refused_total",
            Self::Suspicions => "tower_session_auth_suspicions_total",
            Self::SessionsCreated => "tower_session_auth_sessions_created_total",
            Self::SessionsEnded => "tower_session_auth_sessions_revoked_total",
            Self::Sessions => "tower_session_auth_sessions",
            Self::SessionsAge => "tower_session_auth_sessions_scan_age_seconds",
            Self::StoreTime => STORE_DURATION,
            Self::Breaker => "tower_session_auth_circuit_breaker_open",
            Self::QueueDepth => "tower_session_auth_touch_queue_depth",
            Self::TouchesWritten => "tower_session_auth_touches_written_total",
            Self::TouchesLost => "tower_session_auth_touches_lost_total",
            Self::TouchesDropped => "tower_session_auth_touches_dropped_total",
            Self::EventsDropped => "tower_session_auth_events_dropped_total",
            Self::SinkPanics => "tower_session_auth_event_sink_panics_total",
            Self::NearHits => "tower_session_auth_near_cache_hits_total",
            Self::NearMisses => "tower_session_auth_near_cache_misses_total",
            Self::NearFills => "tower_session_auth_near_cache_fills_total",
            Self::NearInvalidations => "tower_session_auth_near_cache_invalidations_total",
            Self::NearLostLinks => "tower_session_auth_near_cache_connections_lost_total",
            Self::NearStaleServed => "tower_session_auth_near_cache_stale_served_total",
            Self::NearCoherent => "tower_session_auth_near_cache_coherent",
            Self::NearLag => "tower_session_auth_near_cache_invalidation_lag_seconds",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Requests
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

    /// Returns the description that recorders show.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Requests => "Requests and tokens that were checked, by outcome",
            Self::LoginsRefused => "Logins that were refused",
            Self::Suspicions => "Suspicious events, by kind",
            Self::SessionsCreated => "Sessions that this process created",
            Self::SessionsEnded => "Sessions that this process revoked, by reason",
            Self::Sessions => "Live sessions in the store, as of the last scan",
            Self::SessionsAge => "Time since the last scan of all sessions",
            Self::StoreTime => "Duration of calls to the session store",
            Self::Breaker => "1 while the circuit breaker is open",
            Self::QueueDepth => "Touches that wait to be written",
            Self::TouchesWritten => "Touches that the store accepted",
            Self::TouchesLost => "Touches that were lost",
            Self::TouchesDropped => {
                "Touches that were dropped because the queue was full or closed"
            }
            Self::EventsDropped => "Events that were not delivered to an event sink",
            Self::SinkPanics => "Panics of event sinks",
            Self::NearHits => "Requests answered from the near cache",
            Self::NearMisses => "Requests that the near cache could not answer",
            Self::NearFills => "Reads for the near cache",
            Self::NearInvalidations => "Invalidations received from the store",
            Self::NearLostLinks => "Invalidation connections that were lost",
            Self::NearStaleServed => {
                "Requests accepted by ServeStale while the store was unavailable"
            }
            Self::NearCoherent => "1 while the near cache is in use",
            Self::NearLag => {
                "Delay of the last probe: from its write until its invalidation arrived"
            }
        }
    }
}
