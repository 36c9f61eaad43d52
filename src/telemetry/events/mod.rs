//! Events: what has happened to sessions, for audit trails and alarms.
//!
//! The library sends each [`Event`], except [`Event::Dropped`], to three places. None of them can
//! make the request fail that caused the event, and no sink can delay this request:
//!
//! 1. `tracing` (feature `tracing`), immediately, in the span of the request;
//! 2. the [metrics](crate::telemetry::metrics) (feature `metrics`);
//! 3. each [`EventSink`] of the application, on a separate thread for each sink.
//!
//! # Log records
//!
//! All log records of events have the target `tower_session_auth::event`. No other log record has
//! this target. To turn the log records of events off, use a filter such as
//! `RUST_LOG=info,tower_session_auth::event=off`. The library has no setting for this.
//!
//! | `event` | level | further fields |
//! |---|---|---|
//! | `created` | info | `user`, `session`, `ip_address`, `user_agent` |
//! | `token_issued` | warn | `user`, `ip_address`, `user_agent` |
//! | `extended` | info | `user`, `session` |
//! | `token_refreshed` | info | `user`, `session` |
//! | `refresh_retried` | warn | `user`, `session` |
//! | `reauthenticated` | info | `user`, `session` |
//! | `updated` | info | `user`, `session` |
//! | `revoked` | info | `user`, `session`, `reason`, `actor`, `actor_user` |
//! | `evicted` | info | `user`, `session` |
//! | `rejected` | info if the answer is 403, else debug | `code`, `user`, `session` |
//! | `login_refused` | warn | `reason`, `user`, `ip_address` |
//! | `suspicious` | warn | `user`, `suspicion`, `session`, `logins`, `within_seconds` |
//!
//! - `session` is the first 8 characters of the session id. Tokens and whole ids are never logged.
//! - `user`, `actor_user` and `user_agent` contain text from users. Control characters, line
//!   breaks, quotes and characters that change the direction of writing are escaped. Text is cut
//!   after 256 characters.
//! - `actor` is `owner`, `user` or `application`. If it is `user`, `actor_user` is the id of
//!   the user who acted.
//! - The `reason` of a revocation is [`RevokeReason::as_str`](crate::RevokeReason::as_str), and
//!   `code` is [`AuthErrorKind::code`](crate::AuthErrorKind::code).
//! - A log record does not contain fields whose values are unknown.
//!
//! # Example
//!
//! ```
//! use tower_session_auth::telemetry::events::Event;
//! use tower_session_auth::SessionManager;
//!
//! let builder = SessionManager::builder().event_sink(|event: &Event| {
//!     if let Event::Revoked { user, reason, .. } = event {
//!         println!("{user:?} lost a session: {reason}"); // or a row in an audit table
//!     }
//! });
//! # let _ = builder;
//! ```

mod class;
mod event;
mod log;
mod metrics;
mod queue;
mod sample;
mod sink;

use std::sync::Arc;

pub use self::class::EventClass;
pub use self::event::{Actor, Event, LoginRefusal, Suspicion};
use self::metrics::EventMetrics;
use self::sample::Sampler;
pub use self::sink::EventSink;
use self::sink::Inlet;
pub(crate) use self::sink::{RunningSinks, Sinks};
use crate::telemetry::metrics::Metrics;

/// Distributes events to the log, the metrics and the sinks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events(Arc<Outlets>);

struct Outlets {
    tally: EventMetrics,
    /// `None` if there are no sinks.
    sampler: Option<Sampler>,
    sinks: Box<[Inlet]>,
}

impl Events {
    /// Also returns the receiving ends of the sinks' queues. The caller must run them. Until they
    /// run, events wait in the queues.
    pub(crate) fn new(sinks: Vec<Box<dyn EventSink>>, metrics: &Metrics) -> (Self, Sinks) {
        let (inlets, sinks) = sink::connect(sinks, metrics);
        let tally = EventMetrics::new(metrics);
        let sampler = (!inlets.is_empty()).then(Sampler::new);
        (Self(Arc::new(Outlets { tally, sampler, sinks: inlets })), sinks)
    }

    /// Sends an event to the log, the metrics and the sinks. Never waits.
    pub(crate) fn emit(&self, event: Event) {
        log::write(&event);
        self.0.tally.count(&event);
        let Outlets { sampler: Some(sampler), sinks, .. } = &*self.0 else { return };
        if !sampler.admit(&event) {
            sinks.iter().for_each(|sink| sink.leave_out(event.class()));
            return;
        }
        let event = Arc::new(event);
        for sink in sinks {
            sink.tell(&event);
        }
    }
}
