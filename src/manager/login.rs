//! Logins: opening a session and signing its first tokens.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::SessionManager;
use super::run_to_completion::run_to_completion;
use super::shared::lifetimes::Lifetimes;
use crate::cache::Session;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::error::SessionError;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::resilience::{CallError, Operation};
use crate::session::{LoginFence, NewSession, SessionData, State, StoredContent, StoredSizes};
use crate::store::{Created, NewRecord, Opened, Salt, StoreError, StoreErrorKind};
use crate::telemetry::events::{Event, Suspicion};
use crate::token::{NewToken, RefreshClaims, RefreshToken};

/// A session with its tokens, after a login or after a rotation of its refresh token.
#[non_exhaustive]
pub struct Login<D = ()> {
    /// The session.
    pub session: Session<D>,
    /// The JWT to hand to the client. The access token is never stored or logged, so it cannot be
    /// read again.
    pub access_token: String,
    /// The lifetime of the access token. Never longer than the remaining lifetime of the session.
    pub expires_in: Duration,
    /// The refresh token for the next access token, if the manager has
    /// [`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys).
    pub refresh_token: Option<RefreshToken>,
}

/// A signed access token with its lifetime.
pub(crate) struct Signed {
    pub(crate) text: String,
    pub(crate) expires_in: Duration,
}

impl<D: SessionData> SessionManager<D> {
    /// Begins a login: returns its login fence. Call this method *before* you check credentials,
    /// and pass the result to [`NewSession::login_fence`]. The login fails if all sessions of the
    /// user are revoked or changed in one step after this call and before the session is opened.
    /// Examples of such a step are a password change and a suspension.
    ///
    /// Costs one round trip to a remote store. The result does not show whether the user exists.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer.
    pub async fn begin_login(&self, user: &UserId) -> Result<LoginFence, SessionError> {
        self.try_begin_login(user).await.map_err(|failure| StoreError::from(failure).into())
    }

    /// Does the same as [`begin_login`](Self::begin_login), but the error states whether the store
    /// is unavailable or has answered with an error. If the store is unavailable, the caller may
    /// continue without a login fence.
    pub(crate) async fn try_begin_login(&self, user: &UserId) -> Result<LoginFence, CallError> {
        let value = self
            .shared
            .store_client
            .try_ask(Operation::LoginFence, |store| store.login_fence(user))
            .await?;
        Ok(LoginFence { user: user.clone(), value })
    }

    /// Opens a session for a user whose credentials were checked, and signs its access token.
    ///
    /// Each call makes a new random session id. A login therefore never uses a session that an
    /// attacker has prepared (session fixation). If the user is at the session limit,
    /// [`when_full`](crate::manager::SessionManagerBuilder::when_full) applies: by default the
    /// login evicts the least recently used session.
    ///
    /// # Errors
    ///
    /// - [`LoginSuperseded`](SessionError::LoginSuperseded),
    ///   [`LimitReached`](SessionError::LimitReached) or
    ///   [`AccountInactive`](SessionError::AccountInactive): the login is refused.
    /// - [`Store`](SessionError::Store): the store cannot answer or accepts no writes. The store
    ///   may still have opened the session. No client has the tokens of such a session, and it
    ///   expires after its idle TTL.
    /// - [`Directory`](SessionError::Directory): the user directory cannot answer.
    /// - [`TooLarge`](SessionError::TooLarge): the application's data are over
    ///   [`session_data_limit`](crate::manager::SessionManagerBuilder::session_data_limit).
    /// - Any other error: the content of `new` cannot be stored, or its tokens cannot be signed.
    pub async fn create(&self, new: NewSession<D>) -> Result<Login<D>, SessionError> {
        let manager = self.clone();
        run_to_completion(async move { manager.open(new).await }).await
    }

