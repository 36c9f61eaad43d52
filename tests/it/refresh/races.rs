//! Races between two rotations, and between a rotation and a revocation or an update. The tests
//! stop one operation at a point where another operation can run. No session becomes live again,
//! and no change is lost.

use tokio::task::{JoinHandle, JoinSet};
use tower_session_auth::store::SessionStore;
use tower_session_auth::{AuthError, Login, RevokeReason, SessionManager, Target};

use crate::refresh::{builder, counter, is_over, manager_on, on_both_stores, state, token};
use crate::support::paused::{At, PausedStore, Verb};
use crate::support::{login, user};

on_both_stores! {
    concurrent_rotations_of_one_token_return_one_successor,
    rotation_during_a_revocation_is_refused_with_the_reason,
    revocation_before_the_answer_of_a_rotation_revokes_the_new_tokens,
    concurrent_update_and_rotation_both_take_effect,
    refresh_token_works_again_after_its_rotation_was_cancelled,
    concurrent_use_of_one_token_without_grace_revokes_the_session,
    thousand_concurrent_refreshes_of_one_token_are_one_rotation,
}

fn stopped<St: SessionStore + Clone>(store: St) -> (SessionManager, PausedStore<St>) {
    let store = PausedStore::new(store);
    (builder().store(store.clone()).build().unwrap().0, store)
}

/// Runs `work` as a separate request, while the test continues.
#[expect(clippy::disallowed_methods, reason = "the test itself starts the concurrent work")]
fn spawn_request<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    tokio::spawn(work)
}

fn refresh(manager: &SessionManager, login: &Login) -> JoinHandle<Result<Login, AuthError>> {
    let (manager, token) = (manager.clone(), token(login).to_owned());
    spawn_request(async move { manager.refresh(&token).await })
}

async fn concurrent_rotations_of_one_token_return_one_successor<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    for at in [At::Before, At::After] {
        let ((here, here_store), (there, there_store)) = (stopped(connect()), stopped(connect()));
        let first = login(&here, "jeju").await;
        let mut stops =
            [here_store.stop(Verb::Rotate, at), there_store.stop(Verb::Rotate, At::Before)];
        let (one, two) = (refresh(&here, &first), refresh(&there, &first));
        for stop in &mut stops {
            stop.reached().await;
        }
        for stop in stops {
            stop.go();
        }
        let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
        assert_eq!(token(&one), token(&two), "{at:?}");
        let (rotation, revision) = state(&connect(), &first.session).await.unwrap();
        assert_eq!((rotation.counter, revision), (1, 2), "{at:?}: one rotation");
        for login in [&one, &two] {
            assert!(here.authenticate(&login.access_token).await.is_ok());
        }
    }
}

/// Revokes the session with the operation that belongs to this reason.
async fn revoke(manager: &SessionManager, login: &Login, how: RevokeReason) {
    let (user, id) = (user("jeju"), login.session.id());
    let ids = std::slice::from_ref(id);
    match how {
        RevokeReason::Logout => assert!(manager.logout_refresh(token(login)).await.unwrap()),
        RevokeReason::Admin => assert!(manager.revoke(&user, id, how).await.unwrap().was_live()),
        RevokeReason::PasswordChange => {
            assert_eq!(
                manager
                    .revoke(&user, Target::All, RevokeReason::PasswordChange)
                    .await
                    .unwrap()
                    .sessions,
                ids
            );
        }
        RevokeReason::Suspended => assert_eq!(manager.suspend(&user).await.unwrap(), ids),
        _ => assert_eq!(manager.revoke(&user, Target::All, how).await.unwrap().sessions, ids),
    }
}

const ENDS: [RevokeReason; 5] = [
    RevokeReason::Logout,
    RevokeReason::LogoutAll,
    RevokeReason::Admin,
    RevokeReason::PasswordChange,
    RevokeReason::Suspended,
];

async fn rotation_during_a_revocation_is_refused_with_the_reason<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    for how in ENDS {
        for (verb, at) in [(Verb::Load, At::After), (Verb::Rotate, At::Before)] {
            let ((here, store), there) = (stopped(connect()), manager_on(connect()));
            let first = login(&here, "jeju").await;
            let mut stop = store.stop(verb, at);
            let exchange = refresh(&here, &first);
            stop.reached().await;
            revoke(&there, &first, how).await;
            stop.go();
            let refused = exchange.await.unwrap().unwrap_err();
            assert_eq!(refused.reason(), Some(how), "{how} {verb:?}");
            is_over(&here, &first, how).await;
            is_over(&there, &first, how).await;
            assert_eq!(counter(&connect(), &first.session).await, None);
        }
    }
}

async fn revocation_before_the_answer_of_a_rotation_revokes_the_new_tokens<
    St: SessionStore + Clone,
