//! The guard that checks the user's role.

use super::check::{Check, guard};
use super::condition::Condition;
use crate::error::{AuthError, AuthErrorKind};
use crate::middleware::reject::JsonRejection;

/// Calls the inner service only if the session has one of the given roles. Otherwise the guard
/// answers 403 `insufficient_scope`.
///
/// Roles are compared byte by byte. No role includes another role, so name each allowed role. A
/// session without a role never passes. An empty role is treated as no role.
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
pub struct RequireRole<D = (), R = JsonRejection> {
    check: Check<D, R>,
}

guard!(RequireRole);

impl RequireRole {
    /// Requires this role.
    #[must_use]
    pub fn new(role: impl Into<String>) -> Self {
        Self::any_of([role])
    }

    /// Requires one of these roles. With an empty list no session passes.
    #[must_use]
    pub fn any_of<T: Into<String>>(roles: impl IntoIterator<Item = T>) -> Self {
        let roles = roles.into_iter().map(Into::into).collect();
        let refusal = AuthError::new(AuthErrorKind::InsufficientScope);
        Self { check: Check::new(Condition::Role(roles), refusal) }
    }
}
