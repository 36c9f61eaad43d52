//! Cross-site protection. Another site cannot send requests that use a user's cookies.

use std::convert::Infallible;

use http::{Request, Response};
use serde_json::json;
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::auth_layer::Head;
use tower_session_auth::error::ConfigError;
use tower_session_auth::routes::{AccessCookie, Routes};
use tower_session_auth::same_origin::SameOriginLayer;
use tower_session_auth::{AuthError, AuthErrorKind};

use crate::routes::jar::{ACCESS, Ask, REFRESH, ask, browser_site, login, post, routes_site};
use crate::routes::site::{Reply, Site};
use crate::support::log::Log;

pub(crate) const TRUSTED: &str = "https://app.example.com";
pub(crate) const HOST: &str = "api.example.com";

/// A label, the headers that a browser sends, and `true` if the request is allowed.
type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

/// Cases for a site without trusted origins.
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
    ("an unknown value", &[("sec-fetch-site", "sideways")], false),
    ("another letter case", &[("sec-fetch-site", "Same-Origin")], false),
    ("a list", &[("sec-fetch-site", "same-origin, cross-site")], false),
    ("an old browser's page of ours", &[("origin", "https://api.example.com")], true),
    // The routes do not know the scheme of the request. They therefore compare only host and port.
    ("the same over plain HTTP", &[("origin", "http://api.example.com")], true),
    ("an old browser's other site", &[("origin", "https://evil.test")], false),
    ("another port", &[("origin", "https://api.example.com:8443")], false),
    ("a host that begins like ours", &[("origin", "https://api.example.com.evil.test")], false),
    ("a host that ends like ours", &[("origin", "https://evil-api.example.com")], false),
    ("a document without an origin", &[("origin", "null")], false),
    ("no URL", &[("origin", "api.example.com")], false),
    ("an extension", &[("origin", "chrome-extension://api.example.com")], false),
    ("an empty value", &[("sec-fetch-site", ""), ("origin", "https://evil.test")], false),
];

/// Adds the host and the headers of a case.
fn with_headers(asked: Ask, headers: &[(&'static str, &'static str)]) -> Ask {
    let asked = asked.header("host", HOST);
    headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value))
}

