//! Updates of live sessions.

use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tower_session_auth::error::SessionError;
use tower_session_auth::session::SessionEdit;
use tower_session_auth::{NewSession, RevokeReason, SessionManager};

use crate::operations::{HOUR, Place, Told, login, on_both_stores};
use crate::support::user;

on_both_stores!(
    update_is_visible_to_every_process_at_once,
    no_concurrent_update_is_lost,
    revoked_session_cannot_be_changed,
    update_over_a_size_limit_is_refused_and_changes_nothing,
    data_over_the_limit_are_refused_but_larger_existing_data_may_stay,
    update_all_changes_the_role_of_all_sessions_of_one_user,
    reauthentication_replaces_acr_amr_and_the_time_of_authentication,
    touch_extends_the_idle_deadline_but_not_past_the_absolute_deadline,
);

#[derive(Default, Deserialize, Serialize)]
struct Cart {
    items: Vec<u64>,
}

fn with_cart(place: &Place) -> SessionManager<Cart> {
    place.builder().data::<Cart>().build().unwrap().0
}

async fn update_is_visible_to_every_process_at_once(place: &Place) {
    let told = Told::default();
    let (here, worker) = place.builder().event_sink(told.sink()).data::<Cart>().build().unwrap();
    let background = worker.start();
    let there = with_cart(place);
    let new = NewSession::new(user("jeju")).role("admin").email("jeju@test.com");
    let login = here.create(new.user_agent("curl/8").data(Cart::default())).await.unwrap();
    let id = login.session.id();
    let edit = |session: &mut SessionEdit<Cart>| {
        session.role = None;
        session.user_name = Some("제주삼다수".to_owned());
        session.data.items.push(u64::MAX);
    };
    let changed = here.update(&user("jeju"), id, edit).await.unwrap();
    let seen = there.authenticate(&login.access_token).await.unwrap();
    let got = there.get(&user("jeju"), id).await.unwrap().unwrap();
    for session in [&changed, &seen, &got] {
        assert_eq!(session.revision(), 2);
        assert_eq!(session.role(), None);
        assert_eq!(session.user_name(), Some("제주삼다수"));
        assert_eq!(session.email(), Some("jeju@test.com"), "other fields stay unchanged");
        assert_eq!(session.user_agent(), Some("curl/8"), "other fields stay unchanged");
        assert_eq!(session.data().items, [u64::MAX]);
        assert_eq!(session.absolute_deadline(), login.session.absolute_deadline());
        assert_eq!(session.created(), login.session.created());
    }
    assert_eq!(
        changed.idle_deadline(),
        login.session.idle_deadline(),
        "an update does not extend the idle deadline"
    );
    // The manager does not write an update that changes nothing.
    let same = here.update(&user("jeju"), id, |session| session.role = None).await.unwrap();
    assert_eq!(same.revision(), 2);
    background.stop().await.unwrap();
    assert_eq!(told.count("updated jeju"), 1, "{:?}", told.all());
}

async fn no_concurrent_update_is_lost(place: &Place) {
    let managers = [with_cart(place), with_cart(place)];
    let new = NewSession::new(user("jeju")).data(Cart::default());
    let login = managers[0].create(new).await.unwrap();
    let mut changes = JoinSet::new();
    for item in 0..40_u64 {
        let (manager, id) = (managers[item as usize % 2].clone(), login.session.id().clone());
        changes.spawn(async move {
            loop {
                let add = |session: &mut SessionEdit<Cart>| session.data.items.push(item);
                match manager.update(&user("jeju"), &id, add).await {
                    // The manager limits the number of its attempts. After that, the caller may try
                    // again.
                    Err(SessionError::Contended) => {}
                    done => return done.map(drop).unwrap(),
                }
            }
        });
    }
    changes.join_all().await;
    let session = managers[0].get(&user("jeju"), login.session.id()).await.unwrap().unwrap();
    let mut items = session.data().items.clone();
    items.sort_unstable();
    assert_eq!(items, (0..40).collect::<Vec<_>>());
    assert_eq!(session.revision(), 41);
}

