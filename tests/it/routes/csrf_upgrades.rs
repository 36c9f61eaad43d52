//! Cross-site protection of WebSocket handshakes. Browsers send the user's cookies with these
//! handshakes.

use axum::Router;
use axum::routing::any;
use http::StatusCode;
use tower_session_auth::routes::{AccessCookie, ContractErrorsLayer};
use tower_session_auth::same_origin::SameOriginLayer;
use tower_session_auth::{Session, SessionAuthLayer};

use crate::routes::csrf::{HOST, TRUSTED};
use crate::routes::jar::{ACCESS, Ask, ask, login, routes_site};
use crate::routes::site::{Reply, send};

/// A WebSocket handshake as a browser sends it for a page with this origin.
fn handshake(path: &str, origin: &str) -> Ask {
    let asked = ask("GET", path).header("host", HOST).header("origin", origin);
    let asked = asked.header("connection", "Upgrade").header("upgrade", "websocket");
    asked
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
}

#[tokio::test(start_paused = true)]
async fn same_origin_layer_refuses_cross_site_websocket_handshakes() {
    let site = routes_site(|routes| routes.access_cookie(AccessCookie::new()));
    let access = login("/auth").to(&site).await.cookie(ACCESS).value;
    let source = AccessCookie::new().token_source().unwrap();
    // Responds as a handler of WebSockets does.
    let opened = async |session: Session| {
        (StatusCode::SWITCHING_PROTOCOLS, [("x-user", session.user_id().to_string())])
    };
    let router = Router::new()
        .route("/ws", any(opened))
        .layer(SessionAuthLayer::new(site.manager.clone()).token_source(source))
        .layer(SameOriginLayer::new().trusted_origins([TRUSTED]).unwrap())
        .layer(ContractErrorsLayer::new());
    let through = async |asked: Ask| send(&router, asked.cookie(ACCESS, &access).request()).await;
    let said = |reply: &Reply| (reply.status, reply.code().to_owned());
    let cross_site = (403, "cross_site".to_owned());
    for origin in
        ["https://evil.test", "null", "https://other.example.com", "http://api.example.com:81"]
    {
        let reply = through(handshake("/ws", origin)).await;
        assert_eq!(said(&reply), cross_site, "{origin}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("www-authenticate"), None);
    }
    let site_word =
        handshake("/ws", "https://api.example.com").header("sec-fetch-site", "cross-site");
    assert_eq!(said(&through(site_word).await), cross_site);
    // Sends an HTTP/2 handshake, and then a handshake that a proxy has forwarded without its
    // upgrade headers.
    let connect = ask("CONNECT", "/ws").header("host", HOST).header("origin", "https://evil.test");
    assert_eq!(said(&through(connect).await), cross_site);
    let by_mode = ask("GET", "/ws").header("host", HOST).header("origin", "https://evil.test");
    let by_mode = by_mode.header("sec-fetch-mode", "websocket");
    assert_eq!(said(&through(by_mode).await), cross_site);

    for origin in ["https://api.example.com", TRUSTED] {
        assert_eq!(through(handshake("/ws", origin)).await.status, 101, "{origin}");
    }
    let no_browser = ask("GET", "/ws").header("upgrade", "websocket");
    assert_eq!(through(no_browser).await.status, 101);
    // A plain GET is no upgrade. Therefore the layer allows it from another site.
    let plain = ask("GET", "/ws").header("host", HOST).header("origin", "https://evil.test");
    assert_eq!(through(plain.header("sec-fetch-site", "cross-site")).await.status, 101);
    // The routes of the crate also refuse cross-site handshakes.
    let own = handshake("/auth/me", "https://evil.test").cookie(ACCESS, &access).to(&site).await;
    assert_eq!(own.said(), (403, "cross_site"));
}
