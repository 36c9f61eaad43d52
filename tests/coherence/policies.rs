//! The near cache respects the current keys, the audience and the max staleness of each layer, and
//! changes in its own process.

use std::time::Duration;

use tower_session_auth::{KeySet, RevokeReason, SessionAuthLayer, SigningKey, Target};

use crate::instance::{Answer, Instance, app, ask};
use crate::rounds;
use crate::support::forge::{decoded, forge, parts};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{AUDIENCE, OTHER_SECRET, SECRET, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_of_a_removed_key_is_rejected_from_the_next_request_on() {
    let server = RedisServer::start().await;
    let here = Instance::patient(&server.url());
    let other = || SigningKey::hs256("k2", OTHER_SECRET).unwrap();
    let login = here.login("jeju").await;
    here.coherent().await;
    for _ in 0..rounds(20) {
        here.cached(&login.access_token).await;
        here.manager.replace_keys(KeySet::new(other())).unwrap();
        assert!(here.ask(&login.access_token).await.is_out());
        let new = here.login("mina").await;
        here.cached(&new.access_token).await;
        // The token is valid again when its key is added as a verifying key.
        let both = KeySet::new(other()).also_verify(key().verifying_key());
        here.manager.replace_keys(both).unwrap();
        here.cached(&login.access_token).await;
        here.cached(&new.access_token).await;
        here.manager.replace_keys(KeySet::new(key())).unwrap();
        assert!(here.ask(&login.access_token).await.is_in());
        assert!(here.ask(&new.access_token).await.is_out());
    }
}

/// Returns a token for the same session and another audience.
fn with_audience(token: &str, audience: &str) -> String {
    let (header, payload, _) = parts(token);
    let old = format!(r#""aud":"{AUDIENCE}""#);
    let payload = decoded(payload);
    assert!(payload.contains(&old), "{payload}");
    let new = payload.replace(&old, &format!(r#""aud":"{audience}""#));
    forge(&decoded(header), &new, SECRET)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_for_one_audience_is_rejected_by_a_layer_for_another() {
    let server = RedisServer::start().await;
    let here = Instance::patient(&server.url());
    let layer = SessionAuthLayer::new(here.manager.clone());
    let apps = [app(layer.clone()), app(layer.audience("desk").unwrap())];
    here.coherent().await;
    for first in [0, 1] {
        let login = here.login("jeju").await;
        let tokens = [login.access_token.clone(), with_audience(&login.access_token, "desk")];
        // Sends each token to the wrong layer before and after the right layer has cached it.
        for at in [first, 1 - first] {
            let (token, wrong) = (&tokens[at], &apps[1 - at]);
            assert!(ask(wrong, token).await.is_out());
            let hits = here.near().hits + 10;
            until("the token is served from the near cache", async || {
                assert!(ask(&apps[at], token).await.is_in());
                assert!(ask(wrong, token).await.is_out());
                here.near().hits > hits
            })
            .await;
        }
        here.logout(&login.access_token).await;
        for app in &apps {
            for token in &tokens {
                assert!(ask(app, token).await.is_out());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_take_effect_at_once_in_their_own_process() {
    let server = RedisServer::start().await;
    let here = Instance::patient(&server.url());
    here.coherent().await;
    for _ in 0..rounds(50) {
        let [a, b] = [here.login("jeju").await, here.login("jeju").await];
        for login in [&a, &b] {
            here.cached(&login.access_token).await;
        }
        here.logout(&a.access_token).await;
        assert!(here.ask(&a.access_token).await.is_out());
        here.cached(&b.access_token).await;
        let (owner, id) = (b.session.user_id(), b.session.id());
        let update = here.manager.update(owner, id, |session| session.role = Some("v1".to_owned()));
        update.await.unwrap();
        let answer = here.ask(&b.access_token).await;
        assert_eq!(answer, Answer::In("jeju v1".to_owned()));
        here.manager.revoke(owner, Target::All, RevokeReason::LogoutAll).await.unwrap();
        assert!(here.ask(&b.access_token).await.is_out());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layer_with_zero_max_staleness_rejects_at_once_after_a_logout_elsewhere() {
    let server = RedisServer::start().await;
    let (here, there) = (Instance::patient(&server.url()), Instance::patient(&server.url()));
    let layer = SessionAuthLayer::new(here.manager.clone());
    let strict = app(layer.max_staleness(Duration::ZERO).unwrap());
    here.coherent().await;
    for _ in 0..rounds(50) {
        let login = there.login("jeju").await;
        here.cached(&login.access_token).await;
        assert!(ask(&strict, &login.access_token).await.is_in());
        there.logout(&login.access_token).await;
        assert!(ask(&strict, &login.access_token).await.is_out());
    }
}
