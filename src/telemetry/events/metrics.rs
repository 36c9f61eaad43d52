//! Counts events in the metrics.

use super::event::{Event, LoginRefusal, Suspicion};
use crate::error::AuthErrorKind;
use crate::reason::RevokeReason;
use crate::telemetry::metrics::{Counter, Labelled, Metrics, Name};

/// One error kind for each error code that events can have.
const REJECTIONS: [AuthErrorKind; 12] = [
    AuthErrorKind::InvalidRequest,
    AuthErrorKind::MissingToken,
    AuthErrorKind::InvalidToken,
    AuthErrorKind::TokenExpired,
    AuthErrorKind::SessionExpired,
    AuthErrorKind::SessionRevoked,
    AuthErrorKind::AccountInactive,
    AuthErrorKind::InsufficientScope,
    AuthErrorKind::InsufficientUserAuthentication,
    AuthErrorKind::StoreUnavailable,
    AuthErrorKind::Overloaded,
    AuthErrorKind::Unsigned,
];

/// The handles of all metrics that count events.
pub(super) struct EventMetrics {
    created: Counter,
    ended: Labelled<Counter>,
    rejected: Labelled<Counter>,
    logins_refused: Labelled<Counter>,
    suspicions: Labelled<Counter>,
}

impl EventMetrics {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let reasons = RevokeReason::ALL.iter().map(|reason| reason.as_str());
        let refusals = LoginRefusal::ALL.map(LoginRefusal::as_str);
        let codes = REJECTIONS.map(|kind| kind.code().as_str());
        Self {
            created: metrics.counter(Name::SessionsCreated),
            ended: metrics.counters(Name::SessionsEnded, "reason", reasons),
            rejected: metrics.refused(codes),
            logins_refused: metrics.counters(Name::LoginsRefused, "reason", refusals),
            suspicions: metrics.counters(Name::Suspicions, "suspicion", Suspicion::NAMES),
        }
    }

    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::Created { .. } => self.created.increment(1),
            Event::Revoked { reason, .. } => self.ended.increment(reason.as_str()),
            Event::Evicted { .. } => self.ended.increment(RevokeReason::Evicted.as_str()),
            Event::Rejected { kind, .. } => self.rejected.increment(kind.code().as_str()),
            Event::LoginRefused { refusal, .. } => self.logins_refused.increment(refusal.as_str()),
            Event::Suspicious { suspicion, .. } => self.suspicions.increment(suspicion.as_str()),
            Event::TokenIssued { .. }
            | Event::Extended { .. }
            | Event::TokenRefreshed { .. }
            | Event::RefreshRetried { .. }
            | Event::Reauthenticated { .. }
            | Event::Updated { .. }
            | Event::Dropped { .. } => {}
        }
    }
}

#[cfg(test)]
#[cfg(feature = "metrics")]
mod tests {
    use std::time::Duration;

    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;
    use crate::id::{SessionId, UserId};

    /// Returns the counters that these events increment, as `name label=value count`.
    fn counted(events: &[Event]) -> Vec<String> {
        let recorder = DebuggingRecorder::new();
        let tally = metrics::with_local_recorder(&recorder, || EventMetrics::new(&Metrics::new()));
        // The handles already exist, so the counts go to this recorder.
        events.iter().for_each(|event| tally.count(event));
        let snapshot = recorder.snapshotter().snapshot().into_vec();
        let values = snapshot.into_iter().filter_map(|(key, _, _, value)| {
            let key = key.key();
            let label = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
            let label = label.collect::<String>();
            match value {
                DebugValue::Counter(0) => None,
                DebugValue::Counter(count) => Some(format!("{}{label} {count}", key.name())),
                other => panic!("{other:?}"),
            }
        });
        values.collect()
    }

    #[test]
    fn each_error_code_has_a_counter() {
        for kind in REJECTIONS {
            let event = Event::Rejected { kind, user: None, session: None };
            let name = format!("tower_session_auth_requests_total outcome={} 1", kind.code());
            assert_eq!(counted(&[event]), [name]);
        }
        // This match does not compile with a new kind. Add it to `REJECTIONS` if it has a new code.
        let known = |kind: AuthErrorKind| match kind {
            AuthErrorKind::InvalidRequest
            | AuthErrorKind::MissingToken
            | AuthErrorKind::InvalidToken
            | AuthErrorKind::TokenExpired
            | AuthErrorKind::SessionExpired
            | AuthErrorKind::SessionRevoked
            | AuthErrorKind::AccountInactive
            | AuthErrorKind::InsufficientScope
            | AuthErrorKind::InsufficientUserAuthentication
            | AuthErrorKind::StoreUnavailable
            | AuthErrorKind::Overloaded
            | AuthErrorKind::DirectoryUnavailable
            | AuthErrorKind::Unsigned => REJECTIONS.iter().any(|known| known.code() == kind.code()),
            // These errors occur without a `SessionAuthLayer`, so there is no manager that could
            // emit an event.
            AuthErrorKind::CrossSite | AuthErrorKind::NoLayer => true,
        };
        assert!(known(AuthErrorKind::DirectoryUnavailable));
    }

    #[test]
    fn refused_logins_are_counted_by_reason_and_suspicions_by_kind() {
        for refusal in LoginRefusal::ALL {
            let event = Event::LoginRefused { user: None, refusal, ip_address: None };
            let name =
                format!("tower_session_auth_logins_refused_total reason={} 1", refusal.as_str());
            assert_eq!(counted(&[event]), [name]);
        }
        let (user, session) = (UserId::parse("jeju").unwrap(), SessionId::parse("s").unwrap());
        let suspicions = [
            Suspicion::LoginRate { logins: 9, within: Duration::from_secs(60) },
            Suspicion::RefreshRate { session: session.clone() },
            Suspicion::RefreshReuse { session },
        ];
        for suspicion in suspicions {
            // This match does not compile with a new suspicion. Add it to the list above.
            let name = match suspicion {
                Suspicion::LoginRate { .. } => "login_rate",
                Suspicion::RefreshRate { .. } => "refresh_rate",
                Suspicion::RefreshReuse { .. } => "refresh_reuse",
            };
            let name = format!("tower_session_auth_suspicions_total suspicion={name} 1");
            assert_eq!(counted(&[Event::Suspicious { user: user.clone(), suspicion }]), [name]);
        }
    }
}
