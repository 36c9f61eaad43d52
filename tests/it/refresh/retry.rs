//! Tests of `refresh_retry`: a client has lost the response to a rotation, and repeats the rotation
//! after the grace window.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::error::ConfigError;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{MemoryStore, SessionStore};
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::worker::Worker;
use tower_session_auth::{AuthErrorKind, RevokeReason, SessionManager, UserId};

use crate::refresh::{builder, counter, is, is_over, is_revoked, on_both_stores, token};
use crate::support::{START, login, user};

const HOUR: Duration = Duration::from_secs(3600);

on_both_stores! {
    retry_returns_the_same_successor_until_the_successor_is_rotated,
    retry_is_refused_as_reuse_after_the_successors_access_token_was_accepted,
    older_access_token_does_not_count_as_use_of_the_successor,
    instance_without_refresh_retry_keeps_the_recorded_use_of_a_successor,
    successor_counts_as_used_although_its_rotation_was_refused,
}

/// Settings without a grace window. With them, each repeated rotation of a token is a retry.
fn retrying() -> SessionManagerBuilder {
    builder().refresh_grace(Duration::ZERO).refresh_retry(24 * HOUR)
}

fn process(store: impl SessionStore) -> (SessionManager, Worker) {
    retrying().store(store).build().unwrap()
}

async fn retry_returns_the_same_successor_until_the_successor_is_rotated<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let told = Arc::new(Mutex::new(0));
    let sink = {
        let told = Arc::clone(&told);
        move |event: &Event| {
            if let Event::RefreshRetried { user, session, .. } = event {
                assert_eq!((user.as_str(), session.as_str().is_empty()), ("jeju", false));
                *told.lock().unwrap() += 1;
            }
        }
    };
    let (here, worker) = retrying().store(connect()).event_sink(sink).build().unwrap();
    let background = worker.start();
    let first = login(&here, "jeju").await;
    let second = here.refresh(token(&first)).await.unwrap();
    for _ in 0..3 {
        let again = here.refresh(token(&first)).await.unwrap();
        assert_eq!(token(&again), token(&second), "the same successor");
        assert_eq!(again.session.id(), first.session.id());
    }
    assert_eq!(counter(&connect(), &first.session).await, Some(1), "a retry does not rotate");
    let third = here.refresh(token(&second)).await.unwrap();
    is_revoked(&here.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    is_over(&here, &third, RevokeReason::RefreshReuse).await;
    drop(here);
    background.stop().await.unwrap();
    assert_eq!(*told.lock().unwrap(), 3, "each retry emits an event");
}

async fn retry_is_refused_as_reuse_after_the_successors_access_token_was_accepted<
    St: SessionStore,
>(
    connect: impl Fn() -> St,
) {
    for retried in [false, true] {
        let (there, _worker) = process(connect());
        let first = login(&there, "jeju").await;
        let mut second = there.refresh(token(&first)).await.unwrap();
        if retried {
            second = there.refresh(token(&first)).await.unwrap();
        }
        // Directly after the login, another process accepts both access tokens. At that time, the
        // next touch is due only after a minute.
        let (here, worker) = process(connect());
        let background = worker.start();
        here.authenticate(&first.access_token).await.unwrap();
        here.authenticate(&second.access_token).await.unwrap();
        let report = background.stop().await.unwrap();
        assert_eq!(report.lost, 0);
        is_revoked(&there.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
        is_over(&there, &second, RevokeReason::RefreshReuse).await;
    }
}

async fn older_access_token_does_not_count_as_use_of_the_successor<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (manager, worker) = process(connect());
    let background = worker.start();
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    manager.authenticate(&second.access_token).await.unwrap();
    let third = manager.refresh(token(&second)).await.unwrap();
    for access_token in [&first.access_token, &second.access_token] {
        manager.authenticate(access_token).await.unwrap();
    }
    background.stop().await.unwrap();
    let again = manager.refresh(token(&second)).await.unwrap();
    assert_eq!(
        token(&again),
        token(&third),
        "the use of the second token does not count for the third"
    );
}

