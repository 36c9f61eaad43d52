//! The keys for refresh tokens: how they are replaced, which keys are invalid, and that neither
//! Redis nor debug output contains secrets.

use tower_session_auth::error::ConfigError;
use tower_session_auth::store::MemoryStore;
use tower_session_auth::{AuthErrorKind, KeySet, SigningKey};

use crate::refresh::{builder, is, manager_on, redis_store, refresh_key, token};
use crate::support::redis::RedisServer;
use crate::support::{OTHER_SECRET, login};

#[tokio::test]
async fn replacing_the_refresh_secret_keeps_users_logged_in() {
    let store = MemoryStore::new();
    let manager = manager_on(store.clone());
    let first = login(&manager, "jeju").await;
    let new = SigningKey::hs256("r2", OTHER_SECRET).unwrap();
    let both = KeySet::new(new.clone()).also_verify(refresh_key().verifying_key());
    manager.replace_refresh_keys(both).unwrap();
    let second = manager.refresh(token(&first)).await.unwrap();
    let again = manager.refresh(token(&first)).await.unwrap();
    assert_eq!(token(&again), token(&second));
    // This instance has only the new secret.
    let (only_new, _) = builder().refresh_keys(new.clone()).store(store).build().unwrap();
    is(&only_new.refresh(token(&first)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    let third = only_new.refresh(token(&second)).await.unwrap();
    manager.replace_refresh_keys(new).unwrap();
    is(&manager.refresh(token(&first)).await.unwrap_err(), AuthErrorKind::InvalidToken);
    assert!(manager.refresh(token(&third)).await.is_ok());
}

#[tokio::test]
async fn invalid_refresh_keys_are_rejected_and_the_current_keys_stay() {
    let manager = manager_on(MemoryStore::new());
    let login = login(&manager, "jeju").await;
    let pem = include_bytes!("../../keys/ed25519.pem");
    let refused = manager.replace_refresh_keys(SigningKey::eddsa_pem("e", pem).unwrap());
    assert!(matches!(refused, Err(ConfigError::OutOfRange { setting: "refresh_keys", .. })));
    let twice = KeySet::new(refresh_key()).also_verify(refresh_key().verifying_key());
    assert!(matches!(manager.replace_refresh_keys(twice), Err(ConfigError::DuplicateKid(_))));
    assert!(manager.refresh(token(&login)).await.is_ok());
    let plain = crate::support::builder().build().unwrap().0;
    let refused = plain.replace_refresh_keys(refresh_key());
    assert!(matches!(refused, Err(ConfigError::Missing("refresh_keys"))));
    let asymmetric = SigningKey::eddsa_pem("e", pem).unwrap();
    assert!(crate::support::builder().refresh_keys(asymmetric).build().is_err());
}

#[tokio::test]
async fn redis_and_debug_output_contain_no_part_of_a_refresh_token() {
    let server = RedisServer::start().await;
    let manager = manager_on(redis_store(&server));
    let first = login(&manager, "jeju").await;
    let second = manager.refresh(token(&first)).await.unwrap();
    let mut held = String::new();
    for key in ["live", "seen", "gone"] {
        let key = format!("session:{{jeju}}:{key}");
        held += &format!("{:?}", server.command(&["HGETALL", &key]).await);
    }
    assert!(held.contains(first.session.id().as_str()), "{held}");
    let debug = format!("{manager:?} {first:?} {second:?} {:?}", builder());
    for login in [&first, &second] {
        let said = crate::support::forge::decoded(token(login).split('.').next().unwrap());
        let mac = said.split(' ').nth(2).unwrap();
        assert_eq!(mac.len(), 43, "{said}");
        for part in token(login).split('.').chain([mac]).filter(|part| part.len() > 4) {
            assert!(!held.contains(part) && !debug.contains(part), "{part}");
        }
    }
}
