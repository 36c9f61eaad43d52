//! Revoking sessions: logout, password change, suspension.

use super::SessionManager;
use super::run_to_completion::run_to_completion;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::resilience::Operation;
use crate::session::{Session, SessionData};
use crate::store::{Replicas, Revoke, Revoked};
use crate::telemetry::events::{Actor, Event};
use crate::token::Expiry;
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
        let (claims, _) = self.verify(token, None, Expiry::AnyTime)?;
        let (user, id) = (claims.user(), claims.session_id());
        self.end_shown(user, id).await
    }

    /// Revokes the session of a token that its owner presented. Returns whether it was live until
    /// now.
    pub(crate) async fn end_shown(&self, user: &UserId, id: &SessionId) -> Result<bool, AuthError> {
        let ended = self.end(user, Revoke::One(id.clone()), EndReason::Logout, Actor::Owner).await;
        ended.map(|revoked| lived(&revoked)).map_err(|error| {
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

    /// Revokes one session. Returns whether it was live until now. Revoking a session that is not
    /// live is no error.
    ///
    /// An id names a session of this user only: with another user's id, nothing is found or
    /// revoked.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer. The session may still be live: do not
    /// report success.
    pub async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, SessionError> {
        self.revoke(user, Revoke::One(id.clone()), reason).await.map(|revoked| lived(&revoked))
    }

    /// Revokes one of the sessions of `owner`'s user, for instance from a page that lists the
    /// user's devices: `id` may come from the client. Returns whether such a session was live until
    /// now.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn delete_own(
        &self,
        owner: &Session<D>,
        id: &SessionId,
    ) -> Result<bool, SessionError> {
        let what = Revoke::One(id.clone());
        self.end(owner.user_id(), what, EndReason::Logout, Actor::Owner)
            .await
            .map(|revoked| lived(&revoked))
    }

    /// Revokes all sessions of a user in one step. Returns those that were live until now.
    ///
    /// A login in progress fails if it holds a login fence
    /// ([`LoginFence`](crate::session::LoginFence)). The cost is linear in the number of that
    /// user's sessions.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn delete_all(
        &self,
        user: &UserId,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, SessionError> {
        Ok(self.revoke(user, Revoke::All, reason).await?.sessions)
    }

    /// Revokes all sessions of a user except `keep`, for instance after a change of password.
    /// Otherwise as [`delete_all`](Self::delete_all).
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn delete_all_but(
        &self,
        user: &UserId,
        keep: &SessionId,
        reason: EndReason,
    ) -> Result<Vec<SessionId>, SessionError> {
        Ok(self.revoke(user, Revoke::AllBut(keep.clone()), reason).await?.sessions)
    }

    /// Handles a password change: revokes all sessions except `keep` in one step, with the reason
    /// [`PasswordChange`](EndReason::PasswordChange), and their refresh tokens with them. A login
    /// in progress that checked the old password fails if it holds a login fence. Returns the
    /// sessions that were live until now.
    ///
    /// Store the new password *before* this call.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete): the old sessions may still be live, try again.
    pub async fn password_changed(
        &self,
        user: &UserId,
        keep: Option<&SessionId>,
    ) -> Result<Vec<SessionId>, SessionError> {
        let what = keep.map_or(Revoke::All, |keep| Revoke::AllBut(keep.clone()));
        Ok(self.revoke(user, what, EndReason::PasswordChange).await?.sessions)
    }

    /// Suspends a user: revokes all sessions with the reason [`EndReason::Suspended`], and makes
    /// logins in progress fail if they hold a login fence. This process also drops its cached
    /// answer of the [user directory](crate::directory).
    ///
    /// Mark the account as inactive in the directory *before* this call: this method does not
    /// prevent new logins.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn suspend(&self, user: &UserId) -> Result<Vec<SessionId>, SessionError> {
        if let Some(accounts) = &self.shared.accounts {
            accounts.forget(user);
        }
        self.delete_all(user, EndReason::Suspended).await
    }

    /// Revokes sessions as [`delete`](Self::delete), [`delete_all`](Self::delete_all) or
    /// [`delete_all_but`](Self::delete_all_but) does. Also returns which sessions were live until
    /// now, and whether the store's replicas have the revocation.
    ///
    /// A store that waits for replicas (`RedisStoreBuilder::wait_replicas`) does so for each of
    /// these operations. The wait adds to the store timeout, with up to 200 ms until Redis notices
    /// that its time is over. Too few replicas are no error, because the sessions are revoked on
    /// the primary: the manager logs a warning and returns [`Replicas::Missed`]. Calling this again
    /// asks the replicas again.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete).
    pub async fn revoke(
        &self,
        user: &UserId,
        what: Revoke,
        reason: EndReason,
    ) -> Result<Revoked, SessionError> {
        self.end(user, what, reason, self.actor(user, reason)).await
    }

    /// Revokes sessions, and emits the events. All explicit revocations of the manager come through
    /// here.
    async fn end(
        &self,
        user: &UserId,
        what: Revoke,
        reason: EndReason,
        actor: Actor,
    ) -> Result<Revoked, SessionError> {
        let (manager, user) = (self.clone(), user.clone());
        run_to_completion(async move {
            let store_client = &manager.shared.store_client;
            let operation = match what {
                Revoke::One(_) => Operation::Delete,
                Revoke::All | Revoke::AllBut(_) => Operation::DeleteAll,
            };
            let revoked = store_client
                .ask_to_revoke(operation, |store| store.revoke(&user, &what, reason))
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
        reason: EndReason,
        actor: Actor,
    ) {
        self.remember_revoked(user, &session, reason);
        let user = user.clone();
        self.shared.events.emit(Event::Revoked { user, session, reason, actor });
    }

    /// Returns the actor of a revocation for the event.
    fn actor(&self, user: &UserId, reason: EndReason) -> Actor {
        match (&self.actor, reason) {
            (Some(actor), _) if actor == user => Actor::Owner,
            (Some(actor), _) => Actor::User(actor.clone()),
            (None, EndReason::Logout | EndReason::LogoutAll) => Actor::Owner,
            (None, _) => Actor::Application,
        }
    }
}

/// Returns whether the one session to revoke was live until now.
fn lived(revoked: &Revoked) -> bool {
    !revoked.sessions.is_empty()
}
