//! A login that fails for another reason than wrong credentials does not count as a failed login.

use tower_session_auth::UserId;
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::store::{MemoryStore, StoreErrorKind, WhenFull};
use tower_session_auth::testing::TokioClock;

use crate::limits::{
    LIMITED, MINUTE, SECOND, WRONG, fail, from, in_both_homes, not_counting, pass, ten,
};
use crate::routes::desk::Mood;
use crate::routes::site::{Site, site_with};
use crate::support::START;
use crate::support::switch;

const HERE: &str = "192.0.2.7";

in_both_homes! {
    login_without_a_verdict_on_the_credentials_does_not_count: desk,
}

/// Logs in more often than any of the limits allows failed logins.
async fn many(site: &Site, said: (u16, &str)) {
    for time in 0..15 {
        let reply = from(site, HERE, "jeju", "password123").await;
        assert_eq!(reply.said(), said, "the {time}th");
    }
}

fn limit() -> LoginLimit {
    LoginLimit::new(3, MINUTE).address_attempts(3)
}

async fn desk(home: fn(LoginLimit) -> Site) {
    let site = home(limit());
    for (mood, said) in [
        (Mood::Busy, (503, "overloaded")),
        (Mood::FailToFind, (503, "store_unavailable")),
        (Mood::FailToVerify, (503, "store_unavailable")),
        (Mood::MistakeUser, (500, "internal")),
    ] {
        site.desk.set(mood);
        many(&site, said).await;
    }
    site.desk.set(Mood::Answer);
    // Logins that do not count as failed do not reset the count of earlier failures.
    fail(&site, "jeju", 2).await;
    site.desk.set(Mood::Busy);
    many(&site, (503, "overloaded")).await;
    site.desk.set(Mood::Answer);
    fail(&site, "jeju", 1).await;
    assert_eq!(from(&site, HERE, "jeju", "password123").await.said(), LIMITED);
    assert_eq!(from(&site, HERE, "user", "password123").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn login_refused_by_the_session_limit_does_not_count_as_failed() {
    let store = MemoryStore::with_clock(TokioClock::new(START));
    let site = site_with(
        |builder, _| builder.store(store).session_limit(1).when_full(WhenFull::Refuse),
        |routes| routes.login_limit(limit()),
    );
    site.token("jeju").await;
    many(&site, (409, "session_limit")).await;
    // Logins that the session limit refuses do not count as a success either.
    fail(&site, "jeju", 2).await;
    many(&site, (409, "session_limit")).await;
    fail(&site, "jeju", 1).await;
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

/// A directory that fails on every lookup.
struct Broken;

impl UserDirectory for Broken {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Err("the database does not answer".into())
    }
}

#[tokio::test(start_paused = true)]
async fn login_during_an_outage_of_store_or_directory_does_not_count_as_failed() {
    let site = not_counting(limit());
    for mood in [
        switch::Mood::Fail(StoreErrorKind::Unavailable),
        switch::Mood::FailWrites(StoreErrorKind::WriteRefused),
    ] {
        site.store.set(mood);
        many(&site, (503, "store_unavailable")).await;
        site.store.set(switch::Mood::Answer);
        pass(2 * SECOND).await;
    }
    assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);

    let site =
        site_with(|builder, _| builder.directory(Broken), |routes| routes.login_limit(limit()));
    many(&site, (503, "store_unavailable")).await;
    fail(&site, "jeju", 3).await;
    assert_eq!(from(&site, HERE, "jeju", "password123").await.said(), LIMITED);
}

#[tokio::test(start_paused = true)]
async fn token_only_login_without_a_store_is_counted_in_the_process() {
    let site =
        site_with(|builder, _| builder, |routes| routes.token_only_logins().login_limit(ten()));
    site.store.set(switch::Mood::Fail(StoreErrorKind::Unavailable));
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    assert_eq!(site.desk.verifies().len(), 10);
    assert_eq!(site.log_in("user", "password123").await.status, 200);
    assert_eq!(site.log_in("unknown", "password123").await.said(), WRONG);
}
