//! Clocks that step, and lifetimes that end.

use std::time::Duration;

use tower_session_auth::clock::Clock;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{AuthErrorKind, EndReason, MemoryStore, NewSession, SessionManager};

use crate::refresh::{builder, counter, is, is_over, is_revoked, redis_store, token};
use crate::support::redis::RedisServer;
use crate::support::{START, login, user};

const MINUTE: Duration = Duration::from_secs(60);

/// The host's clock and the store's, apart from each other.
fn clocked() -> (SessionManager, ManualClock, ManualClock) {
    let (host, store) = (ManualClock::new(START), ManualClock::new(START));
    let sessions = MemoryStore::with_clock(store.clone());
    let (manager, _worker) = builder().clock(host.clone()).store(sessions).build().unwrap();
    (manager, host, store)
}

#[tokio::test]
async fn a_host_whose_clock_steps_by_a_minute_refreshes_as_before() {
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
async fn an_access_token_of_a_host_whose_clock_was_set_back_is_early_and_still_logs_out() {
    let (manager, host, _) = clocked();
    let first = login(&manager, "jeju").await;
    host.set(START.saturating_sub(MINUTE));
    let refused = manager.authenticate(&first.access_token).await.unwrap_err();
    is(&refused, AuthErrorKind::InvalidToken);
    let next = manager.refresh(token(&first)).await.unwrap();
    assert!(manager.authenticate(&next.access_token).await.is_ok());
    assert!(manager.logout(&first.access_token).await.unwrap(), "a logout is never too early");
    is_over(&manager, &next, EndReason::Logout).await;

    let (manager, host, _) = clocked();
    let first = login(&manager, "jeju").await;
    host.set(START.saturating_add(61 * MINUTE));
    let refused = manager.authenticate(&first.access_token).await.unwrap_err();
    is(&refused, AuthErrorKind::TokenExpired);
    assert!(manager.logout(&first.access_token).await.unwrap(), "nor too late");
}

#[tokio::test]
async fn the_window_is_the_stores_and_ends_when_it_ends() {
    let (manager, host, store) = clocked();
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    host.advance(MINUTE);
    store.advance(Duration::from_secs(10));
    assert_eq!(token(&manager.refresh(token(&first)).await.unwrap()), token(&second), "at its end");
    store.advance(Duration::from_millis(1));
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), EndReason::RefreshReuse);
    is_over(&manager, &second, EndReason::RefreshReuse).await;
}

/// The store's clock cannot be set here, so what it wrote is: that the last exchange was a minute from now, or ago.
#[tokio::test]
async fn a_server_whose_clock_steps_back_prolongs_an_open_window_and_forth_ends_it() {
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
            is_revoked(&again.unwrap_err(), EndReason::RefreshReuse);
        } else {
            assert_eq!(token(&again.unwrap()), token(&second));
            assert_eq!(counter(&store, &first.session).await, Some(1));
        }
    }
}

#[tokio::test]
async fn an_exchange_is_a_use_and_never_outlives_the_login() {
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
        assert_eq!(login.session.last_activity(), now.to_datetime());
    }
    store.advance(MINUTE);
    is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::SessionExpired);
    assert!(!manager.logout_refresh(token(&login)).await.unwrap());
}

#[tokio::test]
async fn without_use_a_session_ends_and_its_refresh_token_with_it() {
    let (manager, _, store) = clocked();
    let login = login(&manager, "jeju").await;
    store.advance(60 * MINUTE);
    is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::SessionExpired);
}

/// A host whose clock was three days ahead for a moment, and the store of this process, which the
/// builder makes on the same clock.
#[tokio::test]
async fn after_the_hosts_clock_was_ahead_once_sessions_and_windows_end_in_their_time() {
    let clock = ManualClock::new(START);
    let (manager, _worker) = builder().clock(clock.clone()).build().unwrap();
    clock.set(START.saturating_add(72 * 60 * MINUTE));
    login(&manager, "somebody").await;
    clock.set(START);

    let idle = login(&manager, "jeju").await;
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert_eq!(token(&manager.refresh(token(&first)).await.unwrap()), token(&second), "in time");
    clock.advance(Duration::from_millis(1));
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), EndReason::RefreshReuse);
    clock.advance(60 * MINUTE);
    assert!(!manager.exists(&user("jeju"), idle.session.id()).await.unwrap(), "nobody used it");
    is(&manager.refresh(token(&idle)).await.unwrap_err(), AuthErrorKind::SessionExpired);
}
