//! The access token in a cookie, for pages that run no scripts.

use axum::Router;
use axum::routing::get;
use tower_session_auth::routes::AccessCookie;
use tower_session_auth::{Session, SessionAuthLayer, TokenSource};

use crate::routes::jar::{
    ACCESS, Ask, DEVICE, REFRESH, Set, ask, browser_site, login, post, routes_site,
};
use crate::routes::site::{Reply, Site, send};

fn page_site() -> Site {
    routes_site(|routes| routes.access_cookie(AccessCookie::new()))
}

fn me() -> Ask {
    ask("GET", "/api/auth/me")
}

/// Returns the values of the access cookie and of the refresh cookie. Asserts that the response
/// sets both.
fn both(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let set = reply.cookies().into_iter().filter(|cookie| !cookie.value.is_empty());
    let names: Vec<_> = set.map(|cookie| cookie.name).collect();
    assert_eq!(names[..2], [REFRESH, ACCESS]);
    assert!(names.len() == 2 || names[2..] == [DEVICE], "{names:?}");
    (reply.cookie(ACCESS).value, reply.cookie(REFRESH).value)
}

#[tokio::test(start_paused = true)]
async fn login_and_refresh_set_the_access_cookie_and_logout_clears_it() {
    let site = page_site();
    let first = login("/api/auth").to(&site).await;
    let (access, refresh) = both(&first);
    assert_eq!(access, first.access_token());
    let attributes = |max_age: u32| {
        let max_age = format!("Max-Age={max_age}");
        ["HttpOnly".to_owned(), max_age, "Path=/".into(), "SameSite=Strict".into(), "Secure".into()]
    };
    assert_eq!(first.cookie(ACCESS).attributes, attributes(3600));
    assert_eq!(me().cookie(ACCESS, &access).to(&site).await.body["user_id"], "jeju");

    let next = post("/api/auth/refresh").cookie(REFRESH, &refresh).cookie(ACCESS, "old");
    let (access, refresh) = both(&next.to(&site).await);
    assert_eq!(me().cookie(ACCESS, &access).to(&site).await.status, 200);

    let logout = post("/api/auth/logout").cookie(ACCESS, &access).cookie(REFRESH, &refresh);
    let reply = logout.to(&site).await;
    assert_eq!(
        (reply.cookie(ACCESS).value, reply.cookie(REFRESH).value),
        (String::new(), String::new())
    );
    assert_eq!(reply.cookie(ACCESS).attributes, attributes(0));
    let late = me().cookie(ACCESS, &access).to(&site).await;
    assert_eq!(late.said(), (401, "session_revoked"));
}

#[tokio::test(start_paused = true)]
async fn logout_works_with_either_cookie_alone() {
    let site = page_site();
    for name in [ACCESS, REFRESH] {
        let value = login("/api/auth").to(&site).await.cookie(name).value;
        let reply = post("/api/auth/logout").cookie(name, &value).to(&site).await;
        assert_eq!((reply.status, site.count("jeju").await), (200, 0), "{name}");
    }
    let access = login("/api/auth").to(&site).await.cookie(ACCESS).value;
    let asked = post("/api/auth/logout").cookie(ACCESS, &access).bearer("other").to(&site).await;
    assert_eq!(
        (asked.status, site.count("jeju").await),
        (200, 0),
        "an invalid header must not prevent the logout"
    );
}

