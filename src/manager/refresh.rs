//! Exchanging refresh tokens.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::timeout_at;

use super::login::Signed;
use super::whole::whole;
use super::{Lifetimes, Login, SessionManager, SessionManagerBuilder, load};
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind, ConfigError, SessionError};
use crate::events::{Actor, Event, Suspicion};
use crate::gate::Verb;
use crate::id::{SessionId, UserId, random_text};
use crate::reason::EndReason;
use crate::session::SessionData;
use crate::store::{Record, Rotate, Rotated, Rotation, Salt, Touch};
#[cfg(feature = "routes")]
use crate::token::Policy;
use crate::token::{KeySet, RefreshClaims, RefreshPolicy, RefreshToken, Sealed};
use crate::trace;

/// The refresh tokens' part of a manager.
pub(super) struct Refresh {
    policy: ArcSwap<RefreshPolicy>,
    grace: Duration,
    retry: Duration,
}

impl Refresh {
    pub(super) fn new(policy: RefreshPolicy, grace: Duration, retry: Duration) -> Self {
        Self { policy: ArcSwap::from_pointee(policy), grace, retry }
    }

    /// Of which session this is a refresh token, if one of our keys sealed it. It may have been replaced, and the session
    /// have ended.
    #[cfg(feature = "routes")]
    pub(super) fn of(&self, token: &str) -> Option<(UserId, SessionId)> {
        let RefreshClaims { user, session, .. } = self.policy.load().open(token)?.claims;
        Some((user, session))
    }

    /// Works with the settings and keys of refresh tokens.
    #[cfg(feature = "routes")]
    pub(super) fn with_policy<T>(&self, work: impl FnOnce(&Policy) -> T) -> T {
        work(self.policy.load().policy())
    }

    /// The refresh token with this number. It can be exchanged until `ends` at most.
    pub(super) fn issue(
        &self,
        claims: &RefreshClaims,
        salt: &Salt,
        expires_in: Duration,
    ) -> Result<RefreshToken, SessionError> {
        self.policy.load().issue(claims, salt.as_str(), expires_in)
    }
}

impl<D: SessionData> SessionManagerBuilder<D> {
    /// The secrets of refresh tokens, HMAC ones (`SigningKey::hs256`): each login then brings a refresh token, good once,
    /// for [`SessionManager::refresh`]. None by default.
    ///
    /// May be the very secret that signs access tokens: what is signed for one purpose is never taken for the other. The
    /// store never sees it. To replace it without logging anybody out, keep the old one as a verifying key for as long as
    /// sessions live.
    pub fn refresh_keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.settings.refresh_keys = Some(keys.into());
        self
    }

    /// For how long a refresh token that was replaced still brings the same successor, instead of ending the session as
    /// stolen: for parallel tabs, and for answers that got lost. 10 seconds by default, 5 minutes at most, zero never.
    ///
    /// Counted on the store's clock: one that is set back prolongs a window that is open, one that is set forward ends it.
    pub fn refresh_grace(mut self, window: Duration) -> Self {
        self.settings.refresh_grace = window;
        self
    }

    /// For how long a refresh token that was replaced stays good while its successor is unused: for clients that lose
    /// the answer of an exchange and come back after the [`refresh_grace`](Self::refresh_grace). Zero by default, which
    /// is never; else longer than the grace window, and 24 hours at most. Counted from the exchange, on the store's clock.
    ///
    /// Such a client gets the same successor, and the event [`RefreshRetried`](crate::events::Event::RefreshRetried) is
    /// emitted. The successor counts as used once it was shown itself, or once an access token that came with it was
    /// accepted. That is recorded with the touch, which does not wait for the
    /// [`touch_interval`](Self::touch_interval) then, so the [`Worker`](crate::touch::Worker) must run.
    ///
    /// **What it costs.** Without it, a stolen refresh token that was replaced betrays its thief after the grace window:
    /// the session ends. With it, the thief gets working tokens for as long as the owner does not use the session, for
    /// this time at most; the theft then comes to light when the successor is shown by both. A use that the store could
    /// not be told of (it was away, or the queue was full), and a token that
    /// [`FailurePolicy::TokenOnly`](crate::FailurePolicy::TokenOnly) let in, do not count. Watch the event.
    ///
    /// `RedisStore` records it in a form that earlier versions refuse: update all instances before it is set. All
    /// instances must set it, for those that do not record no use.
    pub fn refresh_retry(mut self, window: Duration) -> Self {
        self.settings.refresh_retry = window;
        self
    }

    /// The greatest share of an access token's life that it may come short of
    /// [`access_token_ttl`](Self::access_token_ttl), at random, so that not all clients that logged in at once refresh at
    /// once. 0 by default, 0.05 at most.
    pub fn access_token_jitter(mut self, share: f64) -> Self {
        self.settings.lifetimes.jitter = share;
        self
    }
}

