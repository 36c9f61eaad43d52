//! Failed logins of one account.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::telemetry::events::{Event, EventClass, LoginRefusal};

use crate::limits::{
    LIMITED, MINUTE, SECOND, WRONG, by_email, counting, fail, in_both_homes, pass, retry_after,
    ten, whole,
};
use crate::routes::desk::Mood;
use crate::routes::site::{From, Site, request, send};
use crate::support::log::Log;

in_both_homes! {
    no_password_is_verified_above_the_limit: stops_at_the_limit,
    ten_of_a_hundred_concurrent_logins_are_verified: at_once,
    concurrent_logins_with_the_right_password_all_succeed: crowd,
    successful_login_resets_the_count: success,
    limit_of_zero_disables_the_limit: no_limit,
    existing_sessions_of_a_limited_account_keep_working: existing_sessions,
    each_name_has_its_own_limit_and_all_names_share_the_account_limit: names,
    successful_login_resets_the_account_limit: opened,
    login_without_a_verdict_counts_for_no_name: given_back,
}

async fn stops_at_the_limit(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    assert_eq!(site.desk.verifies().len(), 10);
    let refused = site.log_in("jeju", "wrong").await;
    assert_eq!(retry_after(&refused), 60);
    assert_eq!(refused.body["detail"], "Too many attempts");
    assert_eq!(refused.header("www-authenticate"), None);
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    // The right password is refused as well. If it were accepted, an attacker could test passwords
    // in spite of the limit.
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    assert_eq!(site.desk.verifies().len(), 10, "no further password was verified");
    assert_eq!(site.count("jeju").await, 0);

    // The announced wait is exact: the login is refused before its end and accepted after it.
    pass(MINUTE - SECOND / 2).await;
    assert_eq!(retry_after(&site.log_in("jeju", "password123").await), 1);
    pass(SECOND / 2).await;
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

async fn at_once(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    // All logins start before the first password is verified.
    let pause = site.desk.pause();
    let mut logins = JoinSet::new();
    for _ in 0..100 {
        let router = site.router.clone();
        logins.spawn(async move {
            let body = r#"{"user_id":"jeju","password":"wrong"}"#;
            let mut login = request("POST", "/api/auth/login", None, body.into());
            login.headers_mut().insert("content-type", "application/json".parse().unwrap());
            send(&router, login).await.status
        });
    }
    pause.reached().await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        site.desk.verifies().len(),
        1,
        "logins of one account are verified one after another"
    );
    pause.go();
    let statuses = logins.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 90);
    assert_eq!(site.desk.verifies().len(), 10, "exactly as many as the limit");
}

