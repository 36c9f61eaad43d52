//! A login that is under way does not survive what ends everything.

use tower_session_auth::{EndReason, NewSession, SessionError, SessionManager};

use crate::support::user;
use crate::verbs::{Place, login, on_both_stores};

on_both_stores!(
    a_login_under_way_does_not_survive_what_ends_or_changes_everything,
    a_login_under_way_survives_what_concerns_others,
    a_login_without_a_guard_is_on_its_own,
);

enum Overtaken {
    DeleteAll(EndReason),
    DeleteAllBut,
    Suspend,
    UpdateAll,
}

impl Overtaken {
    async fn happens(&self, manager: &SessionManager, keep: &tower_session_auth::SessionId) {
        let jeju = user("jeju");
        match self {
            Self::DeleteAll(reason) => drop(manager.delete_all(&jeju, *reason).await.unwrap()),
            Self::DeleteAllBut => {
                let reason = EndReason::PasswordChange;
                drop(manager.delete_all_but(&jeju, keep, reason).await.unwrap());
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

async fn a_login_under_way_does_not_survive_what_ends_or_changes_everything(place: &Place) {
    let (here, there) = (place.manager(), place.manager());
    let cases = [
        Overtaken::DeleteAll(EndReason::LogoutAll),
        Overtaken::DeleteAll(EndReason::PasswordChange),
        Overtaken::DeleteAll(EndReason::Admin),
        Overtaken::DeleteAllBut,
        Overtaken::Suspend,
        Overtaken::UpdateAll,
    ];
    for (turn, case) in cases.iter().enumerate() {
        let other = login(&there, "jeju").await;
        // Two logins begin, one of them before anything was ever ended: in either case the guard is another one then.
        let guards = [
            here.begin_login(&user("jeju")).await.unwrap(),
            there.begin_login(&user("jeju")).await.unwrap(),
        ];
        case.happens(&there, other.session.id()).await;
        let before = there.sessions(&user("jeju")).await.unwrap().len();
        for guard in guards {
            let late = here.create(NewSession::new(user("jeju")).guard(guard)).await;
            assert!(matches!(late, Err(SessionError::LoginSuperseded)), "case {turn}: {late:?}");
        }
        assert_eq!(there.sessions(&user("jeju")).await.unwrap().len(), before, "case {turn}");
        // One that begins afterwards succeeds.
        let guard = here.begin_login(&user("jeju")).await.unwrap();
        let login = here.create(NewSession::new(user("jeju")).guard(guard)).await.unwrap();
        there.authenticate(&login.access_token).await.unwrap();
    }
}

async fn a_login_under_way_survives_what_concerns_others(place: &Place) {
    let (here, there) = (place.manager(), place.manager());
    let first = login(&there, "jeju").await;
    let guard = here.begin_login(&user("jeju")).await.unwrap();
    there.delete_all(&user("admin"), EndReason::LogoutAll).await.unwrap();
    there.delete_all(&user("jeju "), EndReason::LogoutAll).await.unwrap();
    there.logout(&first.access_token).await.unwrap();
    login(&there, "jeju").await;
    let login = here.create(NewSession::new(user("jeju")).guard(guard)).await.unwrap();
    there.authenticate(&login.access_token).await.unwrap();

    // A guard is its user's.
    let guard = here.begin_login(&user("admin")).await.unwrap();
    let mixed = here.create(NewSession::new(user("jeju")).guard(guard)).await;
    assert!(matches!(mixed, Err(SessionError::LoginSuperseded)), "{mixed:?}");
}

async fn a_login_without_a_guard_is_on_its_own(place: &Place) {
    let manager = place.manager();
    manager.delete_all(&user("jeju"), EndReason::LogoutAll).await.unwrap();
    login(&manager, "jeju").await;
}