>(
    connect: impl Fn() -> St,
) {
    for how in ENDS {
        let ((here, store), there) = (stopped(connect()), manager_on(connect()));
        let first = login(&here, "jeju").await;
        let mut stop = store.stop(Verb::Rotate, At::After);
        let exchange = refresh(&here, &first);
        stop.reached().await;
        revoke(&there, &first, how).await;
        stop.go();
        let second = exchange.await.unwrap().unwrap();
        for manager in [&here, &there] {
            is_over(manager, &second, how).await;
            is_over(manager, &first, how).await;
        }
    }
}

async fn concurrent_update_and_rotation_both_take_effect<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    for (verb, at) in
        [(Verb::Load, At::After), (Verb::Update, At::Before), (Verb::Update, At::After)]
    {
        let ((here, store), there) = (stopped(connect()), manager_on(connect()));
        let first = login(&here, "jeju").await;
        let mut stop = store.stop(verb, at);
        let (manager, id) = (here.clone(), first.session.id().clone());
        let change = spawn_request(async move {
            let promote = |edit: &mut tower_session_auth::session::SessionEdit| {
                edit.role = Some("admin".to_owned());
            };
            manager.update(&user("jeju"), &id, promote).await
        });
        stop.reached().await;
        let second = there.refresh(token(&first)).await.unwrap();
        stop.go();
        let changed = change.await.unwrap().unwrap();
        assert_eq!((changed.role(), changed.revision() >= 2), (Some("admin"), true));
        let third = here.refresh(token(&second)).await.unwrap();
        assert_eq!((third.session.role(), third.session.revision()), (Some("admin"), 4));
        assert_eq!(counter(&connect(), &first.session).await, Some(2), "{verb:?} {at:?}");
        // The same test with `update_all`.
        let stop_all = store.stop(Verb::UpdateAll, At::Before);
        let manager = here.clone();
        let change = spawn_request(async move {
            manager.update_all(&user("jeju"), |_, edit| edit.role = Some("user".into())).await
        });
        let mut stop_all = stop_all;
        stop_all.reached().await;
        let fourth = there.refresh(token(&third)).await.unwrap();
        stop_all.go();
        assert!(change.await.unwrap().unwrap() >= 1);
        let fifth = here.refresh(token(&fourth)).await.unwrap();
        assert_eq!(fifth.session.role(), Some("user"));
        assert_eq!(counter(&connect(), &first.session).await, Some(4), "{verb:?} {at:?}");
    }
}

async fn refresh_token_works_again_after_its_rotation_was_cancelled<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    for (at, made) in [(At::Before, 1), (At::After, 1)] {
        let (here, store) = stopped(connect());
        let first = login(&here, "jeju").await;
        let mut stop = store.stop(Verb::Rotate, at);
        let exchange = refresh(&here, &first);
        stop.reached().await;
        exchange.abort();
        assert!(exchange.await.unwrap_err().is_cancelled());
        stop.go();
        // The caller did not receive the new tokens. The same refresh token returns them again.
        let second = here.refresh(token(&first)).await.unwrap();
        assert_eq!(counter(&connect(), &first.session).await, Some(made), "{at:?}");
        assert!(here.refresh(token(&second)).await.is_ok());
    }
}

/// There is no grace window. If two requests send the same token, the second request revokes the
/// session.
async fn concurrent_use_of_one_token_without_grace_revokes_the_session<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    let strict = || {
        let builder = builder().refresh_grace(std::time::Duration::ZERO);
        builder.store(connect()).build().unwrap().0
    };
    let (holder, thief) = (strict(), strict());
    let first = login(&holder, "jeju").await;
    let (one, two) = tokio::join!(refresh(&holder, &first), refresh(&thief, &first));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_ne!(one.is_ok(), two.is_ok(), "exactly one rotation succeeds");
    for manager in [&holder, &thief] {
        is_over(manager, one.as_ref().or(two.as_ref()).unwrap(), RevokeReason::RefreshReuse).await;
    }
}

async fn thousand_concurrent_refreshes_of_one_token_are_one_rotation<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    let managers = [manager_on(connect()), manager_on(connect())];
    let first = login(&managers[0], "jeju").await;
    let mut running = JoinSet::new();
    for n in 0..1_000 {
        let (manager, token) = (managers[n % 2].clone(), token(&first).to_owned());
        running.spawn(async move { manager.refresh(&token).await });
    }
    let mut successor = None;
    while let Some(done) = running.join_next().await {
        let login = done.unwrap().unwrap();
        let successor = successor.get_or_insert_with(|| token(&login).to_owned());
        assert_eq!(token(&login), successor);
    }
    let (rotation, revision) = state(&connect(), &first.session).await.unwrap();
    assert_eq!((rotation.counter, revision), (1, 2), "one rotation, one successor");
    for manager in &managers {
        assert!(manager.authenticate(&first.access_token).await.is_ok(), "the session stays valid");
    }
}