async fn instance_without_refresh_retry_keeps_the_recorded_use_of_a_successor<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (recording, worker) = process(connect());
    let background = worker.start();
    let first = login(&recording, "jeju").await;
    let second = recording.refresh(token(&first)).await.unwrap();
    recording.authenticate(&second.access_token).await.unwrap();
    background.stop().await.unwrap();
    let (plain, _worker) = builder().store(connect()).build().unwrap();
    plain.touch(&user("jeju"), first.session.id()).await.unwrap();
    plain.update(&user("jeju"), first.session.id(), |edit| edit.role = None).await.unwrap();
    let session = plain.get(&user("jeju"), first.session.id()).await.unwrap();
    assert!(session.is_some(), "an instance without `refresh_retry` reads the session");
    is_revoked(&recording.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
}

/// A directory that fails while `away` is set.
#[derive(Clone, Default)]
struct Directory {
    away: Arc<AtomicBool>,
}

impl UserDirectory for Directory {
    async fn find(&self, _user: &UserId) -> Result<Option<User>, BoxError> {
        if self.away.load(Ordering::Relaxed) {
            return Err("away".into());
        }
        Ok(Some(User::new(true)))
    }
}

async fn successor_counts_as_used_although_its_rotation_was_refused<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let directory = Directory::default();
    let settings = retrying().store(connect()).directory(directory.clone());
    let (manager, _worker) = settings.build().unwrap();
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    let used = manager.get(&user("jeju"), first.session.id()).await.unwrap().unwrap();
    directory.away.store(true, Ordering::Relaxed);
    let refused = manager.refresh(token(&second)).await.unwrap_err();
    is(&refused, AuthErrorKind::DirectoryUnavailable);
    let after = manager.get(&user("jeju"), first.session.id()).await.unwrap().unwrap();
    assert_eq!(
        after.last_activity(),
        used.last_activity(),
        "a refused rotation is no activity of the session"
    );
    assert_eq!(after.idle_deadline(), used.idle_deadline());
    directory.away.store(false, Ordering::Relaxed);
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
}

#[tokio::test]
async fn retry_is_possible_after_the_grace_window_until_the_retry_window_ends() {
    let clock = ManualClock::new(START);
    let store = MemoryStore::with_clock(clock.clone());
    let retries = Arc::new(Mutex::new(0));
    let sink = {
        let retries = Arc::clone(&retries);
        move |event: &Event| {
            *retries.lock().unwrap() += i32::from(event.name() == "refresh_retried");
        }
    };
    let settings = builder().clock(clock.clone()).store(store).event_sink(sink);
    let (manager, worker) = settings.refresh_retry(HOUR / 2).build().unwrap();
    let background = worker.start();
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    // Within the grace window, a repeated rotation is not a retry, because several browser tabs can
    // refresh at the same time.
    clock.advance(Duration::from_secs(10));
    assert_eq!(token(&manager.refresh(token(&first)).await.unwrap()), token(&second));
    for later in [Duration::from_millis(1), HOUR / 2 - Duration::from_millis(10_001)] {
        clock.advance(later);
        assert_eq!(token(&manager.refresh(token(&first)).await.unwrap()), token(&second));
    }
    clock.advance(Duration::from_millis(1));
    is_revoked(&manager.refresh(token(&first)).await.unwrap_err(), RevokeReason::RefreshReuse);
    drop(manager);
    background.stop().await.unwrap();
    assert_eq!(*retries.lock().unwrap(), 2);
}

#[test]
fn refresh_retry_must_exceed_the_grace_window_and_be_at_most_a_day() {
    let day = 24 * HOUR;
    for (grace, retry, fits) in [
        (Duration::from_secs(10), Duration::ZERO, true),
        (Duration::from_secs(10), Duration::from_secs(10), false),
        (Duration::from_secs(10), Duration::from_secs(11), true),
        (Duration::ZERO, Duration::from_millis(1), true),
        (Duration::from_secs(10), day, true),
        (Duration::from_secs(10), day + Duration::from_millis(1), false),
        (Duration::from_secs(10), Duration::MAX, false),
    ] {
        let built = builder().refresh_grace(grace).refresh_retry(retry).build().map(drop);
        match built {
            Ok(()) => assert!(fits, "{grace:?} {retry:?}"),
            Err(ConfigError::OutOfRange { setting, .. }) => {
                assert_eq!((setting, fits), ("refresh_retry", false), "{grace:?} {retry:?}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}
