//! No answer tells whether a user exists, neither before the limit nor beyond it.

use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{MemoryStore, UserId};

use crate::limits::{LIMITED, MINUTE, WRONG, by_email, in_both_homes, pass, ten, whole};
use crate::routes::site::{Site, site_with};
use crate::support::START;

in_both_homes! {
    unknown_wrong_and_switched_off_are_one_sequence_of_answers: one_sequence,
    a_name_that_is_nobodys_counts_in_one_spelling: spellings,
    kinds_and_spellings_are_told_apart_alike_for_all: crossed,
    no_name_of_somebody_is_told_otherwise_beyond_the_limit: beyond,
}

/// Everything that 15 logins are told, and 3 more after the wait.
async fn sequence(site: &Site, user: &str, password: &str) -> Vec<String> {
    let mut told = Vec::new();
    for (count, wait) in [(15, MINUTE), (3, 2 * MINUTE)] {
        for _ in 0..count {
            told.push(whole(&site.log_in(user, password).await));
        }
        pass(wait).await;
    }
    told
}

async fn one_sequence(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    let wrong = sequence(&site, "jeju", "wrong").await;
    assert!(wrong[9].starts_with("401") && wrong[10].starts_with("429"), "{wrong:?}");
    assert!(wrong[15].starts_with("401") && wrong[16].starts_with("429"), "{wrong:?}");
    for (user, password) in [
        ("unknown", "password123"),
        ("unknown too", "wrong"),
        ("suspended", "password123"),
        // More bytes than a user id has: it cannot be anybody.
        (&"\u{c81c}".repeat(256), "password123"),
    ] {
        let verifies = site.desk.verifies().len();
        assert_eq!(sequence(&site, user, password).await, wrong, "{user}");
        assert_eq!(site.desk.verifies().len() - verifies, 11, "{user}");
    }
}

async fn spellings(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for _ in 0..5 {
        assert_eq!(by_email(&site, "nobody@test.com", "x").await.said(), WRONG);
        assert_eq!(by_email(&site, " NoBody@Test.COM ", "x").await.said(), WRONG);
    }
    assert_eq!(by_email(&site, "nobody@test.com", "x").await.said(), LIMITED);
    assert_eq!(by_email(&site, "nobody@example.com", "x").await.said(), WRONG);
    // A user id is what it is.
    for _ in 0..10 {
        assert_eq!(site.log_in("nobody", "x").await.said(), WRONG);
    }
    assert_eq!(site.log_in("nobody", "x").await.said(), LIMITED);
    assert_eq!(site.log_in("Nobody", "x").await.said(), WRONG);
}

/// What each of 12 logins by the first name, then of 12 by each of the others is told.
async fn cross(site: &Site, names: &[String]) -> Vec<String> {
    let mut told = Vec::new();
    for name in names {
        for _ in 0..12 {
            let reply = match name.strip_prefix("id:") {
                Some(id) => site.log_in(id, "wrong").await,
                None => by_email(site, name, "wrong").await,
            };
            told.push(whole(&reply));
        }
    }
    told
}

async fn crossed(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    // One account by its id; by its e-mail address as typed in either field; in a spelling that the desk takes for another
    // name and `normalized` for the same; and in two of which it is the other way round.
    let names = |name: &str| {
        let email = format!("{name}@test.com");
        let typed = [
            format!("id:{name}"),
            format!("id:{email}"),
            email.clone(),
            email.to_uppercase(),
            format!("{name}+1@test.com"),
            format!("{name}+2@test.com"),
        ];
        let mut back = typed.to_vec();
        back.reverse();
        [typed.to_vec(), back].concat()
    };
    let known = cross(&site, &names("jeju")).await;
    for name in ["unknown", "suspended", "admin"] {
        assert_eq!(cross(&site, &names(name)).await, known, "{name}");
    }
    let wrong = known.iter().filter(|told| told.starts_with("401")).count();
    assert_eq!(wrong, 50, "five names: two of the six are one");
}

/// Once more with the right password, and after each wait.
async fn beyond(home: fn(LoginLimit) -> Site) {
    let mut all = Vec::new();
    for name in ["jeju", "unknown"] {
        let site = home(ten());
        let mut told = Vec::new();
        for number in 0..4 {
            let email = format!("{name}+{number}@test.com");
            for _ in 0..11 {
                let password = if number < 2 { "wrong" } else { "password123" };
                told.push(whole(&by_email(&site, &email, password).await));
            }
        }
        assert_eq!(site.desk.verifies().len(), 40, "{name}: a hash for each");
        all.push(told);
    }
    assert_eq!(all.first(), all.last());
}

/// A directory in which everybody is switched off.
struct Off;

impl UserDirectory for Off {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Ok(Some(User::new(false)))
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_the_directory_has_switched_off_counts_like_a_wrong_password() {
    let store = MemoryStore::with_clock(TokioClock::new(START));
    let site = site_with(|builder, _| builder.store(store).directory(Off), |routes| routes);
    let wrong = sequence(&site, "jeju", "wrong").await;
    assert_eq!(sequence(&site, "user", "password123").await, wrong);
}
