//! Other sites act with nobody's cookies.

use std::convert::Infallible;

use http::{Request, Response};
use serde_json::json;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::routes::{AccessCookie, Routes};
use tower_session_auth::{AuthError, AuthErrorKind, ConfigError, Head, SameOriginLayer};

use crate::routes::jar::{ACCESS, Ask, REFRESH, ask, browser_site, login, post, routes_site};
use crate::routes::site::{Reply, Site};
use crate::support::log::Log;

pub(crate) const TRUSTED: &str = "https://app.example.com";
pub(crate) const HOST: &str = "api.example.com";

/// What a browser says of a request, and whether it is let in.
type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

/// Without exceptions.
const CASES: [Case; 22] = [
    ("no browser", &[], true),
    ("a page of ours", &[("sec-fetch-site", "same-origin")], true),
    ("the address bar", &[("sec-fetch-site", "none")], true),
    (
        "a page of ours, with its origin",
        &[("sec-fetch-site", "same-origin"), ("origin", "https://api.example.com")],
        true,
    ),
    ("another site", &[("sec-fetch-site", "cross-site")], false),
    ("a sister domain", &[("sec-fetch-site", "same-site")], false),
    (
        "another site, with its origin",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
        false,
    ),
    (
        "another site that claims to be us",
        &[("sec-fetch-site", "cross-site"), ("origin", "https://api.example.com")],
        false,
    ),
    (
        "a sister domain, with its origin",
        &[("sec-fetch-site", "same-site"), ("origin", "https://other.example.com")],
        false,
    ),
    ("a word that nobody knows", &[("sec-fetch-site", "sideways")], false),
    ("other letters", &[("sec-fetch-site", "Same-Origin")], false),
    ("a list", &[("sec-fetch-site", "same-origin, cross-site")], false),
    ("an old browser's page of ours", &[("origin", "https://api.example.com")], true),
    // Its scheme is not known here.
    ("the same over plain HTTP", &[("origin", "http://api.example.com")], true),
    ("an old browser's other site", &[("origin", "https://evil.test")], false),
    ("another port", &[("origin", "https://api.example.com:8443")], false),
    ("a host that begins like ours", &[("origin", "https://api.example.com.evil.test")], false),
    ("a host that ends like ours", &[("origin", "https://evil-api.example.com")], false),
    ("a document without an origin", &[("origin", "null")], false),
    ("no URL", &[("origin", "api.example.com")], false),
    ("an extension", &[("origin", "chrome-extension://api.example.com")], false),
    ("an empty word", &[("sec-fetch-site", ""), ("origin", "https://evil.test")], false),
];

fn said_by(asked: Ask, headers: &[(&'static str, &'static str)]) -> Ask {
    let asked = asked.header("host", HOST);
    headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value))
}

fn refused(reply: &Reply, what: &str) {
    let text = r#"{"detail":"Cross-site request refused","code":"cross_site"}"#;
    assert_eq!((reply.status, reply.text.as_str()), (403, text), "{what}");
    assert!(reply.sets_nothing(), "{what}");
    for (name, value) in [
        ("content-type", Some("application/json")),
        ("cache-control", Some("no-store")),
        ("x-content-type-options", Some("nosniff")),
        ("www-authenticate", None),
    ] {
        assert_eq!(reply.header(name), value, "{what}: {name}");
    }
}

async fn tokens(site: &Site) -> (String, String) {
    let reply = login("/auth").to(site).await;
    (reply.access_token(), reply.refresh_token())
}

#[tokio::test(start_paused = true)]
async fn the_browsers_word_decides_on_each_route_that_acts_on_the_cookie() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    for (what, headers, let_in) in CASES {
        let logins = site.count("jeju").await;
        for (route, asked) in [
            ("login", login("/auth")),
            ("refresh", post("/auth/refresh").cookie(REFRESH, &refresh)),
            // Nothing to log out: what lets it in finds nobody.
            ("logout", post("/auth/logout")),
        ] {
            let reply = said_by(asked, headers).to(&site).await;
            let what = format!("{route}: {what}");
            match (let_in, route) {
                (false, _) => refused(&reply, &what),
                (true, "logout") => assert_eq!(reply.said(), (401, "missing_token"), "{what}"),
                (true, _) => assert_eq!(reply.status, 200, "{what}: {reply:?}"),
            }
        }
        assert_eq!(site.count("jeju").await, logins + usize::from(let_in), "{what}");
        let logout = said_by(post("/auth/logout").cookie(REFRESH, &refresh), headers);
        if !let_in {
            refused(&logout.to(&site).await, what);
        }
    }
    assert_eq!(site.get("/auth/me", &access).await.status, 200, "nobody was logged out");
}

