//! A missing crypto backend is an error at startup, never a panic. The library's own backend does
//! not affect the application's use of jsonwebtoken.

use tower_session_auth::error::{ConfigError, KeyError};
use tower_session_auth::token::{KeySet, SigningKey, VerifyingKey};
use tower_session_auth::{NewSession, SessionManager, UserId};

const SECRET: &[u8] = b"7XvpH4sDq0mT9eWzKc2RbYj5LgNf8uAo";

/// Whether this library has a backend: its own, or one of jsonwebtoken.
const WORKS: bool = !cfg!(feature = "none");

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../keys/", $name))
    };
}

#[test]
fn shared_secret_works_or_the_missing_backend_is_reported() {
    let found = KeySet::new(SigningKey::hs256("hs", SECRET).unwrap()).self_test();
    match found {
        Ok(()) => assert!(WORKS),
        Err(ConfigError::CryptoBackend) => assert!(!WORKS),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn private_key_works_or_the_missing_backend_is_reported() {
    let keys = [
        SigningKey::rs256_pem("rs", file!("rsa.pem")),
        SigningKey::rs256_pem("rs1", file!("rsa-pkcs1.pem")),
        SigningKey::es256_pem("es", file!("p256.pem")),
        SigningKey::eddsa_pem("ed", file!("ed25519.pem")),
    ];
    for key in keys {
        let found = key.map_err(ConfigError::from).and_then(|key| KeySet::new(key).self_test());
        match found {
            Ok(()) => assert!(WORKS),
            Err(ConfigError::CryptoBackend) => assert!(!WORKS),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn public_key_works_only_with_a_backend() {
    let keys = KeySet::new(SigningKey::hs256("hs", SECRET).unwrap())
        .also_verify(VerifyingKey::rs256_pem("rs", file!("rsa.pub.pem")).unwrap())
        .also_verify(VerifyingKey::es256_pem("es", file!("p256.pub.pem")).unwrap())
        .also_verify(VerifyingKey::eddsa_pem("ed", file!("ed25519.pub.pem")).unwrap());
    assert_eq!(keys.self_test().is_ok(), WORKS);
}

#[test]
fn unsuitable_key_is_refused_with_every_backend() {
    let short = SigningKey::rs256_pem("rs", file!("rsa-1024.pem")).unwrap_err();
    assert_eq!(short, KeyError::RsaTooShort);
    let short = VerifyingKey::rs256_pem("rs", file!("rsa-1024.pub.pem")).unwrap_err();
    assert_eq!(short, KeyError::RsaTooShort);

    for file in [&file!("p384.pem")[..], file!("secp256k1.pem")] {
        let refused = SigningKey::es256_pem("es", file).unwrap_err();
        assert!(matches!(refused, KeyError::OtherAlgorithm { .. }), "{refused}");
    }
}

#[tokio::test]
async fn manager_signs_and_verifies_or_its_build_reports_the_missing_backend() {
    let keys = KeySet::new(SigningKey::hs256("hs", SECRET).unwrap());
    let built =
        SessionManager::builder().keys(keys).issuer("https://issuer.test").audience("test").build();
    let (manager, _worker) = match built {
        Ok(built) => built,
        Err(ConfigError::CryptoBackend) => return assert!(!WORKS),
        Err(other) => panic!("{other:?}"),
    };
    assert!(WORKS);
    let login = manager.create(NewSession::new(UserId::parse("jeju").unwrap())).await.unwrap();
    let session = manager.authenticate(&login.access_token).await.unwrap();
    assert_eq!(session.user_id().as_str(), "jeju");
    assert!(manager.authenticate(&login.access_token[1..]).await.is_err());
}

#[test]
fn no_panic_is_printed_or_caught() {
    static PANICS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    // The hook is not removed: no test of this process may panic.
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        default(info);
    }));
    let keys = KeySet::new(SigningKey::hs256("hs", SECRET).unwrap());
    let _ = keys.self_test();
    let _ = SigningKey::es256_pem("es", file!("p256.pem")).map(drop);
    let _ = SessionManager::builder().keys(keys).issuer("i").audience("a").build().map(drop);
    assert_eq!(PANICS.load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// This test is in this crate, because the library's own tests always have the feature `tls`.
#[cfg(feature = "ours")]
#[test]
fn address_with_tls_is_refused_and_the_error_names_the_missing_feature() {
    use tower_session_auth::store::RedisStore;
    use tower_session_auth::store::redis::Address;

    let (host, port, insecure, tls_params) = ("redis.internal".to_owned(), 6379, false, None);
    let in_parts = redis::ConnectionAddr::TcpTls { host, port, insecure, tls_params };
    for address in [Address::from("rediss://:hunter2@redis.internal/"), in_parts.into()] {
        let error = RedisStore::builder(address).build().unwrap_err().to_string();
        assert!(error.contains("needs the feature `tls` of tower-session-auth"), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("internal"), "{error}");
    }
}

#[cfg(feature = "application")]
#[test]
fn application_encodes_and_decodes_with_its_own_jsonwebtoken_backend() {
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};

    // This library works in the same process, before and after the application's use.
    let keys = KeySet::new(SigningKey::hs256("hs", SECRET).unwrap());
    keys.self_test().unwrap();
    let claims = serde_json::json!({ "sub": "jeju", "exp": 4_102_444_800_u64 });
    let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET)).unwrap();
    let validation = Validation::default();
    let decoded =
        decode::<serde_json::Value>(&token, &DecodingKey::from_secret(SECRET), &validation)
            .unwrap();
    assert_eq!(decoded.claims, claims);
    keys.self_test().unwrap();
}
