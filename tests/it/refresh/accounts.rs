//! Logout, password change and suspension of accounts with refresh tokens. Also tests the user
//! directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::store::{MemoryStore, SessionStore, StoreErrorKind};
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::{AuthErrorKind, NewSession, RevokeReason, Target, UserId};

use crate::refresh::{builder, counter, is, is_over, manager_on, on_both_stores, token};
use crate::support::switch::{Mood, SwitchStore};
use crate::support::wait::until;
use crate::support::{login, user};

on_both_stores! {
    refresh_token_alone_logs_the_session_out,
    password_change_revokes_all_sessions_except_the_one_to_keep,
    suspension_revokes_all_sessions_and_rejects_logins_under_way,
    refresh_is_refused_with_the_reason_after_logout_or_revoke_all,
}

async fn refresh_token_alone_logs_the_session_out<St: SessionStore>(connect: impl Fn() -> St) {
    let manager = manager_on(connect());
    let (current, older) = (login(&manager, "jeju").await, login(&manager, "jeju").await);
    assert!(manager.logout_refresh(token(&current)).await.unwrap());
    is_over(&manager, &current, RevokeReason::Logout).await;
    assert!(
        !manager.logout_refresh(token(&current)).await.unwrap(),
        "the second logout finds no live session"
    );
    let newer = manager.refresh(token(&older)).await.unwrap();
    assert!(
        manager.logout_refresh(token(&older)).await.unwrap(),
        "a rotated token can log out too"
    );
    is_over(&manager, &newer, RevokeReason::Logout).await;
}

async fn password_change_revokes_all_sessions_except_the_one_to_keep<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let (here, there) = (manager_on(connect()), manager_on(connect()));
    let (keeps, loses) = (login(&here, "jeju").await, login(&there, "jeju").await);
    let login_fence = there.begin_login(&user("jeju")).await.unwrap();
    let ended = here
        .revoke(
            &user("jeju"),
            Target::AllExcept(keeps.session.id().clone()),
            RevokeReason::PasswordChange,
        )
        .await
        .unwrap()
        .sessions;
    assert_eq!(ended, [loses.session.id().clone()]);
    is_over(&there, &loses, RevokeReason::PasswordChange).await;
    let late = there.create(NewSession::new(user("jeju")).login_fence(login_fence)).await;
    assert!(late.is_err(), "the login fence rejects a login that began before the change");
    let keeps = there.refresh(token(&keeps)).await.unwrap();
    assert!(here.authenticate(&keeps.access_token).await.is_ok());
    let ended = here
        .revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange)
        .await
        .unwrap()
        .sessions;
    assert_eq!(ended, [keeps.session.id().clone()]);
    is_over(&there, &keeps, RevokeReason::PasswordChange).await;
}

async fn suspension_revokes_all_sessions_and_rejects_logins_under_way<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let manager = manager_on(connect());
    let logins = [login(&manager, "jeju").await, login(&manager, "jeju").await];
    let other = login(&manager, "eve").await;
    let login_fence = manager.begin_login(&user("jeju")).await.unwrap();
    assert_eq!(manager.suspend(&user("jeju")).await.unwrap().len(), 2);
    for login in &logins {
        is_over(&manager, login, RevokeReason::Suspended).await;
    }
    assert!(manager.create(NewSession::new(user("jeju")).login_fence(login_fence)).await.is_err());
    assert!(manager.refresh(token(&other)).await.is_ok());
}

async fn refresh_is_refused_with_the_reason_after_logout_or_revoke_all<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let manager = manager_on(connect());
    let first = login(&manager, "jeju").await;
    assert!(manager.logout(&first.access_token).await.unwrap());
    is_over(&manager, &first, RevokeReason::Logout).await;
    for reason in [RevokeReason::LogoutAll, RevokeReason::Admin] {
        let second = login(&manager, "jeju").await;
        manager.revoke(&user("jeju"), Target::All, reason).await.unwrap();
        is_over(&manager, &second, reason).await;
    }
}

