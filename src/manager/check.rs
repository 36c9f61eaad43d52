//! From a token to a living session: verify, then ask the store.

use tokio::time::Instant;

use super::SessionManager;
use crate::error::{AuthError, AuthErrorKind};
use crate::events::{Event, Events};
use crate::gate::Verb;
use crate::id::{SessionId, UserId};
use crate::session::{Content, Session, SessionData, State};
use crate::store::{Activity, Record, StoreError, StoreErrorKind};
use crate::token::{Expiry, VerifiedClaims};
use crate::touch::Life;
use crate::trace;

impl<D: SessionData> SessionManager<D> {
    /// Checks an access token: what the layer does with the bearer token of a request.
    ///
    /// A session that is let in counts as used.
    ///
    /// # Errors
    ///
    /// [`AuthError`] with the kind that says why: 401 if the token or its session is not good, 503 if the store cannot
    /// tell.
    ///
    /// # Cancel safety
    ///
    /// Safe: checking changes nothing but the record of use.
    pub async fn authenticate(&self, token: &str) -> Result<Session<D>, AuthError> {
        self.check(self.verify(token, Expiry::Enforced)?).await
    }

    /// Token text to claims; no I/O. A refusal is told as an event.
    pub(crate) fn verify(&self, token: &str, expiry: Expiry) -> Result<VerifiedClaims, AuthError> {
        let (policy, now) = (self.shared.policy.load(), self.shared.clock.now());
        // Who shows a token whose time is over is known, and the event says so.
        match policy.verify(token, now, Expiry::Ignored) {
            Ok(claims) if expiry == Expiry::Enforced && policy.is_past(&claims, now) => {
                let error = AuthError::new(AuthErrorKind::TokenExpired);
                self.refused(&error, Some((claims.user().clone(), claims.session_id().clone())));
                Err(error)
            }
            Err(error) => {
                self.refused(&error, None);
                Err(error)
            }
            Ok(claims) => Ok(claims),
        }
    }

    /// Claims to a living session, from the store, within one deadline. A refusal is told as an event.
    pub(crate) async fn check(&self, claims: VerifiedClaims) -> Result<Session<D>, AuthError> {
        let who = (claims.user().clone(), claims.session_id().clone());
        let checked = self.find(claims).await;
        match &checked {
            Ok(_) => self.shared.accepted.increment(1),
            Err(error) => self.refused(error, Some(who)),
        }
        checked
    }

    /// Where to tell what happens to a request.
    pub(crate) fn events(&self) -> &Events {
        &self.shared.events
    }

    /// Tells that a request was not let in. Once for each.
    pub(crate) fn refused(&self, error: &AuthError, who: Option<(UserId, SessionId)>) {
        let (user, session) = who.unzip();
        self.shared.events.emit(Event::Rejected { kind: error.kind(), user, session });
    }

    async fn find(&self, claims: VerifiedClaims) -> Result<Session<D>, AuthError> {
        let shared = &*self.shared;
        let key = (claims.user().clone(), claims.session_id().clone());
        let (user, id) = (&key.0, &key.1);
        let remembered = shared.touches.remembered(&key);
        let deadline = shared.gate.deadline();

        let idle_bound = remembered.map(|(idle_deadline, _)| idle_deadline);
        let found =
            shared.gate.ask(Verb::Load, deadline, |store| store.load(user, id, idle_bound)).await;
        let Some(record) = found.map_err(|error| refusal(error, id))? else {
            return Err(self.why_ended(user, id, deadline).await);
        };

        // What the store let through lives. Its idle deadline may be a bound that passes this very moment: no verdict here.
        let now = shared.gate.now();
        let last_activity =
            remembered.map_or(record.created, |(_, last_use)| last_use.max(record.created));
        let activity = Activity::new(last_activity, record.idle_deadline);
        let life = Life::of(&record);
        let session = self.session(user.clone(), id.clone(), record, activity, Some(claims));
        // One that cannot be read is not used either.
        let session = session.map_err(|error| refusal(error, id))?;
        if let Some(accounts) = &shared.accounts {
            accounts.check(user).await?;
        }
        shared.touches.used(key, life, now);
        Ok(session)
    }

    /// Why a session does not live. That it does not is known; a reason that cannot be read in time changes nothing about
    /// it.
    async fn why_ended(&self, user: &UserId, id: &SessionId, deadline: Instant) -> AuthError {
        match self.shared.gate.ask(Verb::Ended, deadline, |store| store.ended(user, id)).await {
            Ok(Some(reason)) => AuthError::revoked(reason),
            Ok(None) => AuthError::new(AuthErrorKind::SessionExpired),
            Err(error) => AuthError::with_source(AuthErrorKind::SessionExpired, error),
        }
    }

    /// Why a session is not there any more that was let in a moment ago. Told as an event.
    #[cfg(feature = "routes")]
    pub(crate) async fn why_gone(&self, session: &Session<D>) -> AuthError {
        let (user, id) = (session.user_id(), session.id());
        let error = self.why_ended(user, id, self.shared.gate.deadline()).await;
        self.refused(&error, Some((user.clone(), id.clone())));
        error
    }

    /// A payload as this application's type.
    pub(super) fn content(&self, payload: &[u8]) -> Result<Content<D>, StoreError> {
        Content::decode(payload).map_err(|error| {
            StoreError::with_source(StoreErrorKind::Unreadable, Undecodable::new(&error))
        })
    }

    /// A record as the application sees it.
    pub(super) fn session(
        &self,
        user: UserId,
        id: SessionId,
        record: Record,
        activity: Activity,
        claims: Option<VerifiedClaims>,
    ) -> Result<Session<D>, StoreError> {
        let Record { revision, created, idle_ttl, absolute_deadline, payload, .. } = record;
        let Activity { last_activity, idle_deadline } = activity;
        let content = self.content(&payload)?;
        let state = State {
            user,
            id,
            revision,
            created,
            last_activity,
            idle_ttl,
            idle_deadline,
            absolute_deadline,
            read: self.shared.gate.now(),
            content,
            events: self.shared.events.clone(),
        };
        Ok(Session::new(state, claims))
    }
}

/// A store's trouble as the client's answer. What nobody can repair by waiting is logged here, once per request.
fn refusal(error: StoreError, id: &SessionId) -> AuthError {
    if matches!(error.kind(), StoreErrorKind::Unreadable | StoreErrorKind::Unsupported) {
        trace::error!(
            "the session store gave something that is not a session",
            session = id.short(),
            error = trace::Chain(&error),
        );
    }
    error.into()
}

/// Where a payload stops being readable. Not serde's own words: they quote what they read.
#[derive(Debug, thiserror::Error)]
#[error("the payload does not fit the session's type at line {line}, column {column}")]
struct Undecodable {
    line: usize,
    column: usize,
}

impl Undecodable {
    fn new(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}
