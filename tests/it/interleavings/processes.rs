//! Requests of two processes on one session. The test stops each request at a point where the other
//! process can run an operation.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tower_session_auth::store::{MemoryStore, SessionStore, Updated};
use tower_session_auth::worker::Background;
use tower_session_auth::{AuthErrorKind, NewSession, RevokeReason, SessionManager, Target};

use crate::interleavings::{HOUR, on_both_stores, permutations, redis_store};
use crate::support::paused::{At, PausedStore, Verb};
use crate::support::redis::RedisServer;
use crate::support::wait::until_due;
use crate::support::{builder, login, ms, user};

/// A process: its own manager and worker over a store that the test can stop.
struct Process<St> {
    manager: SessionManager,
    background: Background,
    store: PausedStore<St>,
}

impl<St: SessionStore + Clone> Process<St> {
    /// Starts a process in which every request moves the last activity and the idle deadline.
    fn start(store: St) -> Self {
        let store = PausedStore::new(store);
        let (manager, worker) = builder()
            .store(store.clone())
            .store_timeout(Duration::from_secs(10))
            .idle_ttl(HOUR)
            .refresh_threshold(HOUR - ms(1))
            .touch_interval(ms(1))
            .build()
            .unwrap();
        Self { manager, background: worker.start(), store }
    }

    async fn written(self) -> u64 {
        self.background.stop().await.unwrap().written
    }
}

async fn assert_revoked(manager: &SessionManager, token: &str, reason: RevokeReason) {
    let refused = manager.authenticate(token).await.unwrap_err();
    assert_eq!((refused.kind(), refused.reason()), (AuthErrorKind::SessionRevoked, Some(reason)));
}

on_both_stores! {
    touch_of_a_request_from_before_the_logout_does_not_revive_the_session: load_logout_touch,
    update_between_the_load_and_the_touch_of_a_request_is_kept: load_update_touch,
    touches_of_two_processes_around_a_delete_do_not_revive_the_session: two_touches_and_a_delete,
    logout_of_all_revokes_exactly_the_logins_that_are_stored_before_it: logout_all_around_create,
    logout_takes_effect_before_its_caller_gets_the_answer: answer_in_transit,
}

async fn load_logout_touch<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for all in [false, true] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let login = login(&here.manager, "jeju").await;
        until_due(&here.store, &login.session).await;
        let mut loaded = here.store.stop(Verb::Load, At::After);
        let mut request = JoinSet::new();
        let (manager, token) = (here.manager.clone(), login.access_token.clone());
        request.spawn(async move { manager.authenticate(&token).await });
        loaded.reached().await;
        let reason = if all { RevokeReason::LogoutAll } else { RevokeReason::Logout };
        if all {
            let ended =
                there.manager.revoke(&user("jeju"), Target::All, reason).await.unwrap().sessions;
            assert_eq!(ended, [login.session.id().clone()]);
        } else {
            assert!(there.manager.logout(&login.access_token).await.unwrap());
        }
        loaded.go();
        let answer = request.join_next().await.unwrap().unwrap();
        assert!(answer.is_ok(), "the session was live when the request read it: {answer:?}");
        let (manager, store) = (here.manager.clone(), here.store.clone());
        assert_eq!(here.written().await, 1, "the touch reached the store");
        assert!(manager.get(login.session.user_id(), login.session.id()).await.unwrap().is_none());
        assert_revoked(&manager, &login.access_token, reason).await;
        assert_revoked(&there.manager, &login.access_token, reason).await;
        let (user, id) = (login.session.user_id(), login.session.id());
        assert_eq!(store.activity(user, id).await.unwrap(), None);
    }
}

async fn load_update_touch<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    let (here, there) = (Process::start(connect()), connect());
    let login = login(&here.manager, "jeju").await;
    let (user, id) = (login.session.user_id(), login.session.id());
    until_due(&here.store, &login.session).await;
    let mut loaded = here.store.stop(Verb::Load, At::After);
    let mut request = JoinSet::new();
    let (manager, token) = (here.manager.clone(), login.access_token.clone());
    request.spawn(async move { manager.authenticate(&token).await });
    loaded.reached().await;
    let payload = Bytes::from_static(br#"{"role":"admin","data":null}"#);
    assert_eq!(there.update(user, id, 1, payload).await.unwrap(), Updated::Written(2));
    loaded.go();
    let session = request.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(
        (session.role(), session.revision()),
        (Some("user"), 1),
        "the session as it was loaded"
    );
    let manager = here.manager.clone();
    assert_eq!(here.written().await, 1);
    let session = manager.get(user, id).await.unwrap().unwrap();
    assert_eq!((session.role(), session.revision()), (Some("admin"), 2), "the update is kept");
    assert!(session.last_activity() > login.session.last_activity(), "the touch is kept");
    assert!(session.idle_deadline() > login.session.idle_deadline());
    let session = manager.authenticate(&login.access_token).await.unwrap();
    assert_eq!(session.role(), Some("admin"));
}

