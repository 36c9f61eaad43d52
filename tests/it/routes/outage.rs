//! Logins, failure policies and health while the store is unavailable.

use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_session_auth::auth_layer::Caller;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::{FailurePolicy, SessionAuthLayer};

use crate::routes::site::{Site, site, site_with};
use crate::support::bearer;
use crate::support::switch::Mood;

const AWAY: Mood = Mood::Fail(StoreErrorKind::Unavailable);

/// Sends a token through a layer with this failure policy. Returns the status.
async fn behind(site: &Site, policy: FailurePolicy, token: &str) -> u16 {
    let layer = SessionAuthLayer::new(site.manager.clone()).failure_policy(policy);
    let service = layer.layer(service_fn(async |request: http::Request<String>| {
        let caller = Caller::<()>::of(request.extensions());
        assert_eq!(caller.unwrap().user_id().as_str(), "jeju");
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    }));
    service.oneshot(bearer(token)).await.unwrap().status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn login_returns_503_while_the_store_is_unavailable() {
    let site = site();
    site.store.set(AWAY);
    let reply = site.log_in("jeju", "password123").await;
    assert_eq!(reply.said(), (503, "store_unavailable"));
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn token_only_login_returns_a_token_that_works_only_during_the_outage() {
    let site = site_with(|builder, _| builder, |routes| routes.token_only_logins());
    site.store.set(AWAY);
    let reply = site.log_in("jeju", "password123").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.body["user_id"], "jeju");
    assert_eq!(reply.body["token_type"], "bearer");
    let token = reply.body["access_token"].as_str().unwrap();
    assert_eq!(behind(&site, FailurePolicy::TokenOnly, token).await, 200);
    assert_eq!(behind(&site, FailurePolicy::Refuse, token).await, 503);

    // A login with wrong credentials does not return such a token either.
    for (user, password) in [("jeju", "wrong-password"), ("nobody", "password123")] {
        let reply = site.log_in(user, password).await;
        assert_eq!(reply.said(), (401, "invalid_credentials"), "{user}");
    }

    site.store.set(Mood::Answer);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(behind(&site, FailurePolicy::TokenOnly, token).await, 401);
    assert_eq!(behind(&site, FailurePolicy::Refuse, token).await, 401);
    assert_eq!(site.count("jeju").await, 0, "a token-only login must not create a session");
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
    assert_eq!(site.count("jeju").await, 1);

    let told = site.told().await;
    let issued = told.iter().filter(|event| matches!(event, Event::TokenIssued { .. })).count();
    let created = told.iter().filter(|event| matches!(event, Event::Created { .. })).count();
    assert_eq!((issued, created), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn health_distinguishes_unwritable_unavailable_and_non_primary_stores() {
    let site = site();
    for (mood, status, word, store) in [
        (Mood::Answer, 200, "healthy", json!([true, true, null])),
        (
            Mood::FailWrites(StoreErrorKind::WriteRefused),
            200,
            "degraded",
            json!([true, false, "write_refused"]),
        ),
        (AWAY, 503, "degraded", json!([false, false, "unavailable"])),
        (
            Mood::Fail(StoreErrorKind::NotPrimary),
            503,
            "degraded",
            json!([false, false, "not_primary"]),
        ),
        (Mood::Answer, 200, "healthy", json!([true, true, null])),
    ] {
        site.store.set(mood);
        // Moves the clock past the time for which the circuit breaker stays open.
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let reply = site.call("GET", "/health", None).await;
        assert_eq!((reply.status, &reply.body["status"]), (status, &json!(word)), "{reply:?}");
        let told = ["connected", "writable", "problem"].map(|name| &reply.body["store"][name]);
        assert_eq!(json!(told), store, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ready_is_200_only_while_requests_that_need_a_session_can_be_answered() {
    let minute = std::time::Duration::from_secs(60);
    for (policy, away) in [
        (None, 503),
        (Some(FailurePolicy::Refuse), 503),
        // This store sends no invalidations. Therefore there is no cache entry that the layer could
        // serve.
        (Some(FailurePolicy::ServeStale(minute)), 503),
        (Some(FailurePolicy::TokenOnly), 200),
    ] {
        let site = site_with(
            |builder, _| builder,
            |routes| match policy {
                Some(policy) => routes.readiness_policy(policy),
                None => routes,
            },
        );
        for (mood, status) in [
            (Mood::Answer, 200),
            (Mood::FailWrites(StoreErrorKind::WriteRefused), 200),
            (AWAY, away),
            (Mood::Fail(StoreErrorKind::NotPrimary), away),
            (Mood::Answer, 200),
        ] {
            site.store.set(mood);
            // Moves the clock past the time for which the circuit breaker stays open.
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
            let reply = site.call("GET", "/health/ready", None).await;
            let word = if status == 200 { "ready" } else { "unavailable" };
            assert_eq!(
                (reply.status, &reply.body),
                (status, &json!({"status": word})),
                "{policy:?}"
            );
            let retry = (status == 503).then_some("1");
            assert_eq!(reply.header("retry-after"), retry, "{policy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn non_primary_store_counts_as_unavailable_for_failure_policies_and_logins() {
    let site = site_with(|builder, _| builder, |routes| routes.token_only_logins());
    let token = site.token("jeju").await;
    site.store.set(Mood::Fail(StoreErrorKind::NotPrimary));
    assert_eq!(behind(&site, FailurePolicy::TokenOnly, &token).await, 200);
    assert_eq!(behind(&site, FailurePolicy::Refuse, &token).await, 503);
    assert_eq!(site.log_in("jeju", "password123").await.status, 200, "a token-only login");
}
