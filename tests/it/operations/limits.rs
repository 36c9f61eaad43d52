//! Session limits, idle TTLs and lifetimes of sessions, and the rate of logins.

use std::collections::HashSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tower_session_auth::error::SessionError;
use tower_session_auth::store::WhenFull;
use tower_session_auth::{AuthErrorKind, Login, NewSession, RevokeReason, SessionManager, Target};

use crate::operations::{HOUR, Place, Told, login, on_both_stores};
use crate::support::user;

on_both_stores!(
    session_limit_of_five_keeps_five_of_a_hundred_concurrent_logins,
    session_limit_of_five_with_refusal_accepts_five_of_a_hundred_logins,
    session_limit_evicts_the_least_recently_used_session_with_its_reason,
    session_limit_is_a_hundred_by_default_and_zero_means_unlimited,
    session_has_the_idle_ttl_and_lifetime_that_the_login_sets,
    suspicious_login_rate_is_reported_once_per_window,
);

/// Runs 100 concurrent logins of one user over two processes.
async fn hundred(managers: &[SessionManager; 2]) -> Vec<Result<Login, SessionError>> {
    let mut logins = JoinSet::new();
    for i in 0..100 {
        let manager = managers[i % 2].clone();
        logins.spawn(async move { manager.create(NewSession::new(user("jeju"))).await });
    }
    logins.join_all().await
}

async fn session_limit_of_five_keeps_five_of_a_hundred_concurrent_logins(place: &Place) {
    let limited = || place.builder().session_limit(5).build().unwrap().0;
    let managers = [limited(), limited()];
    let all: HashSet<_> = hundred(&managers)
        .await
        .into_iter()
        .map(|login| login.unwrap().session.id().clone())
        .collect();
    assert_eq!(all.len(), 100);
    let left = managers[0].sessions(&user("jeju")).await.unwrap();
    assert_eq!(left.len(), 5);
    assert!(left.iter().all(|session| all.contains(session.id())));
    // Another login of this user still leaves five sessions. Sessions of another user do not count.
    login(&managers[1], "jeju").await;
    login(&managers[1], "admin").await;
    assert_eq!(managers[0].sessions(&user("jeju")).await.unwrap().len(), 5);
}

async fn session_limit_of_five_with_refusal_accepts_five_of_a_hundred_logins(place: &Place) {
    let limited =
        || place.builder().session_limit(5).when_full(WhenFull::Refuse).build().unwrap().0;
    let managers = [limited(), limited()];
    let (let_in, refused): (Vec<_>, Vec<_>) =
        hundred(&managers).await.into_iter().partition(Result::is_ok);
    assert_eq!((let_in.len(), refused.len()), (5, 95));
    for refused in refused {
        assert!(matches!(refused, Err(SessionError::LimitReached)), "{refused:?}");
    }
    let mut left: HashSet<_> =
        let_in.into_iter().map(|login| login.unwrap().access_token).collect();
    for token in &left {
        managers[0].authenticate(token).await.unwrap();
    }
    // A logout makes room for one login.
    let gone = left.iter().next().cloned().unwrap();
    left.remove(&gone);
    managers[1].logout(&gone).await.unwrap();
    login(&managers[0], "jeju").await;
    let full = managers[0].create(NewSession::new(user("jeju"))).await;
    assert!(matches!(full, Err(SessionError::LimitReached)));
}

async fn session_limit_evicts_the_least_recently_used_session_with_its_reason(place: &Place) {
    let told = Told::default();
    let builder = place.builder().session_limit(3).event_sink(told.sink());
    let (manager, worker) = builder.build().unwrap();
    let background = worker.start();
    let mut logins = Vec::new();
    for _ in 0..3 {
        logins.push(login(&manager, "jeju").await);
        // On the clock of the store, the next login must be later than this one.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A touch of the first session makes the second session the least recently used one.
    manager.touch(&user("jeju"), logins[0].session.id()).await.unwrap();
    let fourth = login(&manager, "jeju").await;
    let refused = manager.authenticate(&logins[1].access_token).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::SessionRevoked);
    assert_eq!(refused.reason(), Some(RevokeReason::Evicted));
    for alive in [&logins[0], &logins[2], &fourth] {
        manager.authenticate(&alive.access_token).await.unwrap();
    }
    background.stop().await.unwrap();
    assert_eq!(told.count("evicted jeju"), 1, "{:?}", told.all());
    assert_eq!(told.count("created jeju"), 4, "{:?}", told.all());
}

