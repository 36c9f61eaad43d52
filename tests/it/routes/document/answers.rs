//! Compares all responses of all routes with the OpenAPI document.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tokio::time::advance;
use tower_session_auth::routes::{AccessCookie, RefreshLimit};
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::{RevokeReason, Target};

use super::schemas::{Document, Operation, Seen};
use crate::routes::jar::{ACCESS, Ask, REFRESH, browser_site, post, refreshing, routes_site};
use crate::routes::site::{Reply, Site, limit, request, site, site_with};
use crate::routes::{desk, jar};
use crate::support::switch::Mood;
use crate::support::user;

const MINUTE: Duration = Duration::from_secs(60);

struct Table {
    document: Document,
    seen: Seen,
}

/// Returns a request that succeeds at `site`. The ids in it are those of sessions of this site.
async fn good(site: &Site, (method, path): &Operation, token: Option<&str>) -> Request<Body> {
    if path.ends_with("/login") {
        return login(r#"{"user_id":"jeju","password":"password123"}"#, path);
    }
    let path = match path.as_str() {
        path if path.contains("{user_id}") && path.contains("{session_id}") => {
            let (id, _) = site.session("jeju").await;
            path.replace("{user_id}", "jeju").replace("{session_id}", &id)
        }
        path if path.contains("{session_id}") => {
            let (id, _) = site.session("admin").await;
            path.replace("{session_id}", &id)
        }
        path => path.replace("{user_id}", "jeju"),
    };
    request(method, &path, token, Body::empty())
}

fn login(body: &str, path: &str) -> Request<Body> {
    let mut request = request("POST", path, None, body.to_owned().into());
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    request
}

impl Table {
    /// Sends a request and checks the response against the document.
    async fn ask(&mut self, operation: &Operation, site: &Site, request: Request<Body>) -> Reply {
        let reply = site.send(request).await;
        self.document.check(operation, &reply);
        self.seen.note(operation, &reply);
        reply
    }

    fn needs_token(&self, operation: &Operation) -> bool {
        self.document.operation(operation)["security"] == json!([{"bearer": []}])
    }

    /// Sends a valid request, and a request with a method that the route does not support.
    async fn usual(&mut self, operation: &Operation) {
        let site = site();
        let token = site.token("admin").await;
        let request = good(&site, operation, Some(&token)).await;
        let reply = self.ask(operation, &site, request).await;
        assert_eq!(reply.status, 200, "{operation:?}");
        // The request may have revoked the session.
        let token = site.token("admin").await;
        let mut other = good(&site, operation, Some(&token)).await;
        *other.method_mut() = "PATCH".parse().unwrap();
        let reply = self.ask(operation, &site, other).await;
        assert_eq!(reply.status, 405, "{operation:?}");
    }

    /// Sends requests while the store fails, while it hangs, and while it panics.
    async fn store_failures(&mut self, operation: &Operation) {
        let patience = Duration::from_millis(100);
        for mood in [Mood::Fail(StoreErrorKind::Unavailable), Mood::Hang, Mood::Panic] {
            // The timeout of the route ends before the store timeout.
            let site = site_with(|builder, _| builder, |routes| routes.timeout(patience));
            let token = site.token("admin").await;
            let request = good(&site, operation, Some(&token)).await;
            site.store.set(mood);
            self.ask(operation, &site, request).await;
        }
    }

    /// Sends access tokens that are missing, duplicate, invalid, revoked or expired.
    async fn tokens(&mut self, operation: &Operation) {
        let site = site_with(
            |builder, desk| {
                let builder = builder.access_token_ttl(3 * MINUTE).idle_ttl(2 * MINUTE);
                builder.directory(desk.clone()).revalidate_after(Duration::ZERO)
            },
            |routes| routes,
        );
        let token = site.token("admin").await;
        let anonymous = good(&site, operation, None).await;
        self.ask(operation, &site, anonymous).await;
        let mut twice = good(&site, operation, Some(&token)).await;
        twice.headers_mut().append("authorization", "Bearer x".parse().unwrap());
        self.ask(operation, &site, twice).await;
        let garbage = good(&site, operation, Some("a.b.c")).await;
        self.ask(operation, &site, garbage).await;
        if operation.1.ends_with("/logout") {
            return;
        }

        site.desk.change("admin", |person| person.active = false);
        let inactive = request(
            &operation.0,
            &operation.1.replace("{user_id}", "x").replace("{session_id}", "x"),
            Some(&token),
            Body::empty(),
        );
        self.ask(operation, &site, inactive).await;
        site.desk.change("admin", |person| person.active = true);
        let of_user = site.token("jeju").await;
        if operation.1.starts_with("/api/session/") {
            let role = good(&site, operation, Some(&of_user)).await;
            self.ask(operation, &site, role).await;
        }

        let (_, revoked) = site.session("admin").await;
        site.manager.revoke(&user("admin"), Target::All, RevokeReason::LogoutAll).await.unwrap();
        let ended = good(&site, operation, Some(&revoked)).await;
        self.ask(operation, &site, ended).await;
        let expired = site.token("admin").await;
        for wait in [2 * MINUTE + Duration::from_secs(30), MINUTE] {
            advance(wait).await;
            let late = good(&site, operation, Some(&expired)).await;
            self.ask(operation, &site, late).await;
        }
    }

    async fn logins(&mut self, operation: &Operation) {
        let site = site_with(limit(1), |routes| routes);
        let path = operation.1.as_str();
        let right = r#"{"user_id":"jeju","password":"password123"}"#;
        let large = format!("{right}{}", " ".repeat(20_000));
        site.token("jeju").await;
        for body in [right, "{", "{}", &large, r#"{"user_id":"jeju","password":"x"}"#] {
            self.ask(operation, &site, login(body, path)).await;
        }
        let mut form = login(right, path);
        form.headers_mut().insert("content-type", "text/plain".parse().unwrap());
        self.ask(operation, &site, form).await;
        for mood in [desk::Mood::Busy, desk::Mood::FailToFind, desk::Mood::Panic, desk::Mood::Hang]
        {
            site.desk.set(mood);
            self.ask(operation, &site, login(right, path)).await;
        }
        site.desk.set(desk::Mood::Answer);
        for _ in 0..10 {
            let wrong = login(r#"{"user_id":"jeju","password":"x"}"#, path);
            self.ask(operation, &site, wrong).await;
        }
    }

    /// Sends invalid bodies to a route that needs no body.
    async fn bodies(&mut self, operation: &Operation, site: &Site, asked: impl Fn() -> Ask) {
        let large = format!("{{}}{}", " ".repeat(20_000));
        for body in ["{", "[]", &large] {
            self.ask(operation, site, asked().json(body).request()).await;
        }
        let form = asked().header("content-type", "text/plain").body("a=b");
        self.ask(operation, site, form.request()).await;
    }

    /// Sends refresh tokens that are missing, invalid, revoked or expired. Also sends requests
    /// while the store fails.
    async fn refresh_tokens(&mut self, operation: &Operation) {
        let site = site_with(
            |builder, desk| {
                let builder = refreshing(builder, desk).idle_ttl(2 * MINUTE);
                builder.directory(desk.clone()).revalidate_after(Duration::ZERO)
            },
            |routes| routes.timeout(Duration::from_millis(100)),
        );
        let (mount, _) = operation.1.rsplit_once('/').unwrap();
        let new = async || jar::login(mount).to(&site).await.refresh_token();
        let shown = |token: &str| post(&operation.1).cookie(REFRESH, token);
        if operation.1.ends_with("/refresh") {
            self.bodies(operation, &site, || post(&operation.1)).await;
        }
        let token = new().await;
        for asked in [
            shown(&token),
            shown("x"),
            shown(&token).bearer("a").bearer("b"),
            post(&operation.1),
            shown(&token).header("sec-fetch-site", "cross-site"),
        ] {
            self.ask(operation, &site, asked.request()).await;
        }
        let mut other = shown(&token).request();
        *other.method_mut() = "PATCH".parse().unwrap();
        self.ask(operation, &site, other).await;
        for mood in [Mood::Fail(StoreErrorKind::Unavailable), Mood::Hang, Mood::Panic] {
            let token = new().await;
            site.store.set(mood);
            self.ask(operation, &site, shown(&token).request()).await;
            site.store.set(Mood::Answer);
            // The request may have left work running, which finishes during this time.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let token = new().await;
        site.desk.change("jeju", |person| person.active = false);
        self.ask(operation, &site, shown(&token).request()).await;
        site.desk.change("jeju", |person| person.active = true);
        let token = new().await;
        site.manager.revoke(&user("jeju"), Target::All, RevokeReason::LogoutAll).await.unwrap();
        self.ask(operation, &site, shown(&token).request()).await;
        let token = new().await;
        advance(3 * MINUTE).await;
        self.ask(operation, &site, shown(&token).request()).await;

        let limit = RefreshLimit::new(1, 1, MINUTE);
        let site = site_with(refreshing, |routes| routes.refresh_limit(limit));
        let token = jar::login(mount).to(&site).await.refresh_token();
        for _ in 0..2 {
            self.ask(operation, &site, shown(&token).request()).await;
        }
    }

    async fn bad_input(&mut self, operation: &Operation) {
        let site = site();
        let token = site.token("admin").await;
        let path = operation.1.as_str();
        let paths = match path {
            "/api/session/all" => vec![format!("{path}?limit=0"), format!("{path}?cursor=x")],
            path if path.contains("{user_id}") => {
                let path = path.replace("{session_id}", "unknown");
                vec![path.replace("{user_id}", &"x".repeat(257)), path.replace("{user_id}", "jeju")]
            }
            path if path.contains("{session_id}") => vec![path.replace("{session_id}", "unknown")],
            _ => vec![],
        };
        for path in paths {
            self.ask(operation, &site, request(&operation.0, &path, Some(&token), Body::empty()))
                .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_response_is_documented_and_every_documented_response_occurs() {
    let json = site().call("GET", "/api/openapi.json", None).await.body;
    let mut table = Table { document: Document::new(json), seen: Seen::default() };
    let operations = table.document.operations();
    for operation in &operations {
        table.usual(operation).await;
        table.bad_input(operation).await;
        if table.needs_token(operation) {
            table.tokens(operation).await;
        }
        if operation.1.ends_with("/login") {
            table.logins(operation).await;
        } else {
            table.store_failures(operation).await;
        }
    }
    for operation in &operations {
        let documented = table.document.documented(operation);
        let seen = &table.seen.0[operation];
        // `check` has already rejected all responses that are not documented.
        let missing: Vec<_> = documented.difference(seen).collect();
        assert!(missing.is_empty(), "{operation:?} never returned {missing:?}");
        assert_eq!(&documented, seen, "{operation:?}");
    }
    // Two mounts of the auth routes with seven routes each, eight session routes, three health
    // routes, and the document.
    assert_eq!(operations.len(), 2 * 7 + 8 + 3 + 1);
}

#[tokio::test(start_paused = true)]
async fn responses_to_refresh_cookies_match_the_document() {
    let json = browser_site().call("GET", "/api/openapi.json", None).await.body;
    let mut table = Table { document: Document::new(json), seen: Seen::default() };
    let schemes = &table.document.json["components"]["securitySchemes"];
    let scheme = &schemes["refreshCookie"];
    assert_eq!((&scheme["type"], &scheme["in"]), (&"apiKey".into(), &"cookie".into()));
    assert_eq!(scheme["name"], REFRESH);
    assert!(schemes.get("accessCookie").is_none());
    for mount in ["/auth", "/api/auth"] {
        let operation = ("POST".to_owned(), format!("{mount}/refresh"));
        table.refresh_tokens(&operation).await;
        assert_eq!(table.document.documented(&operation), table.seen.0[&operation]);
        let operation = ("POST".to_owned(), format!("{mount}/logout"));
        table.refresh_tokens(&operation).await;
        assert_eq!(table.document.documented(&operation), table.seen.0[&operation]);
        for (route, security) in [
            ("refresh", json!([{"refreshCookie": []}])),
            ("logout", json!([{"bearer": []}, {"refreshCookie": []}])),
            ("logout-all", json!([{"bearer": []}])),
            ("login", Value::Null),
        ] {
            let operation = ("POST".to_owned(), format!("{mount}/{route}"));
            let documented = table.document.operation(&operation);
            assert_eq!(documented["security"], security, "{route}");
            let cookies = documented["responses"]["200"]["headers"].get("Set-Cookie").is_some();
            assert_eq!(cookies, route != "logout-all", "{route}");
            let codes = table.document.documented(&operation);
            let guarded = codes.contains(&(403, "cross_site".to_owned()));
            assert_eq!(guarded, route != "logout-all", "{route}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn document_lists_the_access_cookie_wherever_it_lists_the_bearer_header() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let document = Document::new(site.call("GET", "/api/openapi.json", None).await.body);
    assert_eq!(document.json["components"]["securitySchemes"]["accessCookie"]["name"], ACCESS);
    for operation in document.operations() {
        let described = document.operation(&operation);
        let Some(ways) = described["security"].as_array() else { continue };
        let (bearer, cookie) = (json!({"bearer": []}), json!({"accessCookie": []}));
        assert_eq!(ways.contains(&bearer), ways.contains(&cookie), "{operation:?}");
        let guarded = document.documented(&operation).contains(&(403, "cross_site".to_owned()));
        assert_eq!(guarded, operation.0 != "GET", "{operation:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn document_lists_every_route() {
    let site = site();
    let json = site.call("GET", "/api/openapi.json", None).await.body;
    let paths: Vec<_> = json["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut contract = vec!["/api/openapi.json", "/health", "/health/live", "/health/ready"];
    let (auth, session): (&[&str], &[&str]) = (
        &[
            "/login",
            "/logout",
            "/logout-all",
            "/me",
            "/sessions",
            "/sessions/{session_id}",
            "/health",
        ],
        &[
            "/me",
            "/refresh",
            "/all",
            "/stats",
            "/user/{user_id}",
            "/user/{user_id}/sessions/{session_id}",
            "/cleanup",
        ],
    );
    let at = |prefix: &'static str, paths: &[&str]| -> Vec<&'static str> {
        paths.iter().map(|path| &*format!("{prefix}{path}").leak()).collect()
    };
    contract.extend(at("/api/auth", auth));
    contract.extend(at("/auth", auth));
    contract.extend(at("/api/session", session));
    contract.sort_unstable();
    assert_eq!(paths, contract);
    let methods = |path: &str| -> Vec<String> {
        json["paths"][path]
            .as_object()
            .map(|item: &serde_json::Map<String, Value>| item.keys().cloned().collect())
            .unwrap()
    };
    assert_eq!(methods("/api/session/user/{user_id}"), ["delete", "get"]);
}
