//! Requests with several refresh tokens: choosing one of them, and revoking their sessions.

use super::SessionManager;
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::session::SessionData;
use crate::token::Sealed;

/// Maximum number of sessions that the manager loads for the refresh tokens of one request. A
/// browser normally sends one or two tokens. More tokens mean that another host of the same domain
/// has planted cookies.
const MAX_SESSIONS: usize = 8;

/// The latest of the refresh tokens that a request has for one session.
struct Candidate<'t> {
    text: &'t str,
    token: Sealed,
}

impl Candidate<'_> {
    /// The user and the session of the token.
    fn who(&self) -> (&UserId, &SessionId) {
        (&self.token.claims.user, &self.token.claims.session)
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Chooses the refresh token to rotate, among the tokens of one request.
    ///
    /// Ignores tokens that do not verify. Chooses among the other tokens by these rules:
    ///
    /// - If all tokens belong to one session, the token with the highest rotation counter is
    ///   chosen.
    /// - If the tokens belong to several sessions of one user, the token of the live session with
    ///   the latest login is chosen.
    ///
    /// The order of the tokens has no effect, because another host of the same domain can set that
    /// order by planting cookies. There are two exceptions. If two logins were in the same
    /// millisecond, the first of their tokens is chosen. If the tokens belong to more than 8
    /// sessions, only the first 8 sessions are compared.
    ///
    /// If all verified tokens belong to one session, the manager loads no session. Otherwise it
    /// loads 8 sessions at most. The chosen token can already be invalid. This method does not
    /// check that, because the caller rotates the token and the rotation checks it.
    ///
    /// # Errors
    ///
    /// - [`InvalidToken`](AuthErrorKind::InvalidToken): the request has verified tokens of several
    ///   users. Without this error, a planted cookie could choose the user.
    /// - [`MissingToken`](AuthErrorKind::MissingToken): `shown` is empty.
    /// - [`StoreUnavailable`](AuthErrorKind::StoreUnavailable): the store cannot answer.
    pub(crate) async fn choose_refresh_token<'t>(
        &self,
        shown: &[&'t str],
    ) -> Result<&'t str, AuthError> {
        let candidates = self.candidates(shown);
        let Some(first) = candidates.first() else {
            // No token verifies. The caller's rotation rejects the first token and emits the event.
            return shown.first().copied().ok_or_else(|| AuthErrorKind::MissingToken.into());
        };
        if candidates.iter().any(|other| other.who().0 != first.who().0) {
            let error = AuthError::new(AuthErrorKind::InvalidToken);
            self.refused(&error, None);
            return Err(error);
        }
        if candidates.len() == 1 {
            return Ok(first.text);
        }
        let default = first.text;
        let mut latest: Option<(Timestamp, &'t str)> = None;
        for Candidate { text, token } in candidates.into_iter().take(MAX_SESSIONS) {
            let claims = token.claims.clone();
            match self.shown(token).await.map(|shown| shown.record.created) {
                Ok(created) if latest.is_none_or(|(login, _)| login < created) => {
                    latest = Some((created, text));
                }
                Ok(_) => {}
                Err(error) if error.kind().status().is_server_error() => {
                    self.refused(&error, Some((claims.user, claims.session)));
                    return Err(error);
                }
                // The session of this token is not live, or the store has lost the session.
                Err(_) => {}
            }
        }
        // If no session is live, the caller's rotation fails with the reason, whichever token it
        // gets.
        Ok(latest.map_or(default, |(_, text)| text))
    }

    /// Revokes the session of each refresh token of one request, 8 sessions at most. Returns `None`
    /// if the request has no refresh token.
    ///
    /// # Errors
    ///
    /// - [`InvalidToken`](AuthErrorKind::InvalidToken): no token verifies, or each token that
    ///   verifies was rejected as invalid for its session.
    /// - [`StoreUnavailable`](AuthErrorKind::StoreUnavailable): the store cannot answer, so a
    ///   session could not be revoked. The sessions of the later tokens stay live.
    pub(crate) async fn logout_refresh_all(&self, shown: &[&str]) -> Option<Result<(), AuthError>> {
        let first = shown.first()?;
        let candidates = self.candidates(shown);
        if candidates.is_empty() {
            return Some(self.logout_refresh(first).await.map(drop));
        }
        let mut outcome = Err(AuthError::new(AuthErrorKind::InvalidToken));
        for candidate in candidates.iter().take(MAX_SESSIONS) {
            match self.logout_refresh(candidate.text).await {
                Ok(_) => outcome = Ok(()),
                Err(error) if error.kind().status().is_server_error() => return Some(Err(error)),
                Err(_) => {}
            }
        }
        Some(outcome)
    }

    /// Revokes the session of each refresh token that a login request sends, 8 sessions at most.
    /// The new refresh token of the login replaces these tokens in the browser. The method ignores
    /// a token that does not verify, and emits no event for it. If the store cannot answer, the
    /// method stops, and the remaining sessions stay live. The login still succeeds.
    pub(crate) async fn end_replaced_sessions(&self, shown: &[&str]) {
        for candidate in self.candidates(shown).iter().take(MAX_SESSIONS) {
            let ended = self.logout_refresh(candidate.text).await;
            // The store failed. The login has waited long enough, so do not call the store again.
            if ended.is_err_and(|error| error.kind().status().is_server_error()) {
                return;
            }
        }
    }

    /// Returns one token for each session: the token with the highest rotation counter. Ignores
    /// tokens that none of the refresh keys sealed. Does no I/O.
    fn candidates<'t>(&self, shown: &[&'t str]) -> Vec<Candidate<'t>> {
        let mut candidates: Vec<Candidate<'t>> = Vec::new();
        for text in shown {
            let Some(token) = self.find_refresh_token(text) else { continue };
            let found = Candidate { text, token };
            match candidates.iter_mut().find(|known| known.who() == found.who()) {
                Some(known) if known.token.claims.counter < found.token.claims.counter => {
                    *known = found;
                }
                Some(_) => {}
                None => candidates.push(found),
            }
        }
        candidates
    }
}
