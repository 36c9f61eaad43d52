//! Requests that show several refresh tokens: which one counts, and how their sessions are ended.

use super::SessionManager;
use crate::clock::Timestamp;
use crate::error::{AuthError, AuthErrorKind};
use crate::id::{SessionId, UserId};
use crate::session::SessionData;
use crate::token::Sealed;

/// Number of sessions that the store is asked about for the refresh tokens of one request. A
/// browser shows one or two; more come from a neighbor that plants cookies.
const MAX_SESSIONS: usize = 8;

/// The latest refresh token that a request shows of one session.
struct Candidate<'t> {
    text: &'t str,
    token: Sealed,
}

impl Candidate<'_> {
    fn who(&self) -> (&UserId, &SessionId) {
        (&self.token.claims.user, &self.token.claims.session)
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Chooses the refresh token that counts, of several that one request shows.
    ///
    /// Tokens that do not verify do not count. Of one session the highest counter counts. Of one
    /// user's sessions the live one with the latest login counts. The order of the tokens in the
    /// request decides nothing, because a neighbor can choose it.
    ///
    /// Asks the store only where tokens of several sessions verify, about 8 sessions at most. The
    /// caller exchanges the chosen token: this call does not tell whether it is still good.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](AuthErrorKind::InvalidToken) where tokens of several users verify: a
    /// planted cookie must not choose who is logged in.
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) when the store cannot answer.
    pub(crate) async fn choose_refresh_token<'t>(
        &self,
        shown: &[&'t str],
    ) -> Result<&'t str, AuthError> {
        let candidates = self.candidates(shown);
        let Some(first) = candidates.first() else {
            // The exchange refuses it, and tells the event.
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
            match self.login_time(token).await {
                Ok(created) if latest.is_none_or(|(login, _)| login < created) => {
                    latest = Some((created, text));
                }
                Ok(_) => {}
                Err(error) if error.kind().status().is_server_error() => {
                    self.refused(&error, Some((claims.user, claims.session)));
                    return Err(error);
                }
                // It has ended, or its store has lost it.
                Err(_) => {}
            }
        }
        // Where none lives, the exchange of any of them says why.
        Ok(latest.map_or(default, |(_, text)| text))
    }

    /// Ends the session of each refresh token that one request shows, 8 sessions at most. Returns
    /// `None` where no token is shown.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](AuthErrorKind::InvalidToken) when no token verifies.
    /// [`StoreUnavailable`](AuthErrorKind::StoreUnavailable) when a session could not be ended:
    /// sessions that come after it live on.
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

    /// Ends the session of each refresh token that a login shows: the browser has the new one
    /// instead. Tokens that do not verify tell no event, and a failure is only logged.
    pub(crate) async fn end_replaced_sessions(&self, shown: &[&str]) {
        for candidate in self.candidates(shown).iter().take(MAX_SESSIONS) {
            let ended = self.logout_refresh(candidate.text).await;
            // The store is asked no further: the login has waited long enough.
            if ended.is_err_and(|error| error.kind().status().is_server_error()) {
                return;
            }
        }
    }

    /// The tokens that one of our keys sealed, the latest of each session. No I/O.
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
