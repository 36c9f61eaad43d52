//! Requests keep a session alive in the background, but not past its absolute deadline. A request
//! never revives a session that is over.

mod worker;

use std::time::Duration;

use tokio::time::advance;
use tower_session_auth::clock::{Clock, Timestamp};
use tower_session_auth::store::{MemoryStore, SessionStore, Touch};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{AuthErrorKind, RevokeReason, Session, SessionManager, Target};

use crate::support::switch::{Mood, SwitchStore};
use crate::support::{START, builder, clocked, login, ms, user};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A time that is long enough for the worker to write the queued touches.
const WRITTEN: Duration = Duration::from_millis(250);

/// Waits until the worker has written queued touches.
async fn written() {
    tokio::time::sleep(WRITTEN).await;
}

async fn stored(manager: &SessionManager, session: &Session) -> Session {
    manager.get(session.user_id(), session.id()).await.unwrap().expect("the session is live")
}

fn at(since_start: Duration) -> Timestamp {
    START.saturating_add(since_start)
}

#[tokio::test(start_paused = true)]
async fn request_moves_last_activity_and_the_idle_deadline() {
    let (manager, worker, _store) = clocked();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    for use_number in 1..=3 {
        advance(2 * MINUTE - WRITTEN).await;
        manager.authenticate(&login.access_token).await.unwrap();
        written().await;
        let session = stored(&manager, &login.session).await;
        let used = use_number * 2 * MINUTE - WRITTEN;
        assert_eq!(session.last_activity(), at(used), "use {use_number}");
        assert_eq!(session.idle_deadline(), at(used + HOUR), "use {use_number}");
    }
}

