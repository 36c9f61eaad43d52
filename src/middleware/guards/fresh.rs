//! The guard that checks the time since the user's last authentication.

use std::time::Duration;

use super::check::{Check, guard, login_guard};
use super::condition::Condition;
use crate::error::{AuthError, StepUp};
use crate::middleware::reject::JsonRejection;

/// Calls the inner service only if the user's last authentication is at most the given time ago.
/// Otherwise the guard answers 401 `insufficient_user_authentication` with `max_age`.
///
/// Use this guard for actions that must not be possible on an unattended screen. Examples are a
/// change of the password or of a second factor, and the revocation of other users' sessions. A
/// limit of some minutes is usual.
///
/// The guard uses the store's clock, without leeway. It compares the current time with
/// [`Session::authenticated_at`](crate::Session::authenticated_at). Requests do not change
/// `authenticated_at`. If `authenticated_at` is in the future, the guard treats it as now.
///
/// ```
/// use std::time::Duration;
///
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, ServiceExt};
/// use tower_session_auth::guards::RequireFresh;
/// use tower_session_auth::testing::TokioClock;
/// use tower_session_auth::store::MemoryStore;
/// use tower_session_auth::{AuthError, NewSession, SessionAuthLayer};
/// # use tower_session_auth::clock::Timestamp;
/// # use tower_session_auth::{KeySet, SessionManager, SigningKey, UserId};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let clock = TokioClock::new(Timestamp::from_millis(1_893_456_000_000));
/// # let (manager, _worker) = SessionManager::builder()
/// #     .keys(KeySet::new(SigningKey::hs256("2026-11", b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo")?))
/// #     .issuer("https://example.com")
/// #     .audience("shop")
/// #     .clock(clock)
/// #     .store(MemoryStore::with_clock(clock))
/// #     .build()?;
/// # let user = UserId::parse("jeju")?;
/// const MINUTE: Duration = Duration::from_secs(60);
///
/// let service = ServiceBuilder::new()
///     .layer(SessionAuthLayer::new(manager.clone()))
///     .layer(RequireFresh::new(5 * MINUTE))
///     .service_fn(async |_: Request<String>| Ok::<_, http::Error>(Response::new("done".to_owned())));
/// let login = manager.create(NewSession::new(user)).await?;
/// let request = || {
///     Request::get("/").header("authorization", format!("Bearer {}", login.access_token)).body(String::new())
/// };
///
/// tokio::time::advance(5 * MINUTE).await;
/// assert_eq!(service.clone().oneshot(request()?).await?.status(), StatusCode::OK);
///
/// tokio::time::advance(MINUTE).await;
/// let refused = service.clone().oneshot(request()?).await?;
/// assert_eq!(
///     refused.headers()["www-authenticate"],
///     r#"Bearer error="insufficient_user_authentication", max_age="300""#
/// );
/// let error = refused.extensions().get::<AuthError>().ok_or("no error")?;
/// assert_eq!(error.step_up().and_then(|step_up| step_up.max_age()), Some(5 * MINUTE));
///
/// // The user has typed the password once more:
/// manager.reauthenticate(login.session.user_id(), login.session.id(), None, &["pwd"]).await?;
/// assert_eq!(service.oneshot(request()?).await?.status(), StatusCode::OK);
/// # Ok(())
/// # }
/// ```
pub struct RequireFresh<D = (), R = JsonRejection> {
    check: Check<D, R>,
}

guard!(RequireFresh);
login_guard!(RequireFresh);

impl RequireFresh {
    /// Requires that the last authentication was at most `max_age` ago. The guard compares the
    /// times in milliseconds. The challenge contains `max_age` in whole seconds, rounded down.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        let refusal = AuthError::needs(StepUp::fresh(max_age));
        Self { check: Check::new(Condition::MaxAge(max_age), refusal) }
    }
}