async fn revoked_session_cannot_be_changed(place: &Place) {
    let manager = place.manager();
    let login = login(&manager, "jeju").await;
    let (jeju, id) = (user("jeju"), login.session.id());
    assert!(manager.exists(&jeju, id).await.unwrap());
    assert!(
        !manager.exists(&user("admin"), id).await.unwrap(),
        "a session id is valid only for its user"
    );
    let other = place.manager();
    manager.revoke(&jeju, id, RevokeReason::Admin).await.unwrap();
    let edit = |session: &mut SessionEdit| session.role = None;
    assert!(matches!(manager.update(&jeju, id, edit).await, Err(SessionError::Gone)));
    let again = manager.reauthenticate(&jeju, id, None, &["pwd"]).await;
    assert!(matches!(again, Err(SessionError::Gone)));
    assert!(matches!(manager.touch(&jeju, id).await, Err(SessionError::Gone)));
    assert_eq!(manager.update_all(&jeju, |_, session| session.role = None).await.unwrap(), 0);
    assert!(!manager.exists(&jeju, id).await.unwrap());
    assert!(other.get(&jeju, id).await.unwrap().is_none());
}

async fn update_over_a_size_limit_is_refused_and_changes_nothing(place: &Place) {
    let manager = with_cart(place);
    let new = NewSession::new(user("jeju")).role("user").data(Cart::default());
    let login = manager.create(new).await.unwrap();
    let id = login.session.id();
    let long = |session: &mut SessionEdit<Cart>| session.role = Some("r".repeat(513));
    let refused = manager.update(&user("jeju"), id, long).await;
    assert!(matches!(refused, Err(SessionError::FieldTooLong { field: "role", .. })));
    let large = |session: &mut SessionEdit<Cart>| session.data.items = vec![u64::MAX; 10_000];
    let refused = manager.update(&user("jeju"), id, large).await;
    assert!(matches!(refused, Err(SessionError::TooLarge { .. })));
    let refused = manager.update_all(&user("jeju"), |_, session| long(session)).await;
    assert!(matches!(refused, Err(SessionError::FieldTooLong { .. })));
    let long_amr = manager.reauthenticate(&user("jeju"), id, None, &[&"x".repeat(513)]).await;
    assert!(matches!(long_amr, Err(SessionError::FieldTooLong { field: "amr", .. })));
    let session = manager.get(&user("jeju"), id).await.unwrap().unwrap();
    assert_eq!((session.revision(), session.role()), (1, Some("user")));
}

async fn data_over_the_limit_are_refused_but_larger_existing_data_may_stay(place: &Place) {
    let manager = |limit: Option<usize>| {
        let builder = place.builder().data::<String>();
        let builder = match limit {
            Some(limit) => builder.session_data_limit(limit),
            None => builder,
        };
        builder.build().unwrap().0
    };
    let (old, new) = (manager(Some(1 << 20)), manager(None));
    let session =
        |bytes: usize| NewSession::new(user("jeju")).role("admin").data("x".repeat(bytes - 2));
    new.create(session(16 * 1024)).await.unwrap();
    let refused = new.create(session(16 * 1024 + 1)).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, SessionError::TooLarge { size: 16_385, limit: 16_384 }), "{text}");
    for part in ["16385", "16384", "session_data_limit"] {
        assert!(text.contains(part), "{text}");
    }

    let login = old.create(session(200_000)).await.unwrap();
    let (jeju, id) = (user("jeju"), login.session.id());
    let read = new.authenticate(&login.access_token).await.unwrap();
    assert_eq!(read.data().len(), 199_998, "larger existing data stay readable");
    let demoted = new.update(&jeju, id, |session| session.role = None).await.unwrap();
    assert_eq!((demoted.role(), demoted.data().len()), (None, 199_998));
    let all = |_: &_, session: &mut SessionEdit<String>| session.role = Some("user".to_owned());
    assert_eq!(new.update_all(&jeju, all).await.unwrap(), 2);
    new.reauthenticate(&jeju, id, None, &["pwd"]).await.unwrap();
    let grown = new.update(&jeju, id, |session| session.data.push('x')).await;
    assert!(matches!(grown, Err(SessionError::TooLarge { size: 200_001, limit: 16_384 })));
    let grow = |_: &_, session: &mut SessionEdit<String>| session.data.push('x');
    let grown = new.update_all(&jeju, grow).await;
    assert!(matches!(grown, Err(SessionError::TooLarge { .. })));
    let shrunk = new.update(&jeju, id, |session| session.data.truncate(100_000)).await.unwrap();
    assert_eq!((shrunk.role(), shrunk.data().len()), (Some("user"), 100_000));

    for bad in [0, 63, (16 << 20) + 1] {
        let error = place.builder().session_data_limit(bad).build().map(drop).unwrap_err();
        assert!(error.to_string().contains("session_data_limit"), "{error}");
    }
}

