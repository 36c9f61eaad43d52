//! Requests with several refresh tokens: choosing one of them, and revoking their sessions.

use super::SessionManager;
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::session::SessionData;
use crate::token::Sealed;

/// Maximum number of sessions that the manager loads for the refresh tokens of one request. A
/// browser sends one or two tokens. If there are more, another host of the same domain plants
/// cookies.
const MAX_SESSIONS: usize = 8;

/// The latest refresh token of one session, among the tokens of a request.
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
    /// Ignores tokens that do not verify. If several tokens belong to one session, the token with
    /// the highest rotation counter is chosen. If they belong to several sessions of one user, the
    /// token of the live session with the latest login is chosen. The order of the tokens has no
    /// effect (except between two logins in the same millisecond), because another host of the same
    /// domain can choose the order by planting cookies.
    ///
    /// Loads sessions only if tokens of several sessions verify, and then 8 sessions at most. The
    /// chosen token may already be invalid: only the caller's rotation checks this.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](AuthErrorKind::InvalidToken) if valid tokens of several users are present:
    /// otherwise a planted cookie could choose the user.
    /// [`MissingToken`](AuthErrorKind::MissingToken) if `shown` is empty.
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) if the store cannot answer.
    pub(crate) async fn choose_refresh_token<'t>(
        &self,
        shown: &[&'t str],
    ) -> Result<&'t str, AuthError> {
        let candidates = self.candidates(shown);
        let Some(first) = candidates.first() else {
            // No token verifies: the rotation rejects this one and emits the event.
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
                // This session is not live, or the store lost it.
                Err(_) => {}
            }
        }
        // If no session is live, the caller's rotation of any of the tokens returns the reason.
        Ok(latest.map_or(default, |(_, text)| text))
    }

    /// Revokes the session of each refresh token of one request, 8 sessions at most. Returns `None`
    /// if there is no token.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](AuthErrorKind::InvalidToken) if no token verifies.
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) if a session could not be revoked: the
    /// sessions after it stay live.
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

    /// Revokes the session of each refresh token that a login request sends, because the new
    /// refresh token of the login replaces these tokens in the browser. Tokens that do not verify
    /// emit no event. If a revocation fails, the login still succeeds.
    pub(crate) async fn end_replaced_sessions(&self, shown: &[&str]) {
        for candidate in self.candidates(shown).iter().take(MAX_SESSIONS) {
            let ended = self.logout_refresh(candidate.text).await;
            // Do not call the store again: the login has waited long enough.
            if ended.is_err_and(|error| error.kind().status().is_server_error()) {
                return;
            }
        }
    }

    /// Returns the tokens that one of our keys sealed, the latest of each session. No I/O.
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
