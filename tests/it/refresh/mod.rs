//! The manager rotates refresh tokens, on both stores and in several processes.

mod accounts;
mod clocks;
mod exchange;
mod hostile;
mod instances;
mod keys;
mod races;
mod restarts;
mod retry;

use std::time::Duration;

use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{RedisStore, Rotation, SessionStore};
use tower_session_auth::{
    AuthError, AuthErrorKind, Login, RevokeReason, Session, SessionManager, SigningKey,
};

use crate::support::redis::RedisServer;

const REFRESH_SECRET: &[u8] = b"R8uWn2VbYx5KqTz7LdFh3JmPc9AeGs6C";

/// A store whose timeout is long enough for a loaded machine.
fn redis_store(server: &RedisServer) -> RedisStore {
    crate::support::patient_store(&server.url())
}

fn refresh_key() -> SigningKey {
    SigningKey::hs256("r1", REFRESH_SECRET).unwrap()
}

fn builder() -> SessionManagerBuilder {
    crate::support::builder().refresh_keys(refresh_key()).store_timeout(Duration::from_secs(10))
}

fn manager_on(store: impl SessionStore) -> SessionManager {
    builder().store(store).build().unwrap().0
}

fn token(login: &Login) -> &str {
    login.refresh_token.as_ref().unwrap().as_str()
}

/// Returns the rotation state and the revision of a live session in the store.
async fn state(store: &impl SessionStore, session: &Session) -> Option<(Rotation, u64)> {
    let record = store.load(session.user_id(), session.id(), None).await.unwrap()?;
    Some((record.rotation.unwrap(), record.revision))
}

async fn counter(store: &impl SessionStore, session: &Session) -> Option<u64> {
    state(store, session).await.map(|(rotation, _)| rotation.counter)
}

fn is(error: &AuthError, kind: AuthErrorKind) {
    assert_eq!((error.kind(), error.reason()), (kind, None));
}

fn is_revoked(error: &AuthError, reason: RevokeReason) {
    assert_eq!((error.kind(), error.reason()), (AuthErrorKind::SessionRevoked, Some(reason)));
}

/// Checks that both tokens of this login are refused for this reason.
async fn is_over(manager: &SessionManager, login: &Login, reason: RevokeReason) {
    is_revoked(&manager.refresh(token(login)).await.unwrap_err(), reason);
    is_revoked(&manager.authenticate(&login.access_token).await.unwrap_err(), reason);
}

/// Runs each scenario on both stores. A scenario gets a closure; each call of it connects one more
/// process to the store.
macro_rules! on_both_stores {
    ($($scenario:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $scenario() {
                let store = tower_session_auth::store::MemoryStore::new();
                super::$scenario(|| store.clone()).await;
            })+
        }
        mod redis {
            $(#[tokio::test]
            async fn $scenario() {
                let server = $crate::support::redis::RedisServer::start().await;
                super::$scenario(|| $crate::refresh::redis_store(&server)).await;
            })+
        }
    };
}

use on_both_stores;
