//! Revoking sessions: logout, password change, suspension.

use super::SessionManager;
use super::run_to_completion::run_to_completion;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::resilience::Operation;
use crate::session::SessionData;
use crate::store::{Replicas, Revoked, Target};
use crate::telemetry::events::{Actor, Event};
use crate::trace;

impl<D: SessionData> SessionManager<D> {
    /// Revokes the session of an access token whose signature is valid, even if its `exp` has
    /// passed or its `nbf` or `iat` is in the future. Returns whether the session was live until
    /// now.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: 401 if the token is not one of ours, 503 if the session could not be revoked.
    pub async fn logout(&self, token: &str) -> Result<bool, AuthError> {
        let claims = self.verify_at_any_time(token)?;
        let (user, id) = (claims.user(), claims.session_id());
        self.end_shown(user, id).await
    }

    /// Revokes the session of a token that its owner presented. Returns whether it was live until
    /// now.
    pub(crate) async fn end_shown(&self, user: &UserId, id: &SessionId) -> Result<bool, AuthError> {
        let ended = self.end(user, Target::from(id), RevokeReason::Logout, Actor::Owner).await;
        ended.map(|revoked| revoked.was_live()).map_err(|error| {
            trace::warn!(
                "cannot revoke a session: the logout fails with 503",
                session = id.short(),
                error = trace::Chain(&error),
            );
            // Any store error becomes 503: a failed logout must not look like a successful one.
            let error = AuthError::with_source(AuthErrorKind::StoreUnavailable, error);
            self.refused(&error, Some((user.clone(), id.clone())));
            error
        })
    }

    /// Revokes sessions of a user, and returns which were live until now. Revoking a session that is
    /// not live is no error.
    ///
    /// | to revoke | `target` |
    /// |---|---|
    /// | one session; its id may come from the client | the [`SessionId`], or [`Target::One`] |
    /// | all sessions of the user | [`Target::All`] |
    /// | all sessions of the user except one, for example the present session | [`Target::AllExcept`] |
    ///
    /// An id names a session of `user` only: with the id of another user's session, nothing is
    /// revoked.
    ///
    /// [`Target::All`] and [`Target::AllExcept`] revoke the sessions in one step, and make a login
    /// in progress fail if that login holds a login fence
    /// ([`LoginFence`](crate::session::LoginFence)). The cost is linear in the number of the user's
    /// sessions.
    ///
    /// After a change of password, store the new password and then call this with
    /// [`RevokeReason::PasswordChange`]. All device cookies of the user then become invalid, too.
    ///
    /// A store that waits for replicas (`RedisStoreBuilder::wait_replicas`) does so for each
    /// revocation. The store timeout of such a revocation is longer by that wait plus 200 ms. The
    /// 200 ms are needed because Redis may notice late that the wait is over. It is not an error if
    /// too few replicas confirm, because the sessions are revoked on the primary: the manager logs
    /// a warning and returns [`Replicas::Missed`]. If you call this method again, the store asks
    /// the replicas again.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer. The sessions may still be live: do not
    /// report success, but try again.
    pub async fn revoke(
        &self,
        user: &UserId,
        target: impl Into<Target>,
        reason: RevokeReason,
    ) -> Result<Revoked, SessionError> {
        self.end(user, target.into(), reason, self.actor(user, reason)).await
    }

    /// Suspends a user: revokes all sessions with the reason [`RevokeReason::Suspended`], and makes
    /// logins in progress fail if they hold a login fence. This process also drops its cached
    /// answer of the [user directory](crate::directory).
    ///
    /// Mark the account as inactive in the directory *before* this call: this method does not
    /// prevent new logins.
    ///
    /// # Errors
    ///
    /// As for [`revoke`](Self::revoke).
    pub async fn suspend(&self, user: &UserId) -> Result<Vec<SessionId>, SessionError> {
        if let Some(accounts) = &self.shared.accounts {
            accounts.forget(user);
        }
        Ok(self.revoke(user, Target::All, RevokeReason::Suspended).await?.sessions)
    }

    /// Revokes sessions, and emits the events. All explicit revocations of the manager come through
    /// here.
    async fn end(
        &self,
        user: &UserId,
        target: Target,
        reason: RevokeReason,
        actor: Actor,
    ) -> Result<Revoked, SessionError> {
        let (manager, user) = (self.clone(), user.clone());
        run_to_completion(async move {
            let store_client = &manager.shared.store_client;
            let operation = match target {
                Target::One(_) => Operation::Delete,
                Target::All | Target::AllExcept(_) => Operation::DeleteAll,
            };
            let revoked = store_client
                .ask_to_revoke(operation, |store| store.revoke(&user, &target, reason))
                .await;
            // Also after an error: the revocation may have been done.
            manager.invalidate(&user);
            let revoked = revoked?;
            for id in &revoked.sessions {
                manager.tell_revoked(&user, id.clone(), reason, actor.clone());
            }
            if let Replicas::Missed(had_it) = revoked.replicas {
                trace::warn!(
                    "too few replicas confirmed a revocation: a failover now would restore the \
                     sessions",
                    sessions = revoked.sessions.len(),
                    replicas = had_it,
                );
            }
            Ok(revoked)
        })
        .await
    }

    /// Records a revocation in this process and emits its event.
    pub(crate) fn tell_revoked(
        &self,
        user: &UserId,
        session: SessionId,
        reason: RevokeReason,
        actor: Actor,
    ) {
        self.remember_revoked(user, &session, reason);
        let user = user.clone();
        self.shared.events.emit(Event::Revoked { user, session, reason, actor });
    }

    /// Returns the actor of a revocation for the event.
    fn actor(&self, user: &UserId, reason: RevokeReason) -> Actor {
        match (&self.actor, reason) {
            (Some(actor), _) if actor == user => Actor::Owner,
            (Some(actor), _) => Actor::User(actor.clone()),
            (None, RevokeReason::Logout | RevokeReason::LogoutAll) => Actor::Owner,
            (None, _) => Actor::Application,
        }
    }
}
