//! The guard on the authentication methods (`amr`) of the login.

use super::check::{Check, guard, login_guard};
use super::condition::Condition;
use crate::error::{AuthError, AuthErrorKind};
use crate::middleware::reject::JsonRejection;

/// Calls the inner service only if the login used the given methods
/// ([`Session::amr`](crate::Session::amr)). Otherwise the guard answers 401
/// `insufficient_user_authentication`.
///
/// Methods (`pwd`, `otp`, `hwk` and others of RFC 8176) are compared byte by byte. The challenge of
/// RFC 9470 has no parameter for methods. Use [`challenge`](Self::challenge) to tell clients which
/// login they must ask for, or use [`RequireAcr`](super::RequireAcr) instead.
///
/// ```
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_session_auth::error::StepUp;
/// use tower_session_auth::guards::RequireAmr;
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
///     .layer(RequireAmr::all_of(["pwd", "otp"]).challenge(StepUp::acr(["urn:example:2fa"])?))
///     .service_fn(async |_: Request<String>| Ok::<_, http::Error>(Response::new("done".to_owned())));
///
/// let password = manager.create(NewSession::new(user.clone()).amr(["pwd"])).await?;
/// let both = manager.create(NewSession::new(user).amr(["pwd", "otp"])).await?;
/// let request = |token: &str| Request::get("/").header("authorization", format!("Bearer {token}")).body(String::new());
///
/// let refused = service.clone().oneshot(request(&password.access_token)?).await?;
/// assert_eq!(
///     refused.headers()["www-authenticate"],
///     r#"Bearer error="insufficient_user_authentication", acr_values="urn:example:2fa""#
/// );
/// assert_eq!(service.oneshot(request(&both.access_token)?).await?.body(), "done");
/// # Ok(())
/// # }
/// ```
pub struct RequireAmr<D = (), R = JsonRejection> {
    check: Check<D, R>,
}

guard!(RequireAmr);
login_guard!(RequireAmr);

impl RequireAmr {
    /// Requires that the login used all of these methods. The login can have used other methods
    /// too. With an empty list, no session passes.
    #[must_use]
    pub fn all_of<T: Into<String>>(methods: impl IntoIterator<Item = T>) -> Self {
        Self::requiring(Condition::AllMethods(methods.into_iter().map(Into::into).collect()))
    }

    /// Requires that the login used at least one of these methods. With an empty list, no session
    /// passes.
    #[must_use]
    pub fn any_of<T: Into<String>>(methods: impl IntoIterator<Item = T>) -> Self {
        Self::requiring(Condition::AnyMethod(methods.into_iter().map(Into::into).collect()))
    }

    fn requiring(condition: Condition) -> Self {
        let refusal = AuthError::new(AuthErrorKind::InsufficientUserAuthentication);
        Self { check: Check::new(condition, refusal) }
    }
}
