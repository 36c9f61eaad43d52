//! Who the user is to the application.

use super::Guard;
use super::condition::{Condition, Holds};
use crate::error::{AuthError, AuthErrorKind};
use crate::session::Session;
use crate::steps::reject::JsonRejection;

/// Lets in who has the role, or one of the roles. 403 `insufficient_scope` else.
///
/// Roles are compared byte by byte, and there is no order among them: name each that may. A session without a role (an
/// empty one is none) is never let in.
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
/// # let user = UserId::parse("jeju").ok_or("not a user id")?;
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

/// The role is one of these.
#[derive(Debug)]
pub struct Role(Vec<String>);

impl Guard<Role> {
    /// Lets in who has this role.
    #[must_use]
    pub fn new(role: impl Into<String>) -> Self {
        Self::any_of([role])
    }

    /// Lets in who has one of these roles; an empty list nobody.
    #[must_use]
    pub fn any_of<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        Self::refusing(Role(roles), AuthError::new(AuthErrorKind::InsufficientScope))
    }
}

impl Condition for Role {}

impl Holds for Role {
    // An empty role is none, on either side: a setting that was forgotten must not let those in who have no role.
    fn holds<D>(&self, session: &Session<D>) -> bool {
        let role = session.role().filter(|role| !role.is_empty());
        role.is_some_and(|role| self.0.iter().any(|allowed| allowed == role))
    }
}
