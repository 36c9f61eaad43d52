//! Steps of the host's clock and of the store's clock, grace windows, and lifetimes.

use std::time::Duration;

use tower_session_auth::clock::Clock;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{AuthErrorKind, NewSession, RevokeReason, SessionManager};

use crate::refresh::{builder, counter, is, is_over, is_revoked, redis_store, token};
use crate::support::redis::RedisServer;
use crate::support::{START, login, user};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns a manager, the clock of the host, and the clock of the store. The two clocks are
/// independent.
fn clocked() -> (SessionManager, ManualClock, ManualClock) {
    let (host, store) = (ManualClock::new(START), ManualClock::new(START));
    let sessions = MemoryStore::with_clock(store.clone());
    let (manager, _worker) = builder().clock(host.clone()).store(sessions).build().unwrap();
    (manager, host, store)
}

#[tokio::test]
async fn refresh_works_when_the_host_clock_steps_by_a_minute() {
    for (forth, step) in [(true, "forth"), (false, "back")] {
        let (manager, host, _) = clocked();
        let first = login(&manager, "jeju").await;
        let set = |forth| {
            let moved =
                if forth { START.saturating_add(MINUTE) } else { START.saturating_sub(MINUTE) };
            host.set(moved);
        };
        set(forth);
        let second = manager.refresh(token(&first)).await.unwrap();
        assert!(manager.authenticate(&second.access_token).await.is_ok(), "{step}");
        assert_eq!(token(&manager.refresh(token(&first)).await.unwrap()), token(&second));
        set(!forth);
        assert!(manager.refresh(token(&second)).await.is_ok(), "{step} and on");
    }
}

#[tokio::test]
async fn access_token_that_is_not_yet_valid_or_expired_still_logs_out() {
    let (manager, host, _) = clocked();
    let first = login(&manager, "jeju").await;
    host.set(START.saturating_sub(MINUTE));
    let refused = manager.authenticate(&first.access_token).await.unwrap_err();
    is(&refused, AuthErrorKind::InvalidToken);
    let next = manager.refresh(token(&first)).await.unwrap();
    assert!(manager.authenticate(&next.access_token).await.is_ok());
    assert!(
        manager.logout(&first.access_token).await.unwrap(),
        "a token that is not yet valid logs out"
    );
    is_over(&manager, &next, RevokeReason::Logout).await;

    let (manager, host, _) = clocked();
    let first = login(&manager, "jeju").await;
    host.set(START.saturating_add(61 * MINUTE));
    let refused = manager.authenticate(&first.access_token).await.unwrap_err();
    is(&refused, AuthErrorKind::TokenExpired);
    assert!(manager.logout(&first.access_token).await.unwrap(), "an expired token logs out");
}

#[tokio::test]
async fn grace_window_is_measured_on_the_stores_clock_and_ends_exactly() {
    let (manager, host, store) = clocked();
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    host.advance(MINUTE);
    store.advance(Duration::from_secs(10));
    assert_eq!(
        token(&manager.refresh(token(&first)).await.unwrap()),
        token(&second),
        "at the end of the window"
    );
    store.advance(Duration::from_millis(1));
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    is_over(&manager, &second, RevokeReason::RefreshReuse).await;
}

/// The test cannot set the clock of Redis. Instead, it moves the time of the last rotation in the
/// record one minute forward or back.
#[tokio::test]
async fn redis_clock_step_back_keeps_the_grace_window_open_and_step_forward_ends_it() {
    for (step, over) in [(MINUTE.as_millis() as i64, false), (-(MINUTE.as_millis() as i64), true)] {
        let server = RedisServer::start().await;
        let store = redis_store(&server);
        let manager = builder().store(store.clone()).build().unwrap().0;
        let first = login(&manager, "jeju").await;
        let second = manager.refresh(token(&first)).await.unwrap();
        let (key, id) = ("session:{jeju}:live", first.session.id().as_str());
        let record = server.text(&["HGET", key, id]).await.unwrap();
        let (header, payload) = record.split_once('\n').unwrap();
        let mut words: Vec<_> = header.split(' ').map(str::to_owned).collect();
        words[6] = (words[6].parse::<i64>().unwrap() + step).to_string();
        let record = format!("{}\n{payload}", words.join(" "));
        server.command(&["HSET", key, id, &record]).await;
        let again = manager.refresh(token(&first)).await;
        if over {
            is_revoked(&again.unwrap_err(), RevokeReason::RefreshReuse);
        } else {
            assert_eq!(token(&again.unwrap()), token(&second));
            assert_eq!(counter(&store, &first.session).await, Some(1));
        }
    }
}

#[tokio::test]
async fn rotation_extends_the_session_but_never_beyond_its_absolute_deadline() {
    let (manager, host, store) = clocked();
    let new = NewSession::new(user("jeju")).idle_ttl(30 * MINUTE).lifetime(100 * MINUTE);
    let mut login = manager.create(new).await.unwrap();
    for (minute, access, left) in [(25, 60, 75), (50, 50, 50), (75, 25, 25), (99, 1, 1)] {
        let now = START.saturating_add(minute * MINUTE);
        host.set(now);
        store.advance(now.saturating_since(store.now()));
        login = manager.refresh(token(&login)).await.unwrap();
        assert_eq!(login.expires_in, access * MINUTE, "minute {minute}");
        assert_eq!(login.refresh_token.as_ref().unwrap().expires_in(), left * MINUTE);
        assert!(login.session.ttl() <= 30 * MINUTE.min(left * MINUTE));
        assert_eq!(login.session.last_activity(), now);
    }
    store.advance(MINUTE);
    is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::SessionExpired);
    assert!(!manager.logout_refresh(token(&login)).await.unwrap());
}

#[tokio::test]
async fn refresh_is_refused_after_the_idle_deadline_of_the_session() {
    let (manager, _, store) = clocked();
    let login = login(&manager, "jeju").await;
    store.advance(60 * MINUTE);
    is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::SessionExpired);
}

/// For a short time, the clock of the host is three days ahead. The builder's default memory store
/// uses the same clock.
#[tokio::test]
async fn sessions_and_grace_windows_end_on_time_after_the_host_clock_was_ahead() {
    let clock = ManualClock::new(START);
    let (manager, _worker) = builder().clock(clock.clone()).build().unwrap();
    clock.set(START.saturating_add(72 * 60 * MINUTE));
    login(&manager, "somebody").await;
    clock.set(START);

    let idle = login(&manager, "jeju").await;
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(
        token(&manager.refresh(token(&first)).await.unwrap()),
        token(&second),
        "within the window"
    );
    clock.advance(Duration::from_millis(1));
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    clock.advance(60 * MINUTE);
    assert!(
        !manager.exists(&user("jeju"), idle.session.id()).await.unwrap(),
        "the idle session has expired"
    );
    is(&manager.refresh(token(&idle)).await.unwrap_err(), AuthErrorKind::SessionExpired);
}
