//! The log records that a `tracing` subscriber gets for events.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, with_default};
use tracing::{Metadata, Subscriber};

use super::*;
use crate::error::AuthErrorKind;
use crate::reason::RevokeReason;
use crate::telemetry::events::LoginRefusal;

/// Records events as `LEVEL target field=value …`. Text that was recorded as a string is in quotes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {field}='{value}'").unwrap();
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        write!(self.0, " {field}={value}").unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Only the message is recorded through `Debug`.
        write!(self.0, " {field}=<{value:?}>").unwrap();
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // `sometimes`, because tests on other threads have other subscribers or no subscriber.
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = format!("{} {}", event.metadata().level(), event.metadata().target());
        event.record(&mut Line(&mut line));
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Returns the only line that an event writes.
fn line(event: &Event) -> String {
    let lines = Lines::default();
    with_default(lines.clone(), || {
        // `tracing` caches for each call site whether a subscriber wants its records. An earlier
        // test may have reached this call site without a subscriber. So write once to register the
        // call site, and then rebuild the cache.
        write(event);
        lines.0.lock().unwrap().clear();
        tracing::callsite::rebuild_interest_cache();
        write(event);
    });
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].clone()
}

fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

fn session() -> SessionId {
    SessionId::parse("abcdefghijklmnopqrstuvwx").unwrap()
}

fn created(user_agent: Option<&str>) -> Event {
    Event::Created {
        user: user("jeju"),
        session: session(),
        ip_address: Some([192, 0, 2, 7].into()),
        user_agent: user_agent.map(str::to_owned),
    }
}

fn revoked(actor: Actor) -> Event {
    Event::Revoked { user: user("jeju"), session: session(), reason: RevokeReason::Admin, actor }
}

fn rejected(kind: AuthErrorKind, known: bool) -> Event {
    let (user, session) = (known.then(|| user("jeju")), known.then(session));
    Event::Rejected { kind, user, session }
}

#[test]
fn events_are_logged_with_their_name_level_and_fields() {
    let (jeju, session) = (user("jeju"), session());
    let rate = Suspicion::LoginRate { logins: 11, within: Duration::from_secs(60) };
    let refused = |user, ip_address| Event::LoginRefused {
        user,
        refusal: LoginRefusal::SessionLimit,
        ip_address,
    };
    let cases = [
        (
            created(Some("curl/8.0")),
            "INFO",
            "event='created' user='jeju' session='abcdefgh' ip_address='192.0.2.7' user_agent='curl/8.0'",
        ),
        (
            Event::Created {
                user: jeju.clone(),
                session: session.clone(),
                ip_address: None,
                user_agent: None,
            },
            "INFO",
            "event='created' user='jeju' session='abcdefgh'",
        ),
        (
            Event::Extended { user: jeju.clone(), session: session.clone() },
            "INFO",
            "event='extended' user='jeju' session='abcdefgh'",
        ),
        (
            Event::Reauthenticated { user: jeju.clone(), session: session.clone() },
            "INFO",
            "event='reauthenticated' user='jeju' session='abcdefgh'",
        ),
        (
            Event::Updated { user: jeju.clone(), session: session.clone() },
            "INFO",
            "event='updated' user='jeju' session='abcdefgh'",
        ),
        (
            revoked(Actor::Owner),
            "INFO",
            "event='revoked' user='jeju' session='abcdefgh' reason='admin' actor='owner'",
        ),
        (
            revoked(Actor::Application),
            "INFO",
            "event='revoked' user='jeju' session='abcdefgh' reason='admin' actor='application'",
        ),
        (
            revoked(Actor::User(user("owner"))),
            "INFO",
            "event='revoked' user='jeju' session='abcdefgh' reason='admin' actor='user' actor_user='owner'",
        ),
        (
            Event::Evicted { user: jeju.clone(), session },
            "INFO",
            "event='evicted' user='jeju' session='abcdefgh'",
        ),
        (
            rejected(AuthErrorKind::InsufficientScope, true),
            "INFO",
            "event='rejected' code='insufficient_scope' user='jeju' session='abcdefgh'",
        ),
        (
            rejected(AuthErrorKind::AccountInactive, true),
            "INFO",
            "event='rejected' code='account_inactive' user='jeju' session='abcdefgh'",
        ),
        (
            rejected(AuthErrorKind::MissingToken, false),
            "DEBUG",
            "event='rejected' code='missing_token'",
        ),
        (
            rejected(AuthErrorKind::InsufficientUserAuthentication, true),
            "DEBUG",
            "event='rejected' code='insufficient_user_authentication' user='jeju' session='abcdefgh'",
        ),
        (
            rejected(AuthErrorKind::StoreUnavailable, true),
            "DEBUG",
            "event='rejected' code='store_unavailable' user='jeju' session='abcdefgh'",
        ),
        (
            refused(Some(jeju.clone()), Some([192, 0, 2, 7].into())),
            "WARN",
            "event='login_refused' reason='session_limit' user='jeju' ip_address='192.0.2.7'",
        ),
        (refused(None, None), "WARN", "event='login_refused' reason='session_limit'"),
        (
            Event::Suspicious { user: jeju, suspicion: rate },
            "WARN",
            "event='suspicious' user='jeju' suspicion='login_rate' logins=11 within_seconds=60",
        ),
    ];
    for (event, level, fields) in cases {
        let line = line(&event);
        let (found, message) = line.split_once(" message=").unwrap_or((&line, ""));
        let start = format!("{level} tower_session_auth::event");
        // The position of the message among the fields depends on `tracing`.
        let rest = message.split_once('>').map_or("", |(_, rest)| rest);
        assert_eq!(format!("{found}{rest}"), format!("{start} {fields}"), "{line}");
        assert!(!line.contains("ijkl"), "at most 8 characters of a session id: {line}");
    }
}

#[test]
fn text_from_users_cannot_forge_lines_or_fields() {
    let hostile = "a\r\nINFO event='revoked'\u{1b}[2J \u{202e}x\u{0}\"\\ \u{2028}é한\u{85}";
    let shown = r#"a\r\nINFO event=\'revoked\'\u{1b}[2J \u{202e}x\0\"\\ \u{2028}é한\u{85}"#;
    let lines = [
        (line(&created(Some(hostile))), "user_agent"),
        (line(&Event::Extended { user: user(hostile), session: session() }), "user"),
        (line(&revoked(Actor::User(user(hostile)))), "actor_user"),
        (
            line(&Event::Rejected {
                kind: AuthErrorKind::TokenExpired,
                user: Some(user(hostile)),
                session: None,
            }),
            "user",
        ),
    ];
    for (line, field) in lines {
        assert!(line.contains(&format!(" {field}='{shown}'")), "{line}");
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
}

#[test]
fn long_text_is_truncated_and_user_ids_are_not() {
    let line_of = |text: &str| line(&created(Some(text)));
    assert!(line_of(&"x".repeat(256)).contains(&format!("='{}'", "x".repeat(256))));
    assert!(line_of(&"x".repeat(257)).contains(&format!("='{}…'", "x".repeat(256))));
    let long = line_of(&"\u{10ffff}".repeat(1_000_000));
    assert!(long.len() < 256 * 10 + 200, "{}", long.len());

    let longest = "é".repeat(UserId::MAX_LEN / 2);
    let event = Event::Updated { user: user(&longest), session: session() };
    assert!(line(&event).contains(&longest));
}
