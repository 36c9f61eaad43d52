//! Lists of the sessions of one user and of all users.

use std::collections::{BTreeMap, BTreeSet};

use tower_session_auth::error::SessionError;
use tower_session_auth::manager::{Cursor, OwnSession};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::{
    AuthErrorKind, KeySet, Login, NewSession, RevokeReason, SessionManager, SigningKey, Target,
};

use crate::operations::{Place, Told, login, on_both_stores};
use crate::support::paused::{At, PausedStore, Verb};
use crate::support::wait::until;
use crate::support::{OTHER_SECRET, builder, user};

on_both_stores!(
    own_sessions_lists_all_sessions_of_the_user_and_marks_the_current_one,
    revocation_of_one_covers_only_sessions_of_the_same_user,
    revocation_of_all_except_one_keeps_that_session,
    all_sessions_returns_the_sessions_of_all_users_with_any_page_size,
    cursor_that_is_altered_or_from_another_application_is_refused,
    revocation_events_name_the_actor_and_the_reason,
    lists_without_data_include_sessions_whose_data_cannot_be_read,
);

async fn own_sessions_lists_all_sessions_of_the_user_and_marks_the_current_one(place: &Place) {
    let manager = place.manager();
    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(login(&manager, "jeju").await);
        tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    }
    login(&manager, "admin").await;
    manager.touch(&user("jeju"), logins[1].session.id()).await.unwrap();
    manager.logout(&logins[2].access_token).await.unwrap();
    let me = manager.authenticate(&logins[0].access_token).await.unwrap();
    let own = manager.own_sessions(&me).await.unwrap();
    let shown: Vec<_> = own.iter().map(|own| (own.session.id(), own.current)).collect();
    let id = |i: usize| logins[i].session.id();
    // The most recently used session comes first.
    assert_eq!(shown, [(id(1), false), (id(3), false), (id(0), true)]);
    let exact = manager.get(&user("jeju"), id(1)).await.unwrap().unwrap();
    assert_eq!(own[0].session.last_activity(), exact.last_activity());
    assert_eq!(own[0].session.idle_deadline(), exact.idle_deadline());
    // A session in a list contains no text that is accepted as a token.
    for own in &own {
        let shown = format!("{:?} {}", own, own.session.id());
        for login in &logins {
            assert!(!shown.contains(&login.access_token));
        }
        let refused = manager.authenticate(own.session.id().as_str()).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken);
    }
    assert!(manager.sessions(&user("nobody")).await.unwrap().is_empty());
}

async fn revocation_of_one_covers_only_sessions_of_the_same_user(place: &Place) {
    let manager = place.manager();
    let (mine, phone) = (login(&manager, "jeju").await, login(&manager, "jeju").await);
    let other = login(&manager, "admin").await;
    let me = manager.authenticate(&mine.access_token).await.unwrap();
    let revoke = async |login: &Login| {
        let id = login.session.id();
        manager.revoke(me.user_id(), id, RevokeReason::Logout).await.unwrap().was_live()
    };
    assert!(!revoke(&other).await);
    manager.authenticate(&other.access_token).await.unwrap();
    assert!(revoke(&phone).await);
    assert!(!revoke(&phone).await);
    let refused = manager.authenticate(&phone.access_token).await.unwrap_err();
    assert_eq!(refused.reason(), Some(RevokeReason::Logout));
    manager.authenticate(&mine.access_token).await.unwrap();
}

async fn revocation_of_all_except_one_keeps_that_session(place: &Place) {
    let manager = place.manager();
    let mut logins = Vec::new();
    for _ in 0..4 {
        logins.push(login(&manager, "jeju").await);
    }
    let keep = logins.remove(1);
    let reason = RevokeReason::PasswordChange;
    let ended = manager
        .revoke(&user("jeju"), Target::AllExcept(keep.session.id().clone()), reason)
        .await
        .unwrap()
        .sessions;
    let expected: BTreeSet<_> = logins.iter().map(|login| login.session.id().clone()).collect();
    assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), expected);
    manager.authenticate(&keep.access_token).await.unwrap();
    for login in &logins {
        let refused = manager.authenticate(&login.access_token).await.unwrap_err();
        assert_eq!(refused.reason(), Some(reason));
    }
}