/// A directory whose answer the test sets.
#[derive(Clone, Default)]
struct Directory(Arc<AtomicU8>);

const ACTIVE: u8 = 0;
const INACTIVE: u8 = 1;
const AWAY: u8 = 2;

impl UserDirectory for Directory {
    async fn find(&self, _user: &UserId) -> Result<Option<User>, BoxError> {
        match self.0.load(Ordering::Relaxed) {
            ACTIVE => Ok(Some(User::new(true))),
            INACTIVE => Ok(Some(User::new(false))),
            _ => Err("away".into()),
        }
    }
}

#[tokio::test]
async fn refresh_is_refused_for_an_inactive_user_or_an_unavailable_directory() {
    let (directory, store) = (Directory::default(), MemoryStore::new());
    let (manager, _worker) =
        builder().store(store.clone()).directory(directory.clone()).build().unwrap();
    let login = login(&manager, "jeju").await;
    for (says, kind) in
        [(INACTIVE, AuthErrorKind::AccountInactive), (AWAY, AuthErrorKind::DirectoryUnavailable)]
    {
        directory.0.store(says, Ordering::Relaxed);
        let refused = manager.refresh(token(&login)).await.unwrap_err();
        assert_eq!(refused.kind(), kind);
        assert_eq!(counter(&store, &login.session).await, Some(0), "no rotation took place");
        directory.0.store(ACTIVE, Ordering::Relaxed);
    }
    assert!(manager.refresh(token(&login)).await.is_ok());
}

/// If a rotated token is used again, the session is revoked. This holds even if the directory is
/// unavailable or the account is inactive.
#[tokio::test]
async fn refresh_token_reuse_revokes_the_session_although_the_directory_refuses() {
    for says in [AWAY, INACTIVE] {
        let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&told);
        let directory = Directory::default();
        let (manager, worker) = builder()
            .refresh_grace(Duration::ZERO)
            .directory(directory.clone())
            .event_sink(move |event: &Event| sink.lock().unwrap().push(event.name().to_owned()))
            .build()
            .unwrap();
        let background = worker.start();
        let first = login(&manager, "jeju").await;
        let second = manager.refresh(token(&first)).await.unwrap();
        directory.0.store(says, Ordering::Relaxed);
        let refused = manager.refresh(token(&first)).await.unwrap_err();
        crate::refresh::is_revoked(&refused, RevokeReason::RefreshReuse);
        is_over(&manager, &second, RevokeReason::RefreshReuse).await;
        drop(manager);
        background.stop().await.unwrap();
        let told = told.lock().unwrap();
        // Events of one class arrive in order. An event of a state change may arrive before an
        // earlier event of another class.
        assert!(told.iter().any(|name| name == "token_refreshed"), "{told:?}");
        let changes =
            told.iter().filter(|name| !["token_refreshed", "rejected"].contains(&name.as_str()));
        let changes: Vec<_> = changes.collect();
        assert_eq!(changes, ["created", "suspicious", "revoked"], "{told:?}");
    }
}

#[tokio::test]
async fn refresh_token_stays_valid_after_a_store_outage() {
    let store = SwitchStore::new(MemoryStore::new());
    let timeout = Duration::from_millis(50);
    let (manager, _worker) = builder().store_timeout(timeout).store(store.clone()).build().unwrap();
    let login = login(&manager, "jeju").await;
    for mood in [Mood::Fail(StoreErrorKind::Unavailable), Mood::Hang] {
        store.set(mood);
        is(&manager.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::StoreUnavailable);
        let refused = manager.logout_refresh(token(&login)).await.unwrap_err();
        is(&refused, AuthErrorKind::StoreUnavailable);
    }
    store.set(Mood::Answer);
    // After a short time, the circuit breaker permits a call again.
    until("the store is called again", async || match manager.refresh(token(&login)).await {
        Ok(refreshed) => refreshed.session.revision() == 2,
        Err(error) => {
            is(&error, AuthErrorKind::StoreUnavailable);
            false
        }
    })
    .await;
}