async fn update_all_changes_the_role_of_all_sessions_of_one_user(place: &Place) {
    let (here, there) = (place.manager(), place.manager());
    let mut tokens = Vec::new();
    for _ in 0..5 {
        let new = NewSession::new(user("jeju")).role("admin");
        tokens.push(here.create(new).await.unwrap().access_token);
    }
    let other = here.create(NewSession::new(user("jeju2")).role("admin")).await.unwrap();
    let demote = |_: &_, session: &mut SessionEdit| session.role = Some("user".to_owned());
    assert_eq!(here.update_all(&user("jeju"), demote).await.unwrap(), 5);
    for token in &tokens {
        assert_eq!(there.authenticate(token).await.unwrap().role(), Some("user"));
    }
    let untouched = there.authenticate(&other.access_token).await.unwrap();
    assert_eq!(untouched.role(), Some("admin"));
    assert_eq!(here.update_all(&user("nobody"), demote).await.unwrap(), 0);
}

async fn reauthentication_replaces_acr_amr_and_the_time_of_authentication(place: &Place) {
    let manager = place.manager();
    let new = NewSession::new(user("jeju")).role("user").acr("bronze").amr(["pwd"]);
    let login = manager.create(new).await.unwrap();
    assert_eq!(
        (login.session.acr(), login.session.amr()),
        (Some("bronze"), &["pwd".to_owned()][..])
    );
    assert_eq!(login.session.authenticated_at(), login.session.created());
    // Waits until time has passed on the clock of the store.
    while manager.get(&user("jeju"), login.session.id()).await.unwrap().unwrap().ttl() >= HOUR {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let proof = manager
        .reauthenticate(&user("jeju"), login.session.id(), Some("gold"), &["pwd", "otp"])
        .await
        .unwrap();
    let seen = place.manager().authenticate(&login.access_token).await.unwrap();
    for session in [proof, seen] {
        assert_eq!(session.acr(), Some("gold"));
        assert_eq!(session.amr(), ["pwd", "otp"]);
        assert!(session.authenticated_at() > session.created());
        assert_eq!(session.role(), Some("user"), "other fields stay unchanged");
        assert_eq!(
            session.idle_deadline(),
            login.session.idle_deadline(),
            "reauthentication does not extend the idle deadline"
        );
    }
}

async fn touch_extends_the_idle_deadline_but_not_past_the_absolute_deadline(place: &Place) {
    let manager = place.manager();
    let long = login(&manager, "jeju").await;
    let lifetime = HOUR / 2;
    let short = NewSession::new(user("jeju")).lifetime(lifetime);
    let short = manager.create(short).await.unwrap();
    while manager.get(&user("jeju"), short.session.id()).await.unwrap().unwrap().ttl() >= lifetime {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let deadline = manager.touch(&user("jeju"), long.session.id()).await.unwrap();
    assert!(deadline > long.session.idle_deadline());
    let session = manager.get(&user("jeju"), long.session.id()).await.unwrap().unwrap();
    assert_eq!(session.idle_deadline(), deadline);
    assert!(session.last_activity() > session.created(), "a touch counts as activity");
    let deadline = manager.touch(&user("jeju"), short.session.id()).await.unwrap();
    assert_eq!(deadline, short.session.absolute_deadline());
}
