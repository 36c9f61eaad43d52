//! The client address of a login. If the address is unknown, warnings are logged.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use tower_session_auth::routes::{
    LoginLimit, PeerAddress, RefreshLimit, Routes, RoutesBuilder, peer_address,
};

use crate::routes::desk::Desk;
use crate::routes::jar::{Ask, JEJU, login};
use crate::routes::site::{Reply, Site, send, site, site_with};
use crate::support::log::Log;

const AT_BUILD: &str = "rate limits by address are off";
const AT_A_LOGIN: &str = "a request is not limited by address";

/// Builds routes with these settings and returns the log text.
fn logged(settings: impl FnOnce(RoutesBuilder) -> RoutesBuilder) -> String {
    let manager = site().manager;
    let log = Log::default();
    let guard = log.capture();
    settings(Routes::builder(manager, Desk::new())).build().unwrap();
    drop(guard);
    log.text()
}

#[tokio::test(start_paused = true)]
async fn build_warns_once_when_an_address_limit_is_on_without_a_client_address() {
    let warnings = |text: &str| text.matches(AT_BUILD).count();
    let text = logged(|routes| routes);
    assert!(warnings(&text) == 1 && text.contains("client_address"), "{text}");
    let one_is_on = |routes: RoutesBuilder| routes.login_limit(LoginLimit::off());
    assert_eq!(warnings(&logged(one_is_on)), 1);
    let logins_alone = |routes: RoutesBuilder| routes.refresh_limit(RefreshLimit::off());
    assert_eq!(warnings(&logged(logins_alone)), 1);
    let addresses_off = |routes: RoutesBuilder| {
        let limit = LoginLimit::default().address_attempts(0);
        routes.login_limit(limit).refresh_limit(RefreshLimit::off())
    };
    assert_eq!(warnings(&logged(addresses_off)), 0);
    let known = |routes: RoutesBuilder| routes.client_address(peer_address::<PeerAddress>);
    assert_eq!(warnings(&logged(known)), 0);
}

/// Sends a request with extensions, as a server would insert them.
async fn send_with(site: &Site, ask: Ask, extend: impl FnOnce(&mut http::Extensions)) -> Reply {
    let mut request = ask.request();
    extend(request.extensions_mut());
    send(&site.router, request).await
}

async fn address_of_the_device(site: &Site, login: &Reply) -> serde_json::Value {
    let token = login.body["access_token"].as_str().unwrap();
    let devices = site.get("/api/auth/sessions", token).await;
    let devices = devices.body["sessions"].as_array().unwrap();
    let this = devices.iter().find(|device| device["current"] == true).unwrap();
    this["ip_address"].clone()
}

#[tokio::test(start_paused = true)]
async fn peer_address_reads_the_client_address_from_axum_and_from_hyper() {
    let (here, there): (SocketAddr, SocketAddr) =
        ("192.0.2.7:4711".parse().unwrap(), "[2001:db8::8]:4711".parse().unwrap());
    let mapped: SocketAddr = "[::ffff:192.0.2.7]:4711".parse().unwrap();
    let limit = LoginLimit::new(100, std::time::Duration::from_secs(60)).address_attempts(2);

    let axum =
        |routes: RoutesBuilder| routes.client_address(peer_address::<ConnectInfo<SocketAddr>>);
    let hyper = |routes: RoutesBuilder| routes.client_address(peer_address::<PeerAddress>);
    let axum = site_with(|builder, _| builder, |routes| axum(routes.login_limit(limit.clone())));
    let hyper = site_with(|builder, _| builder, |routes| hyper(routes.login_limit(limit)));
    for (site, is_axum) in [(&axum, true), (&hyper, false)] {
        let insert = |peer: SocketAddr| {
            move |extensions: &mut http::Extensions| {
                if is_axum {
                    extensions.insert(ConnectInfo(peer));
                } else {
                    extensions.insert(PeerAddress(peer));
                }
            }
        };
        let reply = send_with(site, login("/api/auth"), insert(here)).await;
        assert_eq!(address_of_the_device(site, &reply).await, "192.0.2.7");
        // A dual-stack listener reports the address of the same client as an IPv4-mapped address.
        let reply = send_with(site, login("/api/auth"), insert(mapped)).await;
        assert_eq!(address_of_the_device(site, &reply).await, "192.0.2.7");
        let reply = send_with(site, login("/api/auth"), insert(there)).await;
        assert_eq!(address_of_the_device(site, &reply).await, "2001:db8::8");
        for user in ["a", "b"] {
            let wrong = format!(r#"{{"user_id":"{user}","password":"wrong"}}"#);
            let reply = send_with(site, login("/api/auth").body(wrong), insert(here)).await;
            assert_eq!(reply.status, 401);
        }
        assert_eq!(send_with(site, login("/api/auth"), insert(here)).await.status, 429);
        assert_eq!(send_with(site, login("/api/auth"), insert(there)).await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn logins_without_a_client_address_log_one_warning() {
    let log = Log::default();
    let _guard = log.capture();
    let site = site_with(
        |builder, _| builder,
        |routes| routes.client_address(peer_address::<ConnectInfo<SocketAddr>>),
    );
    assert_eq!(log.text().matches(AT_A_LOGIN).count(), 0);
    for _ in 0..3 {
        let reply = site.log_in_with(JEJU).await;
        assert_eq!(address_of_the_device(&site, &reply).await, serde_json::Value::Null);
    }
    assert_eq!(log.text().matches(AT_A_LOGIN).count(), 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn unknown_client_address_is_not_logged_when_address_limits_are_off() {
    let log = Log::default();
    let _guard = log.capture();
    let site = site_with(
        |builder, _| builder,
        |routes| {
            let limit = LoginLimit::default().address_attempts(0);
            let routes = routes.login_limit(limit).refresh_limit(RefreshLimit::off());
            routes.client_address(peer_address::<ConnectInfo<SocketAddr>>)
        },
    );
    assert_eq!(site.log_in_with(JEJU).await.status, 200);
    let text = log.text();
    assert!(!text.contains(AT_A_LOGIN) && !text.contains(AT_BUILD), "{text}");
}