    async fn open(&self, new: NewSession<D>) -> Result<Login<D>, SessionError> {
        let shared = &*self.shared;
        let NewSession { user, mut content, claims, login_fence, idle_ttl, lifetime } = new;
        let lifetimes = shared.lifetimes.of_session(idle_ttl, lifetime)?;
        let salt = shared.refresh.as_ref().map(|_| Salt::random()).transpose()?;
        if salt.is_some() {
            content.claims.clone_from(&claims);
        }
        let limit = shared.limits.session_data;
        // Check the content before the directory call. A content that cannot be stored is a mistake
        // of the application, and the directory call would be useless.
        let mut payload = content.encode(limit, StoredSizes::default())?;
        let of_directory = self.active_user(&user).await?;
        let directory_role = of_directory.map(|user| user.role).unwrap_or_default();
        if content.role_by(&directory_role) != content.role.as_deref() {
            content = content.with_role_by(&directory_role);
            payload = content.encode(limit, StoredSizes::default())?;
        }
        let mut record = NewRecord::new(lifetimes.idle_ttl, lifetimes.session, payload);
        record.salt = salt;
        record.limit = Some(shared.limits.sessions);
        record.count_within = shared.limits.logins.map(|(_, within)| within);
        if let Some(LoginFence { user: meant, value }) = login_fence {
            if meant != user {
                return Err(SessionError::LoginSuperseded);
            }
            record.login_fence = Some(value);
        }
        let mut tries = 0;
        let (id, opened, token, refresh_token) = loop {
            let id = SessionId::random()?;
            // Sign before the write: if signing fails, no session is left behind.
            let first = record.salt.as_ref().map(|_| 0);
            let token = self.sign(&user, &id, lifetimes, first, claims.as_ref())?;
            let refresh_token = self.first_refresh_token(&user, &id, &record)?;
            let created = shared
                .store_client
                .ask(Operation::Create, |store| store.create(&user, &id, &record))
                .await;
            // The login may have evicted other sessions of the user. Invalidate their cache entries
            // after an error too, because the store may have executed the write.
            self.invalidate(&user);
            match created? {
                Created::Created(opened) => break (id, opened, token, refresh_token),
                Created::LimitReached => return Err(SessionError::LimitReached),
                Created::Superseded => return Err(SessionError::LoginSuperseded),
                Created::AlreadyExists if tries < 2 => tries += 1,
                // 144 random bits do not collide three times, so the cause is that the store does
                // not work correctly.
                Created::AlreadyExists => {
                    return Err(
                        StoreError::with_source(StoreErrorKind::Unsupported, IdTaken).into()
                    );
                }
            }
        };
        let created = opened.at;
        let absolute_deadline = created.saturating_add(record.lifetime);
        let state = State {
            user,
            id,
            revision: 1,
            created,
            last_activity: created,
            idle_ttl: record.idle_ttl,
            idle_deadline: created.saturating_add(record.idle_ttl).min(absolute_deadline),
            absolute_deadline,
            read: created,
            read_at: Tick::now(),
            stored: Arc::new(StoredContent::of(content, record.payload)),
            directory_role,
            events: shared.events.clone(),
        };
        let Signed { text: access_token, expires_in } = token;
        let session = Session::of_state(state);
        self.tell_created(&session, opened);
        Ok(Login { session, access_token, expires_in, refresh_token })
    }

    fn tell_created(&self, session: &Session<D>, opened: Opened) {
        let Opened { evicted, recent, .. } = opened;
        let session_of = session.user_id();
        let user = || session_of.clone();
        let events = &self.shared.events;
        events.emit(Event::Created {
            user: user(),
            session: session.id().clone(),
            ip_address: session.ip_address(),
            user_agent: session.user_agent().map(str::to_owned),
        });
        for session in evicted {
            self.remember_revoked(session_of, &session, RevokeReason::Evicted);
            events.emit(Event::Evicted { user: user(), session });
        }
        if let Some((usual, within)) = self.shared.limits.logins
            && recent == usual.saturating_add(1)
        {
            let suspicion = Suspicion::LoginRate { logins: recent, within };
            events.emit(Event::Suspicious { user: user(), suspicion });
        }
    }

    /// Returns the first refresh token of a new session, if the manager issues refresh tokens.
    fn first_refresh_token(
        &self,
        user: &UserId,
        id: &SessionId,
        record: &NewRecord,
    ) -> Result<Option<RefreshToken>, SessionError> {
        let (Some(refresh), Some(salt)) = (&self.shared.refresh, &record.salt) else {
            return Ok(None);
        };
        let claims = RefreshClaims { user: user.clone(), session: id.clone(), counter: 0 };
        refresh.issue(&claims, salt, record.lifetime).map(Some)
    }

    /// Signs an access token. It is valid for at most `lifetimes.session`, which is the rest of the
    /// session's lifetime. `rotation` is the rotation counter of the refresh token that is issued
    /// with the access token.
    pub(crate) fn sign(
        &self,
        user: &UserId,
        session: &SessionId,
        lifetimes: Lifetimes,
        rotation: Option<u64>,
        custom: Option<&Map<String, Value>>,
    ) -> Result<Signed, SessionError> {
        let Lifetimes { session: lifetime, .. } = lifetimes;
        let access_token = lifetimes.access_token()?;
        let issued_at = self.shared.clock.now();
        let expires_at = issued_at.saturating_add(access_token.min(lifetime));
        let token = NewToken { user, session, issued_at, expires_at, rotation, custom };
        let text = self.shared.policy.load().sign(&token)?;
        Ok(Signed { text, expires_in: whole_seconds(issued_at, expires_at) })
    }
}

/// Returns the time from `iat` to `exp`, which both are whole seconds.
fn whole_seconds(issued_at: Timestamp, expires_at: Timestamp) -> Duration {
    let second = |at: Timestamp| at.as_millis().div_euclid(1000);
    Duration::from_secs(u64::try_from(second(expires_at) - second(issued_at)).unwrap_or(0))
}

#[derive(Debug, thiserror::Error)]
#[error("the store reports that a new random session id already exists")]
struct IdTaken;

// The tokens stay out of logs.
impl<D> fmt::Debug for Login<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("session", &self.session)
            .field("expires_in", &self.expires_in)
            .field("refresh_token", &self.refresh_token)
            .finish_non_exhaustive()
    }
}
