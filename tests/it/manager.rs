//! The manager's operations and settings, without a layer.

use std::time::Duration;

use tokio::time::{Instant, advance};
use tokio_test::task;
use tower_session_auth::clock::{Clock, SystemClock};
use tower_session_auth::error::{ConfigError, SessionError};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{MemoryStore, SessionStore, StoreErrorKind};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{
    AuthErrorKind, KeySet, NewSession, RevokeReason, SessionManager, SigningKey, Target,
};

use crate::support::redis::RedisServer;
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{
    AUDIENCE, ISSUER, START, builder, clocked, key, login, ms, patient_builder, patient_store, user,
};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn logout_accepts_an_expired_token_but_no_malformed_or_forged_one() {
    let clock = TokioClock::new(START);
    let settings = builder().clock(clock).store(MemoryStore::with_clock(clock));
    let (manager, _worker) = settings.idle_ttl(3 * HOUR).access_token_ttl(HOUR).build().unwrap();
    let login = login(&manager, "jeju").await;
    advance(2 * HOUR).await;
    let expired = manager.authenticate(&login.access_token).await.unwrap_err();
    assert_eq!(expired.kind(), AuthErrorKind::TokenExpired);

    let (signed, last) = login.access_token.split_at(login.access_token.len() - 1);
    let forged = format!("{signed}{}", if last == "A" { 'E' } else { 'A' });
    let other = SigningKey::hs256("k1", b"another-one-for-tests-8WnQ2xVt5LkRz0Yd").unwrap();
    let (elsewhere, _worker) =
        SessionManager::builder().keys(other).issuer(ISSUER).audience(AUDIENCE).build().unwrap();
    let foreign = crate::support::login(&elsewhere, "jeju").await.access_token;
    for bad in ["", "a.b.c", &forged, &foreign] {
        let refused = manager.logout(bad).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken, "{bad:.20}");
    }
    assert!(manager.get(&user("jeju"), login.session.id()).await.unwrap().is_some());

    assert!(manager.logout(&login.access_token).await.unwrap());
    assert!(
        !manager.logout(&login.access_token).await.unwrap(),
        "a repeated logout succeeds and returns false"
    );
    assert!(manager.get(&user("jeju"), login.session.id()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn contended_update_ends_after_twice_the_store_timeout() {
    let clock = TokioClock::new(START);
    let inner = MemoryStore::with_clock(clock);
    let store = SwitchStore::new(inner.clone());
    let settings = builder().clock(clock).store(store.clone()).store_timeout(ms(200));
    let (manager, _worker) = settings.build().unwrap();
    let login = login(&manager, "jeju").await;
    let (owner, id) = (user("jeju"), login.session.id());
    store.set(Mood::SlowReads(ms(100), ms(100)));
    let mut tries = 0;
    let begin = Instant::now();
    let updated = manager.update(&owner, id, |session| {
        // Another process writes the session just before each write of this update.
        let mut other = task::spawn(async {
            let record = inner.load(&owner, id, None).await.unwrap().unwrap();
            inner.update(&owner, id, record.revision, record.payload).await.unwrap()
        });
        assert!(other.poll().is_ready());
        tries += 1;
        session.role = Some(format!("role {tries}"));
    });
    assert!(matches!(updated.await, Err(SessionError::Contended)));
    // Each try reads the session two times. No try begins after 400 ms have passed.
    assert_eq!((tries, begin.elapsed()), (2, ms(400)));
}

#[tokio::test]
async fn session_has_the_data_of_its_login_and_delete_all_revokes_it() {
    let (manager, _worker, _store) = clocked();
    let new = NewSession::new(user("jeju"))
        .user_name("제주삼다수")
        .email("jeju@test.com")
        .role("admin")
        .ip_address("2001:db8::7".parse().unwrap())
        .user_agent("curl/8");
    let login = manager.create(new).await.unwrap();
    let second = crate::support::login(&manager, "jeju").await;
    let other = crate::support::login(&manager, "admin").await;
    for session in [
        login.session.clone(),
        manager.authenticate(&login.access_token).await.unwrap(),
        manager.get(&user("jeju"), login.session.id()).await.unwrap().unwrap(),
    ] {
        assert_eq!(session.user_id(), &user("jeju"));
        assert_eq!(session.user_name(), Some("제주삼다수"));
        assert_eq!(session.email(), Some("jeju@test.com"));
        assert_eq!(session.role(), Some("admin"));
        assert_eq!(session.ip_address(), Some("2001:db8::7".parse().unwrap()));
        assert_eq!(session.user_agent(), Some("curl/8"));
        assert_eq!(session.authenticated_at(), session.created());
        assert_eq!((session.revision(), session.idle_ttl()), (1, HOUR));
        assert_eq!(session.absolute_deadline().saturating_since(session.created()), 24 * HOUR);
    }
    let mut ended =
        manager.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap().sessions;
    let mut all = [login.session.id().clone(), second.session.id().clone()];
    ended.sort();
    all.sort();
    assert_eq!(ended, all);
    assert!(
        manager
            .revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll)
            .await
            .unwrap()
            .sessions
            .is_empty()
    );
    assert!(
        manager.authenticate(&other.access_token).await.is_ok(),
        "sessions of other users stay alive"
    );
    let refused = manager.authenticate(&second.access_token).await.unwrap_err();
    assert_eq!(refused.reason(), Some(RevokeReason::LogoutAll));
}

#[tokio::test]
async fn two_logins_share_no_id_and_no_token() {
    let (manager, _worker, _store) = clocked();
    let (first, second) = (login(&manager, "jeju").await, login(&manager, "jeju").await);
    assert_ne!(first.session.id(), second.session.id());
    assert_ne!(first.access_token, second.access_token);
}

#[tokio::test(start_paused = true)]
async fn login_that_cannot_be_stored_is_an_error_and_creates_no_session() {
    let (manager, _worker, store) = clocked();
    // After each failure, the test waits until the circuit breaker permits a call again.
    for kind in [StoreErrorKind::Unavailable, StoreErrorKind::WriteRefused] {
        store.set(Mood::Fail(kind));
        let refused = manager.create(NewSession::new(user("jeju"))).await.unwrap_err();
        assert!(matches!(refused, SessionError::Store(_)), "{refused:?}");
        advance(Duration::from_millis(100)).await;
    }
    store.set(Mood::Answer);
    assert!(
        manager
            .revoke(&user("jeju"), Target::All, RevokeReason::Admin)
            .await
            .unwrap()
            .sessions
            .is_empty()
    );
}

#[tokio::test]
async fn session_times_follow_the_redis_clock_when_the_host_clock_is_an_hour_off() {
    let server = RedisServer::start().await;
    const MINUTE: Duration = Duration::from_secs(60);
    let store = patient_store(&server.url());
    for host in [SystemClock.now().saturating_add(HOUR), SystemClock.now().saturating_sub(HOUR)] {
        let settings = patient_builder(store.clone()).clock(TokioClock::new(host));
        let settings = settings.idle_ttl(10 * MINUTE).touch_interval(Duration::from_secs(1));
        let (manager, worker) = settings.build().unwrap();
        let background = worker.start();
        let login = login(&manager, "jeju").await;
        let time: Vec<i64> = redis::from_redis_value(server.command(&["TIME"]).await).unwrap();
        let apart = time[0] - login.session.created().as_millis() / 1000;
        assert!((0..1_800).contains(&apart), "created on the server's clock: {apart} s apart");

        // After the touch interval, the next request causes a touch.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let used = manager.authenticate(&login.access_token).await.unwrap();
        assert!(used.ttl() <= 10 * MINUTE, "{:?}", used.ttl());
        let report = background.stop().await.unwrap();
        assert_eq!((report.written, report.lost), (1, 0));
        let session = manager.get(&user("jeju"), login.session.id()).await.unwrap().unwrap();
        let moved = session.last_activity().saturating_since(session.created()).as_millis();
        assert!(
            (900..1_800_000).contains(&moved),
            "last activity moved by {moved} ms, not by an hour"
        );
        let ttl = server.number(&["PTTL", "session:{jeju}:live"]).await;
        assert!((0..=1_200_000).contains(&ttl), "{ttl}");
        manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    }
}

#[tokio::test]
async fn health_reports_the_answer_of_the_store() {
    let (manager, _worker, store) = clocked();
    let health = manager.health().await;
    assert_eq!((health.kind, health.connected), ("switch", true));
    assert!(health.latency.is_some());
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    let health = manager.health().await;
    assert_eq!((health.connected, health.latency), (false, None));
}

#[test]
fn invalid_configuration_is_an_error_when_the_manager_is_built() {
    let failure = |builder: SessionManagerBuilder| builder.build().map(drop).unwrap_err();
    let bare = SessionManager::builder;
    assert!(matches!(failure(bare()), ConfigError::Missing("keys")));
    assert!(matches!(failure(bare().keys(key())), ConfigError::Missing("issuer")));
    assert!(matches!(failure(bare().keys(key()).issuer("i")), ConfigError::Missing("audience")));
    assert!(bare().keys(key()).accept_any_issuer().accept_any_audience().build().is_ok());
    let twice = KeySet::new(key()).also_verify(key().verifying_key());
    assert!(
        matches!(failure(builder().keys(twice)), ConfigError::DuplicateKid(kid) if kid == "k1")
    );

    for (settings, idle_ttl, lifetime) in [
        (builder().idle_ttl(25 * HOUR), 25 * HOUR, 24 * HOUR),
        (builder().lifetime(HOUR / 2).idle_ttl(HOUR), HOUR, HOUR / 2),
        (builder().idle_ttl(HOUR).lifetime(HOUR / 2), HOUR, HOUR / 2),
    ] {
        let found = failure(settings);
        let told = found.to_string();
        assert!(
            matches!(found, ConfigError::IdleTtlAboveLifetime { idle_ttl: idle, lifetime: life }
                if (idle, life) == (idle_ttl, lifetime)),
            "{found:?}"
        );
        assert!(told.contains("`idle_ttl` (") && told.contains("`lifetime` ("), "{told}");
    }
    assert!(
        builder().lifetime(HOUR / 2).build().is_ok(),
        "the default idle TTL is cut to the lifetime"
    );
    assert!(builder().lifetime(HOUR / 2).idle_ttl(HOUR / 2).build().is_ok());

    let zero = Duration::ZERO;
    for (setting, builder) in [
        ("issuer", builder().issuer("")),
        ("audience", builder().audience("")),
        ("leeway", builder().leeway(Duration::from_secs(301))),
        ("idle_ttl", builder().idle_ttl(zero)),
        ("idle_ttl", builder().idle_ttl(Duration::MAX)),
        ("lifetime", builder().lifetime(zero)),
        ("access_token_ttl", builder().access_token_ttl(Duration::from_millis(999))),
        ("refresh_threshold", builder().refresh_threshold(zero)),
        ("refresh_threshold", builder().refresh_threshold(HOUR)),
        ("touch_interval", builder().touch_interval(zero)),
        ("hard_session_limit", builder().hard_session_limit(0)),
        ("hard_session_limit", builder().hard_session_limit(50_001)),
        ("session_limit", builder().session_limit(10_001)),
        ("session_limit", builder().hard_session_limit(5).session_limit(6)),
        ("store_timeout", builder().store_timeout(zero)),
        ("store_timeout", builder().store_timeout(Duration::from_secs(11))),
    ] {
        let found = failure(builder);
        assert!(
            matches!(found, ConfigError::OutOfRange { setting: found, .. } if found == setting),
            "{setting}: {found:?}"
        );
    }
}
