//! Logins that an application implements itself, with `Routes::logins`.

use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Map, Value, json};
use tower_session_auth::error::ConfigError;
use tower_session_auth::routes::{
    AccessCookie, DeviceCookie, LocalPath, LocalPathError, LoginError, Logins, Mounts,
    RefreshDelivery,
};
use tower_session_auth::session::LoginFence;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::telemetry::events::{Event, LoginRefusal};
use tower_session_auth::{NewSession, RevokeReason, Target};

use crate::routes::desk::Mood;
use crate::routes::jar::{
    Ask, DEVICE, REFRESH, Set, body_site, browser_site, login, members, post, refreshing,
    routes_site,
};
use crate::routes::site::{From, Reply, Site, limit, read, send, site, site_with};
use crate::support::{switch, user};

fn logins(site: &Site) -> Logins {
    site.routes.logins(&Mounts::standard(), "/api/auth").unwrap()
}

fn parts(ask: Ask) -> Parts {
    ask.request().into_parts().0
}

/// The session that `POST /login` creates for a user of the desk.
fn new(name: &str) -> NewSession {
    let new = NewSession::new(user(name)).user_name(format!("Name of {name}")).role("user");
    new.email(format!("{name}@test.com"))
}

/// Runs the three steps of an own login: begins it, opens the session, and creates the response.
async fn log_in(logins: &Logins, name: &str, ask: Ask) -> Reply {
    let fence = logins.begin(&user(name)).await.unwrap();
    let opened = logins.open(&parts(ask), new(name), fence).await;
    read(opened.into_response()).await
}

/// Returns the cookies of a response, with the text `token` in place of each token.
fn masked(reply: &Reply) -> Vec<Set> {
    let mask = |cookie: Set| {
        let value = if cookie.value.is_empty() { "" } else { "token" };
        Set { value: value.to_owned(), ..cookie }
    };
    reply.cookies().into_iter().map(mask).collect()
}

/// Returns the body of the response to a login, without the access token.
fn body(reply: &Reply) -> Value {
    let mut body = reply.body.clone();
    assert!(body["access_token"].take().is_string(), "{reply:?}");
    body
}

fn refused(error: &LoginError) -> (u16, &str, Option<LoginRefusal>) {
    (error.status().as_u16(), error.code().as_str(), error.refusal())
}

#[tokio::test(start_paused = true)]
async fn own_login_has_the_body_headers_and_cookies_of_post_login_at_its_mount() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let nested = Mounts::new().auth("/v1/auth/beta").unwrap().auth("/v1/auth").unwrap();
    for (mounts, mount) in [
        (Mounts::standard(), "/api/auth"),
        (Mounts::standard(), "/auth"),
        (nested.clone(), "/v1/auth"),
        (nested, "/v1/auth/beta"),
    ] {
        let router = site.routes.mounted(&mounts);
        let built_in = send(&router, login(mount).request()).await;
        let logins = site.routes.logins(&mounts, mount).unwrap();
        let own = log_in(&logins, "jeju", post("/callback")).await;
        assert_eq!((built_in.status, own.status), (200, 200), "{mount}");
        assert_eq!(masked(&own), masked(&built_in), "{mount}");
        assert!(own.cookies().len() > 5, "tokens, device, and cookies that are cleared: {own:?}");
        assert_eq!(body(&own), body(&built_in), "{mount}");
        for name in ["content-type", "cache-control", "x-content-type-options"] {
            assert!(own.header(name).is_some(), "{name}");
            assert_eq!(own.header(name), built_in.header(name), "{name}");
        }
        let refresh = post(&format!("{mount}/refresh")).cookie(REFRESH, &own.refresh_token());
        assert_eq!(send(&router, refresh.request()).await.status, 200, "{mount}");
    }
}

