//! Limits for failed logins and for refreshes: per account, per address and per device. Either the
//! store or the process counts the attempts.

mod accounts;
mod addresses;
mod devices;
mod given_back;
mod nobody;
#[cfg(feature = "redis")]
mod refreshes;
#[cfg(feature = "redis")]
mod shared;
mod waits;

use std::time::Duration;

use serde_json::json;
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::TokioClock;

use crate::routes::site::{From, Reply, Site, request, site_with};
use crate::support::START;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The default limit: 10 failed logins in a minute.
pub(crate) fn ten() -> LoginLimit {
    LoginLimit::default()
}

/// A site whose store counts failed logins.
pub(crate) fn counting(limit: LoginLimit) -> Site {
    let store = MemoryStore::with_clock(TokioClock::new(START));
    site_with(|builder, _| builder.store(store), |routes| routes.login_limit(limit))
}

/// A site whose store cannot count, so that the process counts.
pub(crate) fn not_counting(limit: LoginLimit) -> Site {
    site_with(|builder, _| builder, |routes| routes.login_limit(limit))
}

/// Runs a scenario two times: with counts in the store, and with counts in the process.
macro_rules! in_both_homes {
    ($($name:ident: $scenario:ident),+ $(,)?) => { $(mod $name {
        #[tokio::test(start_paused = true)]
        async fn in_the_store() {
            super::$scenario(crate::limits::counting).await;
        }

        #[tokio::test(start_paused = true)]
        async fn in_the_process() {
            super::$scenario(crate::limits::not_counting).await;
        }
    })+ };
}
pub(crate) use in_both_homes;

/// Lets time pass on the paused clock.
pub(crate) async fn pass(time: Duration) {
    tokio::time::advance(time).await;
}

/// Logs in from an address.
pub(crate) async fn from(site: &Site, address: &str, user: &str, password: &str) -> Reply {
    let body = json!({"user_id": user, "password": password}).to_string();
    let mut login = request("POST", "/api/auth/login", None, body.into());
    login.headers_mut().insert("content-type", "application/json".parse().unwrap());
    login.extensions_mut().insert(From(address.parse().unwrap()));
    site.send(login).await
}

/// Logs in by e-mail address.
pub(crate) async fn by_email(site: &Site, email: &str, password: &str) -> Reply {
    site.log_in_with(json!({"email": email, "password": password}).to_string()).await
}

pub(crate) const WRONG: (u16, &str) = (401, "invalid_credentials");
pub(crate) const LIMITED: (u16, &str) = (429, "rate_limited");

/// Returns status, headers and body.
pub(crate) fn whole(reply: &Reply) -> String {
    format!("{} {:?} {}", reply.status, reply.headers, reply.text)
}

/// Checks that the login is refused by the limit, and returns its `retry-after` in seconds.
pub(crate) fn retry_after(reply: &Reply) -> u64 {
    assert_eq!(reply.said(), LIMITED, "{reply:?}");
    reply.header("retry-after").unwrap().parse().unwrap()
}

/// Logs in with a wrong password this many times. Each login must be refused because of its
/// password, not because of a limit.
pub(crate) async fn fail(site: &Site, user: &str, times: usize) {
    for time in 1..=times {
        assert_eq!(site.log_in(user, "wrong").await.said(), WRONG, "{user}, the {time}th");
    }
}