async fn crowd(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 9).await;
    let pause = site.desk.pause();
    let mut logins = JoinSet::new();
    for user in ["jeju", "user"] {
        for _ in 0..50 {
            let (router, body) = (
                site.router.clone(),
                format!(r#"{{"user_id":"{user}","password":"password123"}}"#),
            );
            logins.spawn(async move {
                let mut login = request("POST", "/api/auth/login", None, body.into());
                login.headers_mut().insert("content-type", "application/json".parse().unwrap());
                login.extensions_mut().insert(From("192.0.2.7".parse().unwrap()));
                send(&router, login).await.status
            });
        }
    }
    pause.reached().await;
    pause.go();
    let statuses = logins.join_all().await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

async fn success(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for _ in 0..3 {
        fail(&site, "jeju", 9).await;
        site.token("jeju").await;
    }
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

async fn no_limit(home: fn(LoginLimit) -> Site) {
    for limit in [LoginLimit::off(), LoginLimit::new(0, MINUTE)] {
        let site = home(limit);
        fail(&site, "jeju", 200).await;
        site.token("jeju").await;
    }
}

async fn existing_sessions(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    let (jeju, other) = (site.token("jeju").await, site.token("jeju").await);
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    for path in ["/api/auth/me", "/api/auth/sessions", "/api/session/me"] {
        assert_eq!(site.get(path, &jeju).await.status, 200, "{path}");
    }
    assert_eq!(site.post("/api/session/refresh", &jeju).await.status, 200);
    assert_eq!(site.post("/api/auth/logout", &other).await.status, 200);
    site.token("user").await;
    // None of these requests changes the wait.
    assert_eq!(retry_after(&site.log_in("jeju", "password123").await), 60);
    assert_eq!(site.post("/api/auth/logout-all", &jeju).await.body["deleted_count"], 1);
}

async fn names(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    let wrong = by_email(&site, "jeju@test.com", "wrong").await;
    assert_eq!(wrong.said(), WRONG, "failures by id do not count for the e-mail address");
    for _ in 0..9 {
        assert_eq!(by_email(&site, "jeju@test.com", "wrong").await.said(), WRONG);
    }
    assert_eq!(by_email(&site, "jeju@test.com", "password123").await.said(), LIMITED);
    assert_eq!(site.desk.verifies(), vec![Some("jeju".to_owned()); 20]);

    // Twenty passwords were verified, so the account limit is reached. The response does not reveal
    // that the limit is reached.
    let shut = by_email(&site, "jeju+1@test.com", "password123").await;
    assert_eq!(whole(&shut), whole(&wrong));
    assert_eq!(
        site.desk.verifies().last(),
        Some(&None),
        "the desk spends as much time as for an unknown user"
    );
    assert_eq!(site.count("jeju").await, 0);
    // If the account limit refuses a login, the login counts as a failure of its name, as any
    // failed login does.
    for _ in 0..9 {
        assert_eq!(by_email(&site, "jeju+1@test.com", "password123").await.said(), WRONG);
    }
    assert_eq!(by_email(&site, "jeju+1@test.com", "password123").await.said(), LIMITED);
    site.token("user").await;
    pass(MINUTE).await;
    assert_eq!(by_email(&site, "jeju+2@test.com", "password123").await.status, 200);
    // A limit refused thirteen logins. The response to three of them reported the limit. The
    // response to the other ten reported a wrong password.
    assert_eq!(limited_users(site).await, vec![Some("jeju".to_owned()); 13]);
}

async fn opened(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    for round in 0..4 {
        for _ in 0..9 {
            assert_eq!(site.log_in("jeju", "wrong").await.said(), WRONG, "{round}");
            assert_eq!(by_email(&site, "jeju@test.com", "wrong").await.said(), WRONG, "{round}");
        }
        site.token("jeju").await;
        assert_eq!(by_email(&site, "jeju@test.com", "password123").await.status, 200);
    }
}

async fn given_back(home: fn(LoginLimit) -> Site) {
    let site = home(LoginLimit::new(2, MINUTE));
    site.desk.set(Mood::Busy);
    for number in 0..20 {
        let email = format!("jeju+{number}@test.com");
        assert_eq!(by_email(&site, &email, "password123").await.said(), (503, "overloaded"));
    }
    site.desk.set(Mood::Answer);
    assert_eq!(by_email(&site, "jeju+0@test.com", "password123").await.status, 200);
}

/// The users in the `LoginRefused` events that report a limit.
async fn limited_users(site: Site) -> Vec<Option<String>> {
    let told = site.told().await.into_iter();
    told.filter_map(|event| match event {
        Event::LoginRefused { user, refusal: LoginRefusal::RateLimited, .. } => {
            Some(user.map(|user| user.to_string()))
        }
        _ => None,
    })
    .collect()
}

#[tokio::test(start_paused = true)]
async fn canceled_login_counts_as_an_attempt() {
    let site = counting(ten());
    site.desk.set(Mood::Hang);
    for _ in 0..10 {
        let login = site.log_in("jeju", "wrong");
        assert!(tokio::time::timeout(Duration::from_millis(10), login).await.is_err());
    }
    site.desk.set(Mood::Answer);
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
    assert_eq!(site.desk.verifies().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn sinks_get_a_sample_of_many_refused_logins_of_one_account() {
    // The hash key is random. With a probability of 3 in 4,096, two of the three kinds of refusals
    // share a slot of the sample. In that case, fewer than 22 events arrive, and the test tries
    // again.
    for _ in 0..4 {
        let site = counting(LoginLimit::new(1, MINUTE));
        for _ in 0..200 {
            site.log_in("jeju", "wrong").await;
        }
        fail(&site, "user", 1).await;
        let (mut refused, mut dropped) = (Vec::new(), 0);
        for event in site.told().await {
            match event {
                Event::LoginRefused { user: Some(user), refusal, .. } => {
                    refused.push((user, refusal));
                }
                Event::Dropped { class: EventClass::LoginRefusal, count, .. } => dropped += count,
                _ => {}
            }
        }
        assert_eq!(refused.len() as u64 + dropped, 201, "each event is delivered or counted");
        if refused.len() < 22 {
            continue;
        }
        let count = |user: &str, refusal| {
            refused.iter().filter(|(of, why)| of.as_str() == user && *why == refusal).count()
        };
        assert_eq!(count("jeju", LoginRefusal::Credentials), 1);
        assert_eq!(count("jeju", LoginRefusal::RateLimited), 20);
        assert_eq!(count("user", LoginRefusal::Credentials), 1);
        return;
    }
    panic!("four times in a row, fewer than 22 of 201 events arrived");
}

#[tokio::test(start_paused = true)]
async fn limit_hits_are_reported_without_what_the_user_typed() {
    let log = Log::default();
    let _guard = log.capture();
    let site = counting(LoginLimit::new(1, MINUTE));
    for user in ["jeju", "hunter2-typed-in-the-wrong-field"] {
        fail(&site, user, 1).await;
        assert_eq!(site.log_in(user, "password123").await.said(), LIMITED);
    }
    assert_eq!(limited_users(site).await, [Some("jeju".to_owned()), None]);
    let text = log.text();
    assert!(text.contains("rate_limited"), "{text}");
    for secret in ["hunter2", "password123"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
