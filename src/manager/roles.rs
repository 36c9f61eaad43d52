//! Roles from the user directory, and the background writes that update stored sessions.

use std::sync::Arc;

use super::SessionManager;
use crate::cache::Live;
use crate::directory::Role;
use crate::id::{SessionId, UserId};
use crate::session::{SessionData, State};
use crate::trace;

impl<D: SessionData> SessionManager<D> {
    /// Returns the role that the directory named for the user in its latest cached answer. Returns
    /// [`Role::Unchanged`] if there is no directory, or if
    /// [`Accounts::remembered_role`](super::shared::accounts::Accounts::remembered_role) returns
    /// `None`.
    pub(crate) fn remembered_role(&self, user: &UserId) -> Role {
        let accounts = self.shared.accounts.as_ref();
        accounts.and_then(|accounts| accounts.remembered_role(user)).unwrap_or_default()
    }

    /// Applies the directory's role to a session that was read from the store. If
    /// `AppliedRoles::is_due` returns `true`, a background task changes the role in all stored
    /// sessions of the user.
    pub(crate) fn apply_role(&self, state: &mut State<D>, role: Role) {
        let Some(accounts) = &self.shared.accounts else { return };
        let content = &state.stored.content;
        let differs = content.role_by(&role) != content.role.as_deref();
        let (now, interval) = (self.shared.clock.monotonic(), self.shared.revalidate_after);
        let session = (&state.user, &state.id);
        if role != Role::Unchanged
            && accounts.applied_roles().is_due(session, &role, differs, now, interval)
        {
            self.change_stored_roles(state.user.clone(), state.id.clone(), role.clone());
        }
        state.directory_role = role;
    }

    /// Returns the cache entry with `role` as the directory's role.
    pub(crate) fn with_role(&self, live: &Arc<Live<D>>, role: Role) -> Arc<Live<D>> {
        if live.state.directory_role == role {
            return Arc::clone(live);
        }
        Arc::new(live.with_state(|state| self.apply_role(state, role)))
    }

    /// Changes the role in all stored sessions of the user. The write runs in its own task, so that
    /// no request waits for it.
    fn change_stored_roles(&self, user: UserId, id: SessionId, role: Role) {
        let manager = self.clone();
        let change = async move {
            let changed =
                manager.rewrite_all(&user, |_, content| content.with_role_by(&role)).await;
            if let Err(error) = changed {
                trace::warn!(
                    "cannot write the user directory's role into stored sessions: a later request \
                     tries again",
                    session = id.short(),
                    error = trace::Chain(&error),
                );
                if let Some(accounts) = &manager.shared.accounts {
                    accounts.applied_roles().failed(&user, &id);
                }
            }
        };
        #[expect(clippy::disallowed_methods, reason = "one write that no request waits for")]
        drop(tokio::spawn(trace::in_this_span(change)));
    }
}
