use redis::{IntoConnectionInfo as _, RedisConnectionInfo};

use super::*;

#[test]
fn store_is_created_without_runtime_and_server_and_hides_its_address() {
    let store = RedisStore::new("redis://user:hunter2@redis.internal:1/3").unwrap();
    let shown = format!("{store:?} {:?}", RedisStore::builder("redis://:hunter2@secret.host/"));
    assert!(!shown.contains("hunter2") && !shown.contains("internal"), "{shown}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn builder_accepts_an_address_in_parts() {
    let info = ("redis.internal", 6379).into_connection_info().unwrap();
    let login = RedisConnectionInfo::default().set_username("app").set_password("p").set_db(2);
    assert!(RedisStore::builder(info.set_redis_settings(login)).build().is_ok());
    assert!(RedisStore::builder(("127.0.0.1", 6379)).build().is_ok());
}

#[cfg(feature = "tls")]
#[test]
fn invalid_tls_settings_are_rejected_with_advice_and_without_secrets() {
    use crate::error::ConfigError;

    let certificate = include_bytes!("../../../../tests/keys/rsa.crt.pem").as_slice();
    let key = include_bytes!("../../../../tests/keys/rsa.pem").as_slice();
    let other = include_bytes!("../../../../tests/keys/p256.pem").as_slice();
    let encrypted = include_bytes!("../../../../tests/keys/rsa-encrypted.pem").as_slice();
    let tls = || RedisStore::builder("rediss://app:hunter2@host").tls_roots(certificate);
    assert!(tls().build().is_ok());
    assert!(tls().tls_client_certificate(certificate, key).build().is_ok());
    for (builder, expected) in [
        (tls().tls_roots("hunter2"), "`tls_roots` holds no PEM certificate"),
        (tls().tls_roots(key), "`tls_roots` holds no PEM certificate"),
        (tls().tls_client_certificate(key, key), "holds no PEM certificate"),
        (tls().tls_client_certificate(certificate, other), "does not belong to the certificate"),
        (tls().tls_client_certificate(certificate, encrypted), "without a passphrase"),
        (RedisStore::builder("redis://host").tls_roots(certificate), "rediss://"),
        (RedisStore::builder("rediss://:hunter2@host/#insecure"), "set `tls_roots`"),
    ] {
        let error = builder.build().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(matches!(error, ConfigError::Store(_)) && shown.contains(expected), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn invalid_settings_are_rejected() {
    let builder = || RedisStore::builder("redis://127.0.0.1/");
    assert!(builder().prefix("a{b").build().is_err());
    assert!(builder().timeout(Duration::ZERO).build().is_err());
    assert!(builder().timeout(MAX_TIMEOUT).build().is_ok());
    for none in [MAX_TIMEOUT + Duration::from_millis(1), Duration::from_secs(u64::MAX)] {
        assert!(builder().timeout(none).build().is_err());
    }
    assert!(builder().scan_timeout(Duration::ZERO).build().is_err());
    assert!(builder().scan_timeout(SCAN_TIMEOUT + Duration::from_millis(1)).build().is_err());
    assert!(builder().pool_size(0).build().is_err());
    for (replicas, wait, works) in
        [(0, 100, false), (1, 0, false), (1, 10_001, false), (1, 1, true), (u32::MAX, 10_000, true)]
    {
        let built = builder().wait_replicas(replicas, Duration::from_millis(wait)).build();
        assert_eq!(built.is_ok(), works, "{replicas}, {wait} ms");
    }
    assert!(builder().lease(Duration::from_millis(49)).build().is_err());
    assert!(builder().lease(Duration::from_secs(11)).build().is_err());
    assert!(builder().address_check(Duration::from_millis(99)).build().is_err());
    assert!(builder().address_check(Duration::from_secs(3_601)).build().is_err());
    assert!(builder().address_check(Duration::from_millis(100)).build().is_ok());
}
