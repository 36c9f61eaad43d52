//! No response reveals whether a user exists, neither below the limit nor above it.

use tower_session_auth::UserId;
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::TokioClock;

use crate::limits::{LIMITED, MINUTE, WRONG, by_email, in_both_homes, pass, ten, whole};
use crate::routes::site::{Site, site_with};
use crate::support::START;

in_both_homes! {
    unknown_user_wrong_password_and_inactive_user_get_equal_answers: equal_answers,
    email_of_an_unknown_user_counts_in_its_normalized_spelling: spellings,
    ids_and_emails_in_any_spelling_count_alike_for_known_and_unknown_users: ids_and_emails,
    known_and_unknown_users_get_equal_answers_above_the_account_limit: above_the_limit,
}

/// Returns the complete responses to 15 logins, followed by those to 3 more logins after the wait.
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

async fn equal_answers(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    let wrong = sequence(&site, "jeju", "wrong").await;
    assert!(wrong[9].starts_with("401") && wrong[10].starts_with("429"), "{wrong:?}");
    assert!(wrong[15].starts_with("401") && wrong[16].starts_with("429"), "{wrong:?}");
    for (user, password) in [
        ("unknown", "password123"),
        ("unknown too", "wrong"),
        ("suspended", "password123"),
        // This name is longer than a user id can be. Therefore no user has this name.
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
    // User ids are not normalized.
    for _ in 0..10 {
        assert_eq!(site.log_in("nobody", "x").await.said(), WRONG);
    }
    assert_eq!(site.log_in("nobody", "x").await.said(), LIMITED);
    assert_eq!(site.log_in("Nobody", "x").await.said(), WRONG);
}

/// Sends 12 logins with each name, in the order of the names. Returns the complete responses.
async fn answers_for(site: &Site, names: &[String]) -> Vec<String> {
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

async fn ids_and_emails(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    // The names of one account:
    // - its id
    // - its e-mail address, in the id field and in the e-mail field
    // - the address in upper case, which is another name for the user table (`desk`) and the same
    //   name for `normalized`
    // - two addresses that are the same name for `desk` and different names for `normalized`
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
    let known = answers_for(&site, &names("jeju")).await;
    for name in ["unknown", "suspended", "admin"] {
        assert_eq!(answers_for(&site, &names(name)).await, known, "{name}");
    }
    let wrong = known.iter().filter(|told| told.starts_with("401")).count();
    assert_eq!(wrong, 50, "two of the six names count as one");
}

/// Compares the responses for a known and an unknown user. First, logins under two names reach the
/// account limit. Afterwards, logins under two more names send the right password.
async fn above_the_limit(home: fn(LoginLimit) -> Site) {
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
        assert_eq!(
            site.desk.verifies().len(),
            40,
            "{name}: one password hash for each counted login"
        );
        all.push(told);
    }
    assert_eq!(all.first(), all.last());
}

/// A directory in which every user is inactive.
struct Off;

impl UserDirectory for Off {
    async fn find(&self, _: &UserId) -> Result<Option<User>, BoxError> {
        Ok(Some(User::new(false)))
    }
}

#[tokio::test(start_paused = true)]
async fn inactive_user_in_the_directory_counts_like_a_wrong_password() {
    let store = MemoryStore::with_clock(TokioClock::new(START));
    let site = site_with(|builder, _| builder.store(store).directory(Off), |routes| routes);
    let wrong = sequence(&site, "jeju", "wrong").await;
    assert_eq!(sequence(&site, "user", "password123").await, wrong);
}
