//! Logins, and operations with access tokens and refresh tokens.

use tower_session_auth::error::SessionError;
use tower_session_auth::session::LoginFence;
use tower_session_auth::{AuthError, AuthErrorKind, Login, NewSession, RevokeReason};

use super::{
    AccessToken, Content, Entry, Fence, GRACE, Ground, LIMIT, LIVES, Model, RefreshToken, SECOND,
    duration, owner,
};

impl<G: Ground> Model<G> {
    pub(super) async fn login(&mut self, number: u8, life: u8, fence: Option<(Fence, LoginFence)>) {
        let (idle_ttl, lifetime) = LIVES[usize::from(life) % LIVES.len()];
        let mut new = NewSession::new(owner(number))
            .idle_ttl(duration(idle_ttl))
            .lifetime(duration(lifetime));
        let mut is_superseded = false;
        if let Some((fence, login_fence)) = fence {
            new = new.login_fence(login_fence);
            is_superseded = self.as_it_counts(fence) != self.fence(number);
        }
        let made = self.manager.create(new).await;
        if is_superseded {
            assert!(matches!(made, Err(SessionError::LoginSuperseded)), "{made:?}");
            return;
        }
        let login = made.unwrap();
        let mut living = self.living(Some(number));
        // The session limit evicts the least recently active sessions.
        living.sort_by_key(|at| (self.sessions[*at].last_activity, self.sessions[*at].created));
        for at in living.iter().take((living.len() + 1).saturating_sub(LIMIT)) {
            self.end(*at, RevokeReason::Evicted);
        }
        let now = self.now;
        self.sessions.push(Entry {
            user: owner(number),
            id: login.session.id().clone(),
            idle_ttl,
            created: now,
            last_activity: now,
            idle_deadline: (now + idle_ttl).min(now + lifetime),
            absolute_deadline: now + lifetime,
            content: Content { revision: 1, role: None, rotation: 0, rotated: now },
            end: None,
            is_lost: false,
        });
        let at = self.sessions.len() - 1;
        self.shown(at, 0, &login);
        self.is_alike(at, &login.session);
    }

    /// Records the tokens that a login or a rotation has returned.
    fn shown(&mut self, session: usize, counter: u64, login: &Login) {
        let lifetime = i64::try_from(login.expires_in.as_millis()).unwrap();
        self.access.push(AccessToken {
            session,
            rotation: counter,
            key: self.key,
            expires: self.now + lifetime,
            text: login.access_token.clone(),
        });
        let text = login.refresh_token.as_ref().unwrap().as_str().to_owned();
        self.refresh.push(RefreshToken { session, counter, text });
    }

    /// Checks that a refusal contains the reason why the session is over.
    fn is_over(&self, at: usize, error: &AuthError) {
        let slack = if G::IS_EXACT { 0 } else { 30 * SECOND };
        let expired = (AuthErrorKind::SessionExpired, None);
        let told = (error.kind(), error.reason());
        match self.sessions[at].end {
            Some((reason, until)) if !self.sessions[at].is_lost => {
                let revoked = (AuthErrorKind::SessionRevoked, Some(reason));
                let is_known = self.now < until - slack;
                let is_forgotten = self.now >= until + slack;
                assert!(
                    told == revoked && !is_forgotten || told == expired && !is_known,
                    "{told:?}, not {reason:?}, {} ms before it is forgotten",
                    until - self.now
                );
            }
            _ => assert_eq!(told, expired),
        }
    }

    pub(super) async fn authenticate(&self, at: usize) {
        let token = &self.access[at];
        let answer = self.manager.authenticate(&token.text).await;
        if !self.good_keys.contains(&token.key) {
            assert_eq!(answer.unwrap_err().kind(), AuthErrorKind::InvalidToken);
            return;
        }
        // `exp` is a whole second.
        let left = token.expires - self.now;
        if let Err(error) = &answer
            && error.kind() == AuthErrorKind::TokenExpired
        {
            assert!(left <= SECOND, "{left} ms before the token expires");
            return;
        }
        assert!(left >= -SECOND, "{} ms after the token expired: {answer:?}", -left);
        let entry = &self.sessions[token.session];
        match answer {
            Ok(session) => {
                assert!(entry.lives(self.now), "{:?} {}", entry.end, entry.is_lost);
                assert!(token.rotation <= entry.content.rotation, "the session lost this rotation");
                self.is_alike(token.session, &session);
            }
            Err(error) if error.kind() == AuthErrorKind::InvalidToken => {
                assert!(entry.lives(self.now) && token.rotation > entry.content.rotation);
            }
            Err(error) => {
                assert!(!entry.lives(self.now), "{error:?}");
                self.is_over(token.session, &error);
            }
        }
    }

    pub(super) async fn refresh(&mut self, at: usize) {
        let RefreshToken { session, counter, text } = &self.refresh[at];
        let (at, counter, text) = (*session, *counter, text.clone());
        let answer = self.manager.refresh(&text).await;
        let now = self.now;
        if !self.sessions[at].lives(now) {
            return self.is_over(at, &answer.unwrap_err());
        }
        let content = &mut self.sessions[at].content;
        if counter > content.rotation {
            assert_eq!(answer.unwrap_err().kind(), AuthErrorKind::InvalidToken);
        } else if counter == content.rotation {
            content.rotation += 1;
            content.rotated = now;
            content.revision += 1;
            self.sessions[at].extend(now);
            let login = answer.unwrap();
            self.is_as_long(at, &login.session);
            self.shown(at, counter + 1, &login);
        } else if counter + 1 == content.rotation && now - content.rotated <= GRACE {
            let login = answer.unwrap();
            self.is_as_long(at, &login.session);
            let successor = login.refresh_token.as_ref().unwrap().as_str();
            let mut all = self.refresh.iter();
            let known = all.find(|other| other.session == at && other.counter == counter + 1);
            assert_eq!(known.map(|token| &*token.text), Some(successor), "the same successor");
            self.shown(at, counter + 1, &login);
        } else {
            let refused = answer.unwrap_err();
            let reused = (AuthErrorKind::SessionRevoked, Some(RevokeReason::RefreshReuse));
            assert_eq!((refused.kind(), refused.reason()), reused);
            assert!(self.end(at, RevokeReason::RefreshReuse));
        }
    }

    pub(super) async fn logout(&mut self, at: usize) {
        let AccessToken { session, key, text, .. } = &self.access[at];
        let (session, is_good) = (*session, self.good_keys.contains(key));
        match self.manager.logout(text).await {
            Ok(ended) => {
                assert!(is_good, "a token of a removed key must not log out");
                assert_eq!(ended, self.end(session, RevokeReason::Logout));
            }
            Err(error) => {
                assert_eq!((error.kind(), is_good), (AuthErrorKind::InvalidToken, false));
            }
        }
    }

    pub(super) async fn logout_refresh(&mut self, at: usize) {
        let RefreshToken { session, text, .. } = &self.refresh[at];
        let session = *session;
        let ended = self.manager.logout_refresh(text).await.unwrap();
        assert_eq!(ended, self.end(session, RevokeReason::Logout));
    }
}
