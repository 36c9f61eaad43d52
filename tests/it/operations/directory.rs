//! The user directory: active accounts, inactive accounts, and a directory that fails.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, advance};
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::error::SessionError;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::{ManualClock, TokioClock};
use tower_session_auth::{AuthErrorKind, NewSession, RevokeReason, SessionManager, UserId};

use crate::operations::login;
use crate::support::{START, builder, user};

#[derive(Clone, Copy)]
enum Says {
    Active,
    Inactive,
    Unknown,
    Fails,
    Hangs,
}

/// A directory that gives the answer that a test sets, and counts its calls.
#[derive(Clone)]
struct Directory {
    says: Arc<Mutex<Says>>,
    asked: Arc<AtomicUsize>,
    held: Arc<Mutex<Option<oneshot::Receiver<()>>>>,
}

impl Directory {
    fn new() -> Self {
        let says = Arc::new(Mutex::new(Says::Active));
        Self { says, asked: Arc::default(), held: Arc::default() }
    }

    /// Holds back the answer to the next call. That answer is the one that is set when the call
    /// begins.
    fn hold(&self) -> oneshot::Sender<()> {
        let (release, released) = oneshot::channel();
        *self.held.lock().unwrap() = Some(released);
        release
    }

    fn set(&self, says: Says) {
        *self.says.lock().unwrap() = says;
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl UserDirectory for Directory {
    async fn find(&self, user: &UserId) -> Result<Option<User>, BoxError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let says = *self.says.lock().unwrap();
        let held = self.held.lock().unwrap().take();
        if let Some(released) = held {
            released.await?;
        }
        match says {
            Says::Active => Ok(Some(User::new(true).role("user").user_name(user.as_str()))),
            Says::Inactive => Ok(Some(User::new(false))),
            Says::Unknown => Ok(None),
            Says::Fails => Err("host=db.internal password=hunter2".into()),
            Says::Hangs => std::future::pending().await,
        }
    }
}

fn manager() -> (SessionManager, Directory) {
    let clock = TokioClock::new(START);
    let directory = Directory::new();
    let (manager, _worker) = builder()
        .clock(clock)
        .store(MemoryStore::with_clock(clock))
        .directory(directory.clone())
        .build()
        .unwrap();
    (manager, directory)
}

const HALF_A_MINUTE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn directory_is_asked_about_an_active_account_once_per_interval() {
    let (manager, directory) = manager();
    let token = login(&manager, "jeju").await.access_token;
    assert_eq!(directory.asked(), 1, "a login asks the directory");
    for _ in 0..10 {
        manager.authenticate(&token).await.unwrap();
    }
    assert_eq!(directory.asked(), 0);
    advance(HALF_A_MINUTE).await;
    for _ in 0..10 {
        manager.authenticate(&token).await.unwrap();
    }
    assert_eq!(directory.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn cached_directory_answer_expires_while_the_host_is_suspended() {
    let (host, directory) = (ManualClock::new(START), Directory::new());
    let (manager, _worker) =
        builder().clock(host.clone()).directory(directory.clone()).build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    directory.set(Says::Inactive);
    manager.authenticate(&token).await.unwrap();
    // Tokio's clock stands still, as the monotonic clock of most systems does while the host is
    // suspended.
    host.advance(HALF_A_MINUTE);
    let refused = manager.authenticate(&token).await.unwrap_err();
    assert_eq!(refused.kind(), AuthErrorKind::AccountInactive);
}

#[tokio::test(start_paused = true)]
async fn inactive_or_unknown_account_is_403_until_it_is_active_again() {
    for off in [Says::Inactive, Says::Unknown] {
        let (manager, directory) = manager();
        let token = login(&manager, "jeju").await.access_token;
        directory.set(off);
        manager.authenticate(&token).await.unwrap();
        advance(HALF_A_MINUTE).await;
        directory.asked();
        for _ in 0..3 {
            let refused = manager.authenticate(&token).await.unwrap_err();
            assert_eq!(refused.kind(), AuthErrorKind::AccountInactive);
            assert_eq!(refused.kind().status(), 403);
        }
        assert_eq!(directory.asked(), 3, "a negative answer is not cached");
        let late = manager.create(NewSession::new(user("jeju"))).await;
        assert!(matches!(late, Err(SessionError::AccountInactive)));
        directory.set(Says::Active);
        manager.authenticate(&token).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn failing_or_hanging_directory_is_503_and_its_error_is_not_shown() {
    for trouble in [Says::Fails, Says::Hangs] {
        let (manager, directory) = manager();
        let token = login(&manager, "jeju").await.access_token;
        directory.set(trouble);
        // The cached answer is still valid.
        manager.authenticate(&token).await.unwrap();
        advance(HALF_A_MINUTE).await;
        let began = Instant::now();
        let refused = manager.authenticate(&token).await.unwrap_err();
        assert!(began.elapsed() <= Duration::from_millis(250), "{:?}", began.elapsed());
        assert_eq!(refused.kind(), AuthErrorKind::DirectoryUnavailable);
        let response = refused.to_response::<String>();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        let shown = format!("{} {refused} {refused:?}", response.body());
        assert!(!shown.contains("hunter2") && !shown.contains("internal"), "{shown}");
        let late = manager.create(NewSession::new(user("jeju"))).await.unwrap_err();
        assert!(matches!(late, SessionError::Directory(_)));
        assert!(!format!("{late} {late:?}").contains("hunter2"), "{late:?}");

        directory.set(Says::Active);
        advance(Duration::from_millis(100)).await;
        manager.authenticate(&token).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn requests_fail_at_once_after_the_first_timeout_of_a_hanging_directory() {
    let (manager, directory) = manager();
    let token = login(&manager, "jeju").await.access_token;
    advance(HALF_A_MINUTE).await;
    directory.set(Says::Hangs);
    directory.asked();
    manager.authenticate(&token).await.unwrap_err();
    let began = Instant::now();
    for _ in 0..100 {
        let refused = manager.authenticate(&token).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::DirectoryUnavailable);
    }
    assert!(began.elapsed().is_zero(), "requests are rejected at once");
    assert_eq!(directory.asked(), 1);
    // An error may concern only one user. Therefore it does not open the circuit breaker, and the
    // next requests still ask the directory.
    advance(Duration::from_millis(100)).await;
    directory.set(Says::Fails);
    for _ in 0..3 {
        manager.authenticate(&token).await.unwrap_err();
    }
    assert_eq!(directory.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn suspension_takes_effect_at_once() {
    let (manager, directory) = manager();
    let token = login(&manager, "jeju").await.access_token;
    let login_fence = manager.begin_login(&user("jeju")).await.unwrap();
    directory.set(Says::Inactive);
    assert_eq!(manager.suspend(&user("jeju")).await.unwrap().len(), 1);
    let refused = manager.authenticate(&token).await.unwrap_err();
    assert_eq!(refused.reason(), Some(RevokeReason::Suspended));
    for new in
        [NewSession::new(user("jeju")), NewSession::new(user("jeju")).login_fence(login_fence)]
    {
        let late = manager.create(new).await;
        assert!(matches!(late, Err(SessionError::AccountInactive)), "{late:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn active_answer_from_before_a_suspension_admits_no_request_and_no_login() {
    let (manager, directory) = manager();
    let token = login(&manager, "jeju").await.access_token;
    for is_login in [false, true] {
        directory.set(Says::Active);
        // The cached answer expires. Therefore the next request asks the directory.
        advance(HALF_A_MINUTE).await;
        directory.asked();
        let release = directory.hold();
        let under_way = async {
            if is_login {
                let late = manager.create(NewSession::new(user("jeju"))).await;
                matches!(late, Err(SessionError::AccountInactive))
            } else {
                let refused = manager.authenticate(&token).await.map_err(|error| error.kind());
                matches!(refused, Err(AuthErrorKind::AccountInactive))
            }
        };
        let suspend = async {
            while directory.asked.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            directory.set(Says::Inactive);
            manager.suspend(&user("jeju")).await.unwrap();
            release.send(()).unwrap();
        };
        let (is_refused, ()) = tokio::join!(under_way, suspend);
        assert!(is_refused, "login: {is_login}");
        assert_eq!(directory.asked(), 2, "the directory is asked again");
    }
}

#[tokio::test(start_paused = true)]
async fn account_comes_from_the_directory_or_else_from_the_session() {
    let (manager, directory) = manager();
    let session = login(&manager, "jeju").await.session;
    let account = manager.account(&session).await.unwrap();
    assert_eq!(account.user_name.as_deref(), Some("jeju"));
    assert!(!format!("{account:?}").contains("jeju"));
    directory.set(Says::Unknown);
    let unknown = manager.account(&session).await;
    assert!(matches!(unknown, Err(SessionError::AccountInactive)));

    let (without, _worker) = builder().build().unwrap();
    let session = login(&without, "jeju").await.session;
    assert_eq!(without.account(&session).await.unwrap().role.name(), Some("user"));
}