#[tokio::test(start_paused = true)]
async fn idle_deadline_moves_only_below_the_refresh_threshold() {
    let clock = TokioClock::new(START);
    let store = MemoryStore::with_clock(clock);
    let settings = builder().clock(clock).store(store).refresh_threshold(15 * MINUTE);
    let (manager, worker) = settings.build().unwrap();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;

    advance(10 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    written().await;
    let session = stored(&manager, &login.session).await;
    assert_eq!(session.last_activity(), at(10 * MINUTE));
    assert_eq!(
        session.idle_deadline(),
        at(HOUR),
        "50 minutes are left: not below the threshold of 15"
    );

    advance(36 * MINUTE - WRITTEN).await;
    manager.authenticate(&login.access_token).await.unwrap();
    written().await;
    let session = stored(&manager, &login.session).await;
    assert_eq!(session.last_activity(), at(46 * MINUTE));
    assert_eq!(session.idle_deadline(), at(46 * MINUTE + HOUR));
}

/// After its last request, a session lives at most for its idle TTL. It lives at least for its idle
/// TTL minus one touch interval. This holds for all gaps between the requests.
#[tokio::test(start_paused = true)]
async fn session_lives_for_its_idle_ttl_less_at_most_one_touch_interval_after_last_use() {
    const SECOND: Duration = Duration::from_secs(1);
    let day = 24 * HOUR;
    for (idle_ttl, lifetime, interval, touches) in [
        (HOUR, 30 * day, MINUTE, MINUTE),
        (HOUR, 30 * day, 10 * MINUTE, 6 * MINUTE),
        (10 * SECOND, day, MINUTE, SECOND),
        (day, 400 * day, HOUR, HOUR),
        (30 * day, 400 * day, MINUTE, MINUTE),
    ] {
        for (uses, gap) in [
            (1, idle_ttl / 50),
            (1, idle_ttl / 2),
            (40, idle_ttl / 25),
            (7, touches.mul_f64(0.7)),
            (5, touches.mul_f64(1.3)),
            (3, idle_ttl.mul_f64(0.85)),
        ] {
            let case = format!("idle TTL {idle_ttl:?}, {uses} uses, {gap:?} apart");
            let clock = TokioClock::new(START);
            let store = MemoryStore::with_clock(clock);
            let settings = builder().clock(clock).store(store);
            let settings = settings.idle_ttl(idle_ttl).lifetime(lifetime).touch_interval(interval);
            let (manager, worker) = settings.access_token_ttl(lifetime).build().unwrap();
            let background = worker.start();
            let login = login(&manager, "jeju").await;
            for _ in 0..uses {
                advance(gap.saturating_sub(WRITTEN)).await;
                manager.authenticate(&login.access_token).await.unwrap();
                written().await;
            }
            let idle = WRITTEN;
            let session = manager.get(&user("jeju"), login.session.id()).await.unwrap();
            assert!(session.is_some(), "{case}: the session was used a moment ago");
            advance(idle_ttl - touches - idle - ms(1)).await;
            let session = manager.get(&user("jeju"), login.session.id()).await.unwrap();
            assert!(
                session.is_some(),
                "{case}: the session lives for the idle TTL less one touch interval"
            );
            advance(touches + ms(1)).await;
            let session = manager.get(&user("jeju"), login.session.id()).await.unwrap();
            assert!(
                session.is_none(),
                "{case}: the session expires one idle TTL after its last use"
            );
            background.stop().await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn session_in_steady_use_expires_at_its_absolute_deadline() {
    let clock = TokioClock::new(START);
    let store = MemoryStore::with_clock(clock);
    let settings =
        builder().clock(clock).store(store).lifetime(3 * HOUR).access_token_ttl(24 * HOUR);
    let (manager, worker) = settings.build().unwrap();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    assert_eq!(login.expires_in, 3 * HOUR, "a token lives no longer than its session");
    written().await;
    for minutes in (5..180).step_by(5) {
        advance(5 * MINUTE - WRITTEN).await;
        let checked = manager.authenticate(&login.access_token).await;
        assert!(checked.is_ok(), "used every 5 minutes, refused after {minutes}: {checked:?}");
        written().await;
        assert!(stored(&manager, &login.session).await.idle_deadline() <= at(3 * HOUR));
    }
    advance(5 * MINUTE - WRITTEN - Duration::from_millis(1)).await;
    assert!(manager.authenticate(&login.access_token).await.is_ok());
    advance(Duration::from_millis(1)).await;
    let refused = manager.authenticate(&login.access_token).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::SessionExpired);
}

#[tokio::test(start_paused = true)]
async fn session_with_an_idle_ttl_below_the_touch_interval_is_kept_alive() {
    let clock = TokioClock::new(START);
    let store = MemoryStore::with_clock(clock);
    // This idle TTL is far shorter than the default touch interval of 60 seconds.
    let settings = builder().clock(clock).store(store).idle_ttl(Duration::from_secs(10));
    let (manager, worker) = settings.build().unwrap();
    let _background = worker.start();
    let login = login(&manager, "jeju").await;
    for second in 1..60 {
        advance(Duration::from_secs(1)).await;
        let checked = manager.authenticate(&login.access_token).await;
        assert!(checked.is_ok(), "used every second, refused after {second}: {checked:?}");
        written().await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_requests_cause_one_touch() {
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let login = login(&manager, "jeju").await;
    advance(2 * MINUTE).await;
    for _ in 0..1_000 {
        manager.authenticate(&login.access_token).await.unwrap();
    }
    let report = background.stop().await.unwrap();
    assert_eq!((store.touches(), report.written, report.lost), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn queued_touch_does_not_revive_a_revoked_session() {
    for everything in [false, true] {
        let (manager, worker, _store) = clocked();
        let login = login(&manager, "jeju").await;
        advance(50 * MINUTE).await;
        // The touch is queued and not written, because the worker has not been started yet.
        manager.authenticate(&login.access_token).await.unwrap();
        if everything {
            manager.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap();
        } else {
            manager.revoke(&user("jeju"), login.session.id(), RevokeReason::Logout).await.unwrap();
        }
        let report = worker.start().stop().await.unwrap();
        assert_eq!(report.written, 1, "the touch reached the store");
        assert!(manager.get(&user("jeju"), login.session.id()).await.unwrap().is_none());
        let refused = manager.authenticate(&login.access_token).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::SessionRevoked);
    }
}

#[tokio::test(start_paused = true)]
async fn touch_written_after_the_idle_deadline_does_not_revive_the_session() {
    let (manager, worker, _store) = clocked();
    let login = login(&manager, "jeju").await;
    advance(59 * MINUTE).await;
    manager.authenticate(&login.access_token).await.unwrap();
    advance(2 * MINUTE).await;
    worker.start().stop().await.unwrap();
    assert!(manager.get(&user("jeju"), login.session.id()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn extended_session_is_accepted_when_the_known_deadline_passes_during_the_load() {
    let clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(clock));
    let settings = builder().clock(clock).store(store.clone()).access_token_ttl(24 * HOUR);
    let (manager, _worker) = settings.build().unwrap();
    let login = login(&manager, "jeju").await;
    let (jeju, id) = (user("jeju"), login.session.id());
    // Another process extends the session. This process still assumes the first deadline.
    advance(50 * MINUTE).await;
    let touch = Touch::new(jeju, id.clone(), Duration::ZERO, HOUR);
    store.touch(&[touch]).await.unwrap();
    advance(10 * MINUTE - Duration::from_millis(20)).await;
    store.set(Mood::Bounds(Duration::from_millis(50)));
    for what in ["the known deadline passes during the load", "the known deadline has passed"] {
        let session = manager.authenticate(&login.access_token).await;
        assert!(session.is_ok(), "{what}: {session:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn host_clock_that_is_an_hour_off_does_not_change_session_deadlines() {
    let store_clock = TokioClock::new(START);
    let store = SwitchStore::new(MemoryStore::with_clock(store_clock));
    for hour_off in [Timestamp::saturating_add, Timestamp::saturating_sub] {
        let host_clock = TokioClock::new(hour_off(store_clock.now(), HOUR));
        let settings = builder().clock(host_clock).store(store.clone()).access_token_ttl(24 * HOUR);
        let (manager, worker) = settings.build().unwrap();
        let background = worker.start();
        let began = store_clock.now();
        let login = login(&manager, "jeju").await;
        assert_eq!(login.session.created(), began);

        advance(50 * MINUTE).await;
        manager.authenticate(&login.access_token).await.unwrap();
        written().await;
        let session = stored(&manager, &login.session).await;
        assert_eq!(session.idle_deadline(), began.saturating_add(50 * MINUTE + HOUR));

        advance(HOUR - WRITTEN - Duration::from_millis(1)).await;
        assert!(manager.get(&user("jeju"), login.session.id()).await.unwrap().is_some());
        advance(Duration::from_millis(1)).await;
        let refused = manager.authenticate(&login.access_token).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::SessionExpired);
        background.stop().await.unwrap();
    }
}
