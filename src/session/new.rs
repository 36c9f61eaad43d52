//! The description of a new session, as a login passes it to the manager.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::content::{Content, FIELD_LEN};
use crate::error::SessionError;
use crate::id::UserId;
use crate::store::FenceValue;

/// The description of a new session, as a login passes it to the manager. Only the user is
/// required.
///
/// ```
/// use tower_session_auth::{NewSession, UserId};
///
/// let user = UserId::parse("jeju").unwrap();
/// let new = NewSession::new(user).user_name("Jeju").role("user");
/// # let _ = new;
/// ```
pub struct NewSession<D = ()> {
    pub(crate) user: UserId,
    pub(crate) content: Content<D>,
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) login_fence: Option<LoginFence>,
    pub(crate) idle_ttl: Option<Duration>,
    pub(crate) lifetime: Option<Duration>,
}

/// The login fence of a login in progress.
///
/// [`SessionManager::begin_login`](crate::SessionManager::begin_login) returns it before the login
/// checks credentials. With the login fence, the manager creates the session only if no call has
/// revoked or changed all sessions of the user since `begin_login`.
#[derive(Clone, Debug)]
pub struct LoginFence {
    pub(crate) user: UserId,
    pub(crate) value: FenceValue,
}

impl NewSession {
    /// The length to which a user agent is cut, in bytes. The client chooses the user agent, so use
    /// it for display only.
    pub const USER_AGENT_LEN: usize = 512;

    /// The maximum length of a name, an e-mail address, a role, an `acr` or one method of `amr`, in
    /// bytes.
    ///
    /// [`create`](crate::SessionManager::create) fails if one of these texts is longer.
    pub const FIELD_LEN: usize = FIELD_LEN;

    /// Creates a description for `user`, without name, e-mail address, role and data.
    #[must_use]
    pub fn new(user: UserId) -> Self {
        Self {
            user,
            content: Content::default(),
            claims: None,
            login_fence: None,
            idle_ttl: None,
            lifetime: None,
        }
    }
}

impl<D> NewSession<D> {
    /// Sets the user's display name.
    #[must_use]
    pub fn user_name(mut self, name: impl Into<String>) -> Self {
        self.content.user_name = Some(name.into());
        self
    }

    /// Sets the user's e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.content.email = Some(email.into());
        self
    }

    /// Sets the user's role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.content.role = Some(role.into());
        self
    }

    /// Marks the session as narrowed: its role permits less than the user's role. An example is an
    /// administrator who logs in on a machine that is not trusted.
    ///
    /// With [`directory_roles`](crate::manager::SessionManagerBuilder::directory_roles), the
    /// session keeps the [`role`](Self::role) of this description, whatever role the directory
    /// names. The session loses this role only while the directory answers that the user has no
    /// role. Without `directory_roles`, this setting has no effect.
    #[must_use]
    pub fn narrowed(mut self) -> Self {
        self.content.narrowed = true;
        self
    }

    /// Sets the strength of the login: an authentication context class (`acr`, RFC 9470 section 3).
    #[must_use]
    pub fn acr(mut self, class: impl Into<String>) -> Self {
        self.content.acr = Some(class.into());
        self
    }

    /// Sets the methods of the login (`amr`): `pwd`, `otp` and others of RFC 8176.
    #[must_use]
    pub fn amr<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.content.amr = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the address that the login came from.
    ///
    /// Take the address from the connection. Take it from a forwarding header only if a proxy of
    /// your own wrote that header.
    #[must_use]
    pub fn ip_address(mut self, address: IpAddr) -> Self {
        self.content.ip_address = Some(address);
        self
    }

    /// Sets the client's user agent, cut to [`USER_AGENT_LEN`](NewSession::USER_AGENT_LEN) bytes.
    #[must_use]
    pub fn user_agent(mut self, agent: &str) -> Self {
        let mut end = agent.len().min(NewSession::USER_AGENT_LEN);
        while !agent.is_char_boundary(end) {
            end -= 1;
        }
        self.content.user_agent = agent.get(..end).map(str::to_owned);
        self
    }

    /// Sets the login fence. With a login fence, [`create`](crate::SessionManager::create) fails if
    /// all of the user's sessions were revoked or changed since
    /// [`begin_login`](crate::SessionManager::begin_login), for example by a password change or a
    /// suspension.
    ///
    /// Without a login fence, a login that checked the old password can create its session right
    /// after the password was changed.
    #[must_use]
    pub fn login_fence(mut self, login_fence: LoginFence) -> Self {
        self.login_fence = Some(login_fence);
        self
    }

    /// Sets how long this session lives without being used, in place of the manager's
    /// [`idle_ttl`](crate::manager::SessionManagerBuilder::idle_ttl). Range: 1 second to 100 years.
    ///
    /// For "remember me", also set a [`lifetime`](Self::lifetime) that is at least as long.
    /// [`create`](crate::SessionManager::create) fails if this idle TTL is longer than the
    /// session's lifetime. If this description sets no lifetime, the manager's lifetime applies.
    #[must_use]
    pub fn idle_ttl(mut self, ttl: Duration) -> Self {
        self.idle_ttl = Some(ttl);
        self
    }

    /// Sets how long this session lives at most, in place of the manager's
    /// [`lifetime`](crate::manager::SessionManagerBuilder::lifetime). Range: 1 second to 100 years.
    ///
    /// If this lifetime is shorter than the manager's idle TTL, it also limits the session's idle
    /// TTL.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Sets the application's own data, readable as [`Session::data`](crate::Session::data).
    #[must_use]
    pub fn data<E>(self, data: E) -> NewSession<E> {
        let Self { user, content, claims, login_fence, idle_ttl, lifetime } = self;
        let content = content.with_data(data);
        NewSession { user, content, claims, login_fence, idle_ttl, lifetime }
    }

    /// Sets the application's own claims for the access token, readable as
    /// [`VerifiedClaims::custom`](crate::token::VerifiedClaims::custom).
    ///
    /// The claims are signed but not secret. They do not change during the lifetime of the token,
    /// so do not put identity or role into them.
    ///
    /// # Errors
    ///
    /// - [`SessionError::Encode`]: the claims cannot be written as JSON.
    /// - [`SessionError::Claims`]: the JSON of the claims is not an object.
    ///
    /// A reserved name (`sub`, `exp` …) is no error here: [`create`](crate::SessionManager::create)
    /// fails if the claims contain one.
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
    fn user_agent_is_truncated_at_a_character_boundary() {
        let agent = "ä".repeat(NewSession::USER_AGENT_LEN);
        let kept = new().user_agent(&format!("x{agent}")).content.user_agent.unwrap();
        assert_eq!(kept.len(), NewSession::USER_AGENT_LEN - 1);
        assert!(kept.starts_with("xää"));
    }

    #[test]
    fn claims_must_be_an_object() {
        assert!(matches!(new().claims(&7), Err(SessionError::Claims(_))));
        assert!(new().claims(&serde_json::json!({"tenant": 7})).is_ok());
    }

    #[test]
    fn debug_output_hides_email_and_user_name() {
        let shown = format!("{:?}", new().email("jeju@test.com").user_name("Jeju"));
        assert!(!shown.contains("jeju@") && !shown.contains("Jeju"), "{shown}");
    }
}