fn assert_refused(reply: &Reply, what: &str) {
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
async fn cookie_routes_refuse_cross_site_requests() {
    let site = browser_site();
    let (access, refresh) = tokens(&site).await;
    for (what, headers, let_in) in CASES {
        let logins = site.count("jeju").await;
        for (route, asked) in [
            ("login", login("/auth")),
            ("refresh", post("/auth/refresh").cookie(REFRESH, &refresh)),
            // If the check allows a logout without a token, the response is 401.
            ("logout", post("/auth/logout")),
        ] {
            let reply = with_headers(asked, headers).to(&site).await;
            let what = format!("{route}: {what}");
            match (let_in, route) {
                (false, _) => assert_refused(&reply, &what),
                (true, "logout") => assert_eq!(reply.said(), (401, "missing_token"), "{what}"),
                (true, _) => assert_eq!(reply.status, 200, "{what}: {reply:?}"),
            }
        }
        assert_eq!(site.count("jeju").await, logins + usize::from(let_in), "{what}");
        let logout = with_headers(post("/auth/logout").cookie(REFRESH, &refresh), headers);
        if !let_in {
            assert_refused(&logout.to(&site).await, what);
        }
    }
    assert_eq!(site.get("/auth/me", &access).await.status, 200, "no session may be revoked");
}

#[tokio::test(start_paused = true)]
async fn trusted_origin_is_allowed_even_from_another_site() {
    let site = routes_site(|routes| routes.trusted_origins([TRUSTED, "http://localhost:5173"]));
    for (what, headers, let_in) in [
        (
            "same-site with its origin",
            &[("sec-fetch-site", "same-site"), ("origin", TRUSTED)][..],
            true,
        ),
        (
            "cross-site with its origin",
            &[("sec-fetch-site", "cross-site"), ("origin", TRUSTED)],
            true,
        ),
        ("its origin only", &[("origin", TRUSTED)], true),
        (
            "the second trusted origin",
            &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:5173")],
            true,
        ),
        ("without its origin", &[("sec-fetch-site", "same-site")], false),
        ("over plain HTTP", &[("origin", "http://app.example.com")], false),
        ("with a port", &[("origin", "https://app.example.com:443")], false),
        ("in another letter case", &[("origin", "https://APP.example.com")], false),
        ("with a path", &[("origin", "https://app.example.com/")], false),
        ("a subdomain of it", &[("origin", "https://x.app.example.com")], false),
        ("a host that begins like it", &[("origin", "https://app.example.com.evil.test")], false),
    ] {
        let reply = with_headers(login("/auth"), headers).to(&site).await;
        if let_in {
            assert_eq!(reply.status, 200, "{what}");
        } else {
            assert_refused(&reply, what);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn build_rejects_malformed_trusted_origins() {
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
async fn wildcard_in_a_trusted_origin_is_rejected_with_an_explanation() {
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
async fn origin_check_ignores_the_default_port_and_the_case_of_the_host() {
    let site = browser_site();
    for (origin, host, let_in) in [
        ("https://api.example.com", "api.example.com:443", true),
        ("https://api.example.com", "API.Example.com", true),
        ("https://api.example.com", "API.EXAMPLE.COM:443", true),
        ("http://api.example.com", "api.example.com:80", true),
        ("https://api.example.com:8443", "api.example.com:8443", true),
        ("https://[2001:db8::1]", "[2001:DB8::1]:443", true),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
        // The port is the default port of the other scheme, so this is another origin.
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
            assert_refused(&reply, &format!("{origin} asks {host}"));
        }
    }
    let two = |name: &'static str, value: &str| {
        let asked = login("/auth").header("host", HOST).header("origin", "https://api.example.com");
        asked.header(name, value)
    };
    assert_refused(&two("host", HOST).to(&site).await, "two hosts");
    assert_refused(&two("origin", "https://api.example.com").to(&site).await, "two origins");
}

#[tokio::test(start_paused = true)]
async fn refusal_log_escapes_and_shortens_origin_and_host() {
    let log = Log::default();
    let _guard = log.capture();
    let site = browser_site();
    let host = "api.example.com\u{e9}";
    let origin = format!("https://evil.test/\"{}", "x".repeat(5000));
    let asked = login("/auth").header("host", host).header("origin", origin);
    assert_refused(&asked.to(&site).await, "logged");
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains("https://evil.test/") && line.contains("api.example.com"), "{line}");
    assert!(line.contains("\\xc3\\xa9") && line.contains("\\\""), "{line}");
    assert!(line.len() < 1000, "{} bytes", line.len());
    let asked = login("/auth").header("sec-fetch-site", "same-site").header("host", HOST);
    assert_refused(&asked.to(&site).await, "without an origin");
    let text = log.text();
    let line = text.lines().rfind(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains("none") && line.contains("same-site"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn on_reject_builds_the_refusal_response() {
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
    assert_eq!((error.kind().code().as_str(), error.kind().status().as_u16()), ("cross_site", 403));
    let let_in = service.oneshot(asked("https://api.example.com")).await.unwrap();
    assert_eq!(let_in.body(), "let in");
}

#[tokio::test(start_paused = true)]
async fn request_target_authority_overrides_the_host_header() {
    let log = Log::default();
    let _guard = log.capture();
    let site = browser_site();
    // HTTP/2 clients and proxies send the authority as a part of the request target.
    let asked = |authority: &str, origin: &str| {
        let asked = post(&format!("https://{authority}/auth/login")).json(crate::routes::jar::JEJU);
        asked.header("host", "evil.test").header("origin", origin)
    };
    let reply = asked(HOST, "https://api.example.com").to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_refused(
        &asked(HOST, "https://evil.test").to(&site).await,
        "the origin of the `Host` header",
    );
    let text = log.text();
    let line = text.lines().find(|line| line.contains("cross-site request was refused")).unwrap();
    assert!(line.contains(HOST), "the log must name the compared host: {line}");
}

#[tokio::test(start_paused = true)]
async fn bearer_only_routes_accept_cross_site_requests() {
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
async fn with_an_access_cookie_all_changing_routes_refuse_cross_site_requests() {
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
            assert_refused(&reply, path);
            // The request is refused although it has no token, because the same-origin check runs
            // before authentication.
            let reply = ask(method, path).header("sec-fetch-site", site_word).to(&site).await;
            assert_refused(&reply, path);
        }
    }
    for path in ["/auth/me", "/auth/sessions", "/api/session/me", "/api/session/all"] {
        let asked = ask("GET", path).cookie(ACCESS, &access);
        let reply = asked.header("sec-fetch-site", "cross-site").to(&site).await;
        assert_eq!(reply.status, 200, "{path}: a GET changes nothing, so it is allowed");
    }
    let ours = ask("DELETE", "/api/session/user/jeju").cookie(ACCESS, &access);
    let reply = ours.header("sec-fetch-site", "same-origin").to(&site).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(site.count("admin").await, 2, "no session may be revoked");
}
