//! Failed logins from one address.

use tower_session_auth::routes::LoginLimit;

use crate::limits::{
    LIMITED, MINUTE, WRONG, counting, fail, from, in_both_homes, pass, retry_after, ten,
};
use crate::routes::site::Site;

const HERE: &str = "192.0.2.7";
const THERE: &str = "192.0.2.8";

in_both_homes! {
    address_limit_is_ten_times_the_account_limit: ten_times,
    successful_login_does_not_reset_the_address_count: success_and_failures,
    refused_login_counts_against_neither_the_account_nor_the_address: refused_logins,
}

/// Sends a wrong password for the user `user-{number}`. Returns the status and the wait.
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
    // After the wait, a tenth of the first number of failures is allowed. The next wait is longer.
    pass(MINUTE).await;
    for number in 0..10 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
    }
    assert_eq!(guess(&site, HERE, 11).await, (429, 120));
    pass(2 * MINUTE).await;
    assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);
}

async fn success_and_failures(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(1, MINUTE));
    for number in 0..9 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
        // A successful login to another account does not reset the count of the address.
        assert_eq!(from(&site, HERE, "jeju", "password123").await.status, 200);
    }
    assert_eq!(guess(&site, HERE, 9).await.0, 401);
    assert_eq!(guess(&site, HERE, 10).await.0, 429);
}

async fn refused_logins(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(2, MINUTE).address_attempts(5));
    for number in 0..5 {
        assert_eq!(guess(&site, HERE, number).await.0, 401, "{number}");
    }
    let (finds, verifies) = (site.desk.finds(), site.desk.verifies().len());
    for _ in 0..20 {
        assert_eq!(from(&site, HERE, "jeju", "wrong").await.said(), LIMITED);
    }
    assert_eq!((site.desk.finds(), site.desk.verifies().len()), (finds, verifies));
    // The refused logins did not count against the account.
    assert_eq!(from(&site, THERE, "jeju", "wrong").await.said(), WRONG);
    assert_eq!(from(&site, THERE, "jeju", "password123").await.status, 200);
    // If the account limit refuses a login, the login does not count against its address.
    fail(&site, "user", 2).await;
    for _ in 0..20 {
        assert_eq!(from(&site, THERE, "user", "wrong").await.said(), LIMITED);
    }
    assert_eq!(from(&site, THERE, "jeju", "password123").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn ipv6_networks_and_mapped_ipv4_addresses_count_as_one_client() {
    let site = counting(LoginLimit::off().address_attempts(3));
    for (number, address) in
        ["2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::2"].into_iter().enumerate()
    {
        assert_eq!(guess(&site, address, number).await.0, 401, "{address}");
    }
    assert_eq!(guess(&site, "2001:db8::3", 3).await.0, 429);
    assert_eq!(guess(&site, "2001:db8:0:1::1", 3).await.0, 401, "the adjacent network");
    for (number, address) in [HERE, "::ffff:192.0.2.7", HERE].into_iter().enumerate() {
        assert_eq!(guess(&site, address, number).await.0, 401, "{address}");
    }
    assert_eq!(guess(&site, "::ffff:192.0.2.7", 3).await.0, 429);
    assert_eq!(guess(&site, THERE, 3).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn guesses_from_many_ipv6_networks_reach_the_limit_of_the_wider_networks() {
    let site = counting(LoginLimit::off().address_attempts(3));
    let mut number = 0;
    let mut guesses = async |address: &str| {
        number += 1;
        guess(&site, address, number).await.0
    };
    // The limit for a network of 56 bits is 4 times 3. Each network of 64 bits is used only once.
    for network in 0..12 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}::1")).await, 401, "{network}");
    }
    for network in 12..20 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}::1")).await, 429, "{network}");
    }
    // The limit for a network of 48 bits is 16 times 3. The refused logins above were not counted.
    for network in 1..37 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}00::1")).await, 401, "{network}");
    }
    for network in 37..45 {
        assert_eq!(guesses(&format!("2001:db8:1:{network:x}00::1")).await, 429, "{network}");
    }
    assert_eq!(guesses("2001:db8:2::1").await, 401, "the neighbor's network");
    // A successful login does not count: its attempt is removed from the counts of the address and
    // of all its networks.
    for _ in 0..100 {
        assert_eq!(from(&site, "2001:db8:3::1", "jeju", "password123").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn login_without_an_address_counts_for_the_account_only() {
    let site = counting(LoginLimit::new(1, MINUTE));
    for number in 0..50 {
        fail(&site, &format!("user-{number}"), 1).await;
    }
    assert_eq!(site.log_in("user-7", "wrong").await.said(), LIMITED);
}
