//! The exact condition that each guard checks.

use std::time::Duration;

use tower::{Layer as _, ServiceExt as _};
use tower_session_auth::error::{ConfigError, StepUp};
use tower_session_auth::guards::{RequireAcr, RequireAmr, RequireFresh, RequireRole};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{NewSession, RevokeReason, SessionAuthLayer};

use crate::guards::{Facts, Inner, MINUTE, manager_of, passes};
use crate::support::{START, bearer, builder, user};

#[tokio::test(start_paused = true)]
async fn role_is_compared_byte_by_byte() {
    let (manager, _worker) = manager_of::<()>();
    let guard = RequireRole::any_of(["admin", "super_admin"]);
    for (role, let_in) in [
        (Some("admin"), true),
        (Some("super_admin"), true),
        (Some("Admin"), false),
        (Some("ADMIN"), false),
        (Some("admi"), false),
        (Some("admins"), false),
        (Some("admin "), false),
        (Some(" admin"), false),
        (Some("admin\n"), false),
        (Some("admin\0"), false),
        (Some("admin,user"), false),
        (Some("admin super_admin"), false),
        (Some("*"), false),
        (Some("аdmin"), false), // with a Cyrillic letter
        (Some(""), false),
        (None, false),
    ] {
        let session = Facts { role, ..Facts::default() }.login(&manager, ()).await.session;
        assert_eq!(passes(&guard, &session).await, let_in, "{role:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn guard_with_an_empty_setting_rejects_every_session() {
    let (manager, _worker) = manager_of::<()>();
    let facts = [
        Facts::default(),
        Facts { role: Some(""), acr: Some(""), amr: &[""], ..Facts::default() },
        Facts { role: Some("admin"), acr: Some("loa3"), amr: &["otp"], ..Facts::default() },
    ];
    for facts in facts {
        let session = facts.login(&manager, ()).await.session;
        let nobody = Vec::<String>::new();
        assert!(!passes(&RequireRole::any_of(nobody.clone()), &session).await, "{facts:?}");
        assert!(!passes(&RequireRole::new(""), &session).await, "{facts:?}");
        assert!(!passes(&RequireAmr::all_of(nobody.clone()), &session).await, "{facts:?}");
        assert!(!passes(&RequireAmr::any_of(nobody), &session).await, "{facts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn role_guard_ignores_the_claims_of_the_session() {
    let (manager, _worker) = manager_of::<()>();
    let claims = serde_json::json!({
        "role": "admin", "roles": ["admin"], "scope": "admin", "groups": ["admin"], "admin": true,
    });
    let new = NewSession::new(user("mallory")).role("user").claims(&claims).unwrap();
    let token = manager.create(new).await.unwrap().access_token;
    let session = manager.authenticate(&token).await.unwrap();
    assert!(session.claims().is_some());
    assert!(!passes(&RequireRole::new("admin"), &session).await);
    assert!(passes(&RequireRole::new("user"), &session).await);
}

#[tokio::test(start_paused = true)]
async fn acr_and_amr_are_compared_byte_by_byte() {
    let (manager, _worker) = manager_of::<()>();
    let loa = RequireAcr::any_of(["urn:example:loa3"]).unwrap();
    let otp = RequireAmr::any_of(["otp"]);
    let both = RequireAmr::all_of(["pwd", "otp"]);
    let rows: [(Option<&str>, &[&str], _); 7] = [
        (Some("urn:example:loa3"), &["otp", "pwd"], (true, true, true)),
        (Some("urn:example:loa3"), &["pwd", "pwd"], (true, false, false)),
        (Some("urn:example:loa"), &["otp"], (false, true, false)),
        (Some("urn:example:loa33"), &["OTP", "PWD"], (false, false, false)),
        (Some("URN:EXAMPLE:LOA3"), &["otp pwd"], (false, false, false)),
        (Some("urn:example:loa3 x"), &["pwd otp", "otp,pwd"], (false, false, false)),
        (None, &[], (false, false, false)),
    ];
    for (acr, amr, expected) in rows {
        let session = Facts { acr, amr, ..Facts::default() }.login(&manager, ()).await.session;
        let seen = (
            passes(&loa, &session).await,
            passes(&otp, &session).await,
            passes(&both, &session).await,
        );
        assert_eq!(seen, expected, "{acr:?} {amr:?}");
    }
}

#[test]
fn acr_value_that_the_challenge_cannot_carry_is_a_config_error() {
    for bad in ["", "two words", "quo\"te", "back\\slash", "line\r\nx-admin: 1", "schlüssel"] {
        for made in [RequireAcr::new(bad), RequireAcr::any_of(["loa2", bad])] {
            let error = made.unwrap_err();
            assert!(
                matches!(error, ConfigError::OutOfRange { setting: "acr_values", .. }),
                "{bad}"
            );
        }
        assert!(StepUp::acr([bad]).is_err(), "{bad}");
    }
    assert!(RequireAcr::any_of(Vec::<String>::new()).is_err());
}

#[tokio::test(start_paused = true)]
async fn freshness_counts_from_the_login_and_is_not_renewed_by_requests() {
    let (manager, _worker) = manager_of::<()>();
    let login = Facts::default().login(&manager, ()).await;
    let inner = Inner::default();
    let guarded = RequireFresh::new(5 * MINUTE).layer(inner.service());
    let service = SessionAuthLayer::new(manager.clone()).layer(guarded);
    let mut statuses = Vec::new();
    for _minute in 0..7 {
        let response = service.clone().oneshot(bearer(&login.access_token)).await.unwrap();
        statuses.push(response.status().as_u16());
        tokio::time::advance(MINUTE).await;
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 401]);
    // A later login of the same user does not make the first session fresh.
    let second = Facts::default().login(&manager, ()).await;
    for (token, status) in [(login.access_token, 401), (second.access_token, 200)] {
        let response = service.clone().oneshot(bearer(&token)).await.unwrap();
        assert_eq!(response.status(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn freshness_uses_the_clock_of_the_store() {
    let (host, store) = (ManualClock::new(START), ManualClock::new(START));
    let settings = builder().clock(host.clone()).store(MemoryStore::with_clock(store.clone()));
    let (manager, _worker) = settings.build().unwrap();
    let login = Facts::default().login(&manager, ()).await;
    let fresh = RequireFresh::new(5 * MINUTE);
    let passes_now =
        async || passes(&fresh, &manager.authenticate(&login.access_token).await.unwrap()).await;
    host.advance(30 * MINUTE);
    assert!(passes_now().await, "the clock of the host is ahead");
    store.advance(5 * MINUTE);
    assert!(passes_now().await, "the last fresh moment");
    store.advance(Duration::from_millis(1));
    assert!(!passes_now().await, "no leeway");
}

#[tokio::test(start_paused = true)]
async fn fresh_guard_accepts_max_ages_from_zero_to_duration_max() {
    let (manager, _worker) = manager_of::<()>();
    let login = Facts::default().login(&manager, ()).await;
    assert!(
        passes(&RequireFresh::new(Duration::ZERO), &login.session).await,
        "the moment of the login"
    );
    tokio::time::advance(Duration::from_millis(1)).await;
    let session = manager.authenticate(&login.access_token).await.unwrap();
    assert!(!passes(&RequireFresh::new(Duration::ZERO), &session).await);
    assert!(!passes(&RequireFresh::new(Duration::from_nanos(999_999)), &session).await);
    assert!(passes(&RequireFresh::new(Duration::from_millis(1)), &session).await);
    assert!(passes(&RequireFresh::new(Duration::MAX), &session).await);
}

#[tokio::test(start_paused = true)]
async fn layer_rejects_a_revoked_session_before_the_guard() {
    let (manager, _worker) = manager_of::<()>();
    let admin = Facts { role: Some("admin"), ..Facts::default() }.login(&manager, ()).await;
    let inner = Inner::default();
    let guarded = RequireRole::new("admin").layer(inner.service());
    let service = SessionAuthLayer::new(manager.clone()).layer(guarded);
    let (id, token) = (admin.session.id(), &admin.access_token);
    assert_eq!(service.clone().oneshot(bearer(token)).await.unwrap().status(), 200);
    manager.revoke(&user("jeju"), id, RevokeReason::Admin).await.unwrap();
    let response = service.oneshot(bearer(token)).await.unwrap();
    assert_eq!(crate::support::code(&response), "session_revoked");
    assert_eq!(inner.calls(), 1);
}
