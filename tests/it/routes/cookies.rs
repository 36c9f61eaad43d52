//! The names, attributes and paths of the cookies that contain tokens.

use std::time::Duration;

use axum::Router;
use tokio::time::advance;
use tower_session_auth::error::ConfigError;
use tower_session_auth::routes::{AccessCookie, Mounts, RefreshCookie, Routes, RoutesBuilder};

use crate::routes::jar::{
    ACCESS, DEVICE, REFRESH, Set, browser_site, cookie_site, login, post, refreshing, routes_site,
};
use crate::routes::site::{Reply, Site, send, site_with};

/// Returns the first `Set-Cookie` field for a token as text. Asserts that all later fields clear a
/// cookie.
fn field(reply: &Reply) -> String {
    let fields = reply.headers.get_all("set-cookie").iter().map(|field| field.to_str().unwrap());
    let mut fields: Vec<_> = fields.filter(|field| !field.starts_with(DEVICE)).collect();
    for other in fields.iter().skip(1) {
        assert!(other.contains("=; ") && other.ends_with("Max-Age=0"), "{other}");
    }
    fields.remove(0).to_owned()
}

#[tokio::test(start_paused = true)]
async fn each_auth_mount_sets_and_clears_a_refresh_cookie_with_its_own_path() {
    let site = browser_site();
    for mount in ["/api/auth", "/auth"] {
        let first = login(mount).to(&site).await;
        let token = first.refresh_token();
        let set = |token: &str, max_age: u32| {
            format!(
                "{REFRESH}={token}; HttpOnly; SameSite=Strict; Secure; Path={mount}; Max-Age={max_age}"
            )
        };
        assert_eq!(field(&first), set(&token, 86_400));
        advance(Duration::from_secs(1000)).await;
        let next = post(&format!("{mount}/refresh")).cookie(REFRESH, &token).to(&site).await;
        let token = next.refresh_token();
        assert_eq!(field(&next), set(&token, 85_400), "the cookie must not outlive the session");
        let last = post(&format!("{mount}/logout")).cookie(REFRESH, &token).to(&site).await;
        assert_eq!((last.status, field(&last)), (200, set("", 0)));
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_token_of_one_mount_works_at_another_mount() {
    let site = browser_site();
    let token = login("/auth").to(&site).await.refresh_token();
    let next = post("/api/auth/refresh").cookie(REFRESH, &token).to(&site).await;
    assert!(next.cookie(REFRESH).attributes.contains(&"Path=/api/auth".to_owned()));
}

fn attributes(list: &[&str]) -> Vec<String> {
    list.iter().map(|attribute| (*attribute).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn refresh_cookie_name_gets_the_strictest_prefix_its_attributes_allow() {
    let base = RefreshCookie::new;
    for (cookie, name, rest) in [
        (base().path("/"), "__Host-refresh_token", &["Path=/", "SameSite=Strict", "Secure"][..]),
        (base().path("/shop/auth"), REFRESH, &["Path=/shop/auth", "SameSite=Strict", "Secure"]),
        (base().path("/auth/"), REFRESH, &["Path=/auth/", "SameSite=Strict", "Secure"]),
        (base().name("rt"), "__Secure-rt", &["Path=/api/auth", "SameSite=Strict", "Secure"]),
        (base().secure(false), "refresh_token", &["Path=/api/auth", "SameSite=Strict"]),
        (base().secure(false).path("/"), "refresh_token", &["Path=/", "SameSite=Strict"]),
    ] {
        let site = cookie_site(cookie.clone());
        let first = login("/api/auth").to(&site).await;
        let Set { value, attributes: found, .. } = first.cookie(name);
        let mut expected = attributes(&["HttpOnly", "Max-Age=86400"]);
        expected.extend(attributes(rest));
        assert_eq!(found, expected, "{cookie:?}");
        let logout = post("/api/auth/logout").cookie(name, &value).to(&site).await;
        expected[1] = "Max-Age=0".to_owned();
        let cleared = Set { name: name.to_owned(), value: String::new(), attributes: expected };
        assert_eq!((logout.status, &logout.cookies()[0]), (200, &cleared), "{cookie:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nested_routes_set_the_refresh_cookie_at_the_root_path() {
    let site = browser_site();
    let router = Router::new().nest("/somewhere/auth", site.routes.auth());
    let first = send(&router, login("/somewhere/auth").request()).await;
    let cookie = first.cookie("__Host-refresh_token");
    assert!(cookie.attributes.contains(&"Path=/".to_owned()), "{cookie:?}");
    let next = post("/somewhere/auth/refresh").cookie(&cookie.name, &cookie.value);
    assert_eq!(send(&router, next.request()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn mounts_below_another_mount_share_its_cookie_path() {
    let site = browser_site();
    let mounts = Mounts::new().auth("/v1/auth/beta").unwrap().auth("/v1/auth").unwrap();
    let mounts = mounts.auth("/v1/authors").unwrap();
    let router = site.routes.mounted(&mounts);
    for (mount, path) in
        [("/v1/auth/beta", "/v1/auth"), ("/v1/auth", "/v1/auth"), ("/v1/authors", "/v1/authors")]
    {
        let first = send(&router, login(mount).request()).await;
        let cookie = first.cookie(REFRESH);
        assert!(cookie.attributes.contains(&format!("Path={path}")), "{mount}: {cookie:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn build_rejects_invalid_cookie_names_and_paths() {
    let site = browser_site();
    let build = |change: &dyn Fn(RoutesBuilder) -> RoutesBuilder| {
        change(Routes::builder(site.manager.clone(), site.desk.clone())).build().map(|_| ())
    };
    let refresh = |cookie: RefreshCookie| {
        build(&move |routes: RoutesBuilder| routes.refresh_delivery(cookie.clone()))
    };
    let access = |cookie: AccessCookie| {
        build(&move |routes: RoutesBuilder| routes.access_cookie(cookie.clone()))
    };
    let base = RefreshCookie::new;
    for (what, built) in [
        ("no name", refresh(base().name(""))),
        ("a semicolon in the name", refresh(base().name("a;b"))),
        ("a name with its prefix", refresh(base().name("__Host-a"))),
        ("a relative path", refresh(base().path("auth"))),
        ("no path", refresh(base().path(""))),
        ("an attribute in the path", refresh(base().path("/;Domain=example.com"))),
        ("a line break in the path", refresh(base().path("/\r\nx: y"))),
        ("a path that is not ASCII", refresh(base().path("/ä"))),
        ("no name for the access token", access(AccessCookie::new().name(""))),
        (
            "one name for both cookies",
            build(&|routes| {
                let refresh = RefreshCookie::new().name("t").path("/");
                routes.access_cookie(AccessCookie::new().name("t")).refresh_delivery(refresh)
            }),
        ),
    ] {
        assert!(matches!(built, Err(ConfigError::OutOfRange { .. })), "{what}: {built:?}");
    }
    assert!(access(AccessCookie::new().name("t")).is_ok());
}

/// Logs in and returns the refresh token and the access token.
async fn tokens(site: &Site) -> (String, String) {
    let reply = login("/auth").to(site).await;
    (reply.refresh_token(), reply.cookie(ACCESS).value)
}

#[tokio::test(start_paused = true)]
async fn debug_output_of_responses_and_settings_contains_no_token() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let (refresh, access) = tokens(&site).await;
    let reply = post("/auth/refresh").cookie(REFRESH, &refresh).to(&site).await;
    let shown = format!("{:?} {:?} {:?}", reply.headers, site.routes, site.manager);
    let next = reply.refresh_token();
    for token in [&refresh, &access, &next, &reply.cookie(ACCESS).value] {
        assert!(!shown.contains(token.as_str()), "{shown}");
        let secret = token.rsplit('.').next().unwrap();
        assert!(!shown.contains(secret), "{shown}");
    }
    let builder = Routes::builder(site.manager.clone(), site.desk.clone());
    let builder = builder.access_cookie(AccessCookie::new()).trusted_origins(["https://a.test"]);
    let shown = format!("{builder:?}");
    assert!(shown.contains("refresh_token") && shown.contains("https://a.test"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn token_only_login_clears_the_refresh_cookie() {
    use tower_session_auth::store::StoreErrorKind;

    use crate::support::switch::Mood;

    let site = site_with(refreshing, |routes| {
        routes.token_only_logins().access_cookie(AccessCookie::new())
    });
    site.store.set(Mood::Fail(StoreErrorKind::Unavailable));
    let reply = login("/auth").to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let cookies = reply.cookies();
    assert_eq!([cookies[0].name.as_str(), cookies[1].name.as_str()], [REFRESH, ACCESS]);
    assert!(!cookies[1].value.is_empty());
    let cleared = reply.cookie(REFRESH);
    assert_eq!(cleared.value, "");
    assert!(cleared.attributes.contains(&"Max-Age=0".to_owned()), "{cleared:?}");
}