/// Scans all sessions in pages of this size. Returns the session ids by user.
async fn scan_all(manager: &SessionManager, limit: usize) -> BTreeMap<String, BTreeSet<String>> {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut from = None;
    loop {
        let page = manager.all_sessions(from.as_ref(), limit).await.unwrap();
        assert!(page.sessions.len() <= limit, "{} of {limit}", page.sessions.len());
        for session in page.sessions {
            let ids = shown.entry(session.user_id().to_string()).or_default();
            ids.insert(session.id().to_string());
        }
        match page.next {
            Some(next) => from = Some(Cursor::new(next.as_str())),
            None => return shown,
        }
    }
}

async fn all_sessions_returns_the_sessions_of_all_users_with_any_page_size(place: &Place) {
    let manager = place.manager();
    let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (i, name) in ["*", "a:b", "{x}", "제주", "\r\n", "%2A", "jeju", "x"].into_iter().enumerate()
    {
        for _ in 0..=i {
            let id = login(&manager, name).await.session.id().to_string();
            expected.entry(name.to_owned()).or_default().insert(id);
        }
    }
    for limit in [1, 2, 5, 1_000] {
        assert_eq!(scan_all(&manager, limit).await, expected, "pages of {limit}");
    }
    let all = manager.all_sessions(None, 0).await.unwrap();
    assert!(all.sessions.len() <= 1, "a limit of zero counts as one");
    // On a slow machine, a page may contain fewer sessions although more sessions follow.
    until("one page holds all sessions", async || {
        let page = manager.all_sessions(None, usize::MAX).await.unwrap();
        assert!(page.next.is_some() || page.sessions.len() == 36, "{page:?}");
        page.next.is_none()
    })
    .await;
}

async fn cursor_that_is_altered_or_from_another_application_is_refused(place: &Place) {
    let manager = place.manager();
    for _ in 0..3 {
        login(&manager, "jeju").await;
    }
    let mut page = manager.all_sessions(None, 1).await.unwrap();
    while page.next.is_some() && page.sessions.is_empty() {
        page = manager.all_sessions(page.next.as_ref(), 1).await.unwrap();
    }
    let good = page.next.unwrap();
    manager.all_sessions(Some(&good), 1).await.unwrap();
    assert!(!format!("{good:?}").contains("jeju"));

    let (elsewhere, _worker) = place.builder().audience("another").build().unwrap();
    let other_keys = KeySet::new(SigningKey::hs256("k1", OTHER_SECRET).unwrap());
    let (other_keys, _worker) = place.builder().keys(other_keys).build().unwrap();
    let (front, rest) = good.as_str().split_at(1);
    let flipped = format!("{}{rest}", if front == "A" { "B" } else { "A" });
    let token = login(&manager, "jeju").await.access_token;
    for (reader, bad) in [
        (&elsewhere, good.as_str()),
        (&other_keys, good.as_str()),
        (&manager, ""),
        (&manager, "0"),
        (&manager, "MA.MQ.MA"),
        (&manager, flipped.as_str()),
        (&manager, token.as_str()),
    ] {
        let refused = reader.all_sessions(Some(&Cursor::new(bad)), 1).await;
        assert!(matches!(refused, Err(SessionError::Cursor)), "{bad:.20} {refused:?}");
    }
    let as_token = manager.authenticate(good.as_str()).await.unwrap_err();
    assert_eq!(as_token.kind(), AuthErrorKind::InvalidToken);
}

