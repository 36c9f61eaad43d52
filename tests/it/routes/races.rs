//! Races between a login and a logout, a password change, or another login. Each test forces one
//! order of the steps.

use serde_json::json;
use tower_session_auth::routes::LoginLimit;
use tower_session_auth::telemetry::events::{Event, LoginRefusal};
use tower_session_auth::{RevokeReason, SessionManager, Target};

use crate::routes::desk::Pause;
use crate::routes::site::{Reply, Site, limit, site, site_with};
use crate::support::user;

/// Logs in. Runs `work` after the login has compared the password and before it creates the
/// session.
async fn meanwhile(site: &Site, pause: &Pause, work: impl AsyncFnOnce()) -> Reply {
    let during = async {
        pause.reached().await;
        work().await;
        pause.go();
    };
    let (reply, ()) = tokio::join!(site.log_in("jeju", "password123"), during);
    reply
}

async fn password_change(site: &Site) {
    site.desk.change("jeju", |person| person.password = "another");
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn login_with_the_old_password_fails_after_a_concurrent_password_change() {
    let site = site();
    let pause = site.desk.pause();
    let reply = meanwhile(&site, &pause, async || password_change(&site).await).await;
    assert_eq!(reply.said(), (401, "invalid_credentials"));
    assert_eq!(site.count("jeju").await, 0);
    assert_eq!(site.desk.verifies().len(), 2, "the password must be compared again");
    let refusals = refusals(site).await;
    assert_eq!(
        refusals,
        [LoginRefusal::Credentials],
        "one event, with the reason of the second check"
    );
}

async fn refusals(site: Site) -> Vec<LoginRefusal> {
    let refusal = |event| match event {
        Event::LoginRefused { refusal, .. } => Some(refusal),
        _ => None,
    };
    site.told().await.into_iter().filter_map(refusal).collect()
}

#[tokio::test(start_paused = true)]
async fn login_during_a_logout_all_retries_and_succeeds() {
    let site = site();
    let old = site.token("jeju").await;
    let pause = site.desk.pause();
    let reply = meanwhile(&site, &pause, async || {
        let reply = site.post("/api/auth/logout-all", &old).await;
        assert_eq!(reply.body["deleted_count"], 1, "{reply:?}");
    });
    let reply = reply.await;
    assert_eq!(reply.status, 200);
    assert_eq!(site.count("jeju").await, 1);
    let token = reply.body["access_token"].as_str().unwrap();
    assert_eq!(site.get("/api/session/me", token).await.status, 200);
    assert_eq!(site.get("/api/session/me", &old).await.body["reason"], "logout_all");
}

#[tokio::test(start_paused = true)]
async fn login_during_a_role_change_gets_the_new_role() {
    let site = site();
    let pause = site.desk.pause();
    let reply = meanwhile(&site, &pause, async || {
        site.desk.change("jeju", |person| person.role = Some("reader"));
        let manager: &SessionManager = &site.manager;
        let role = |session: &mut tower_session_auth::session::SessionEdit| {
            session.role = Some("reader".to_owned());
        };
        manager.update_all(&user("jeju"), |_, session| role(session)).await.unwrap();
    });
    let reply = reply.await;
    assert_eq!((reply.status, &reply.body["role"]), (200, &json!("reader")));
}

#[tokio::test(start_paused = true)]
async fn login_during_a_suspension_is_refused() {
    let site = site();
    let pause = site.desk.pause();
    let reply = meanwhile(&site, &pause, async || {
        site.desk.change("jeju", |person| person.active = false);
        site.manager.suspend(&user("jeju")).await.unwrap();
    });
    assert_eq!(reply.await.said(), (401, "invalid_credentials"));
    assert_eq!(site.count("jeju").await, 0);
}

#[tokio::test(start_paused = true)]
async fn login_superseded_twice_is_refused() {
    let site = site();
    let pauses = [site.desk.pause(), site.desk.pause()];
    let during = async {
        for pause in &pauses {
            pause.reached().await;
            site.manager.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap();
            pause.go();
        }
    };
    let (reply, ()) = tokio::join!(site.log_in("jeju", "password123"), during);
    assert_eq!(reply.said(), (401, "invalid_credentials"));
    assert_eq!(site.desk.verifies().len(), 2, "there must be no third attempt");
    assert_eq!(site.count("jeju").await, 0);
    assert_eq!(refusals(site).await, [LoginRefusal::Superseded]);
}

#[tokio::test(start_paused = true)]
async fn hundred_concurrent_logins_create_only_as_many_sessions_as_the_limit() {
    // The limit for failed logins is off. Otherwise, the credential checks would run one after
    // another.
    let site = site_with(limit(5), |routes| routes.login_limit(LoginLimit::off()));
    let mut logins = tokio::task::JoinSet::new();
    let pauses: Vec<_> = (0..100).map(|_| site.desk.pause()).collect();
    for _ in 0..100 {
        let router = site.router.clone();
        logins.spawn(async move {
            let body = r#"{"user_id":"jeju","password":"password123"}"#;
            let mut login = crate::routes::site::request("POST", "/auth/login", None, body.into());
            login.headers_mut().insert("content-type", "application/json".parse().unwrap());
            crate::routes::site::send(&router, login).await
        });
    }
    // All logins pass the credential check before the first login creates its session.
    for pause in &pauses {
        pause.reached().await;
    }
    pauses.iter().for_each(|pause| pause.go());
    let replies = logins.join_all().await;
    let with = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((with(200), with(409)), (5, 95));
    assert_eq!(site.count("jeju").await, 5);
    let refused = replies.iter().find(|reply| reply.status == 409).unwrap();
    assert_eq!(refused.said(), (409, "session_limit"));
}

#[tokio::test(start_paused = true)]
async fn session_limit_evicts_the_least_recently_used_session_by_default() {
    let site = site_with(|builder, _| builder.session_limit(2), |routes| routes);
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(site.token("jeju").await);
        tokio::time::advance(std::time::Duration::from_secs(120)).await;
    }
    assert_eq!(site.get("/api/auth/me", &tokens[0]).await.body["reason"], "evicted");
    assert_eq!(site.get("/api/auth/sessions", &tokens[2]).await.body["total"], 2);
}

#[tokio::test(start_paused = true)]
async fn login_of_a_client_that_disconnects_creates_no_session() {
    let site = site();
    let pause = site.desk.pause();
    {
        let login = site.log_in("jeju", "password123");
        tokio::pin!(login);
        tokio::select! {
            reply = &mut login => panic!("the login must wait in the credential check: {reply:?}"),
            () = pause.reached() => {}
        }
    }
    assert_eq!(site.count("jeju").await, 0);
    assert_eq!(site.log_in("jeju", "password123").await.status, 200);
}
