//! Several refresh cookies with the same name: which of them the routes use, and which of them they
//! clear.

use std::time::Duration;

use serde_json::json;
use tokio::time::advance;
use tower_session_auth::routes::{AccessCookie, Mounts, RefreshCookie};
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::{RevokeReason, Target};

use crate::routes::jar::{Ask, REFRESH, Set, browser_site, cookie_site, login, post, routes_site};
use crate::routes::site::{Reply, Site, send};
use crate::support::paused::{At, Verb};
use crate::support::switch::Mood;
use crate::support::user;

const PATH: &str = "/api/auth/refresh";

/// A request with several cookies of the same name. All of them are in one header field.
fn showing(path: &str, tokens: &[&str]) -> Ask {
    let pairs: Vec<_> = tokens.iter().map(|token| format!("{REFRESH}={token}")).collect();
    post(path).header("cookie", pairs.join("; "))
}

/// Returns both orders of two cookies. Browsers send the cookie with the longer path first.
/// Therefore the valid cookie can be at either position.
fn both_orders<'a>(one: &'a str, two: &'a str) -> [[&'a str; 2]; 2] {
    [[one, two], [two, one]]
}

async fn log_in(site: &Site, name: &str) -> Reply {
    let body = json!({"user_id": name, "password": "password123"});
    let reply = post("/api/auth/login").json(body).to(site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

async fn session_of(site: &Site, reply: &Reply) -> String {
    site.manager.authenticate(&reply.access_token()).await.unwrap().id().to_string()
}

#[tokio::test(start_paused = true)]
async fn latest_token_of_a_session_is_used_and_an_older_one_beside_it_is_no_reuse() {
    for turned in [false, true] {
        let site = browser_site();
        let first = log_in(&site, "jeju").await;
        let old = first.refresh_token();
        let new = showing(PATH, &[&old]).to(&site).await.refresh_token();
        // The grace window has passed. If the client sent only the old token, the session would be
        // revoked.
        advance(Duration::from_secs(600)).await;
        let shown = both_orders(&old, &new)[usize::from(turned)];
        let next = showing(PATH, &shown).to(&site).await;
        assert_eq!(next.status, 200, "{next:?}");
        assert_ne!(next.refresh_token(), new);
        assert_eq!(session_of(&site, &next).await, session_of(&site, &first).await);
        let alone = showing(PATH, &[&old]).to(&site).await;
        assert_eq!(
            alone.body["reason"], "refresh_reuse",
            "alone, the old token must revoke the session"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn token_of_the_latest_login_is_used_for_two_sessions_of_one_user() {
    for turned in [false, true] {
        let site = browser_site();
        let mut early = log_in(&site, "jeju").await.refresh_token();
        advance(Duration::from_secs(30)).await;
        let late = log_in(&site, "jeju").await;
        // The rotation counter of the earlier login becomes higher than that of the later login.
        // This must have no effect.
        for _ in 0..3 {
            early = showing(PATH, &[&early]).to(&site).await.refresh_token();
        }
        let shown = late.refresh_token();
        let shown = both_orders(&early, &shown)[usize::from(turned)];
        let next = showing(PATH, &shown).to(&site).await;
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(session_of(&site, &next).await, session_of(&site, &late).await);
        assert_eq!(site.count("jeju").await, 2, "the other session must stay live");
    }
}

#[tokio::test(start_paused = true)]
async fn token_of_a_revoked_session_does_not_hide_one_of_a_live_session() {
    let site = browser_site();
    let live = log_in(&site, "jeju").await;
    advance(Duration::from_secs(30)).await;
    let ended = log_in(&site, "jeju").await;
    site.post("/api/auth/logout", &ended.access_token()).await;
    for shown in both_orders(&live.refresh_token(), &ended.refresh_token()) {
        let next = showing(PATH, &shown).to(&site).await;
        assert_eq!(session_of(&site, &next).await, session_of(&site, &live).await);
    }
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    let reply = showing(PATH, &[&live.refresh_token(), &ended.refresh_token()]).to(&site).await;
    assert_eq!((reply.said(), &reply.body["reason"]), ((401, "session_revoked"), &json!("admin")));
}

#[tokio::test(start_paused = true)]
async fn refresh_with_cookies_of_two_users_is_rejected() {
    let site = browser_site();
    let mine = log_in(&site, "jeju").await.refresh_token();
    let planted = log_in(&site, "user").await.refresh_token();
    for [one, two] in both_orders(&mine, &planted) {
        let reply = showing(PATH, &[one, two]).to(&site).await;
        assert_eq!(reply.said(), (401, "invalid_token"));
        assert!(reply.sets_nothing(), "a newer login may just have set the cookies");
    }
    assert_eq!(
        (site.count("jeju").await, site.count("user").await),
        (1, 1),
        "no session may be revoked"
    );
    // The routes also refuse both tokens if one of the two sessions is revoked.
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    let reply = showing(PATH, &[&mine, &planted]).to(&site).await;
    assert_eq!(reply.said(), (401, "invalid_token"));
    // A login works again. It revokes the planted session and creates a new session.
    let fresh = showing("/api/auth/login", &[&mine, &planted]).json(crate::routes::jar::JEJU);
    assert_eq!(fresh.to(&site).await.status, 200);
    assert_eq!((site.count("jeju").await, site.count("user").await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn invalid_refresh_cookies_are_ignored_beside_a_valid_one() {
    let site = browser_site();
    let mut token = log_in(&site, "jeju").await.refresh_token();
    let garbage = ["", "x", "a.b.c", "\"\""];
    for place in 0..=garbage.len() {
        let mut shown = garbage.to_vec();
        shown.insert(place, &token);
        let reply = showing(PATH, &shown).to(&site).await;
        assert_eq!(reply.status, 200, "{place}: {reply:?}");
        token = reply.refresh_token();
    }
    // Sends the same token two times in one header field, and then in two header fields.
    token = showing(PATH, &[&token, &token]).to(&site).await.refresh_token();
    let two_fields = post(PATH).cookie(REFRESH, &token).cookie(REFRESH, &token);
    token = two_fields.to(&site).await.refresh_token();
    let many = vec!["a.b.c"; 500];
    let reply = showing(PATH, &[&many[..], &[&token]].concat()).to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let reply = showing(PATH, &garbage).to(&site).await;
    assert_eq!(reply.said(), (401, "invalid_token"));
}

#[tokio::test(start_paused = true)]
async fn refresh_and_logout_consider_at_most_eight_sessions() {
    let site = browser_site();
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(log_in(&site, "jeju").await.refresh_token());
        advance(Duration::from_secs(1)).await;
    }
    let shown: Vec<_> = tokens.iter().map(String::as_str).collect();
    let before = site.store.calls();
    assert_eq!(showing(PATH, &shown).to(&site).await.status, 200);
    // The routes make eight calls to select a session. All other calls belong to the rotation.
    let calls = site.store.calls() - before;
    assert!((8..16).contains(&calls), "{calls} calls");
    let before = site.count("jeju").await;
    assert_eq!(showing("/api/auth/logout", &shown).to(&site).await.status, 200);
    assert_eq!(before - site.count("jeju").await, 8);
}

#[tokio::test(start_paused = true)]
async fn unavailable_store_returns_503_and_keeps_all_refresh_cookies() {
    let site = browser_site();
    let tokens =
        [log_in(&site, "jeju").await.refresh_token(), log_in(&site, "jeju").await.refresh_token()];
    let shown = [tokens[0].as_str(), tokens[1].as_str()];
    site.store.set(Mood::Fail(StoreErrorKind::Unavailable));
    for path in [PATH, "/api/auth/logout"] {
        let reply = showing(path, &shown).to(&site).await;
        assert_eq!(reply.said(), (503, "store_unavailable"), "{path}");
        assert!(reply.sets_nothing(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn login_revokes_the_session_of_each_refresh_cookie_it_receives() {
    let site = browser_site();
    let [one, two] = [log_in(&site, "jeju").await, log_in(&site, "jeju").await];
    let others = log_in(&site, "user").await;
    let kept = log_in(&site, "user").await;
    let asked = login("/api/auth").header(
        "cookie",
        format!(
            "{REFRESH}={}; {REFRESH}=garbage; refresh_token={}; __Host-refresh_token={}",
            one.refresh_token(),
            two.refresh_token(),
            others.refresh_token(),
        ),
    );
    let fresh = asked.to(&site).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    for ended in [&one, &two, &others] {
        let me = site.get("/api/auth/me", &ended.access_token()).await;
        assert_eq!((me.said(), &me.body["reason"]), ((401, "session_revoked"), &json!("logout")));
    }
    for live in [&fresh, &kept] {
        assert_eq!(site.get("/api/auth/me", &live.access_token()).await.status, 200);
    }
    // If a login is refused, it revokes no session.
    let wrong = json!({"user_id": "jeju", "password": "wrong"});
    let refused = showing("/api/auth/login", &[&fresh.refresh_token()]).json(wrong);
    let refused = refused.to(&site).await;
    assert_eq!(refused.said(), (401, "invalid_credentials"));
    assert!(refused.sets_nothing());
    assert_eq!(site.get("/api/auth/me", &fresh.access_token()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn login_succeeds_when_the_old_session_cannot_be_revoked() {
    for mood in [Mood::Fail(StoreErrorKind::Unavailable), Mood::Hang] {
        let site = browser_site();
        let old = log_in(&site, "jeju").await.refresh_token();
        let mut stop = site.stops.stop(Verb::Delete, At::Before);
        let login = async {
            let body = json!({"user_id": "jeju", "password": "password123"});
            showing("/api/auth/login", &[&old]).json(body).to(&site).await
        };
        let outage = async {
            let reached = tokio::time::timeout(Duration::from_secs(60), stop.reached());
            reached.await.expect("a login must revoke the session that it replaces");
            site.store.set(mood);
            stop.go();
        };
        let (reply, ()) = tokio::join!(login, outage);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(!reply.refresh_token().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn logout_revokes_the_session_of_each_refresh_cookie_it_receives() {
    let site = browser_site();
    let mine = log_in(&site, "jeju").await;
    let planted = log_in(&site, "user").await;
    let tokens = [mine.refresh_token(), planted.refresh_token()];
    let shown = [tokens[0].as_str(), "garbage", tokens[1].as_str()];
    let reply = showing("/api/auth/logout", &shown).to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!((site.count("jeju").await, site.count("user").await), (0, 0));
    let again = showing("/api/auth/logout", &shown).to(&site).await;
    assert_eq!(again.status, 200, "a logout of revoked sessions must succeed");
}

/// Returns the name and the path of each cookie that a response clears.
fn cleared_cookies(reply: &Reply) -> Vec<(String, String)> {
    let path = |cookie: &Set| {
        let path = cookie.attributes.iter().find_map(|one| one.strip_prefix("Path="));
        path.unwrap().to_owned()
    };
    let cookies = reply.cookies().into_iter().filter(|cookie| cookie.value.is_empty());
    let mut taken: Vec<_> = cookies
        .map(|cookie| {
            assert!(cookie.attributes.contains(&"Max-Age=0".to_owned()), "{cookie:?}");
            let prefixed = cookie.name.starts_with("__");
            let secure = cookie.attributes.contains(&"Secure".to_owned());
            assert!(
                secure || !prefixed,
                "browsers reject a prefixed cookie without `Secure`: {cookie:?}"
            );
            (cookie.name.clone(), path(&cookie))
        })
        .collect();
    taken.sort_unstable();
    taken
}

fn expected(names: &[(&str, &[&str])]) -> Vec<(String, String)> {
    let mut all: Vec<_> = names
        .iter()
        .flat_map(|(name, paths)| paths.iter().map(|path| ((*name).to_owned(), (*path).to_owned())))
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test(start_paused = true)]
async fn login_and_logout_clear_each_name_variant_at_each_prefix_of_the_mount() {
    let site = browser_site();
    let first = log_in(&site, "jeju").await;
    let everywhere: &[&str] = &["/", "/api", "/api/auth"];
    let login = expected(&[
        ("__Host-refresh_token", &["/"]),
        (REFRESH, &["/", "/api"]),
        ("refresh_token", everywhere),
    ]);
    assert_eq!(cleared_cookies(&first), login, "all variants except the cookie that is set");
    let logout = showing("/api/auth/logout", &[&first.refresh_token()]).to(&site).await;
    let all = expected(&[
        ("__Host-refresh_token", &["/"]),
        (REFRESH, everywhere),
        ("refresh_token", everywhere),
    ]);
    assert_eq!(cleared_cookies(&logout), all);

    // A logout also clears the access cookie under its other names.
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let reply = post("/auth/logout").to(&site).await;
    let all = expected(&[
        ("__Host-refresh_token", &["/"]),
        (REFRESH, &["/", "/auth"]),
        ("refresh_token", &["/", "/auth"]),
        ("__Host-access_token", &["/"]),
        ("__Secure-access_token", &["/", "/auth"]),
        ("access_token", &["/", "/auth"]),
    ]);
    assert_eq!(cleared_cookies(&reply), all);
}

#[tokio::test(start_paused = true)]
async fn cookies_are_cleared_at_the_configured_path_and_at_the_mount_path() {
    let site = cookie_site(RefreshCookie::new().path("/shop/auth").name("rt"));
    let all = expected(&[
        ("__Host-rt", &["/"]),
        ("__Secure-rt", &["/", "/api", "/api/auth", "/shop", "/shop/auth"]),
        ("rt", &["/", "/api", "/api/auth", "/shop", "/shop/auth"]),
    ]);
    assert_eq!(cleared_cookies(&post("/api/auth/logout").to(&site).await), all);

    // The router tells nested routes their mount path.
    let site = browser_site();
    let router = axum::Router::new().nest("/some/where", site.routes.auth());
    let all = expected(&[
        ("__Host-refresh_token", &["/"]),
        (REFRESH, &["/", "/some", "/some/where"]),
        ("refresh_token", &["/", "/some", "/some/where"]),
    ]);
    let logout = || post("/some/where/logout");
    for (asked, status) in [(logout(), 401), (logout().bearer("a").bearer("b"), 400)] {
        let reply = send(&router, asked.request()).await;
        assert_eq!((reply.status, cleared_cookies(&reply)), (status, all.clone()));
    }

    // If a mount path has a path parameter, the routes clear cookies at the root path only.
    let router = axum::Router::new().nest("/of/{tenant}", site.routes.auth());
    let reply = send(&router, post("/of/x/logout").request()).await;
    let all =
        expected(&[("__Host-refresh_token", &["/"]), (REFRESH, &["/"]), ("refresh_token", &["/"])]);
    assert_eq!(cleared_cookies(&reply), all);

    // Over plain HTTP, the name of the refresh cookie has no prefix.
    let site = cookie_site(RefreshCookie::new().secure(false));
    let mounts = Mounts::new().auth("/auth").unwrap();
    let reply = send(&site.routes.mounted(&mounts), login("/auth").request()).await;
    let others = expected(&[
        ("__Host-refresh_token", &["/"]),
        (REFRESH, &["/", "/auth"]),
        ("refresh_token", &["/"]),
    ]);
    assert_eq!(cleared_cookies(&reply), others);
    assert!(!reply.cookie("refresh_token").value.is_empty());
}