async fn revocation_events_name_the_actor_and_the_reason(place: &Place) {
    let told = Told::default();
    let (manager, worker) = place.builder().event_sink(told.sink()).build().unwrap();
    let background = worker.start();
    let (jeju, admin) = (user("jeju"), user("admin"));
    for _ in 0..6 {
        login(&manager, "jeju").await;
    }
    let sessions = manager.sessions(&jeju).await.unwrap();
    let id = |i: usize| sessions[i].id();
    manager.revoke(sessions[0].user_id(), id(0), RevokeReason::Logout).await.unwrap();
    manager.acting_as(admin.clone()).revoke(&jeju, id(1), RevokeReason::Admin).await.unwrap();
    manager.acting_as(jeju.clone()).revoke(&jeju, id(2), RevokeReason::Logout).await.unwrap();
    manager.revoke(&jeju, id(3), RevokeReason::Admin).await.unwrap();
    manager.revoke(&jeju, id(3), RevokeReason::Admin).await.unwrap();
    manager.revoke(&jeju, Target::AllExcept(id(4).clone()), RevokeReason::LogoutAll).await.unwrap();
    manager.acting_as(admin).suspend(&jeju).await.unwrap();
    background.stop().await.unwrap();
    let revoked: Vec<_> =
        told.all().into_iter().filter(|told| told.starts_with("revoked")).collect();
    assert_eq!(
        revoked,
        [
            "revoked jeju logout by owner",
            "revoked jeju admin by admin",
            "revoked jeju logout by owner",
            "revoked jeju admin by application",
            "revoked jeju logout_all by owner",
            "revoked jeju suspended by admin",
        ]
    );
}

async fn lists_without_data_include_sessions_whose_data_cannot_be_read(place: &Place) {
    let texts = place.builder().data::<Vec<String>>().build().unwrap().0;
    let numbers = place.builder().data::<u64>().build().unwrap().0;
    let new = NewSession::new(user("jeju")).role("user").user_name("Jeju").user_agent("curl/8");
    let login = texts.create(new.data(vec!["text\n".to_owned()])).await.unwrap();
    let new = NewSession::new(user("jeju")).data(7);
    let current = numbers.create(new).await.unwrap().session;
    // The manager `numbers` cannot read the data that `texts` wrote.
    assert_eq!(numbers.sessions(&user("jeju")).await.unwrap().len(), 1);
    assert_eq!(numbers.own_sessions(&current).await.unwrap().len(), 1);
    assert_eq!(numbers.all_sessions(None, 10).await.unwrap().sessions.len(), 1);

    let own = numbers.own_sessions_without_data(&current).await.unwrap();
    let is_current = |own: &OwnSession| own.session.id() == current.id();
    assert!(own.len() == 2 && own.iter().all(|own| own.current == is_current(own)));
    let listed = numbers.sessions_without_data(&user("jeju")).await.unwrap();
    let page = numbers.all_sessions_without_data(None, 10).await.unwrap();
    for sessions in [listed, page.sessions, own.into_iter().map(|own| own.session).collect()] {
        assert_eq!(sessions.len(), 2);
        let other = sessions.iter().find(|session| session.id() == login.session.id()).unwrap();
        assert_eq!((other.role(), other.user_name()), (Some("user"), Some("Jeju")));
        assert_eq!(other.user_agent(), Some("curl/8"));
        assert_eq!(other.absolute_deadline(), login.session.absolute_deadline());
    }
    let roles = numbers.statistics(|_| {}).await.unwrap().by_role;
    assert_eq!(roles, BTreeMap::from([("user".to_owned(), 1), (String::new(), 1)]));
}

#[tokio::test(start_paused = true)]
async fn lists_without_data_do_not_read_session_data_from_the_store() {
    let store = PausedStore::new(MemoryStore::new());
    let manager = builder().store(store.clone()).build().unwrap().0;
    let current = login(&manager, "jeju").await.session;
    // From now on, the store does not answer reads that include the data of sessions.
    let whole = [Verb::List, Verb::List, Verb::Scan, Verb::Scan];
    let _stops = whole.map(|verb| store.stop(verb, At::Before));
    let answered = [
        manager.sessions_without_data(&user("jeju")).await.is_ok(),
        manager.own_sessions_without_data(&current).await.is_ok(),
        manager.all_sessions_without_data(None, 10).await.is_ok(),
        manager.statistics(|_| {}).await.is_ok(),
    ];
    assert_eq!(answered, [true; 4]);
    assert!(matches!(manager.sessions(&user("jeju")).await, Err(SessionError::Store(_))));
    assert!(matches!(manager.all_sessions(None, 10).await, Err(SessionError::Store(_))));
}
