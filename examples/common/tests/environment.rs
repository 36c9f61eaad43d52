//! Tests of the settings from the environment.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderMap, Request};
use tower::ServiceExt as _;
use tower_session_auth::routes::PeerAddress;

use super::config;
use super::log::Log;
use crate::common::config::{Config, Store};
use crate::common::demo::Demo;
use crate::common::proxies::TrustedProxies;
use crate::common::serve::Limits;

#[test]
fn client_address_is_the_one_that_trusted_proxies_report() {
    let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8::1").unwrap();
    let cases = [
        (
            "203.0.113.9",
            &["198.51.100.1"][..],
            "203.0.113.9",
            "an untrusted peer may say what it likes",
        ),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1", "a proxy tells its client"),
        (
            "10.0.0.1",
            &["6.6.6.6, 198.51.100.1, 10.0.0.2"],
            "198.51.100.1",
            "the nearest that is no proxy",
        ),
        ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1", "several fields are one list"),
        ("10.0.0.1", &["nonsense"], "10.0.0.1", "what cannot be read ends the chain"),
        ("10.0.0.1", &[], "10.0.0.1", "no header"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1", "a mapped address is the address"),
        ("2001:db8::1", &["2001:db8::2"], "2001:db8::2", "IPv6"),
    ];
    for (peer, forwarded, client, what) in cases {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let found = proxies.client(peer.parse().unwrap(), &headers);
        assert_eq!(found.to_string(), client, "{what}");
    }
    assert!(TrustedProxies::parse("10.0.0.0/40").is_err());
}

#[test]
fn proxy_is_trusted_with_its_ipv4_mapped_address_too() {
    // A server on `[::]` sees its IPv4 peers with such addresses.
    let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
    assert!(proxies.trust("::ffff:10.0.0.1".parse().unwrap()));
    assert!(!proxies.trust("::ffff:192.0.2.1".parse().unwrap()));
}

#[tokio::test]
async fn only_trusted_origins_may_log_in_cross_site() {
    let config = config(&[("TRUSTED_ORIGINS", "https://a.example, https://b.example")]).unwrap();
    let (demo, _worker) = Demo::new(&config, Limits::default()).await.unwrap();
    let routes = demo.routes.standard();
    let log_in = async |origin: &str| {
        let login = Request::post("/auth/login")
            .header("origin", origin)
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/json")
            .body(r#"{"user_id":"jeju","password":"password123"}"#.to_owned());
        routes.clone().oneshot(login.unwrap()).await.unwrap().status()
    };
    assert_eq!(log_in("https://a.example").await, 200);
    assert_eq!(log_in("https://b.example").await, 200);
    assert_eq!(log_in("https://c.example").await, 403);
}

#[test]
fn forwarding_header_of_an_untrusted_peer_is_warned_about_once() {
    let parts = |peer: &str, header: Option<&str>| {
        let mut request = Request::new(());
        if let Some(header) = header {
            let name: http::HeaderName = header.parse().unwrap();
            request.headers_mut().insert(name, "198.51.100.1".parse().unwrap());
        }
        let peer = std::net::SocketAddr::new(peer.parse().unwrap(), 1);
        request.extensions_mut().insert(PeerAddress(peer));
        request.into_parts().0
    };
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let log = Log::default();
        let _guard = log.capture();
        let proxies = TrustedProxies::parse("10.0.0.0/8").unwrap();
        proxies.client_of(&parts("203.0.113.9", None));
        proxies.client_of(&parts("10.0.0.1", Some(header)));
        proxies.client_of(&parts("::ffff:10.0.0.1", Some(header)));
        assert_eq!(log.text(), "", "{header}: nothing to warn of");
        for _ in 0..3 {
            proxies.client_of(&parts("203.0.113.9", Some(header)));
            proxies.clone().client_of(&parts("203.0.113.10", Some(header)));
        }
        let text = log.text();
        assert_eq!(text.matches("TRUSTED_PROXIES").count(), 1, "{text}");
        assert!(text.contains("203.0.113.9") && text.contains(header), "{text}");
    }
}

#[tokio::test]
async fn invalid_variables_are_refused_by_name_and_defaults_apply() {
    let config_of = |variables: &[(&str, &str)]| config(variables).map(drop);
    for (name, value) in [
        ("BIND_ADDR", "here"),
        ("SESSION_TTL", "1h"),
        ("SESSION_TTL", "-1"),
        ("ACCESS_TOKEN_TTL", "1.5"),
        ("COOKIE_SECURE", "no"),
        ("COOKIE_SECURE", "FALSE"),
        ("TRUSTED_PROXIES", "proxy"),
        ("TRUSTED_ORIGINS", "*"),
        ("TRUSTED_ORIGINS", "https://*.example.com"),
        ("TRUSTED_ORIGINS", "https://a.example, https://b.example/"),
        ("TRUSTED_ORIGINS", "a.example"),
        ("LOGIN_ATTEMPTS", "ten"),
        ("LOGIN_ATTEMPTS", "-1"),
        ("LOGIN_WINDOW", "1m"),
        ("REDIS_URL", "http://user:hunter2@127.0.0.1/"),
        ("REDIS_URL", "redis+sentinel://:hunter2@127.0.0.1:26379/mymaster"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:7000,redis://127.0.0.1:7001"),
        ("REDIS_URL", "redis://:hunter2/@127.0.0.1:6379"),
        ("REDIS_URL", "not a url"),
    ] {
        let wrong = config_of(&[(name, value)]).unwrap_err();
        assert!(wrong.contains(name), "{name}={value}: {wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
    assert!(config_of(&[("SESSION_PREFIX", "a b"), ("REDIS_HOST", "127.0.0.1")]).is_err());
    // An empty secret is refused, not replaced by a random one: it was meant to be set.
    for secret in ["short", ""] {
        let config = config(&[("JWT_SECRET", secret)]).unwrap();
        let wrong = Demo::new(&config, Limits::default()).await.map(drop).unwrap_err();
        assert!(wrong.contains("JWT_SECRET") && wrong.contains("32 random bytes"), "{wrong}");
    }
    for (variables, name) in [
        (&[("SESSION_TTL", "0")][..], "SESSION_TTL"),
        (
            &[("SESSION_TTL", "60"), ("SESSION_REFRESH_THRESHOLD", "61")],
            "SESSION_REFRESH_THRESHOLD",
        ),
        (&[("SESSION_MAX_LIFETIME", "0")], "SESSION_MAX_LIFETIME"),
        (&[("SESSION_TTL", "86401")], "SESSION_TTL (86401 s) is longer than SESSION_MAX_LIFETIME"),
        (
            &[("SESSION_TTL", "61"), ("SESSION_MAX_LIFETIME", "60")],
            "SESSION_TTL (61 s) is longer than SESSION_MAX_LIFETIME (60 s)",
        ),
        (&[("ACCESS_TOKEN_TTL", "0")], "ACCESS_TOKEN_TTL"),
        (&[("LOGIN_ATTEMPTS", "10001")], "LOGIN_ATTEMPTS"),
        (&[("LOGIN_WINDOW", "0")], "LOGIN_WINDOW"),
    ] {
        let config = config(variables).unwrap();
        let wrong = Demo::new(&config, Limits::default()).await.map(drop).unwrap_err();
        assert!(wrong.contains(name), "the variable is named, not the setting: {wrong}");
    }
    assert!(config_of(&[("REDIS_URL", "redis://:with,comma@127.0.0.1:6379")]).is_ok());
    assert!(config_of(&[("REDIS_URL", "rediss://:p%40ss@127.0.0.1:6379")]).is_ok());

    let config =
        config(&[("SESSION_TTL", "60"), ("BIND_ADDR", "127.0.0.1:0"), ("REDIS_URL", "")]).unwrap();
    assert!(matches!(config.store, Store::Memory), "an empty variable is unset");
    assert_eq!(config.idle_ttl, Some(Duration::from_secs(60)));
    assert!(Demo::new(&config, Limits::default()).await.is_ok(), "a short idle TTL is one");
    let threshold =
        super::config(&[("SESSION_TTL", "60"), ("SESSION_REFRESH_THRESHOLD", "15")]).unwrap();
    assert_eq!(threshold.refresh_threshold, Some(Duration::from_secs(15)));
    assert!(Demo::new(&threshold, Limits::default()).await.is_ok());
    assert!(!super::config(&[("COOKIE_SECURE", "false")]).unwrap().cookie_secure);
    assert!(
        Demo::new(&super::config(&[("LOGIN_ATTEMPTS", "0")]).unwrap(), Limits::default())
            .await
            .is_ok(),
        "0 is no limit"
    );
    let origins = super::config(&[("TRUSTED_ORIGINS", "https://a.example, http://b.example:81,")]);
    assert_eq!(origins.unwrap().origins, ["https://a.example", "http://b.example:81"]);
    let wildcard = config_of(&[("TRUSTED_ORIGINS", "https://*.example.com")]).unwrap_err();
    assert!(wildcard.contains("wildcard"), "{wildcard}");
    let defaults = Config::read(|_| None).unwrap();
    assert!(defaults.cookie_secure);
    assert_eq!((defaults.login_attempts, defaults.login_window.as_secs()), (10, 60));
    assert_eq!(defaults.bind.to_string(), "127.0.0.1:8000");
    assert_eq!(defaults.lifetime, Duration::from_secs(86_400));
    assert_eq!((defaults.idle_ttl, defaults.refresh_threshold), (None, None));
    let short = super::config(&[("SESSION_MAX_LIFETIME", "60")]).unwrap();
    let cut = Demo::new(&short, Limits::default()).await;
    assert!(cut.is_ok(), "the default idle TTL is cut to a shorter lifetime");
    assert!(defaults.origins.is_empty());
}

/// Deployments depend on these names. The log reads `RUST_LOG`, which `tests/servers/frozen` tests.
#[test]
fn names_of_the_variables_are_frozen() {
    let asked = RefCell::new(BTreeSet::from(["RUST_LOG".to_owned()]));
    for set in [None, Some("REDIS_HOST"), Some("REDIS_URL")] {
        let read = Config::read(|name| {
            asked.borrow_mut().insert(name.to_owned());
            (set == Some(name)).then(|| "redis://127.0.0.1/".to_owned())
        });
        assert!(read.is_ok() || set == Some("REDIS_HOST"));
    }
    let frozen = include_str!("../../../tests/servers/frozen/golden/environment.txt");
    assert_eq!(asked.take().into_iter().collect::<Vec<_>>(), frozen.lines().collect::<Vec<_>>());
}