/// A bound that every clock is past: what is asked with it is answered in one round trip, however old the session.
const PASSED: Option<Timestamp> = Some(Timestamp::from_millis(0));

/// A refresh token and the session that it is one of.
struct Shown {
    sealed: Sealed,
    record: Record,
    rotation: Rotation,
}

impl<D: SessionData> SessionManager<D> {
    /// Exchanges a refresh token for an access token and the next refresh token. It is a use of the session, and never
    /// extends it past its absolute lifetime.
    ///
    /// Of any number of calls with one token one makes the next; the others get the same successor, for the
    /// [grace window](crate::SessionManagerBuilder::refresh_grace) after it: parallel tabs and answers that got lost are
    /// no theft. Later than that, and for every older token, two must have it: the session ends with the reason
    /// [`RefreshReuse`](EndReason::RefreshReuse), whoever of the two comes first, and everybody who shows one of its
    /// tokens is told so. Text that is no refresh token of ours touches nothing.
    ///
    /// Two round trips to a remote store, and a question to the user directory, where there is one.
    ///
    /// # Errors
    ///
    /// [`AuthError`] of the kinds [`InvalidToken`](AuthErrorKind::InvalidToken), also without
    /// [`refresh_keys`](crate::SessionManagerBuilder::refresh_keys);
    /// [`SessionExpired`](AuthErrorKind::SessionExpired) and [`SessionRevoked`](AuthErrorKind::SessionRevoked);
    /// [`AccountInactive`](AuthErrorKind::AccountInactive);
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) and
    /// [`DirectoryUnavailable`](AuthErrorKind::DirectoryUnavailable): keep the token, and try again (the exchange may
    /// have been made: then the grace window counts); [`Unsigned`](AuthErrorKind::Unsigned).
    pub async fn refresh(&self, token: &str) -> Result<Login<D>, AuthError> {
        let sealed = self.open_refresh(token)?;
        let RefreshClaims { user, session, .. } = sealed.claims.clone();
        let manager = self.clone();
        let exchanged = whole(async move { Ok(manager.exchange(sealed).await) }).await;
        let exchanged = exchanged.unwrap_or_else(|error| Err(failed(error, &session)));
        exchanged.inspect_err(|error| self.refused(error, Some((user, session))))
    }

    /// Ends the session of a refresh token, as [`logout`](Self::logout) ends that of an access token; also of one that
    /// was replaced, or that the session does not know yet (its store has lost an exchange). Tells whether it lived until now.
    ///
    /// # Errors
    ///
    /// [`AuthError`]: 401 if the token is not one of ours, 503 when the session could not be ended.
    pub async fn logout_refresh(&self, token: &str) -> Result<bool, AuthError> {
        let sealed = self.open_refresh(token)?;
        let RefreshClaims { user, session, .. } = sealed.claims.clone();
        match self.shown(sealed).await {
            Ok(_) => self.end_shown(&user, &session).await,
            // What has ended is logged out.
            Err(error) if error.kind().is_of_ended_session() => Ok(false),
            Err(error) => {
                self.refused(&error, Some((user, session)));
                Err(error)
            }
        }
    }

    /// Whether logins bring refresh tokens: [`refresh_keys`](crate::SessionManagerBuilder::refresh_keys) were given.
    #[must_use]
    pub fn issues_refresh_tokens(&self) -> bool {
        self.shared.refresh.is_some()
    }

    /// Puts other keys in the place of the present ones of refresh tokens, while requests are served; see
    /// [`replace_keys`](Self::replace_keys). Keep the old key as a verifying one for as long as its sessions live.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a key fails its self-test or is no HMAC secret, or the manager was built without
    /// [`refresh_keys`](crate::SessionManagerBuilder::refresh_keys); the present keys then stay.
    pub fn replace_refresh_keys(&self, keys: impl Into<KeySet>) -> Result<(), ConfigError> {
        let refresh = self.shared.refresh.as_ref().ok_or(ConfigError::Missing("refresh_keys"))?;
        let next = refresh.policy.load().with_keys(keys.into())?;
        refresh.policy.store(Arc::new(next));
        Ok(())
    }

    /// A refresh token that one of our keys sealed; no I/O. A refusal is told as an event.
    fn open_refresh(&self, token: &str) -> Result<Sealed, AuthError> {
        self.find_refresh_token(token).ok_or_else(|| {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            self.refused(&error, None);
            error
        })
    }

    /// The same; a refusal tells no event.
    pub(super) fn find_refresh_token(&self, token: &str) -> Option<Sealed> {
        let refresh = self.shared.refresh.as_ref();
        refresh.and_then(|refresh| refresh.policy.load().open(token))
    }

    /// When the session of a refresh token was created.
    #[cfg(feature = "routes")]
    pub(super) async fn login_time(&self, sealed: Sealed) -> Result<Timestamp, AuthError> {
        self.shown(sealed).await.map(|shown| shown.record.created)
    }

    /// Finds the session of a refresh token, and makes sure that it was issued for this very one.
    async fn shown(&self, sealed: Sealed) -> Result<Shown, AuthError> {
        let RefreshClaims { user, session: id, .. } = &sealed.claims;
        let gate = &self.shared.gate;
        let loaded = gate.ask(Verb::Load, |store| store.load(user, id, PASSED)).await;
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
        let gate = &self.shared.gate;
        let end = self.request_end();
        let Shown { sealed, record, rotation } = self.shown(sealed).await?;
        let RefreshClaims { user, session: id, counter } = sealed.claims;
        let next = counter.saturating_add(1);
        // A number that is still to come is one that this session lost, with its store.
        if counter > rotation.counter {
            return Err(AuthError::new(AuthErrorKind::InvalidToken));
        }
        // All that can fail comes before the write.
        let tokens = match self.active_user(&user).await {
            Ok(of_directory) => {
                let role = of_directory.map(|user| user.role).unwrap_or_default();
                self.next_tokens(refresh, &user, &id, next, &record, &rotation.salt)
                    .map(|tokens| (tokens, role))
            }
            Err(error) => Err(failed(error, &id)),
        };
        // Nothing of that keeps a token that is stolen from ending its session.
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
        let rotated = gate.ask(Verb::Rotate, |store| store.rotate(&user, &id, &rotate)).await;
        self.changed(&user);
        let events = &self.shared.events;
        let mut retried = false;
        let (record, activity) = match rotated.map_err(|error| load::refusal(error, &id))? {
            Rotated::Next(record, activity) => {
                events.emit(Event::Rotated { user: user.clone(), session: id.clone() });
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
                self.tell_revoked(&user, id, EndReason::RefreshReuse, Actor::Application);
                return Err(AuthError::revoked(EndReason::RefreshReuse));
            }
            Rotated::Unknown => return Err(AuthError::new(AuthErrorKind::InvalidToken)),
            Rotated::Gone => {
                // The third call to the store: the request may have no time left for the reason.
                let why = timeout_at(end, self.why_ended(&user, &id)).await;
                let unknown = |_| AuthError::new(AuthErrorKind::SessionExpired);
                return Err(why.map_or_else(unknown, |(error, _)| error));
            }
        };
        let session = self.session(user.clone(), id.clone(), record, activity);
        let session = session.map_err(|error| load::refusal(error, &id))?;
        let ((access, refresh_token), role) = tokens?;
        if retried {
            events.emit(Event::RefreshRetried { user, session: id });
        }
        Ok(Login {
            session: self.with_role(&session, role),
            access_token: access.text,
            expires_in: access.expires_in,
            refresh_token: Some(refresh_token),
        })
    }

    /// Records that the client has the refresh token with this number, although it was not exchanged: the one before
    /// is then good no more. Moves neither last activity nor the idle deadline.
    async fn record_shown(&self, user: &UserId, id: &SessionId, counter: u64) {
        let mut touch = Touch::new(user.clone(), id.clone(), Duration::MAX, Duration::ZERO);
        touch.rotation = Some(counter);
        let touches = [touch];
        let touched = self.shared.gate.ask(Verb::Touch, |store| store.touch(&touches)).await;
        if let Err(error) = touched {
            trace::debug!(
                "a refresh token was not recorded as shown",
                error = trace::Chain(&error)
            );
        }
    }

    /// The tokens of a session, from the exchange with this number on.
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
        // This host's idea of the store's clock may lag, but not behind what the store wrote.
        let now = self.shared.gate.now().max(record.created);
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

/// A failure on the way to new tokens, as the client's answer.
fn failed(error: SessionError, id: &SessionId) -> AuthError {
    match error {
        SessionError::Store(error) => load::refusal(error, id),
        SessionError::AccountInactive => AuthError::new(AuthErrorKind::AccountInactive),
        SessionError::Directory(error) => {
            AuthError::with_source(AuthErrorKind::DirectoryUnavailable, error)
        }
        error => {
            // Without random bytes the answer is the same, it is only harder to find.
            let request_id = random_text::<9>().unwrap_or_default();
            trace::error!(
                "no new tokens could be made for a session",
                session = id.short(),
                request_id = request_id,
                error = trace::Chain(&error),
            );
            AuthError::unsigned(request_id)
        }
    }
}
