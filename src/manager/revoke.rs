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
    /// Revokes the session of an access token whose signature is valid. The token is accepted even
    /// if its `exp` has passed, or its `nbf` or `iat` is in the future. Returns whether the session
    /// was live before this call.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: 401 if this application did not issue the token, 503 if the session could not
    /// be revoked.
    pub async fn logout(&self, token: &str) -> Result<bool, AuthError> {
        let claims = self.verify_at_any_time(token)?;
        let (user, id) = (claims.user(), claims.session_id());
        self.end_shown(user, id).await
    }

    /// Revokes the session of a token that its owner presented. Returns whether the session was
    /// live before this call.
    pub(crate) async fn end_shown(&self, user: &UserId, id: &SessionId) -> Result<bool, AuthError> {
        let ended = self.end(user, Target::from(id), RevokeReason::Logout, Actor::Owner).await;
        ended.map(|revoked| revoked.was_live()).map_err(|error| {
            trace::warn!(
                "cannot revoke a session: the logout fails with 503",
                session = id.short(),
                error = trace::Chain(&error),
            );
            // Any store error becomes 503: the response to a failed logout must not report success.
            let error = AuthError::with_source(AuthErrorKind::StoreUnavailable, error);
            self.refused(&error, Some((user.clone(), id.clone())));
            error
        })
    }

    /// Revokes sessions of a user, and returns those that were live before this call. It is not an
    /// error to revoke a session that is not live.
    ///
    /// | to revoke | `target` |
    /// |---|---|
    /// | one session; its id may come from the client | the [`SessionId`], or [`Target::One`] |
    /// | all sessions of the user | [`Target::All`] |
    /// | all sessions of the user except one, for example the present session | [`Target::AllExcept`] |
    ///
    /// A session id is looked up only among the sessions of `user`. If the id belongs to another
    /// user's session, nothing is revoked.
    ///
    /// [`Target::All`] and [`Target::AllExcept`] revoke the sessions in one step. They also make a
    /// login in progress fail if that login has a login fence
    /// ([`LoginFence`](crate::session::LoginFence)). The cost is linear in the number of the user's
    /// sessions.
    ///
    /// After a change of password, first store the new password, and then call this method with
    /// [`RevokeReason::PasswordChange`]. The call also makes all device cookies of the user
    /// invalid.
    ///
    /// If the store is configured to wait for replicas (`RedisStoreBuilder::wait_replicas`), it
    /// waits at each revocation. The store timeout of a revocation is then longer by this wait plus
    /// 200 ms. The 200 ms are needed because Redis can notice late that the wait is over. If too
    /// few replicas confirm the revocation, the method returns no error, because the sessions are
    /// revoked on the primary. The manager then logs a warning, and the result has
    /// [`Replicas::Missed`]. If you call this method again, the store asks the replicas again.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer. In that case, the sessions may still be
    /// live: do not report success, but try again.
    pub async fn revoke(
        &self,
        user: &UserId,
        target: impl Into<Target>,
        reason: RevokeReason,
    ) -> Result<Revoked, SessionError> {
        self.end(user, target.into(), reason, self.actor(user, reason)).await
    }

    /// Suspends a user: revokes all sessions with the reason [`RevokeReason::Suspended`]. A login
    /// in progress fails if it has a login fence. This process also discards its cached answer of
    /// the [user directory](crate::directory) about this user.
    ///
    /// Mark the account as inactive in the directory *before* you call this method, because the
    /// method does not prevent new logins.
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

    /// Revokes sessions and emits the events. Every explicit revocation of the manager calls this
    /// function.
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
            // Also after an error, because the store may have executed the revocation.
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
