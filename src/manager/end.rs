//! Ending sessions.

use super::SessionManager;
use super::whole::whole;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::events::{Actor, Event};
use crate::gate::Verb;
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::session::{Session, SessionData};
use crate::store::{Replicas, Revoke, Revoked};
use crate::token::Expiry;
use crate::trace;

impl<D: SessionData> SessionManager<D> {
    /// Ends the session of an access token whose signature is good, also one whose `exp` has passed or
    /// whose `nbf` is still to come. Tells whether it
    /// lived until now.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: 401 if the token is not one of ours, 503 when the session could not be ended.
    pub async fn logout(&self, token: &str) -> Result<bool, AuthError> {
        let (claims, _) = self.verify(token, None, Expiry::AnyTime)?;
        let (user, id) = (claims.user(), claims.session_id());
        self.end_shown(user, id).await
    }

    /// Ends the session of a token that its owner showed. Tells whether it lived until now.
    pub(super) async fn end_shown(&self, user: &UserId, id: &SessionId) -> Result<bool, AuthError> {
        let ended = self.end(user, Revoke::One(id.clone()), EndReason::Logout, Actor::Owner).await;
        ended.map(|revoked| lived(&revoked)).map_err(|error| {
            trace::warn!(
                "a session could not be ended",
                session = id.short(),
                error = trace::Chain(&error),
            );
            // Whatever the store's trouble is: it must not look like a logout that was done.
            let error = AuthError::with_source(AuthErrorKind::StoreUnavailable, error);
            self.refused(&error, Some((user.clone(), id.clone())));
            error
        })
    }

    /// Ends one session. Tells whether it lived until now; ending what has ended is not an error.
    ///
    /// An id names a session of this user only: with another user's id, nothing is found and nothing is ended.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] when the store cannot answer: the session may live on, do not report success.
    pub async fn delete(
        &self,
        user: &UserId,
        id: &SessionId,
        reason: EndReason,
    ) -> Result<bool, SessionError> {
        self.revoke(user, Revoke::One(id.clone()), reason).await.map(|revoked| lived(&revoked))
    }

    /// Ends one of the sessions of `owner`'s user, as on a page that lists a user's devices: `id` may come from the
    /// client. Tells whether there was such a session.
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

    /// Ends all sessions of a user, in one step. Returns those that lived until now.
    ///
    /// A login that is under way does not survive it, if it holds a [`LoginGuard`](crate::session::LoginGuard). Linear
    /// in the number of that user's sessions.
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

    /// Ends all sessions of a user but one, as after a change of password. As [`delete_all`](Self::delete_all) in all
    /// else.
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

    /// The user's password was changed: ends all sessions but `keep`, in one step, with the reason
    /// [`PasswordChange`](EndReason::PasswordChange), and their refresh tokens with them. A login that checked the old
    /// password meanwhile does not survive. Returns the sessions that lived until now.
    ///
    /// Store the new password *before*.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Self::delete): the old sessions may live on, try again.
    pub async fn password_changed(
        &self,
        user: &UserId,
        keep: Option<&SessionId>,
    ) -> Result<Vec<SessionId>, SessionError> {
        let what = keep.map_or(Revoke::All, |keep| Revoke::AllBut(keep.clone()));
        Ok(self.revoke(user, what, EndReason::PasswordChange).await?.sessions)
    }

    /// Ends a user's access everywhere: all sessions end with the reason [`EndReason::Suspended`], logins under way do
    /// not survive, and this process asks the [user directory](crate::directory) anew.
    ///
    /// Mark the account as not active *before*: this does not keep anybody from logging in again.
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

    /// Ends sessions as [`delete`](Self::delete), [`delete_all`](Self::delete_all) or
    /// [`delete_all_but`](Self::delete_all_but) does, and tells more: which ones lived until now, and whether the store's
    /// replicas have it.
    ///
    /// A store that waits for replicas (`RedisStoreBuilder::wait_replicas`) does so for each of these verbs, and the wait
    /// comes on top of the store timeout, with up to 200 ms in which Redis looks at the time. Replicas that were missed
    /// are no error, as the sessions have ended on the primary: a warning is logged, and [`Replicas::Missed`] returned
    /// here. Calling it again asks them again.
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

    /// The one way in which sessions end by request.
    async fn end(
        &self,
        user: &UserId,
        what: Revoke,
        reason: EndReason,
        actor: Actor,
    ) -> Result<Revoked, SessionError> {
        let (manager, user) = (self.clone(), user.clone());
        whole(async move {
            let gate = &manager.shared.gate;
            let verb = match what {
                Revoke::One(_) => Verb::Delete,
                Revoke::All | Revoke::AllBut(_) => Verb::DeleteAll,
            };
            let revoked =
                gate.ask_to_revoke(verb, |store| store.revoke(&user, &what, reason)).await;
            // Also when nobody knows whether it was done.
            manager.changed(&user);
            let revoked = revoked?;
            for id in &revoked.sessions {
                manager.tell_revoked(&user, id.clone(), reason, actor.clone());
            }
            if let Replicas::Missed(had_it) = revoked.replicas {
                trace::warn!(
                    "too few replicas have a revocation: a failover now would bring the sessions back",
                    sessions = revoked.sessions.len(),
                    replicas = had_it,
                );
            }
            Ok(revoked)
        })
        .await
    }

    pub(super) fn tell_revoked(
        &self,
        user: &UserId,
        session: SessionId,
        reason: EndReason,
        actor: Actor,
    ) {
        self.has_ended(user, &session, reason);
        let user = user.clone();
        self.shared.events.emit(Event::Revoked { user, session, reason, actor });
    }

    /// Who ends a session of `user`.
    fn actor(&self, user: &UserId, reason: EndReason) -> Actor {
        match (&self.actor, reason) {
            (Some(actor), _) if actor == user => Actor::Owner,
            (Some(actor), _) => Actor::User(actor.clone()),
            (None, EndReason::Logout | EndReason::LogoutAll) => Actor::Owner,
            (None, _) => Actor::Application,
        }
    }
}

/// Whether the one session that was to end lived until now.
fn lived(revoked: &Revoked) -> bool {
    !revoked.sessions.is_empty()
}
