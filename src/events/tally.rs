//! Events as figures.

use super::{Event, LoginRefusal, Suspicion};
use crate::error::AuthErrorKind;
use crate::meter::{Counter, Labelled, Meter, Name};
use crate::reason::EndReason;

/// Whatever has a code of its own.
const REJECTIONS: [AuthErrorKind; 10] = [
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
];

/// The handles of all figures that count events.
pub(super) struct Tally {
    created: Counter,
    ended: Labelled<Counter>,
    rejected: Labelled<Counter>,
    logins_refused: Labelled<Counter>,
    suspicions: Labelled<Counter>,
}

impl Tally {
    pub(super) fn new(meter: &Meter) -> Self {
        let reasons = EndReason::ALL.iter().map(|reason| reason.as_str());
        let refusals = LoginRefusal::ALL.map(LoginRefusal::as_str);
        let codes = REJECTIONS.map(AuthErrorKind::code);
        Self {
            created: meter.counter(Name::SessionsCreated),
            ended: meter.counters(Name::SessionsEnded, "reason", reasons),
            rejected: meter.counters(Name::Rejected, "code", codes),
            logins_refused: meter.counters(Name::LoginsRefused, "reason", refusals),
            suspicions: meter.counters(Name::Suspicions, "suspicion", Suspicion::NAMES),
        }
    }

    pub(super) fn count(&self, event: &Event) {
        match event {
            Event::Created { .. } => self.created.increment(1),
            Event::Revoked { reason, .. } => self.ended.increment(reason.as_str()),
            Event::Evicted { .. } => self.ended.increment(EndReason::Evicted.as_str()),
            Event::Rejected { kind, .. } => self.rejected.increment(kind.code()),
            Event::LoginRefused { refusal, .. } => self.logins_refused.increment(refusal.as_str()),
            Event::Suspicious { suspicion, .. } => self.suspicions.increment(suspicion.as_str()),
            Event::Refreshed { .. } | Event::Reauthenticated { .. } | Event::Updated { .. } => {}
        }
    }
}
