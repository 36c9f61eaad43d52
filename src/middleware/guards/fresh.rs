//! The guard that checks the time since the user's last authentication.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Guard;
use super::condition::{Condition, Holds, LoginCondition};
use crate::error::{AuthError, StepUp};
use crate::middleware::reject::JsonRejection;
use crate::session::Session;

/// Calls the inner service only if the user's last authentication is at most the given time ago.
/// Otherwise the guard answers 401 `insufficient_user_authentication` with `max_age`.
///
/// Use this guard for actions that must not be possible on an unattended screen: a change of the
/// password or of a second factor, or the revocation of other users' sessions. Some minutes are
/// usual.
///
/// The guard uses the store's clock, without leeway. A session passes until
/// [`Session::authenticated_at`](crate::Session::authenticated_at) plus the given time. Use of the
/// session does not change `authenticated_at`. If that time is in the future, it is treated as now.
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
pub type RequireFresh<D = (), R = JsonRejection> = Guard<Fresh, D, R>;

/// The condition of [`RequireFresh`]: the last authentication is at most this long ago.
#[derive(Debug)]
pub struct Fresh(Duration);

impl Guard<Fresh> {
    /// Requires an authentication at most `max_age` ago, compared in milliseconds. The challenge
    /// contains `max_age` in whole seconds, rounded down.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        Self::refusing(Fresh(max_age), AuthError::needs(StepUp::fresh(max_age)))
    }
}

impl Condition for Fresh {}
impl LoginCondition for Fresh {}

impl Holds for Fresh {
    fn holds<D>(&self, session: &Session<D>) -> bool {
        since_login(session) <= self.0
    }
}

/// Returns the time since the last authentication, on the store's clock. If the session comes from
/// the near cache, its age in the cache is included.
fn since_login<D>(session: &Session<D>) -> Duration {
    age(session.authenticated_at(), session.store_now().to_datetime())
}

/// Returns the time from `login` to `now`. A login in the future is treated as now: after a
/// failover, the new primary may have another clock.
fn age(login: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - login).to_std().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_login_is_never_negative() {
        let at = |millis| DateTime::from_timestamp_millis(millis).unwrap();
        for (login, now, passed) in [
            (5_000, 5_000, 0),
            (5_000, 5_001, 1),
            (-1, 59_999, 60_000),
            (5_001, 5_000, 0),
            (65_000, 5_000, 0),
        ] {
            assert_eq!(age(at(login), at(now)), Duration::from_millis(passed), "{login} {now}");
        }
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(age(last, first), Duration::ZERO);
        assert!(age(first, last) > Duration::from_secs(1 << 40));
    }
}