#[tokio::test(start_paused = true)]
async fn a_trusted_origin_is_let_in_whatever_site_it_is_of() {
    let site = routes_site(|routes| routes.trusted_origins([TRUSTED, "http://localhost:5173"]));
    for (what, headers, let_in) in [
        ("by both", &[("sec-fetch-site", "same-site"), ("origin", TRUSTED)][..], true),
        ("of another site", &[("sec-fetch-site", "cross-site"), ("origin", TRUSTED)], true),
        ("an old browser's", &[("origin", TRUSTED)], true),
        (
            "the other one",
            &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:5173")],
            true,
        ),
        ("without its origin", &[("sec-fetch-site", "same-site")], false),
        ("over plain HTTP", &[("origin", "http://app.example.com")], false),
        ("with a port", &[("origin", "https://app.example.com:443")], false),
        ("in other letters", &[("origin", "https://APP.example.com")], false),
        ("with a path", &[("origin", "https://app.example.com/")], false),
        ("below it", &[("origin", "https://x.app.example.com")], false),
        ("around it", &[("origin", "https://app.example.com.evil.test")], false),
    ] {
        let reply = said_by(login("/auth"), headers).to(&site).await;
        if let_in {
            assert_eq!(reply.status, 200, "{what}");
        } else {
            refused(&reply, what);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_no_browser_sends_is_refused_before_the_first_request() {
    let site = browser_site();
    for origin in [
        "",
        "*",
        "null",
        "app.example.com",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://app.example.com?a",
        "https://app.example.com#a",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://APP.example.com",
        "HTTPS://app.example.com",
        "https://bücher.example",
        "file:///etc",
        "https://*.example.com/",
        "https://user@app.example.com",
        "https://app.example.com:port",
        "https://app.example.com:",
        "https://app.example.com,https://b.example.com",
    ] {
        let routes = Routes::builder(site.manager.clone(), site.desk.clone());
        let built = routes.trusted_origins([TRUSTED, origin]).build();
        let out_of_range =
            matches!(built, Err(ConfigError::OutOfRange { setting: "trusted_origins", .. }));
        assert!(out_of_range, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wildcard_is_refused_with_the_reason() {
    let site = browser_site();
    for origin in ["*", "https://*.example.com", "https://*", "https://app.example.com:*"] {
        let routes = Routes::builder(site.manager.clone(), site.desk.clone());
        let refused = routes.trusted_origins([TRUSTED, origin]).build().unwrap_err().to_string();
        assert!(refused.contains("trusted_origins"), "{refused}");
        assert!(refused.contains("wildcard") && refused.contains("exactly"), "{refused}");
        let layer = SameOriginLayer::new().trusted_origins([origin]);
        assert_eq!(layer.unwrap_err().to_string(), refused);
    }
    for origin in ["http://localhost", "http://[::1]:8000", "https://a_b.example:8443"] {
        assert!(SameOriginLayer::new().trusted_origins([origin]).is_ok(), "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_default_port_and_capitals_in_the_host_are_the_same_origin() {
    let site = browser_site();
    for (origin, host, let_in) in [
        ("https://api.example.com", "api.example.com:443", true),
        ("https://api.example.com", "API.Example.com", true),
        ("https://api.example.com", "API.EXAMPLE.COM:443", true),
        ("http://api.example.com", "api.example.com:80", true),
        ("https://api.example.com:8443", "api.example.com:8443", true),
        ("https://[2001:db8::1]", "[2001:DB8::1]:443", true),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
        // The other scheme's port is another origin.
        ("https://api.example.com", "api.example.com:80", false),
        ("http://api.example.com", "api.example.com:443", false),
        ("https://api.example.com", "api.example.com:8443", false),
        ("https://api.example.com:8443", "api.example.com", false),
        ("https://api.example.com", "api.example.com.", false),
        ("https://api.example.com", "api.example.com:", false),
        ("https://api.example.com", "api.example.com:x", false),
        ("https://api.example.com", "x@api.example.com", false),
        ("https://x@api.example.com", "api.example.com", false),
        ("https://api.example.com/", "api.example.com", false),
        ("https://", "api.example.com", false),
        ("https://api.example.com", "", false),
    ] {
        let asked = login("/auth").header("host", host).header("origin", origin);
        let reply = asked.to(&site).await;
        if let_in {
            assert_eq!(reply.status, 200, "{origin} asks {host}: {reply:?}");
        } else {
            refused(&reply, &format!("{origin} asks {host}"));
        }
    }
    let two = |name: &'static str, value: &str| {
        let asked = login("/auth").header("host", HOST).header("origin", "https://api.example.com");
        asked.header(name, value)
    };
    refused(&two("host", HOST).to(&site).await, "two hosts");
    refused(&two("origin", "https://api.example.com").to(&site).await, "two origins");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_logged_with_origin_and_host_escaped_and_shortened() {
    let log = Log::default();
    let _guard = log.capture();
    let site = browser_site();
    let host = "api.example.com\u{e9}";
    let origin = format!("https://evil.test/\"{}", "x".repeat(5000));
    let asked = login("/auth").header("host", host).header("origin", origin);
    refused(&asked.to(&site).await, "logged");
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains("https://evil.test/") && line.contains("api.example.com"), "{line}");
    assert!(line.contains("\\xc3\\xa9") && line.contains("\\\""), "{line}");
    assert!(line.len() < 1000, "{} bytes", line.len());
    let asked = login("/auth").header("sec-fetch-site", "same-site").header("host", HOST);
    refused(&asked.to(&site).await, "without an origin");
    let text = log.text();
    let line = text.lines().rfind(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains("none") && line.contains("same-site"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn an_application_words_the_refusal_itself() {
    let layer = SameOriginLayer::new().on_reject(|error: &AuthError, head: Head<'_>| {
        assert_eq!(error.kind(), AuthErrorKind::CrossSite);
        Response::new(format!("not for {:?}", head.headers["origin"]))
    });
    let service = ServiceBuilder::new()
        .layer(layer)
        .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("let in".to_owned())));
    let asked = |origin: &str| {
        Request::post("/").header("host", HOST).header("origin", origin).body(()).unwrap()
    };
    let refused = service.clone().oneshot(asked("https://evil.test")).await.unwrap();
    assert_eq!(refused.body(), "not for \"https://evil.test\"");
    let error = refused.extensions().get::<AuthError>().unwrap();
    assert_eq!((error.kind().code(), error.kind().status().as_u16()), ("cross_site", 403));
    let let_in = service.oneshot(asked("https://api.example.com")).await.unwrap();
    assert_eq!(let_in.body(), "let in");
}

#[tokio::test(start_paused = true)]
async fn the_target_of_a_request_outdoes_its_host() {
    let log = Log::default();
    let _guard = log.capture();
    let site = browser_site();
    // As in HTTP/2, or through a proxy.
    let asked = |authority: &str, origin: &str| {
        let asked = post(&format!("https://{authority}/auth/login")).json(crate::routes::jar::JEJU);
        asked.header("host", "evil.test").header("origin", origin)
    };
    let reply = asked(HOST, "https://api.example.com").to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    refused(&asked(HOST, "https://evil.test").to(&site).await, "the host");
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains(HOST), "the log tells the host that was compared: {line}");
}

#[tokio::test(start_paused = true)]
async fn routes_that_take_a_header_only_are_for_cors_to_guard() {
    let site = browser_site();
    let (access, _) = tokens(&site).await;
    for asked in [
        ask("GET", "/auth/me"),
        ask("GET", "/auth/sessions"),
        post("/api/session/refresh"),
        ask("GET", "/api/session/me"),
        post("/auth/logout-all"),
    ] {
        let reply = asked.bearer(&access).header("sec-fetch-site", "cross-site").to(&site).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_access_token_in_a_cookie_all_routes_that_change_something_are_guarded() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let body = json!({"user_id": "admin", "password": "admin123"});
    let access = post("/auth/login").json(body).to(&site).await.cookie(ACCESS).value;
    let (id, _) = site.session("admin").await;
    for (method, path) in [
        ("POST", "/auth/login"),
        ("POST", "/auth/refresh"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/logout-all"),
        ("DELETE", &format!("/auth/sessions/{id}")),
        ("POST", "/api/session/refresh"),
        ("POST", "/api/session/cleanup"),
        ("DELETE", "/api/session/user/jeju"),
    ] {
        for site_word in ["cross-site", "same-site"] {
            let asked = ask(method, path).cookie(ACCESS, &access);
            let reply = asked.header("sec-fetch-site", site_word).to(&site).await;
            refused(&reply, path);
            // Whoever asks: nothing of the token is looked at.
            let reply = ask(method, path).header("sec-fetch-site", site_word).to(&site).await;
            refused(&reply, path);
        }
    }
    for path in ["/auth/me", "/auth/sessions", "/api/session/me", "/api/session/all"] {
        let asked = ask("GET", path).cookie(ACCESS, &access);
        let reply = asked.header("sec-fetch-site", "cross-site").to(&site).await;
        assert_eq!(reply.status, 200, "{path}: it changes nothing, and no other site sees it");
    }
    let ours = ask("DELETE", "/api/session/user/jeju").cookie(ACCESS, &access);
    let reply = ours.header("sec-fetch-site", "same-origin").to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(site.count("admin").await, 2, "nobody was logged out");
}
