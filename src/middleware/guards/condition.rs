//! The conditions that guards check on a session.

use std::time::Duration;

use crate::cache::Session;

/// The condition that a guard checks on a session.
#[derive(Debug)]
pub(super) enum Condition {
    /// The session has one of these roles.
    Role(Vec<String>),
    /// The last authentication is at most this long ago.
    MaxAge(Duration),
    /// The login had one of these authentication context classes.
    Acr(Vec<String>),
    /// The login used all of these methods.
    AllMethods(Vec<String>),
    /// The login used at least one of these methods.
    AnyMethod(Vec<String>),
}

impl Condition {
    /// Returns whether the session meets the condition. Reads only the session and does no I/O.
    pub(super) fn holds<D>(&self, session: &Session<D>) -> bool {
        let used = |method: &String| session.amr().contains(method);
        match self {
            // An empty role is treated as no role. This holds for the role of the session and for
            // the list of allowed roles. Otherwise, an empty text in the list would match a session
            // whose role is empty.
            Self::Role(roles) => {
                let role = session.role().filter(|role| !role.is_empty());
                role.is_some_and(|role| roles.iter().any(|allowed| allowed == role))
            }
            Self::MaxAge(max_age) => since_login(session) <= *max_age,
            Self::Acr(classes) => {
                session.acr().is_some_and(|acr| classes.iter().any(|class| class == acr))
            }
            // `all` returns true for an empty list, which would let every session pass.
            Self::AllMethods(methods) => !methods.is_empty() && methods.iter().all(used),
            Self::AnyMethod(methods) => methods.iter().any(used),
        }
    }
}

/// Returns the time since the last authentication, on the store's clock. For a session from the
/// near cache, the result includes the time since the session was read. If `authenticated_at` is in
/// the future, the result is zero. `authenticated_at` can be in the future after a failover,
/// because the new primary can have another clock.
fn since_login<D>(session: &Session<D>) -> Duration {
    session.store_now().saturating_since(session.authenticated_at())
}
