//! Invalid tokens and tokens of other kinds in place of refresh tokens.

use tower_session_auth::AuthErrorKind;
use tower_session_auth::store::{MemoryStore, SessionStore};

use crate::refresh::{builder, is, on_both_stores, state, token};
use crate::support::forge::{decoded, segment};
use crate::support::paused::PausedStore;
use crate::support::{login, user};

on_both_stores! {
    invalid_refresh_tokens_are_refused_without_a_store_call,
    refresh_token_rotates_and_logs_out_only_its_own_session,
}

async fn invalid_refresh_tokens_are_refused_without_a_store_call<St: SessionStore + Clone>(
    connect: impl Fn() -> St,
) {
    let store = PausedStore::new(connect());
    let manager = builder().store(store.clone()).build().unwrap().0;
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    let good = token(&second);
    let (before, asked) = (state(&connect(), &first.session).await.unwrap(), store.calls());

    let (said, rest) = good.split_once('.').unwrap();
    let (kid, seal) = rest.split_once('.').unwrap();
    let altered = |from: &str, to: &str| {
        let said = decoded(said);
        assert!(said.contains(from), "{said}");
        format!("{}.{kid}.{seal}", segment(said.replacen(from, to, 1)))
    };
    let id = first.session.id().as_str();
    let mut bad = vec![
        String::new(),
        " ".to_owned(),
        good.to_uppercase(),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        format!("{good}.{good}"),
        format!("{said}.{kid}"),
        format!("{said}.{kid}."),
        format!("{said}..{seal}"),
        format!("{said}.{}.{seal}", segment("r2")),
        altered("1 ", "0 "),
        altered("1 ", "2 "),
        altered(" jeju", " user"),
        altered(id, "AAAAAAAAAAAAAAAAAAAAAAAA"),
        first.access_token.clone(),
        "\0".to_owned(),
        "ä".repeat(100),
        "A".repeat(1 << 20),
        format!("{good}{}", "A".repeat(1 << 20)),
    ];
    bad.extend((0..good.len()).map(|end| good[..end].to_owned()));
    for bad in &bad {
        let shown: String = bad.chars().take(200).collect();
        let refused = manager.refresh(bad).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken, "{shown}");
        let refused = manager.logout_refresh(bad).await.unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken, "{shown}");
    }
    // No invalid token caused a store call. Such a token therefore costs an attacker more than it
    // costs the server.
    assert_eq!(store.calls(), asked);
    assert_eq!(state(&connect(), &first.session).await.unwrap(), before);
    assert!(manager.refresh(good).await.is_ok());
}

async fn refresh_token_rotates_and_logs_out_only_its_own_session<St: SessionStore>(
    connect: impl Fn() -> St,
) {
    let manager = builder().store(connect()).build().unwrap().0;
    let mine = login(&manager, "jeju").await;
    let (second, theirs) = (login(&manager, "jeju").await, login(&manager, "eve").await);
    for other in [&second, &theirs] {
        let got = manager.refresh(token(other)).await.unwrap();
        assert_eq!(got.session.id(), other.session.id());
        assert_eq!(got.session.user_id(), other.session.user_id());
        assert!(manager.logout_refresh(token(other)).await.unwrap());
    }
    assert_eq!(state(&connect(), &mine.session).await.unwrap().0.counter, 0);
    assert_eq!(manager.own_sessions(&mine.session).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_of_another_issuer_audience_key_or_purpose_are_refused() {
    let store = MemoryStore::new();
    let ours = builder().store(store.clone()).build().unwrap().0;
    let login = login(&ours, "jeju").await;
    let foreign = [
        builder().issuer("https://other.test"),
        builder().audience("other"),
        builder().refresh_keys(crate::support::key()),
    ];
    for foreign in foreign {
        let foreign = foreign.store(store.clone()).build().unwrap().0;
        let refused = foreign.refresh(token(&login)).await.unwrap_err();
        is(&refused, AuthErrorKind::InvalidToken);
        let theirs = crate::support::login(&foreign, "jeju").await;
        is(&ours.refresh(token(&theirs)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    }
    // This manager uses one secret for both access tokens and refresh tokens.
    let one = builder().refresh_keys(crate::support::key()).build().unwrap().0;
    let login = crate::support::login(&one, "jeju").await;
    is(&one.refresh(&login.access_token).await.unwrap_err(), AuthErrorKind::InvalidToken);
    is(&one.authenticate(token(&login)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    is(&one.logout(token(&login)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    assert!(one.exists(&user("jeju"), login.session.id()).await.unwrap());
    assert!(one.refresh(token(&login)).await.is_ok());
}

/// A new session has the same id as an earlier one, but another salt, as after a partial restore of
/// a backup.
#[tokio::test]
async fn refresh_token_is_refused_by_a_new_session_with_the_same_id() {
    use tower_session_auth::store::{Created, NewRecord, Salt};

    let store = MemoryStore::new();
    let manager = builder().store(store.clone()).build().unwrap().0;
    let login = login(&manager, "jeju").await;
    let other = MemoryStore::new();
    let mut new = NewRecord::new(
        std::time::Duration::from_secs(60),
        std::time::Duration::from_secs(60),
        br#"{"data":null}"#.as_slice().into(),
    );
    new.salt = Salt::parse("another");
    let made = other.create(login.session.user_id(), login.session.id(), &new).await.unwrap();
    assert!(matches!(made, Created::Created(_)));
    let there = builder().store(other.clone()).build().unwrap().0;
    is(&there.refresh(token(&login)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    is(&there.logout_refresh(token(&login)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    assert_eq!(state(&other, &login.session).await.unwrap().0.counter, 0);
}
