//! What a token may do depends on the layer that it is shown to, and on the keys of that moment.

use std::time::Duration;

use tower_session_auth::{EndReason, KeySet, SessionAuthLayer, SigningKey};

use crate::instance::{Answer, Instance, app, ask};
use crate::rounds;
use crate::support::forge::{decoded, forge, parts};
use crate::support::redis::RedisServer;
use crate::support::wait::until;
use crate::support::{AUDIENCE, OTHER_SECRET, SECRET, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_removed_is_dead_from_the_next_request_on() {
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
        // As a verifying key it is good again.
        let both = KeySet::new(other()).also_verify(key().verifying_key());
        here.manager.replace_keys(both).unwrap();
        here.cached(&login.access_token).await;
        here.cached(&new.access_token).await;
        here.manager.replace_keys(KeySet::new(key())).unwrap();
        assert!(here.ask(&login.access_token).await.is_in());
        assert!(here.ask(&new.access_token).await.is_out());
    }
}

/// The same session, for another audience.
fn readdressed(token: &str, audience: &str) -> String {
    let (header, payload, _) = parts(token);
    let old = format!(r#""aud":"{AUDIENCE}""#);
    let payload = decoded(payload);
    assert!(payload.contains(&old), "{payload}");
    let new = payload.replace(&old, &format!(r#""aud":"{audience}""#));
    forge(&decoded(header), &new, SECRET)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_one_audience_never_passes_a_layer_for_another() {
    let server = RedisServer::start().await;
    let here = Instance::patient(&server.url());
    let layer = SessionAuthLayer::new(here.manager.clone());
    let apps = [app(layer.clone()), app(layer.audience("desk").unwrap())];
    here.coherent().await;
    for first in [0, 1] {
        let login = here.login("jeju").await;
        let tokens = [login.access_token.clone(), readdressed(&login.access_token, "desk")];
        // Each is shown to the wrong layer before and after the right one has let it in and keeps it.
        for at in [first, 1 - first] {
            let (token, wrong) = (&tokens[at], &apps[1 - at]);
            assert!(ask(wrong, token).await.is_out());
            let hits = here.near().hits + 10;
            until("it is served from the near cache", async || {
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
async fn a_logout_holds_at_once_in_its_own_process() {
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
        here.manager.delete_all(owner, EndReason::LogoutAll).await.unwrap();
        assert!(here.ask(&b.access_token).await.is_out());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_that_allows_no_staleness_is_never_late() {
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