#[tokio::test(start_paused = true)]
async fn logout_revokes_the_sessions_of_the_header_and_of_all_access_cookies() {
    let site = page_site();
    let [one, two, three] = [(); 3].map(|()| async { both(&login("/api/auth").to(&site).await) });
    let (one, two, three) = (one.await, two.await, three.await);
    let asked = post("/api/auth/logout").bearer(&one.0).cookie(ACCESS, &two.0);
    let reply = asked.cookie(ACCESS, &three.0).cookie(ACCESS, "garbage").to(&site).await;
    assert_eq!((reply.status, site.count("jeju").await), (200, 0), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn logout_reads_at_most_eight_access_cookies() {
    let site = page_site();
    let mut asked = post("/api/auth/logout");
    for _ in 0..10 {
        let (access, _) = both(&login("/api/auth").to(&site).await);
        asked = asked.cookie(ACCESS, &access);
    }
    let reply = asked.to(&site).await;
    assert_eq!((reply.status, site.count("jeju").await), (200, 2), "{reply:?}");
}

#[tokio::test(start_paused = true)]
async fn bearer_header_takes_precedence_over_the_access_cookie() {
    let site = page_site();
    let (access, refresh) = both(&login("/api/auth").to(&site).await);
    let (other, _) = both(&login("/api/auth").to(&site).await);
    let malformed = (400, "invalid_request");
    for (what, asked, said) in [
        ("the cookie", me().cookie(ACCESS, &access), (200, "")),
        ("the header", me().bearer(&access), (200, "")),
        ("both the same", me().bearer(&access).cookie(ACCESS, &access), (200, "")),
        ("both good", me().bearer(&other).cookie(ACCESS, &access), (200, "")),
        ("a bad header", me().bearer("x").cookie(ACCESS, &access), (401, "invalid_token")),
        ("an empty header", me().bearer("").cookie(ACCESS, &access), (401, "invalid_token")),
        ("a bad cookie", me().bearer(&access).cookie(ACCESS, "x"), (200, "")),
        ("an empty cookie", me().bearer(&access).cookie(ACCESS, ""), (200, "")),
        (
            "a header and two cookies",
            me().bearer(&access).cookie(ACCESS, "x").cookie(ACCESS, "y"),
            (200, ""),
        ),
        ("two cookies", me().cookie(ACCESS, &access).cookie(ACCESS, &access), malformed),
        (
            "two cookies in one field",
            me().cookie(ACCESS, &format!("{access}; {ACCESS}={access}")),
            malformed,
        ),
        ("two headers", me().bearer(&access).bearer(&access), malformed),
        (
            "another scheme",
            me().header("authorization", "Basic dTpw").cookie(ACCESS, &access),
            (200, ""),
        ),
        ("a bad cookie alone", me().cookie(ACCESS, "x"), (401, "invalid_token")),
        ("an empty cookie alone", me().cookie(ACCESS, ""), (401, "invalid_token")),
        (
            "no UTF-8",
            me().header("cookie", [ACCESS.as_bytes(), b"=\xff"].concat()),
            (401, "invalid_token"),
        ),
        ("a megabyte", me().cookie(ACCESS, &"A".repeat(1 << 20)), (401, "invalid_token")),
        ("the refresh token", me().cookie(ACCESS, &refresh), (401, "invalid_token")),
        ("the refresh cookie", me().cookie(REFRESH, &access), (401, "missing_token")),
        ("another name", me().cookie("access_token", &access), (401, "missing_token")),
        ("nothing", me(), (401, "missing_token")),
    ] {
        let reply = asked.to(&site).await;
        assert_eq!(reply.said(), said, "{what}: {}", reply.text);
        assert_eq!(reply.status == 200, reply.header("www-authenticate").is_none(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn access_cookies_are_ignored_unless_enabled() {
    let site = browser_site();
    let access = login("/api/auth").to(&site).await.access_token();
    for name in [ACCESS, "access_token"] {
        assert_eq!(me().cookie(name, &access).to(&site).await.said(), (401, "missing_token"));
        let asked = me().cookie(name, "x").cookie(name, "y").bearer(&access);
        assert_eq!(asked.to(&site).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn application_layer_reads_the_access_cookie_through_its_token_source() {
    let site = page_site();
    let page = |session: Option<Session>| async move {
        session.map_or("nobody".to_owned(), |session| session.user_id().to_string())
    };
    let source = AccessCookie::new().token_source().unwrap();
    assert_eq!(source, TokenSource::header_or_cookie(ACCESS).unwrap());
    let layer = SessionAuthLayer::new(site.manager.clone()).optional();
    let router = Router::new().route("/", get(page)).layer(layer.token_source(source));
    let (access, _) = both(&login("/auth").to(&site).await);
    let shown = async |asked: Ask| send(&router, asked.request()).await;
    assert_eq!(shown(ask("GET", "/").cookie(ACCESS, &access)).await.text, "jeju");
    assert_eq!(shown(ask("GET", "/").bearer(&access)).await.text, "jeju");
    assert_eq!(shown(ask("GET", "/")).await.text, "nobody");
    let bad = shown(ask("GET", "/").cookie(ACCESS, "x")).await;
    assert_eq!(
        bad.said(),
        (401, "invalid_token"),
        "an invalid token must not become an anonymous request"
    );
}

#[tokio::test(start_paused = true)]
async fn access_cookie_name_and_attributes_are_configurable() {
    let site = routes_site(|routes| {
        routes.access_cookie(AccessCookie::new().name("at").secure(false).lax())
    });
    let reply = login("/auth").to(&site).await;
    let Set { attributes, value, .. } = reply.cookie("at");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"]);
    assert_eq!(me().cookie("at", &value).to(&site).await.status, 200);
    let cleared = post("/auth/logout").cookie("at", &value).to(&site).await.cookie("at");
    assert_eq!(cleared.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Lax"]);
}

/// Two tabs of a browser: another tab has set the cookie, while this tab still uses its older
/// token.
#[tokio::test(start_paused = true)]
async fn bearer_header_is_used_beside_an_access_cookie_of_another_session() {
    let site = page_site();
    let (mine, _) = both(&login("/api/auth").to(&site).await);
    let (others, _) = both(&login("/api/auth").to(&site).await);
    let listed = ask("GET", "/api/auth/sessions").bearer(&mine).cookie(ACCESS, &others);
    let listed = listed.to(&site).await;
    let current: Vec<_> = listed.body["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|session| session["current"] == true)
        .map(|session| session["session_id"].as_str().unwrap().to_owned())
        .collect();
    let session = site.manager.authenticate(&mine).await.unwrap();
    assert_eq!(current, [session.id().to_string()]);
}