async fn two_touches_and_a_delete<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    const DELETE: usize = 2;
    for order in permutations(&[0, 1, DELETE]) {
        let processes = [Process::start(connect()), Process::start(connect())];
        let login = login(&processes[0].manager, "jeju").await;
        let (user, id) = (login.session.user_id(), login.session.id());
        for process in &processes {
            until_due(&process.store, &login.session).await;
        }
        let mut stops = Vec::new();
        for process in &processes {
            let before = process.store.stop(Verb::Touch, At::Before);
            let after = process.store.stop(Verb::Touch, At::After);
            process.manager.authenticate(&login.access_token).await.unwrap();
            stops.push(Some((before, after)));
        }
        for (before, _) in stops.iter_mut().flatten() {
            before.reached().await;
        }
        let mut ended = false;
        for step in order.clone() {
            if step == DELETE {
                ended = true;
                let manager = &processes[0].manager;
                assert!(
                    manager.revoke(user, id, RevokeReason::Admin).await.unwrap().was_live(),
                    "{order:?}"
                );
            } else {
                let (before, mut after) = stops[step].take().unwrap();
                before.go();
                after.reached().await;
                after.go();
            }
            let activity = processes[0].store.activity(user, id).await.unwrap();
            assert_eq!(activity.is_none(), ended, "{order:?} after {step}");
        }
        for process in processes {
            let manager = process.manager.clone();
            assert_eq!(process.written().await, 1, "{order:?}");
            assert_revoked(&manager, &login.access_token, RevokeReason::Admin).await;
            assert!(manager.get(user, id).await.unwrap().is_none());
        }
    }
}

async fn logout_all_around_create<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for at in [At::Before, At::After] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let old = login(&there.manager, "jeju").await;
        let mut creating = here.store.stop(Verb::Create, at);
        let mut request = JoinSet::new();
        let manager = here.manager.clone();
        request.spawn(async move { manager.create(NewSession::new(user("jeju"))).await });
        creating.reached().await;
        let reason = RevokeReason::LogoutAll;
        let ended =
            there.manager.revoke(&user("jeju"), Target::All, reason).await.unwrap().sessions;
        assert!(ended.contains(old.session.id()));
        assert_eq!(ended.len(), if at == At::Before { 1 } else { 2 }, "{at:?}");
        creating.go();
        let new = request.join_next().await.unwrap().unwrap().unwrap();
        assert_revoked(&here.manager, &old.access_token, reason).await;
        for manager in [&here.manager, &there.manager] {
            if at == At::Before {
                // The session was created after all others were revoked.
                assert!(manager.authenticate(&new.access_token).await.is_ok());
            } else {
                // The session was created before the logout, so the logout revokes it. This holds
                // although the login has not been answered yet.
                assert_revoked(manager, &new.access_token, reason).await;
            }
        }
        there.manager.revoke(&user("jeju"), Target::All, reason).await.unwrap();
    }
}

async fn answer_in_transit<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for verb in [Verb::Delete, Verb::DeleteAll] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let login = login(&here.manager, "jeju").await;
        let mut done = here.store.stop(verb, At::After);
        let mut asked = JoinSet::new();
        let (manager, id) = (here.manager.clone(), login.session.id().clone());
        asked.spawn(async move {
            if verb == Verb::Delete {
                manager.revoke(&user("jeju"), &id, RevokeReason::Logout).await.unwrap().was_live()
            } else {
                manager
                    .revoke(&user("jeju"), Target::All, RevokeReason::Logout)
                    .await
                    .unwrap()
                    .sessions
                    == [id]
            }
        });
        done.reached().await;
        assert_revoked(&here.manager, &login.access_token, RevokeReason::Logout).await;
        // A second revocation at the same time finds no session and does not change the reason.
        let (user, id) = (login.session.user_id(), login.session.id());
        assert!(!there.manager.revoke(user, id, RevokeReason::Admin).await.unwrap().was_live());
        done.go();
        assert!(asked.join_next().await.unwrap().unwrap(), "the first delete revoked the session");
        assert_revoked(&there.manager, &login.access_token, RevokeReason::Logout).await;
    }
}
