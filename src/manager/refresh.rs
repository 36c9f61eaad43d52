//! Refresh tokens: rotation and logout.

use std::time::Duration;

use tokio::time::timeout_at;

use super::SessionManager;
use super::login::{Login, Signed};
use super::run_to_completion::run_to_completion;
use super::shared::lifetimes::Lifetimes;
use super::shared::refresh_tokens::Refresh;
use crate::authenticate::load;
use crate::cache::Session;
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind, SessionError};
use crate::id::{SessionId, UserId, random_text};
use crate::reason::RevokeReason;
use crate::resilience::Operation;
use crate::session::SessionData;
use crate::store::{Record, Rotate, Rotated, Rotation, Salt, Touch};
use crate::telemetry::events::{Actor, Event, Suspicion};
use crate::token::{RefreshClaims, RefreshToken, Sealed};
use crate::trace;

/// An `idle_bound` that has always passed. With this value, the store reads the exact idle deadline
/// of every session, in the same round trip as the record.
const PASSED: Option<Timestamp> = Some(Timestamp::from_millis(0));

/// A refresh token with the record of the session that it was issued for.
pub(super) struct Shown {
    sealed: Sealed,
    pub(super) record: Record,
    rotation: Rotation,
}

impl<D: SessionData> SessionManager<D> {
    /// Rotates a refresh token: returns an access token and the next refresh token. A rotation
    /// touches the session, but never extends it past its absolute deadline.
    ///
    /// If several calls present the same token, only one of them makes the successor. During the
    /// [grace window](crate::manager::SessionManagerBuilder::refresh_grace), the other calls get
    /// the same successor. Such calls come from parallel tabs, or from a client that retries after
    /// a lost answer, and do not count as a theft.
    ///
    /// Two parties have the token if a call presents the replaced token after the grace window. Two
    /// parties also have the token if a call presents, at any time, a token that is older than the
    /// token that was replaced last. Each of these calls revokes the session with the reason
    /// [`RefreshReuse`](RevokeReason::RefreshReuse). Each later request with a token of the session
    /// is rejected with this reason. With
    /// [`refresh_retry`](crate::manager::SessionManagerBuilder::refresh_retry), the token that was
    /// replaced last can be accepted for longer than the grace window. A call with a text that none
    /// of the manager's keys sealed changes nothing.
    ///
    /// Costs two round trips to a remote store, and a call to the user directory if there is one.
    ///
    /// # Errors
    ///
    /// [`AuthError`] of one of these kinds:
    ///
    /// - [`InvalidToken`](AuthErrorKind::InvalidToken): none of the manager's keys sealed the
    ///   token, the token was not issued for the stored session, or the store has lost a rotation.
    ///   Also returned if the manager has no
    ///   [`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys).
    /// - [`SessionExpired`](AuthErrorKind::SessionExpired),
    ///   [`SessionRevoked`](AuthErrorKind::SessionRevoked): the session is over.
    /// - [`AccountInactive`](AuthErrorKind::AccountInactive): the user's account is not active.
    /// - [`StoreUnavailable`](AuthErrorKind::StoreUnavailable),
    ///   [`DirectoryUnavailable`](AuthErrorKind::DirectoryUnavailable): keep the token and try
    ///   again. The store may have executed the rotation. In that case, the grace window applies to
    ///   the token.
    /// - [`Unsigned`](AuthErrorKind::Unsigned): the new tokens cannot be made.
    pub async fn refresh(&self, token: &str) -> Result<Login<D>, AuthError> {
        let sealed = self.open_refresh(token)?;
        let RefreshClaims { user, session, .. } = sealed.claims.clone();
        let manager = self.clone();
        let exchanged = run_to_completion(async move { Ok(manager.exchange(sealed).await) }).await;
        let exchanged = exchanged.unwrap_or_else(|error| Err(failed(error, &session)));
        exchanged.inspect_err(|error| self.refused(error, Some((user, session))))
    }

