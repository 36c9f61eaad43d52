//! The guard that checks the user's role.

use super::Guard;
use super::condition::{Condition, Holds};
use crate::error::{AuthError, AuthErrorKind};
use crate::middleware::reject::JsonRejection;
use crate::session::Session;

/// Calls the inner service only if the session has one of the given roles. Otherwise the guard
/// answers 403 `insufficient_scope`.
///
/// Roles are compared byte by byte and have no order: name each role that may pass. A session
/// without a role never passes. An empty role is treated as no role.
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_session_auth::guards::RequireRole;
/// use tower_session_auth::{NewSession, SessionAuthLayer};
/// # use tower_session_auth::{KeySet, SessionManager, SigningKey, UserId};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (manager, _worker) = SessionManager::builder()
/// #     .keys(KeySet::new(SigningKey::hs256("2026-11", b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo")?))
/// #     .issuer("https://example.com")
/// #     .audience("shop")
/// #     .build()?;
/// # let user = UserId::parse("jeju")?;
///
/// let service = ServiceBuilder::new()
///     .layer(SessionAuthLayer::new(manager.clone()))
///     .layer(RequireRole::any_of(["admin", "super_admin"]))
///     .service_fn(async |_: Request<String>| Ok::<_, http::Error>(Response::new("secrets".to_owned())));
///
/// for (role, status) in [("admin", StatusCode::OK), ("user", StatusCode::FORBIDDEN)] {
///     let login = manager.create(NewSession::new(user.clone()).role(role)).await?;
///     let request = Request::get("/").header("authorization", format!("Bearer {}", login.access_token));
///     assert_eq!(service.clone().oneshot(request.body(String::new())?).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
pub type RequireRole<D = (), R = JsonRejection> = Guard<Role, D, R>;

/// The condition of [`RequireRole`]: the session has one of these roles.
#[derive(Debug)]
pub struct Role(Vec<String>);

impl Guard<Role> {
    /// Requires this role.
    #[must_use]
    pub fn new(role: impl Into<String>) -> Self {
        Self::any_of([role])
    }

    /// Requires one of these roles. With an empty list no session passes.
    #[must_use]
    pub fn any_of<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self::refusing(Role(roles), AuthError::new(AuthErrorKind::InsufficientScope))
    }
}

impl Condition for Role {}

impl Holds for Role {
    // An empty role is treated as no role, in the session and in the list. So an empty setting does
    // not let users without a role pass.
    fn holds<D>(&self, session: &Session<D>) -> bool {
        let role = session.role().filter(|role| !role.is_empty());
        role.is_some_and(|role| self.0.iter().any(|allowed| allowed == role))
    }
}
