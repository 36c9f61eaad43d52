//! Failed logins from one address.

use tower_session_auth::routes::LoginLimit;

use crate::limits::{
    LIMITED, MINUTE, WRONG, counting, fail, from, in_both_homes, pass, retry_after, ten,
};
use crate::routes::site::Site;

const HERE: &str = "192.0.2.7";
const THERE: &str = "192.0.2.8";

in_both_homes! {
    an_address_may_fail_ten_times_as_often: ten_times,
    a_success_gives_back_no_more_than_itself: only_itself,
    an_address_that_has_to_wait_is_nobodys_burden: no_burden,
}

/// One wrong password for a user of its own.
async fn guess(site: &Site, address: &str, number: usize) -> (u16, u64) {
    let reply = from(site, address, &format!("user-{number}"), "wrong").await;
    let wait = if reply.status == 429 { retry_after(&reply) } else { 0 };
    (reply.status, wait)
}

async fn ten_times(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for number in 0..100 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
    }
    assert_eq!(guess(&site, HERE, 100).await, (429, 60));
    assert_eq!(from(&site, HERE, "jeju", "password123").await.said(), LIMITED);
    assert_eq!(from(&site, THERE, "jeju", "password123").await.status, 200);
    // After the wait a tenth as many, then a longer wait.
    pass(MINUTE).await;
    for number in 0..10 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
    }
    assert_eq!(guess(&site, HERE, 11).await, (429, 120));
    pass(2 * MINUTE).await;
    assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);
}

async fn only_itself(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(1, MINUTE));
    for number in 0..9 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
        // Their own logins, in between, clear nothing for who guesses at others' passwords.
        assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);
    }
    assert_eq!(guess(&site, HERE, 9).await.0, 401);
    assert_eq!(guess(&site, HERE, 10).await.0, 429);
}

async fn no_burden(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(2, MINUTE).address_attempts(5));
    for number in 0..5 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
    }
    let (finds, verifies) = (site.desk.finds(), site.desk.verifies().len());
    for _ in 0..20 {
        assert_eq!(from(&site, HERE, "jeju", "wrong").await.said(), LIMITED);
    }
    assert_eq!((site.desk.finds(), site.desk.verifies().len()), (finds, verifies));
    // Nor was anything counted against the account.
    assert_eq!(from(&site, THERE, "jeju", "wrong").await.said(), WRONG);
    assert_eq!(from(&site, THERE, "jeju", "password123").await.status, 200);
    // And a login that the account's limit refuses is not counted against where it comes from.
    fail(&site, "user", 2).await;
    for _ in 0..20 {
        assert_eq!(from(&site, THERE, "user", "wrong").await.said(), LIMITED);
    }
    assert_eq!(from(&site, THERE, "jeju", "password123").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_network_of_ipv6_is_one_client_and_an_ipv4_address_is_one_however_written() {
    let site = counting(LoginLimit::off().address_attempts(3));
    for (number, address) in
        ["2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::2"].into_iter().enumerate()
    {
        assert_eq!(guess(&site, address, number).await.0, 401, "{address}");
    }
    assert_eq!(guess(&site, "2001:db8::3", 3).await.0, 429);
    assert_eq!(guess(&site, "2001:db8:0:1::1", 3).await.0, 401, "the network beside it");
    for (number, address) in [HERE, "::ffff:192.0.2.7", HERE].into_iter().enumerate() {
        assert_eq!(guess(&site, address, number).await.0, 401, "{address}");
    }
    assert_eq!(guess(&site, "::ffff:192.0.2.7", 3).await.0, 429);
    assert_eq!(guess(&site, THERE, 3).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_many_networks_of_ipv6_is_stopped_by_the_networks_around_them() {
    let site = counting(LoginLimit::off().address_attempts(3));
    let mut number = 0;
    let mut guesses = async |address: &str| {
        number += 1;
        guess(&site, address, number).await.0
    };
    // 4 times 3 within 56 bits, from networks of 64 bits that are used once each.
    for network in 0..12 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}::1")).await, 401, "{network}");
    }
    for network in 12..20 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}::1")).await, 429, "{network}");
    }
    // 16 times 3 within 48 bits: what was refused has not been counted.
    for network in 1..37 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}00::1")).await, 401, "{network}");
    }
    for network in 37..45 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}00::1")).await, 429, "{network}");
    }
    assert_eq!(guesses("2001:db8:2::1").await, 401, "the neighbor's network");
    // What a success gives back, it gives back everywhere.
    for _ in 0..100 {
        assert_eq!(from(&site, "2001:db8:3::1", "jeju", "password123").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_address_accounts_alone_count() {
    let site = counting(LoginLimit::new(1, MINUTE));
    for number in 0..50 {
        fail(&site, &format!("user-{number}"), 1).await;
    }
    assert_eq!(site.log_in("user-7", "wrong").await.said(), LIMITED);
}
