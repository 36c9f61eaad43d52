//! The login fence. A login in progress fails if all sessions of its user are revoked during the
//! login.

use tower_session_auth::error::SessionError;
use tower_session_auth::{NewSession, RevokeReason, SessionManager, Target};

use crate::operations::{Place, login, on_both_stores};
use crate::support::user;

on_both_stores!(
    login_under_way_fails_after_all_sessions_are_revoked_or_changed,
    login_under_way_succeeds_after_a_logout_or_changes_to_other_users,
    login_without_a_fence_succeeds_after_a_revocation_of_all_sessions,
);

enum Overtaken {
    RevokeAll(RevokeReason),
    RevokeAllExcept,
    Suspend,
    UpdateAll,
}

impl Overtaken {
    async fn run(&self, manager: &SessionManager, keep: &tower_session_auth::SessionId) {
        let jeju = user("jeju");
        match self {
            Self::RevokeAll(reason) => {
                drop(manager.revoke(&jeju, Target::All, *reason).await.unwrap());
            }
            Self::RevokeAllExcept => {
                let others = Target::AllExcept(keep.clone());
                drop(manager.revoke(&jeju, others, RevokeReason::PasswordChange).await.unwrap());
            }
            Self::Suspend => drop(manager.suspend(&jeju).await.unwrap()),
            Self::UpdateAll => {
                let change = |_: &_, session: &mut tower_session_auth::session::SessionEdit| {
                    session.role = Some("user".to_owned());
                };
                manager.update_all(&jeju, change).await.unwrap();
            }
        }
    }
}

async fn login_under_way_fails_after_all_sessions_are_revoked_or_changed(place: &Place) {
    let (here, there) = (place.manager(), place.manager());
    let cases = [
        Overtaken::RevokeAll(RevokeReason::LogoutAll),
        Overtaken::RevokeAll(RevokeReason::PasswordChange),
        Overtaken::RevokeAll(RevokeReason::Admin),
        Overtaken::RevokeAllExcept,
        Overtaken::Suspend,
        Overtaken::UpdateAll,
    ];
    for (turn, case) in cases.iter().enumerate() {
        let other = login(&there, "jeju").await;
        // Two logins begin before each case. Each case revokes sessions, and must therefore replace
        // the login fence. Before the first case, Redis has no fence of this user.
        let login_fences = [
            here.begin_login(&user("jeju")).await.unwrap(),
            there.begin_login(&user("jeju")).await.unwrap(),
        ];
        case.run(&there, other.session.id()).await;
        let before = there.sessions(&user("jeju")).await.unwrap().len();
        for login_fence in login_fences {
            let late = here.create(NewSession::new(user("jeju")).login_fence(login_fence)).await;
            assert!(matches!(late, Err(SessionError::LoginSuperseded)), "case {turn}: {late:?}");
        }
        assert_eq!(there.sessions(&user("jeju")).await.unwrap().len(), before, "case {turn}");
        // A login that begins after the operation succeeds.
        let login_fence = here.begin_login(&user("jeju")).await.unwrap();
        let login =
            here.create(NewSession::new(user("jeju")).login_fence(login_fence)).await.unwrap();
        there.authenticate(&login.access_token).await.unwrap();
    }
}

async fn login_under_way_succeeds_after_a_logout_or_changes_to_other_users(place: &Place) {
    let (here, there) = (place.manager(), place.manager());
    let first = login(&there, "jeju").await;
    let login_fence = here.begin_login(&user("jeju")).await.unwrap();
    there.revoke(&user("admin"), Target::All, RevokeReason::LogoutAll).await.unwrap();
    there.revoke(&user("jeju "), Target::All, RevokeReason::LogoutAll).await.unwrap();
    there.logout(&first.access_token).await.unwrap();
    login(&there, "jeju").await;
    let login = here.create(NewSession::new(user("jeju")).login_fence(login_fence)).await.unwrap();
    there.authenticate(&login.access_token).await.unwrap();

    // A login fence is valid only for its own user.
    let login_fence = here.begin_login(&user("admin")).await.unwrap();
    let mixed = here.create(NewSession::new(user("jeju")).login_fence(login_fence)).await;
    assert!(matches!(mixed, Err(SessionError::LoginSuperseded)), "{mixed:?}");
}

async fn login_without_a_fence_succeeds_after_a_revocation_of_all_sessions(place: &Place) {
    let manager = place.manager();
    manager.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap();
    login(&manager, "jeju").await;
}
