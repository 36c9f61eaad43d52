//! Access control of the routes. No path, method or header lets a request pass without
//! authentication or without the role check.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Body;
use http::{Request, Uri};
use tower_session_auth::error::ConfigError;
use tower_session_auth::routes::{Mounts, Routes};

use crate::routes::desk::Desk;
use crate::routes::site::{From, request, send, site, site_with};
use crate::support::builder;

const ADMIN: [(&str, &str); 5] = [
    ("GET", "/api/session/all"),
    ("GET", "/api/session/stats"),
    ("GET", "/api/session/user/jeju"),
    ("DELETE", "/api/session/user/jeju"),
    ("POST", "/api/session/cleanup"),
];

const OWN: [(&str, &str); 7] = [
    ("GET", "/api/session/me"),
    ("POST", "/api/session/refresh"),
    ("GET", "/api/auth/me"),
    ("GET", "/auth/me"),
    ("GET", "/api/auth/sessions"),
    ("DELETE", "/api/auth/sessions/x"),
    ("POST", "/api/auth/logout-all"),
];

#[tokio::test(start_paused = true)]
async fn guarded_routes_return_401_without_a_valid_token() {
    let site = site();
    for (method, path) in ADMIN.iter().chain(&OWN) {
        let reply = site.call(method, path, None).await;
        assert_eq!(reply.said(), (401, "missing_token"), "{method} {path}");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        let reply = site.call(method, path, Some("a.b.c")).await;
        assert_eq!(reply.said(), (401, "invalid_token"), "{method} {path}");
        let challenge = Some(r#"Bearer error="invalid_token""#);
        assert_eq!(reply.header("www-authenticate"), challenge, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn admin_routes_return_403_without_an_admin_role() {
    let site = site();
    let (user, admin) = (site.token("jeju").await, site.token("admin").await);
    for (method, path) in ADMIN {
        let reply = site.call(method, path, Some(&user)).await;
        assert_eq!(reply.said(), (403, "insufficient_scope"), "{method} {path}");
        let challenge = Some(r#"Bearer error="insufficient_scope""#);
        assert_eq!(reply.header("www-authenticate"), challenge, "{method} {path}");
    }
    assert_eq!(site.count("jeju").await, 1, "a refused request must not revoke a session");
    for (method, path) in ADMIN {
        assert_eq!(site.call(method, path, Some(&admin)).await.status, 200, "{method} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn demoted_administrator_loses_admin_routes_on_the_next_request() {
    let site = site();
    let token = site.token("admin").await;
    assert_eq!(site.get("/api/session/stats", &token).await.status, 200);
    let admin = crate::support::user("admin");
    let demoted = site.manager.update_all(&admin, |_, session| session.role = Some("user".into()));
    assert_eq!(demoted.await.unwrap(), 1);
    assert_eq!(site.get("/api/session/stats", &token).await.said(), (403, "insufficient_scope"));
}

#[tokio::test(start_paused = true)]
async fn admin_roles_replaces_the_defaults_and_rejects_an_empty_list_or_role() {
    let site = site_with(|builder, _| builder, |routes| routes.admin_roles(["operator"]));
    site.desk.change("jeju", |person| person.role = Some("operator"));
    let (operator, admin) = (site.token("jeju").await, site.token("admin").await);
    assert_eq!(site.get("/api/session/stats", &operator).await.status, 200);
    assert_eq!(site.get("/api/session/stats", &admin).await.status, 403);
    for roles in [vec![], vec!["admin", ""]] {
        let (manager, _worker) = builder().build().unwrap();
        let routes = Routes::builder(manager, Desk::new()).admin_roles(roles).build();
        assert!(matches!(routes, Err(ConfigError::OutOfRange { setting: "admin_roles", .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_session_paths_need_a_token_and_other_unknown_paths_return_404() {
    let site = site();
    let token = site.token("jeju").await;
    for path in [
        "/api/session",
        "/api/session/x",
        "/api/session/ALL",
        "/api/session/all/",
        "/api/session//all",
        "/api/session/%61ll",
        "/api/session/all%00",
        "/api/session/./all",
        "/api/session/x/../all",
        "/api/session/user",
        "/api/session/user/a/b",
    ] {
        let reply = site.call("GET", path, None).await;
        assert_eq!(reply.said(), (401, "missing_token"), "{path}");
        assert_eq!(site.get(path, &token).await.said(), (404, "not_found"), "{path}");
    }
    for path in [
        "/",
        "/api",
        "/api/session/",
        "/api/auth",
        "/api/auth/",
        "/api/auth/x",
        "/health/x",
        "/health/",
    ] {
        assert_eq!(site.call("GET", path, None).await.said(), (404, "not_found"), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn unsupported_method_returns_405_with_an_allow_header() {
    let site = site();
    let token = site.token("admin").await;
    for (path, allowed) in [
        ("/api/auth/login", "POST"),
        ("/api/auth/logout", "POST"),
        ("/api/auth/sessions", "GET,HEAD"),
        ("/api/auth/sessions/x", "DELETE"),
        ("/api/session/me", "GET,HEAD"),
        ("/api/session/user/jeju", "GET,HEAD,DELETE"),
        ("/api/session/cleanup", "POST"),
        ("/health", "GET,HEAD"),
        ("/health/live", "GET,HEAD"),
        ("/health/ready", "GET,HEAD"),
        ("/api/openapi.json", "GET,HEAD"),
    ] {
        for method in ["PATCH", "PUT", "OPTIONS", "TRACE", "BREW", "CONNECT"] {
            let reply = site.call(method, path, Some(&token)).await;
            assert_eq!(reply.said(), (405, "method_not_allowed"), "{method} {path}");
            assert_eq!(reply.header("allow"), Some(allowed), "{method} {path}");
        }
    }
    // Authentication and the role check run before the check of the method. Therefore the response
    // to a refused request does not reveal which methods exist.
    assert_eq!(site.call("PATCH", "/api/session/me", None).await.status, 401);
    let user = site.token("jeju").await;
    assert_eq!(site.call("PATCH", "/api/session/all", Some(&user)).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn override_headers_body_and_query_do_not_change_route_or_identity() {
    let site = site();
    let token = site.token("jeju").await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-original-url", "/api/session/me"),
        ("x-rewrite-url", "/api/session/me"),
        ("x-forwarded-prefix", "/api/session/me"),
        ("x-middleware-subrequest", "1"),
        ("x-user-id", "admin"),
        ("x-role", "super_admin"),
        ("cookie", "session=admin; role=super_admin"),
    ] {
        let mut all = request("GET", "/api/session/all", Some(&token), Body::empty());
        all.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(site.send(all).await.said(), (403, "insufficient_scope"), "{name}");
    }
    // Neither a body nor a query changes the authenticated user.
    let body = r#"{"user_id":"user","role":"super_admin"}"#;
    let mut me = request("GET", "/api/session/me?user_id=user", Some(&token), body.into());
    me.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(site.send(me).await.body["user_id"], "jeju");
    for path in
        [format!("/api/session/me?access_token={token}"), format!("/api/session/me?token={token}")]
    {
        assert_eq!(site.call("GET", &path, None).await.status, 401);
    }
}

#[tokio::test(start_paused = true)]
async fn two_authorization_headers_return_400() {
    let site = site();
    let token = site.token("jeju").await;
    for (method, path) in ADMIN.iter().chain(&OWN).chain(&[("POST", "/api/auth/logout")]) {
        let mut twice = request(method, path, Some(&token), Body::empty());
        twice.headers_mut().append("authorization", format!("Bearer {token}").parse().unwrap());
        assert_eq!(site.send(twice).await.said(), (400, "invalid_request"), "{method} {path}");
    }
    assert_eq!(site.count("jeju").await, 1);
}

#[tokio::test(start_paused = true)]
async fn every_response_forbids_caching_and_content_sniffing_and_sets_no_cookie() {
    let site = site();
    let token = site.token("jeju").await;
    for (method, path, token) in [
        ("GET", "/api/auth/me", Some(token.as_str())),
        ("HEAD", "/api/auth/me", Some(&token)),
        ("GET", "/api/auth/me", None),
        ("PUT", "/api/auth/login", None),
        ("GET", "/api/auth/x", None),
        ("GET", "/api/session/x", Some(&token)),
        ("GET", "/api/session/all", Some(&token)),
        ("GET", "/health", None),
        ("GET", "/health/live", None),
        ("GET", "/health/ready", None),
        ("GET", "/api/openapi.json", None),
        ("POST", "/api/auth/login", None),
    ] {
        let reply = site.call(method, path, token).await;
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{method} {path}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{method} {path}");
        assert!(reply.headers.get("set-cookie").is_none(), "{method} {path}");
    }
    let head = site.call("HEAD", "/api/auth/me", Some(&token)).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test(start_paused = true)]
async fn authentication_and_role_checks_apply_at_every_mount_point() {
    let site = site();
    let token = site.token("jeju").await;
    let bare = site.routes.session();
    let nested = Router::new().nest("/v1/tenant/{user_id}/sessions", site.routes.session());
    let mounts = Mounts::new().session("/s").unwrap().auth("/a").unwrap().health("/h").unwrap();
    let mounted = site.routes.mounted(&mounts);
    for (router, prefix) in [(bare, ""), (nested, "/v1/tenant/x/sessions"), (mounted, "/s")] {
        let get = async |path: &str, token| {
            send(&router, request("GET", &format!("{prefix}{path}"), token, Body::empty())).await
        };
        assert_eq!(get("/all", None).await.status, 401, "{prefix}");
        assert_eq!(get("/all", Some(&token)).await.status, 403, "{prefix}");
        assert_eq!(get("/me", Some(&token)).await.body["user_id"], "jeju", "{prefix}");
    }
    let admin = site.token("admin").await;
    let nested = Router::new().nest("/v1/tenant/{user_id}/sessions", site.routes.session());
    let path = "/v1/tenant/x/sessions/user/jeju";
    let reply = send(&nested, request("GET", path, Some(&admin), Body::empty())).await;
    assert_eq!(reply.body["user_id"], "jeju", "the route must use its own path parameter");
    // If the user id in the path is empty, the route must not use the tenant's `{user_id}`
    // parameter instead.
    let path = "/v1/tenant/jeju/sessions/user/";
    for method in ["GET", "DELETE"] {
        let reply = send(&nested, request(method, path, Some(&admin), Body::empty())).await;
        assert_eq!(reply.said(), (422, "invalid_body"), "{method}");
    }
    assert_eq!(site.get("/api/session/me", &token).await.status, 200, "no session may be revoked");
}

#[test]
fn mounts_reject_malformed_and_duplicate_prefixes() {
    for prefix in [
        "",
        "/",
        "api",
        "/api/",
        "//api",
        "/a//b",
        "/{tenant}",
        "/*",
        "/a b",
        "/a%20b",
        "/\u{e4}",
        "/a?b",
    ] {
        assert!(Mounts::new().auth(prefix).is_err(), "{prefix:?}");
    }
    let mounts = Mounts::new().auth("/a").unwrap();
    for (taken, prefix) in [
        (mounts.clone().auth("/a"), "/a"),
        (mounts.clone().session("/a"), "/a"),
        (mounts.clone().health("/a/health"), "/a/health"),
    ] {
        assert!(
            matches!(taken, Err(ConfigError::OutOfRange { setting: "prefix", .. })),
            "{prefix}"
        );
    }
    assert!(mounts.session("/a/sessions").is_ok(), "prefixes whose routes do not collide");
    let standard = Mounts::new().auth("/api/auth").and_then(|mounts| mounts.auth("/auth"));
    let standard = standard.and_then(|mounts| mounts.session("/api/session"));
    assert_eq!(standard.and_then(|mounts| mounts.health("/health")).unwrap(), Mounts::standard());
}

#[tokio::test(start_paused = true)]
async fn session_in_request_extensions_does_not_authenticate() {
    let site = site();
    let token = site.token("admin").await;
    let session = site.manager.authenticate(&token).await.unwrap();
    let uri: Uri = "/api/session/all".parse().unwrap();
    let mut forged = Request::get(uri).body(Body::empty()).unwrap();
    forged.extensions_mut().insert(session);
    forged.extensions_mut().insert(From(Ipv4Addr::LOCALHOST.into()));
    assert_eq!(site.send(forged).await.said(), (401, "missing_token"));
}