    /// Revokes the session of a refresh token, as [`logout`](Self::logout) does for an access
    /// token. Returns whether the session was live before this call. This method also accepts a
    /// token that was replaced. It also accepts a token whose rotation counter is ahead of the
    /// record because the store lost a rotation.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: 401 if this application did not issue the token, 503 if the session could not
    /// be revoked.
    pub async fn logout_refresh(&self, token: &str) -> Result<bool, AuthError> {
        let sealed = self.open_refresh(token)?;
        let RefreshClaims { user, session, .. } = sealed.claims.clone();
        match self.shown(sealed).await {
            Ok(_) => self.end_shown(&user, &session).await,
            // A session that is revoked or expired is logged out already.
            Err(error) if error.kind().is_of_ended_session() => Ok(false),
            Err(error) => {
                self.refused(&error, Some((user, session)));
                Err(error)
            }
        }
    }

    /// Returns whether the manager issues refresh tokens. It does so if
    /// [`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys) are set.
    #[must_use]
    pub fn issues_refresh_tokens(&self) -> bool {
        self.shared.refresh.is_some()
    }

    /// Opens a refresh token that one of our keys sealed. Does no I/O. Emits an event if the token
    /// is rejected.
    fn open_refresh(&self, token: &str) -> Result<Sealed, AuthError> {
        self.find_refresh_token(token).ok_or_else(|| {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            self.refused(&error, None);
            error
        })
    }

    /// Does the same as [`open_refresh`](Self::open_refresh), but emits no event.
    pub(crate) fn find_refresh_token(&self, token: &str) -> Option<Sealed> {
        let refresh = self.shared.refresh.as_ref();
        refresh.and_then(|refresh| refresh.policy.load().open(token))
    }

    /// Loads the session that a refresh token names. Fails if the session's salt does not confirm
    /// that the token was issued for this session.
    pub(super) async fn shown(&self, sealed: Sealed) -> Result<Shown, AuthError> {
        let RefreshClaims { user, session: id, .. } = &sealed.claims;
        let store_client = &self.shared.store_client;
        let loaded = store_client.ask(Operation::Load, |store| store.load(user, id, PASSED)).await;
        let Some(record) = loaded.map_err(|error| load::refusal(error, id))? else {
            return Err(self.why_ended(user, id).await.0);
        };
        let good = |rotation: &&Rotation| {
            let policy = self.shared.refresh.as_ref().map(|refresh| refresh.policy.load());
            policy.is_some_and(|policy| policy.is_of(&sealed, rotation.salt.as_str()))
        };
        let Some(rotation) = record.rotation.as_ref().filter(good).cloned() else {
            return Err(AuthError::new(AuthErrorKind::InvalidToken));
        };
        Ok(Shown { sealed, record, rotation })
    }

    async fn exchange(&self, sealed: Sealed) -> Result<Login<D>, AuthError> {
        let Some(refresh) = &self.shared.refresh else {
            return Err(AuthError::new(AuthErrorKind::InvalidToken));
        };
        let store_client = &self.shared.store_client;
        let end = self.request_end();
        let Shown { sealed, record, rotation } = self.shown(sealed).await?;
        let RefreshClaims { user, session: id, counter } = sealed.claims;
        let next = counter.saturating_add(1);
        // A rotation counter ahead of the record means that the store lost data.
        if counter > rotation.counter {
            return Err(AuthError::new(AuthErrorKind::InvalidToken));
        }
        // Do everything that can fail before the write.
        let tokens = match self.active_user(&user).await {
            Ok(of_directory) => {
                let role = of_directory.map(|user| user.role).unwrap_or_default();
                self.next_tokens(refresh, &user, &id, next, &record, &rotation.salt)
                    .map(|tokens| (tokens, role))
            }
            Err(error) => Err(failed(error, &id)),
        };
        // If the presented token is the current one, a failure to make new tokens is returned at
        // once. If the presented token is an older one, the store receives it in spite of the
        // failure, because its reuse must revoke the session.
        if counter == rotation.counter
            && let Err(error) = tokens
        {
            if counter > 0 && !refresh.retry.is_zero() {
                let shown = self.record_shown(&user, &id, counter);
                let _ = timeout_at(end, shown).await;
            }
            return Err(error);
        }
        let mut rotate = Rotate::new(rotation.salt, counter, refresh.grace);
        rotate.retry = refresh.retry;
        let rotated =
            store_client.ask(Operation::Rotate, |store| store.rotate(&user, &id, &rotate)).await;
        self.invalidate(&user);
        let events = &self.shared.events;
        let mut retried = false;
        let (record, activity) = match rotated.map_err(|error| load::refusal(error, &id))? {
            Rotated::Next(record, activity) => {
                events.emit(Event::TokenRefreshed { user: user.clone(), session: id.clone() });
                (record, activity)
            }
            Rotated::Again(record, activity) => (record, activity),
            Rotated::Retried(record, activity) => {
                retried = true;
                (record, activity)
            }
            Rotated::Reused => {
                let suspicion = Suspicion::RefreshReuse { session: id.clone() };
                events.emit(Event::Suspicious { user: user.clone(), suspicion });
                self.tell_revoked(&user, id, RevokeReason::RefreshReuse, Actor::Application);
                return Err(AuthError::revoked(RevokeReason::RefreshReuse));
            }
            Rotated::Unknown => return Err(AuthError::new(AuthErrorKind::InvalidToken)),
            Rotated::Gone => {
                // This is the third store call, so the request may have no time left for reading
                // the reason.
                let why = timeout_at(end, self.why_ended(&user, &id)).await;
                let unknown = |_| AuthError::new(AuthErrorKind::SessionExpired);
                return Err(why.map_or_else(unknown, |(error, _)| error));
            }
        };
        let state = self.decoded_state(user.clone(), id.clone(), record, activity);
        let mut state = state.map_err(|error| load::refusal(error, &id))?;
        let ((access, refresh_token), role) = tokens?;
        if retried {
            events.emit(Event::RefreshRetried { user, session: id });
        }
        if state.directory_role != role {
            self.apply_role(&mut state, role);
        }
        Ok(Login {
            session: Session::of_state(state),
            access_token: access.text,
            expires_in: access.expires_in,
            refresh_token: Some(refresh_token),
        })
    }

