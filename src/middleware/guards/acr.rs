//! The guard that checks the authentication context class (`acr`) of the login. The class says how
//! strong the login was.

use super::check::{Check, guard, login_guard};
use super::condition::Condition;
use crate::error::{AuthError, ConfigError, StepUp};
use crate::middleware::reject::JsonRejection;

/// Calls the inner service only if the login had one of the given classes
/// ([`Session::acr`](crate::Session::acr)). Otherwise the guard answers 401
/// `insufficient_user_authentication` with `acr_values`.
///
/// Classes are compared byte by byte, and the library does not know which class is stronger. So
/// name every class that passes, including the classes stronger than the one that you require. Name
/// the preferred class first: the challenge lists the classes in this order. If the login of a
/// session named no class, the session never passes.
///
/// ```
/// use http::{Request, Response};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_session_auth::guards::RequireAcr;
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
///     .layer(RequireAcr::any_of(["phr", "phrh"])?)
///     .service_fn(async |_: Request<String>| Ok::<_, http::Error>(Response::new("done".to_owned())));
///
/// let password = manager.create(NewSession::new(user.clone()).acr("pwd")).await?;
/// let passkey = manager.create(NewSession::new(user).acr("phr")).await?;
/// let request = |token: &str| Request::get("/").header("authorization", format!("Bearer {token}")).body(String::new());
///
/// let refused = service.clone().oneshot(request(&password.access_token)?).await?;
/// assert_eq!(
///     refused.headers()["www-authenticate"],
///     r#"Bearer error="insufficient_user_authentication", acr_values="phr phrh""#
/// );
/// assert_eq!(service.oneshot(request(&passkey.access_token)?).await?.body(), "done");
/// # Ok(())
/// # }
/// ```
pub struct RequireAcr<D = (), R = JsonRejection> {
    check: Check<D, R>,
}

guard!(RequireAcr);
login_guard!(RequireAcr);

impl RequireAcr {
    /// Requires that the login had this class.
    ///
    /// # Errors
    ///
    /// The errors of [`StepUp::acr`].
    pub fn new(class: impl Into<String>) -> Result<Self, ConfigError> {
        Self::any_of([class])
    }

    /// Requires that the login had one of these classes.
    ///
    /// # Errors
    ///
    /// The errors of [`StepUp::acr`].
    pub fn any_of<T: Into<String>>(
        classes: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let step_up = StepUp::acr(classes)?;
        let classes = step_up.acr_values().to_vec();
        Ok(Self { check: Check::new(Condition::Acr(classes), AuthError::needs(step_up)) })
    }
}
