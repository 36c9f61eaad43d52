//! The wait doubles with each failure above the limit, up to a maximum.

use std::time::Duration;

use tower_session_auth::routes::LoginLimit;
use tower_session_auth::testing::ManualClock;

use crate::limits::{
    LIMITED, MINUTE, SECOND, WRONG, by_email, fail, in_both_homes, pass, retry_after, ten,
};
use crate::routes::site::{Site, site_with};
use crate::support::START;

in_both_homes! {
    each_wait_doubles_up_to_the_maximum: doubling,
    login_during_a_wait_does_not_extend_it: too_early,
    count_restarts_after_the_window: windows,
    one_failure_after_a_wait_starts_the_next_wait_even_with_a_high_limit: large,
    failures_and_waits_are_forgotten_after_a_quiet_time: forgotten,
    hundredth_failure_in_a_row_starts_a_wait_however_slow_they_come: in_a_row,
}

/// Causes one more failure. Returns the wait that follows this failure.
async fn wait_after_one(site: &Site) -> u64 {
    assert_eq!(site.log_in("jeju", "wrong").await.said(), WRONG);
    retry_after(&site.log_in("jeju", "wrong").await)
}

async fn doubling(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    let mut wait = retry_after(&site.log_in("jeju", "wrong").await);
    for expected in [60, 120, 240, 480, 900, 900, 900] {
        assert_eq!(wait, expected);
        pass(Duration::from_secs(wait)).await;
        wait = wait_after_one(&site).await;
    }
    // After the wait, a right password is accepted whatever the number of failures is. It resets
    // the count.
    pass(Duration::from_secs(wait)).await;
    site.token("jeju").await;
    fail(&site, "jeju", 10).await;
    assert_eq!(retry_after(&site.log_in("jeju", "wrong").await), 60);
}

async fn too_early(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    for left in (1..=60).rev() {
        assert_eq!(retry_after(&site.log_in("jeju", "wrong").await), left);
        pass(SECOND).await;
    }
    assert_eq!(wait_after_one(&site).await, 120);
}

async fn windows(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for _ in 0..3 {
        fail(&site, "jeju", 9).await;
        pass(MINUTE).await;
    }
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

async fn large(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(100, MINUTE));
    fail(&site, "jeju", 100).await;
    let mut wait = retry_after(&site.log_in("jeju", "wrong").await);
    for expected in [60, 120, 240, 480, 900, 900] {
        assert_eq!(wait, expected);
        pass(Duration::from_secs(wait)).await;
        wait = wait_after_one(&site).await;
    }
    // The account limit, which counts failures under all names of an account, works in the same
    // way.
    let site = home(LoginLimit::new(100, MINUTE));
    let verified = async |times| {
        let before = site.desk.verifies().iter().flatten().count();
        for number in 0..times {
            let email = format!("jeju+{number}@test.com");
            assert_eq!(by_email(&site, &email, "wrong").await.said(), WRONG);
        }
        site.desk.verifies().iter().flatten().count() - before
    };
    assert_eq!(verified(250).await, 200);
    for wait in [1, 2, 4, 8] {
        pass(wait * MINUTE).await;
        assert_eq!(verified(50).await, 1, "after {wait} minutes");
    }
}

async fn forgotten(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    pass(MINUTE).await;
    assert_eq!(wait_after_one(&site).await, 120);
    // After the current wait ends, the failures are remembered for four times the longest wait.
    // This time has not passed yet.
    pass(2 * MINUTE + 59 * MINUTE).await;
    assert_eq!(wait_after_one(&site).await, 240);
    pass(4 * MINUTE + 60 * MINUTE).await;
    fail(&site, "jeju", 10).await;
    assert_eq!(retry_after(&site.log_in("jeju", "wrong").await), 60);
}

async fn in_a_row(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for _ in 0..99 {
        fail(&site, "jeju", 1).await;
        pass(8 * SECOND).await;
    }
    assert_eq!(wait_after_one(&site).await, 60, "the hundredth failure");
    pass(MINUTE).await;
    site.token("jeju").await;
    for _ in 0..99 {
        fail(&site, "jeju", 1).await;
        pass(8 * SECOND).await;
    }
    site.token("jeju").await;
}

#[tokio::test(start_paused = true)]
async fn time_in_suspend_counts_towards_a_wait_in_the_process() {
    let host = ManualClock::new(START);
    let clock = host.clone();
    let site = site_with(|builder, _| builder.clock(clock), |routes| routes.login_limit(ten()));
    fail(&site, "jeju", 10).await;
    // Tokio's clock stands still, as the monotonic clock of most systems does while the host is
    // suspended.
    host.advance(MINUTE - SECOND);
    assert_eq!(retry_after(&site.log_in("jeju", "password123").await), 1);
    host.advance(SECOND);
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
}
