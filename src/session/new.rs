//! What a login says about the session it opens.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Content;
use crate::error::SessionError;
use crate::id::UserId;
use crate::store::Guard;

/// What a login says about the session it opens. Only the user is required.
///
/// ```
/// use tower_session_auth::{NewSession, UserId};
///
/// let user = UserId::parse("jeju").expect("a user id is 1 to 256 bytes");
/// let new = NewSession::new(user).user_name("Jeju").role("user");
/// # let _ = new;
/// ```
pub struct NewSession<D = ()> {
    pub(crate) user: UserId,
    pub(crate) content: Content<D>,
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) guard: Option<LoginGuard>,
    pub(crate) idle_ttl: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
}

/// What a login holds while it checks credentials, from
/// [`SessionManager::begin_login`](crate::SessionManager::begin_login): the session is opened only if nothing of this
/// user's was ended as a whole meanwhile.
#[derive(Clone, Debug)]
pub struct LoginGuard {
    pub(crate) user: UserId,
    pub(crate) guard: Guard,
}

impl NewSession {
    /// The most bytes of a user agent that are kept. It comes from the client and is for display: the rest is cut off.
    pub const USER_AGENT_LEN: usize = 512;

    /// The most bytes of a name, an e-mail address or a role; longer ones are refused by `create`.
    pub const FIELD_LEN: usize = 512;

    /// A session for `user`, without name, e-mail address, role and data.
    #[must_use]
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            content: Content::default(),
            claims: None,
            guard: None,
            idle_ttl: None,
            lifetime: None,
        }
    }
}

impl<D> NewSession<D> {
    /// The user's display name.
    #[must_use]
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.content.user_name = Some(name.into());
        self
    }

    /// The user's e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.content.email = Some(email.into());
        self
    }

    /// The user's role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.content.role = Some(role.into());
        self
    }

    /// Marks the session as one with less than the user's role, as for a login of an administrator on a
    /// machine that is not trusted. With
    /// [`directory_roles`](crate::SessionManagerBuilder::directory_roles), no answer of the directory gives
    /// it another role: it keeps the role that is set here until the directory says that the user
    /// has none.
    ///
    /// Without `directory_roles` this has no effect.
    #[must_use]
    pub fn narrowed(mut self) -> Self {
        self.content.narrowed = true;
        self
    }

    /// How strong the login was: an authentication context class (`acr`, RFC 9470 section 3).
    #[must_use]
    pub fn acr(mut self, class: impl Into<String>) -> Self {
        self.content.acr = Some(class.into());
        self
    }

    /// By which methods the user logged in (`amr`): `pwd`, `otp` and others of RFC 8176.
    #[must_use]
    pub fn amr<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.content.amr = methods.into_iter().map(Into::into).collect();
        self
    }

    /// The address that the login came from. Take it from the connection, or from a forwarding header only if a proxy
    /// of your own wrote it.
    #[must_use]
    pub fn ip_address(mut self, address: IpAddr) -> Self {
        self.content.ip_address = Some(address);
        self
    }

    /// What the client calls itself; shortened to [`USER_AGENT_LEN`](NewSession::USER_AGENT_LEN) bytes.
    #[must_use]
    pub fn user_agent(mut self, agent: &str) -> Self {
        let mut end = agent.len().min(NewSession::USER_AGENT_LEN);
        while !agent.is_char_boundary(end) {
            end -= 1;
        }
        self.content.user_agent = agent.get(..end).map(str::to_owned);
        self
    }

    /// Opens the session only if no logout of everything, password change or suspension came between
    /// [`begin_login`](crate::SessionManager::begin_login) and `create`.
    ///
    /// Without it, a login that checked an old password may open its session right after that password was changed.
    #[must_use]
    pub fn guard(mut self, guard: LoginGuard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// How long this session lives without being used, instead of the manager's
    /// [`idle_ttl`](crate::SessionManagerBuilder::idle_ttl): "remember me", together with a
    /// [`lifetime`](Self::lifetime) that is as long at least. 1 second to 100 years; one above the lifetime
    /// that goes with it, this session's own or the manager's, is refused by
    /// [`create`](crate::SessionManager::create).
    #[must_use]
    pub fn idle_ttl(mut self, ttl: Duration) -> Self {
        self.idle_ttl = Some(ttl);
        self
    }

    /// How long this session lives at most, instead of the manager's
    /// [`lifetime`](crate::SessionManagerBuilder::lifetime). 1 second to 100 years. The manager's idle TTL is
    /// cut to a shorter one.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// The application's own data, readable as [`Session::data`](super::Session::data).
    #[must_use]
    pub fn data<E>(self, data: E) -> NewSession<E> {
        let Self { user, content, claims, guard, idle_ttl, lifetime } = self;
        let content = content.with_data(data);
        NewSession { user, content, claims, guard, idle_ttl, lifetime }
    }

    /// Claims of the application's own for the access token, readable as
    /// [`VerifiedClaims::custom`](crate::token::VerifiedClaims::custom). They are signed but not secret, and they do
    /// not change while the token lives: identity and role do not belong here.
    ///
    /// # Errors
    ///
    /// [`SessionError::Encode`] when they cannot be written as JSON, [`SessionError::Claims`] when that is not an
    /// object. Names that are taken (`sub`, `exp` …) are refused by `create`.
    pub fn claims(mut self, claims: &impl Serialize) -> Result<Self, SessionError> {
        let Value::Object(claims) = serde_json::to_value(claims).map_err(SessionError::Encode)?
        else {
            return Err(SessionError::Claims("they are not a JSON object"));
        };
        self.claims = Some(claims);
        Ok(self)
    }
}

impl<D> fmt::Debug for NewSession<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewSession {
        NewSession::new(UserId::parse("u").unwrap())
    }

    #[test]
    fn a_user_agent_is_cut_between_characters() {
        let agent = "ä".repeat(NewSession::USER_AGENT_LEN);
        let kept = new().user_agent(&format!("x{agent}")).content.user_agent.unwrap();
        assert_eq!(kept.len(), NewSession::USER_AGENT_LEN - 1);
        assert!(kept.starts_with("xää"));
    }

    #[test]
    fn claims_are_an_object_or_refused() {
        assert!(matches!(new().claims(&7), Err(SessionError::Claims(_))));
        assert!(new().claims(&serde_json::json!({"tenant": 7})).is_ok());
    }

    #[test]
    fn debug_names_no_person() {
        let shown = format!("{:?}", new().email("jeju@test.com").user_name("Jeju"));
        assert!(!shown.contains("jeju@") && !shown.contains("Jeju"), "{shown}");
    }
}