async fn session_limit_is_a_hundred_by_default_and_zero_means_unlimited(place: &Place) {
    let (limited, any) = (place.manager(), place.builder().session_limit(0).build().unwrap().0);
    for _ in 0..105 {
        login(&limited, "jeju").await;
    }
    assert_eq!(limited.sessions(&user("jeju")).await.unwrap().len(), 100);
    for _ in 0..5 {
        login(&any, "jeju").await;
    }
    assert_eq!(any.sessions(&user("jeju")).await.unwrap().len(), 105);
    // A lowered session limit applies from the next login on.
    let lower = place.builder().session_limit(2).build().unwrap().0;
    login(&lower, "jeju").await;
    assert_eq!(lower.sessions(&user("jeju")).await.unwrap().len(), 2);
}

async fn session_has_the_idle_ttl_and_lifetime_that_the_login_sets(place: &Place) {
    let manager = place.manager();
    let month = 30 * 24 * HOUR;
    let remembered = NewSession::new(user("jeju")).idle_ttl(month).lifetime(12 * month);
    let remembered = manager.create(remembered).await.unwrap();
    let brief = NewSession::new(user("jeju")).idle_ttl(HOUR / 60).lifetime(HOUR / 30);
    let brief = manager.create(brief).await.unwrap();
    let usual = login(&manager, "jeju").await;
    assert_eq!(brief.expires_in, HOUR / 30, "a token does not outlive its session");
    assert_eq!(remembered.expires_in, HOUR, "a longer session does not prolong its token");
    for (login, idle_ttl, lifetime) in [
        (&remembered, month, 12 * month),
        (&brief, HOUR / 60, HOUR / 30),
        (&usual, HOUR, 24 * HOUR),
    ] {
        let session = manager.get(&user("jeju"), login.session.id()).await.unwrap().unwrap();
        for session in [&session, &login.session] {
            assert_eq!(session.idle_ttl(), idle_ttl);
            let lives = session.absolute_deadline().saturating_since(session.created());
            assert_eq!(lives, lifetime);
            let idle = session.idle_deadline().saturating_since(session.created());
            assert_eq!(idle, idle_ttl);
        }
    }
    for (bad, setting) in [
        (NewSession::new(user("jeju")).idle_ttl(Duration::ZERO), "idle_ttl"),
        (NewSession::new(user("jeju")).lifetime(Duration::from_millis(999)), "lifetime"),
        (NewSession::new(user("jeju")).lifetime(Duration::MAX), "lifetime"),
    ] {
        let refused = manager.create(bad).await.unwrap_err();
        let named =
            matches!(refused, SessionError::OutOfRange { setting: name, .. } if name == setting);
        assert!(named, "{refused:?}");
    }
    // An idle TTL above the lifetime is refused. The message contains both values.
    for (new, idle_ttl, lifetime) in [
        (NewSession::new(user("jeju")).idle_ttl(month), month, 24 * HOUR),
        (NewSession::new(user("jeju")).idle_ttl(month).lifetime(HOUR), month, HOUR),
    ] {
        let refused = manager.create(new).await.unwrap_err();
        let told = refused.to_string();
        assert!(
            matches!(refused, SessionError::IdleTtlAboveLifetime { idle_ttl: idle, lifetime: life }
                if (idle, life) == (idle_ttl, lifetime)),
            "{refused:?}"
        );
        assert!(told.contains("`idle_ttl` (2592000s)") && told.contains("`lifetime` ("), "{told}");
    }
    assert_eq!(
        manager.sessions(&user("jeju")).await.unwrap().len(),
        3,
        "a refused login leaves no session"
    );
    let all_day = manager.create(NewSession::new(user("jeju")).idle_ttl(24 * HOUR)).await.unwrap();
    assert_eq!(all_day.session.idle_deadline(), all_day.session.absolute_deadline());
    let cut = manager.create(NewSession::new(user("jeju")).lifetime(HOUR / 2)).await.unwrap();
    assert_eq!(cut.session.ttl(), HOUR / 2, "the default idle TTL is cut to the lifetime");
}

async fn suspicious_login_rate_is_reported_once_per_window(place: &Place) {
    let (here, there) = (Told::default(), Told::default());
    let process =
        |told: &Told| place.builder().login_rate(3, HOUR).event_sink(told.sink()).build().unwrap();
    let ((first, worker), (second, other_worker)) = (process(&here), process(&there));
    let background = [worker.start(), other_worker.start()];
    for _ in 0..3 {
        login(&first, "jeju").await;
    }
    login(&second, "admin").await;
    // Whichever process handles the fourth login, that process reports it. Logins whose sessions
    // were revoked count as well.
    first.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap();
    for _ in 0..3 {
        login(&second, "jeju").await;
        login(&first, "jeju").await;
    }
    for background in background {
        background.stop().await.unwrap();
    }
    let told = [here.all(), there.all()].concat();
    let suspicious: Vec<_> = told.iter().filter(|told| told.starts_with("suspicious")).collect();
    assert_eq!(suspicious, ["suspicious jeju 4"]);
}
