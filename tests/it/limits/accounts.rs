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
    no_password_is_looked_at_beyond_the_limit: stops_at_the_limit,
    of_a_hundred_at_once_ten_are_looked_at: at_once,
    a_crowd_that_knows_its_password_is_let_in: crowd,
    a_success_forgets_the_failures: success,
    zero_is_no_limit: no_limit,
    all_that_else_concerns_the_account_goes_on: all_else,
    names_count_apart_and_together_they_shut_the_account: names,
    a_success_opens_the_account_again: opened,
    who_could_not_be_told_has_failed_by_no_name: given_back,
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
    // The right one is no better: else the limit would tell when somebody has guessed it.
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    assert_eq!(site.desk.verifies().len(), 10, "nobody looked at a password");
    assert_eq!(site.count("jeju").await, 0);

    // What it says is true: not before, and then.
    pass(MINUTE - SECOND / 2).await;
    assert_eq!(retry_after(&site.log_in("jeju", "password123").await), 1);
    pass(SECOND / 2).await;
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "wrong").await.said(), LIMITED);
}

async fn at_once(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    // All have come as far as they get before the first is decided.
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
    assert_eq!(site.desk.verifies().len(), 1, "one after another");
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

async fn all_else(home: fn(LoginLimit) -> Site) {
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
    // Nothing of all this makes the wait longer or shorter.
    assert_eq!(retry_after(&site.log_in("jeju", "password123").await), 60);
    assert_eq!(site.post("/api/auth/logout-all", &jeju).await.body["deleted_count"], 1);
}

async fn names(home: fn(LoginLimit) -> Site) {
    let site = home(ten());
    fail(&site, "jeju", 10).await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    let wrong = by_email(&site, "jeju@test.com", "wrong").await;
    assert_eq!(wrong.said(), WRONG, "the e-mail address knows nothing of the id");
    for _ in 0..9 {
        assert_eq!(by_email(&site, "jeju@test.com", "wrong").await.said(), WRONG);
    }
    assert_eq!(by_email(&site, "jeju@test.com", "password123").await.said(), LIMITED);
    assert_eq!(site.desk.verifies(), vec![Some("jeju".to_owned()); 20]);

    // Twenty were looked at: now the account is shut, and nobody can see that.
    let shut = by_email(&site, "jeju+1@test.com", "password123").await;
    assert_eq!(whole(&shut), whole(&wrong));
    assert_eq!(site.desk.verifies().last(), Some(&None), "as long as nobody's takes");
    assert_eq!(site.count("jeju").await, 0);
    // Such a failure counts by its own name as any other.
    for _ in 0..9 {
        assert_eq!(by_email(&site, "jeju+1@test.com", "password123").await.said(), WRONG);
    }
    assert_eq!(by_email(&site, "jeju+1@test.com", "password123").await.said(), LIMITED);
    site.token("user").await;
    pass(MINUTE).await;
    assert_eq!(by_email(&site, "jeju+2@test.com", "password123").await.status, 200);
    // Three times seen by the client, ten times not.
    assert_eq!(told(site).await, vec![Some("jeju".to_owned()); 13]);
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

/// Whom the events name that tell of a limit.
async fn told(site: Site) -> Vec<Option<String>> {
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
async fn who_hangs_up_has_used_up_an_attempt() {
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
async fn of_many_refused_logins_of_one_account_sinks_get_a_sample() {
    // Two of the three kinds of refusals share a slot of the sample with a probability of 3 in 4,096 (the hash key is
    // random). Then fewer than 22 events arrive, and the test draws again.
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
async fn each_hit_of_the_limit_is_told_without_what_was_typed() {
    let log = Log::default();
    let _guard = log.capture();
    let site = counting(LoginLimit::new(1, MINUTE));
    for user in ["jeju", "hunter2-typed-in-the-wrong-field"] {
        fail(&site, user, 1).await;
        assert_eq!(site.log_in(user, "password123").await.said(), LIMITED);
    }
    assert_eq!(told(site).await, [Some("jeju".to_owned()), None]);
    let text = log.text();
    assert!(text.contains("rate_limited"), "{text}");
    for secret in ["hunter2", "password123"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
