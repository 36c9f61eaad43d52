//! Writes events to `tracing`. The table in the module docs lists names, levels and fields.

use std::borrow::Cow;
use std::net::IpAddr;

use http::StatusCode;

use super::event::{Actor, Event, Suspicion};
use crate::id::{SessionId, UserId};
use crate::trace::record;

/// The maximum length of logged text from users, in characters before escaping. No user id is
/// longer.
const MAX_TEXT: usize = 256;

pub(super) fn write(event: &Event) {
    let name = event.name();
    match event {
        Event::Created { user, session, ip_address, user_agent } => record!(
            INFO,
            "a session was created",
            event = name,
            user = &*id(user),
            session = session.short(),
            ip_address = address(*ip_address).as_deref(),
            user_agent = user_agent.as_deref().map(shown).as_deref(),
        ),
        Event::TokenIssued { user, ip_address, user_agent } => record!(
            WARN,
            "a token without a session was issued",
            event = name,
            user = &*id(user),
            ip_address = address(*ip_address).as_deref(),
            user_agent = user_agent.as_deref().map(shown).as_deref(),
        ),
        Event::Extended { user, session } => record!(
            INFO,
            "the idle deadline of a session was extended",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        Event::TokenRefreshed { user, session } => record!(
            INFO,
            "a refresh token was exchanged",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        Event::RefreshRetried { user, session } => record!(
            WARN,
            "a replaced refresh token was accepted again: its successor is not known to be used",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        Event::Reauthenticated { user, session } => record!(
            INFO,
            "a user authenticated again in a session",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        Event::Updated { user, session } => record!(
            INFO,
            "a session was updated",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        Event::Revoked { user, session, reason, actor } => {
            let (actor, actor_user) = match actor {
                Actor::Owner => ("owner", None),
                Actor::User(actor) => ("user", Some(actor)),
                Actor::Application => ("application", None),
            };
            record!(
                INFO,
                "a session was revoked",
                event = name,
                user = &*id(user),
                session = session.short(),
                reason = reason.as_str(),
                actor = actor,
                actor_user = actor_user.map(id).as_deref(),
            );
        }
        Event::Evicted { user, session } => record!(
            INFO,
            "a session was evicted for a newer one of its user",
            event = name,
            user = &*id(user),
            session = session.short(),
        ),
        // Anyone can cause any number of refused requests, so these events are logged at debug
        // level. A 403 is logged at info level: it means that an authenticated user lacks a right.
        Event::Rejected { kind, user, session } if kind.status() == StatusCode::FORBIDDEN => {
            record!(
                INFO,
                "a request was refused",
                event = name,
                code = kind.code().as_str(),
                user = user.as_ref().map(id).as_deref(),
                session = session.as_ref().map(SessionId::short),
            );
        }
        Event::Rejected { kind, user, session } => record!(
            DEBUG,
            "a request was refused",
            event = name,
            code = kind.code().as_str(),
            user = user.as_ref().map(id).as_deref(),
            session = session.as_ref().map(SessionId::short),
        ),
        Event::LoginRefused { user, refusal, ip_address } => record!(
            WARN,
            "a login was refused",
            event = name,
            reason = refusal.as_str(),
            user = user.as_ref().map(id).as_deref(),
            ip_address = address(*ip_address).as_deref(),
        ),
        // Only sinks get this event.
        Event::Dropped { .. } => {}
        Event::Suspicious { user, suspicion } => match suspicion {
            Suspicion::LoginRate { logins, within } => record!(
                WARN,
                "a user logs in unusually often",
                event = name,
                user = &*id(user),
                suspicion = suspicion.as_str(),
                logins = *logins,
                within_seconds = within.as_secs(),
            ),
            Suspicion::RefreshRate { session } => record!(
                WARN,
                "a client refreshes its tokens unusually often",
                event = name,
                user = &*id(user),
                session = session.short(),
                suspicion = suspicion.as_str(),
            ),
            Suspicion::RefreshReuse { session } => record!(
                WARN,
                "a replaced refresh token was used again",
                event = name,
                user = &*id(user),
                session = session.short(),
                suspicion = suspicion.as_str(),
            ),
        },
    }
}

fn id(user: &UserId) -> Cow<'_, str> {
    shown(user.as_str())
}

fn address(ip: Option<IpAddr>) -> Option<String> {
    ip.map(|ip| ip.to_string())
}

/// Returns text from users in escaped form, so that it cannot forge a line or a field of a log.
/// Cuts the text after [`MAX_TEXT`] characters.
fn shown(text: &str) -> Cow<'_, str> {
    let cut = text.char_indices().nth(MAX_TEXT).and_then(|(end, _)| text.get(..end));
    let kept = cut.unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match cut {
        None if kept.bytes().all(plain) => Cow::Borrowed(kept),
        None => Cow::Owned(kept.escape_debug().to_string()),
        Some(_) => Cow::Owned(format!("{}…", kept.escape_debug())),
    }
}

#[cfg(test)]
#[cfg(feature = "tracing")]
mod tests;