#[tokio::test(start_paused = true)]
async fn own_login_returns_the_refresh_token_in_the_body_if_it_travels_there() {
    let site = body_site();
    let own = log_in(&logins(&site), "jeju", post("/sign-up")).await;
    assert!(own.sets_nothing(), "{own:?}");
    let built_in = login("/api/auth").to(&site).await;
    assert_eq!(members(&own.body), members(&built_in.body));
    let body = json!({"refresh_token": own.body["refresh_token"]});
    assert_eq!(post("/api/auth/refresh").json(body).to(&site).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn answer_adds_members_but_replaces_none() {
    let site = browser_site();
    let fence = logins(&site).begin(&user("jeju")).await.unwrap();
    let opened = logins(&site).open(&parts(post("/sign-up")), new("jeju"), fence).await.unwrap();
    assert_eq!(opened.session().user_id().as_str(), "jeju");
    let id = opened.session().id().to_string();
    let more = json!({"new_account": true, "access_token": "planted", "role": "admin"});
    let Value::Object(more) = more else { panic!("an object") };
    let reply = read(opened.answer(StatusCode::CREATED, more).unwrap()).await;
    assert_eq!((reply.status, &reply.body["new_account"]), (201, &json!(true)));
    assert_eq!(reply.body["role"], "user");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let token = reply.body["access_token"].as_str().unwrap();
    let session = site.manager.authenticate(token).await.unwrap();
    assert_eq!(session.id().to_string(), id);
    let plain = log_in(&logins(&site), "jeju", post("/sign-up")).await;
    assert_eq!(masked(&reply), masked(&plain));
    let mut names = members(&plain.body);
    names.push("new_account");
    names.sort_unstable();
    assert_eq!(members(&reply.body), names);
}

#[tokio::test(start_paused = true)]
async fn redirect_is_303_to_the_path_with_the_same_cookies() {
    let site = browser_site();
    let json = log_in(&logins(&site), "jeju", post("/callback")).await;
    let fence = logins(&site).begin(&user("jeju")).await.unwrap();
    let opened = logins(&site).open(&parts(post("/callback")), new("jeju"), fence).await.unwrap();
    let path = LocalPath::parse("/orders?open=1#latest").unwrap();
    let reply = read(opened.redirect(&path).unwrap()).await;
    assert_eq!(reply.status, 303);
    assert_eq!(reply.header("location"), Some("/orders?open=1#latest"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.text, "");
    assert_eq!(masked(&reply), masked(&json));
    let token = reply.cookie(REFRESH).value;
    let refreshed = post("/api/auth/refresh").cookie(REFRESH, &token).to(&site).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
}

#[tokio::test(start_paused = true)]
async fn redirect_needs_a_token_in_a_cookie() {
    let with_device = |delivery: RefreshDelivery| {
        routes_site(|routes| routes.refresh_delivery(delivery).device_cookie(DeviceCookie::new()))
    };
    let in_body = RefreshDelivery::Body;
    let access = |routes: tower_session_auth::routes::RoutesBuilder| {
        routes.access_cookie(AccessCookie::new())
    };
    for (what, site, works) in [
        ("refresh tokens in bodies", with_device(in_body), false),
        ("no refresh tokens", site(), false),
        ("a refresh cookie", with_device(RefreshDelivery::default()), true),
        ("an access cookie", site_with(|builder, _| builder, access), true),
    ] {
        let fence = logins(&site).begin(&user("jeju")).await.unwrap();
        let opened = logins(&site).open(&parts(post("/")), new("jeju"), fence).await.unwrap();
        let response = opened.redirect(&LocalPath::default());
        if works {
            assert_eq!(response.unwrap().status(), 303, "{what}");
        } else {
            let error = response.unwrap_err();
            assert_eq!(refused(&error), (500, "internal", None), "{what}");
            assert!(read(error.into_response()).await.sets_nothing(), "{what}");
        }
    }
}

#[test]
fn hostile_redirect_targets_are_typed_errors_that_do_not_quote_them() {
    for hostile in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/ok\r\nset-cookie: session=evil.example",
        "evil.example",
        "javascript:evil.example",
    ] {
        let error: LocalPathError = LocalPath::parse(hostile).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("evil"), "{error}");
        assert_eq!(LocalPath::parse(hostile).unwrap_or_default().as_str(), "/");
    }
}

/// Begins a login, then runs `between`, and then opens the session.
async fn interrupted(site: &Site, between: impl AsyncFnOnce()) -> Result<u16, LoginError> {
    let logins = logins(site);
    let fence = logins.begin(&user("jeju")).await.unwrap();
    between().await;
    let opened = logins.open(&parts(post("/callback")), new("jeju"), fence).await?;
    Ok(opened.into_response().status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn own_login_fails_if_all_sessions_are_revoked_or_changed_after_its_fence() {
    let superseded = (401, "invalid_credentials", Some(LoginRefusal::Superseded));
    let site = browser_site();
    let (manager, jeju) = (&site.manager, user("jeju"));
    assert_eq!(interrupted(&site, async || ()).await.unwrap(), 200, "nothing in between");
    let revoked = interrupted(&site, async || {
        manager.revoke(&jeju, Target::All, RevokeReason::PasswordChange).await.unwrap();
    });
    assert_eq!(refused(&revoked.await.unwrap_err()), superseded);
    let suspended = interrupted(&site, async || drop(manager.suspend(&jeju).await.unwrap()));
    assert_eq!(refused(&suspended.await.unwrap_err()), superseded);
    let changed = interrupted(&site, async || {
        let demoted = manager.update_all(&jeju, |_, session| session.role = None);
        demoted.await.unwrap();
    });
    assert_eq!(refused(&changed.await.unwrap_err()), superseded);
    // The login fence of another user is not valid for this login.
    let logins = logins(&site);
    let fence: LoginFence = logins.begin(&user("user")).await.unwrap();
    let other = logins.open(&parts(post("/")), new("jeju"), fence).await.unwrap_err();
    assert_eq!(refused(&other), superseded);
    assert_eq!(site.count("jeju").await, 0);
    let told = site.told().await;
    let refusals = told.iter().filter(|event| {
        let Event::LoginRefused { user: Some(user), refusal, .. } = event else { return false };
        user.as_str() == "jeju" && *refusal == LoginRefusal::Superseded
    });
    assert_eq!(refusals.count(), 4, "one event for each refusal");
}

#[tokio::test(start_paused = true)]
async fn own_login_over_the_session_limit_is_409() {
    let site = site_with(limit(1), |routes| routes);
    assert_eq!(log_in(&logins(&site), "jeju", post("/callback")).await.status, 200);
    let reply = log_in(&logins(&site), "jeju", post("/callback")).await;
    assert_eq!(reply.said(), (409, "session_limit"));
    assert_eq!(site.count("jeju").await, 1);
}

#[tokio::test(start_paused = true)]
async fn own_login_is_503_while_the_store_is_away_also_with_token_only_logins() {
    for site in [browser_site(), routes_site(|routes| routes.token_only_logins())] {
        let logins = logins(&site);
        let fence = logins.begin(&user("jeju")).await.unwrap();
        site.store.set(switch::Mood::Fail(StoreErrorKind::Unavailable));
        let opened = logins.open(&parts(post("/")), new("jeju"), fence).await;
        let begun = logins.begin(&user("jeju")).await;
        for reply in [opened.map(drop), begun.map(drop)] {
            let error = reply.unwrap_err();
            assert_eq!(refused(&error), (503, "store_unavailable", None));
            let reply = read(error.into_response()).await;
            assert_eq!(reply.said(), (503, "store_unavailable"));
            assert_eq!(reply.header("retry-after"), Some("1"));
            assert_eq!(reply.header("cache-control"), Some("no-store"));
            assert!(reply.sets_nothing());
        }
        assert!(site.told().await.is_empty(), "a 503 emits no event");
    }
}

#[tokio::test(start_paused = true)]
async fn own_login_revokes_the_sessions_of_the_refresh_tokens_in_its_request() {
    let site = browser_site();
    let (old, kept) = (login("/api/auth").to(&site).await, login("/api/auth").to(&site).await);
    let with_old = || post("/callback").cookie(REFRESH, &old.refresh_token());
    // If a login is refused, it revokes no session.
    let fence = logins(&site).begin(&user("user")).await.unwrap();
    let refused = logins(&site).open(&parts(with_old()), new("jeju"), fence).await;
    assert!(refused.is_err() && site.count("jeju").await == 2);
    let fresh = log_in(&logins(&site), "user", with_old()).await;
    assert_eq!(fresh.status, 200);
    let me = site.get("/api/auth/me", &old.access_token()).await;
    assert_eq!((me.said(), &me.body["reason"]), ((401, "session_revoked"), &json!("logout")));
    for live in [&kept, &fresh] {
        assert_eq!(site.get("/api/auth/me", &live.access_token()).await.status, 200);
    }
}

/// Logs in with a password and an optional device cookie. Returns the status of the response.
async fn password(site: &Site, password: &str, device: Option<&str>) -> u16 {
    let asked = post("/api/auth/login").json(json!({"user_id": "jeju", "password": password}));
    let asked = match device {
        Some(device) => asked.cookie(DEVICE, device),
        None => asked,
    };
    asked.to(site).await.status
}

#[tokio::test(start_paused = true)]
async fn own_login_makes_its_device_known_and_renews_the_cookie_of_the_same_account() {
    let site = browser_site();
    let device = |reply: &Reply| reply.cookie(DEVICE).value;
    let first = device(&log_in(&logins(&site), "jeju", post("/callback")).await);
    let with_first = || post("/callback").cookie(DEVICE, &first);
    let renewed = device(&log_in(&logins(&site), "jeju", with_first()).await);
    let of_user = device(&log_in(&logins(&site), "user", with_first()).await);
    let own = device(&log_in(&logins(&site), "jeju", post("/").cookie(DEVICE, &of_user)).await);
    // Other clients guess the password, until the name has reached its limit.
    for _ in 0..10 {
        assert_eq!(password(&site, "wrong", None).await, 401);
    }
    assert_eq!(password(&site, "password123", None).await, 429);
    assert_eq!(password(&site, "password123", Some(&first)).await, 200, "a known device");
    assert_eq!(password(&site, "password123", Some(&of_user)).await, 429, "of another account");
    // The renewed cookie identifies the same device. Both cookies therefore share one number of
    // attempts.
    for _ in 0..5 {
        assert_eq!(password(&site, "wrong", Some(&first)).await, 401);
    }
    assert_eq!(password(&site, "password123", Some(&renewed)).await, 429, "the same device");
    assert_eq!(password(&site, "password123", Some(&own)).await, 200, "a device of its own");
}

#[tokio::test(start_paused = true)]
async fn own_login_asks_the_user_directory() {
    let site = site_with(|builder, desk| builder.directory(desk.clone()), |routes| routes);
    let outcome = async |name: &str| {
        let fence = logins(&site).begin(&user(name)).await.unwrap();
        logins(&site).open(&parts(post("/callback")), new(name), fence).await.map(drop)
    };
    assert!(outcome("jeju").await.is_ok());
    let inactive = (401, "invalid_credentials", Some(LoginRefusal::AccountInactive));
    for name in ["suspended", "unknown"] {
        assert_eq!(refused(&outcome(name).await.unwrap_err()), inactive, "{name}");
        assert_eq!(site.count(name).await, 0, "{name}");
    }
    site.desk.set(Mood::FailDirectory);
    let away = outcome("jeju").await.unwrap_err();
    assert_eq!(refused(&away), (503, "store_unavailable", None));
    assert!(!format!("{away} {away:?}").contains("ldap.internal"));
}

#[tokio::test(start_paused = true)]
async fn own_login_records_the_client_address_and_user_agent() {
    let site = site_with(refreshing, |routes| routes);
    let mut ask = post("/callback").header("user-agent", "browser/1").request();
    ask.extensions_mut().insert(From("192.0.2.7".parse().unwrap()));
    let fence = logins(&site).begin(&user("jeju")).await.unwrap();
    let opened = logins(&site).open(&ask.into_parts().0, new("jeju"), fence).await.unwrap();
    let session = opened.session();
    assert_eq!(session.ip_address(), Some("192.0.2.7".parse().unwrap()));
    assert_eq!(session.user_agent(), Some("browser/1"));
    let shown = format!("{opened:?} {:?}", logins(&site));
    let reply = read(opened.answer(StatusCode::OK, Map::new()).unwrap()).await;
    for token in [reply.access_token(), reply.refresh_token(), reply.cookie(DEVICE).value] {
        let secret = token.rsplit('.').next().unwrap();
        assert!(!secret.is_empty() && !shown.contains(secret), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn logins_exist_only_for_a_mount_point_of_auth_routes() {
    let site = browser_site();
    let mounts = Mounts::standard();
    for prefix in ["/api/auth", "/auth"] {
        assert!(site.routes.logins(&mounts, prefix).is_ok(), "{prefix}");
    }
    for prefix in ["/api/session", "/health", "/api/auth/", "api/auth", "/API/AUTH", "/v1", "", "/"]
    {
        let error = site.routes.logins(&mounts, prefix).unwrap_err();
        let named = matches!(error, ConfigError::OutOfRange { setting: "prefix", .. });
        assert!(named && error.to_string().contains("auth routes"), "{prefix}: {error}");
    }
    assert!(site.routes.logins(&Mounts::new(), "/api/auth").is_err());
}