    /// Records that the client has presented this refresh token, although no rotation follows. From
    /// then on, the token's predecessor is no longer valid. The record changes neither the last
    /// activity nor the idle deadline.
    async fn record_shown(&self, user: &UserId, id: &SessionId, counter: u64) {
        let mut touch = Touch::new(user.clone(), id.clone(), Duration::MAX, Duration::ZERO);
        touch.rotation = Some(counter);
        let touches = [touch];
        let touched =
            self.shared.store_client.ask(Operation::Touch, |store| store.touch(&touches)).await;
        if let Err(error) = touched {
            trace::debug!(
                "cannot record the use of a refresh token: its predecessor stays valid",
                error = trace::Chain(&error)
            );
        }
    }

    /// Signs the tokens that a rotation to `counter` returns.
    fn next_tokens(
        &self,
        refresh: &Refresh,
        user: &UserId,
        id: &SessionId,
        counter: u64,
        record: &Record,
        salt: &Salt,
    ) -> Result<(Signed, RefreshToken), AuthError> {
        let stored = self.content(record.payload.clone());
        let content = stored.map_err(|error| load::refusal(error, id))?.content;
        // This host's estimate of the store's clock may lag. `max` keeps the estimate from being
        // earlier than a time that the store has written.
        let now = self.shared.store_client.now().max(record.created);
        let left = record.absolute_deadline.saturating_since(now);
        let lifetimes = Lifetimes { session: left, ..self.shared.lifetimes };
        let claims = RefreshClaims { user: user.clone(), session: id.clone(), counter };
        let sign = || {
            let access = self.sign(user, id, lifetimes, Some(counter), content.claims.as_ref())?;
            Ok((access, refresh.issue(&claims, salt, left)?))
        };
        sign().map_err(|error: SessionError| failed(error, id))
    }
}

/// Maps an error that occurred while new tokens were made to the error for the client.
fn failed(error: SessionError, id: &SessionId) -> AuthError {
    match error {
        SessionError::Store(error) => load::refusal(error, id),
        SessionError::AccountInactive => AuthError::new(AuthErrorKind::AccountInactive),
        SessionError::Directory(error) => {
            AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)
        }
        error => {
            // Without random bytes, the request id is empty. The response has the same status and
            // code, but the log entry is harder to find.
            let request_id = random_text::<9>().unwrap_or_default();
            trace::error!(
                "cannot issue new tokens for a session",
                session = id.short(),
                request_id = request_id,
                error = trace::Chain(&error),
            );
            AuthError::unsigned(request_id)
        }
    }
}
