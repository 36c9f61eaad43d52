//! Example servers as processes that share one Redis, as an operator runs them.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::client::{Reply, get, post, send};
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::server::{CREDENTIALS, SECRET, Server, login, patiently, until};

const EXAMPLES: [&str; 2] = ["axum", "hyper"];

async fn data(server: SocketAddr, token: &str) -> Reply {
    patiently(async || get(server, "/api/data", Some(token)).await).await
}

async fn logout(server: SocketAddr, token: &str) -> Reply {
    patiently(async || post(server, "/api/auth/logout", Some(token), "").await).await
}

/// Asserts that the reply reports an unavailable store.
fn assert_unavailable(reply: &Reply) {
    assert_eq!((reply.status, reply.code()), (503, "store_unavailable"), "{reply:?}");
}

#[tokio::test]
async fn logout_on_one_server_revokes_the_session_on_the_other() {
    let redis = RedisServer::start().await;
    let ((_a, at_a), (_b, at_b)) =
        tokio::join!(Server::instance("axum", &redis), Server::instance("hyper", &redis));
    let (token, other) = (login(at_a).await, login(at_b).await);
    for server in [at_a, at_b] {
        let reply = data(server, &token).await;
        assert_eq!((reply.status, &reply.body["user_id"]), (200, &"jeju".into()), "{reply:?}");
    }
    assert_eq!(logout(at_b, &token).await.status, 200);
    for server in [at_a, at_b] {
        let reply = data(server, &token).await;
        assert_eq!((reply.status, reply.code()), (401, "session_revoked"), "{reply:?}");
        assert_eq!(reply.body["reason"], "logout");
        assert_eq!(reply.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#));
        assert_eq!(
            data(server, &other).await.status,
            200,
            "the user's other session is still live"
        );
    }
    assert_eq!(logout(at_a, &token).await.status, 200, "logout is idempotent");
}

#[tokio::test]
async fn server_restart_keeps_the_session() {
    let redis = RedisServer::start().await;
    let ((a, at_a), (b, at_b)) =
        tokio::join!(Server::instance("axum", &redis), Server::instance("hyper", &redis));
    let token = login(at_a).await;
    let log = a.stop().await;
    assert!(log.contains("shutting down") && log.contains("lost=0"), "{log}");
    assert_eq!(data(at_b, &token).await.status, 200, "while the first server is down");
    let (a, at_a) = Server::instance("axum", &redis).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    assert_eq!(logout(at_a, &token).await.status, 200);
    assert_eq!(data(at_b, &token).await.code(), "session_revoked");
    a.stop().await;
    b.stop().await;
}

#[tokio::test]
async fn server_answers_a_request_in_progress_before_it_shuts_down() {
    for example in EXAMPLES {
        let (mut server, address) = Server::start(example, &[]).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /auth/login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            CREDENTIALS.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body, so the request is in progress.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        server.signal("-TERM");
        server.until_logged("shutting down").await;
        stream.write_all(CREDENTIALS.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("access_token"), "{answer}");
        let (status, log) = server.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(TcpStream::connect(address).await.is_err(), "the port is closed after shutdown");
    }
}

#[tokio::test]
async fn server_rejects_a_token_signed_with_another_servers_secret() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    // Without `JWT_SECRET`, the server generates a random secret.
    let env = [("REDIS_URL", &*url)];
    let ((_a, at_a), (_b, at_b)) =
        tokio::join!(Server::start("axum", &env), Server::instance("hyper", &redis));
    let token = login(at_a).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    let reply = data(at_b, &token).await;
    assert_eq!((reply.status, reply.code()), (401, "invalid_token"));
}

#[tokio::test]
async fn invalid_redis_url_prevents_startup_and_is_not_logged() {
    let cases = [
        ("http://:hunter2@127.0.0.1:6379", "redis://"),
        ("redis+sentinel://:hunter2@127.0.0.1:26379/mymaster", "Sentinel"),
        ("redis://:hunter2@127.0.0.1:6379,redis://:hunter2@127.0.0.1:6380", "cluster"),
        ("rediss://:hunter2@127.0.0.1:6379/database", "redis://"),
        ("redis://:hunter2@127.0.0.1:6379/database", "redis://"),
        (":hunter2@127.0.0.1", "redis://"),
    ];
    for (example, (url, word)) in EXAMPLES.into_iter().cycle().zip(cases) {
        let server = Server::spawn(example, &[("REDIS_URL", url), ("JWT_SECRET", SECRET)]);
        let (status, log) = server.ended().await;
        assert_eq!(status.code(), Some(1), "{url}: {log}");
        assert!(log.contains("the server cannot start"), "{url}: {log}");
        assert!(log.to_lowercase().contains("redis"), "{url}: {log}");
        assert!(log.contains(word) && !log.contains("panicked"), "{url}: {log}");
        assert!(!log.contains("hunter2") && !log.contains("127.0.0.1"), "{url}: {log}");
        assert!(!log.contains("listening"), "{url}: {log}");
    }
}

#[tokio::test]
async fn missing_redis_permission_prevents_startup_and_is_named_in_the_log() {
    let redis = RedisServer::start().await;
    let user = ["ACL", "SETUSER", "app", "on", ">hunter2"].into_iter();
    let rights = ACL_RULE.split_whitespace().chain(["-pexpireat"]);
    redis.command(&user.chain(rights).collect::<Vec<_>>()).await;
    let url = format!("redis://app:hunter2@127.0.0.1:{}/", redis.port());
    let mut server = Server::spawn("axum", &[("REDIS_URL", &url), ("JWT_SECRET", SECRET)]);
    assert_eq!(server.logged("listening on").await, None, "the server started");
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(1), "{log}");
    let line = log.lines().find(|line| line.contains("the server cannot start")).unwrap();
    assert!(line.contains("ACL SETUSER") && line.contains("+pexpireat"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn invalid_setting_prevents_startup_and_is_named_in_the_log() {
    let cases = [
        ("JWT_SECRET", "too-short-hunter2"),
        ("BIND_ADDR", "hunter2"),
        ("SESSION_TTL", "hunter2"),
        ("TRUSTED_PROXIES", "10.0.0.0/40"),
    ];
    for (example, (name, value)) in EXAMPLES.into_iter().cycle().zip(cases) {
        let (status, log) = Server::spawn(example, &[(name, value)]).ended().await;
        assert_eq!(status.code(), Some(1), "{name}: {log}");
        assert!(log.contains("the server cannot start") && log.contains(name), "{name}: {log}");
        assert!(!log.contains("hunter2") && !log.contains("panicked"), "{name}: {log}");
    }
}

#[tokio::test]
async fn server_starts_without_redis_and_recovers_when_redis_returns() {
    let mut redis = RedisServer::start_with(&["--appendonly", "yes"]).await;
    let (_a, at_a) = Server::instance("axum", &redis).await;
    let token = login(at_a).await;
    redis.stop();
    let (b, at_b) = Server::instance("hyper", &redis).await;
    for server in [at_a, at_b] {
        let health = get(server, "/health", None).await;
        assert_eq!((health.status, &health.body["status"]), (503, &"degraded".into()));
        assert_eq!(health.body["store"]["connected"], false);
        assert!(
            !health.body.to_string().contains(&redis.port().to_string()),
            "the report shows the port of Redis"
        );
        let live = get(server, "/health/live", None).await;
        assert_eq!((live.status, &live.body["status"]), (200, &"alive".into()));
        let reply = get(server, "/api/data", Some(&token)).await;
        assert_eq!((reply.status, reply.code()), (503, "store_unavailable"), "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(reply.header("www-authenticate"), None);
        assert_unavailable(&post(server, "/api/auth/login", None, CREDENTIALS).await);
        assert_unavailable(&post(server, "/api/auth/logout", Some(&token), "").await);
        // Answers that need no store stay the same.
        assert_eq!(get(server, "/api/data", None).await.code(), "missing_token");
    }
    redis.restart().await;
    for server in [at_a, at_b] {
        let back = until(server, "/api/data", Some(&token), 200).await;
        println!("Redis came: 200 after {back:?}");
        until(server, "/health", None, 200).await;
    }
    let token = login(at_b).await;
    assert_eq!(data(at_a, &token).await.status, 200);
    let log = b.stop().await;
    assert!(log.contains("Redis does not answer"), "{log}");
}

#[tokio::test]
async fn server_without_settings_uses_the_memory_store() {
    for example in EXAMPLES {
        // The test sets only the port, because the default port may be in use.
        let (server, address) = Server::start(example, &[]).await;
        let health = get(address, "/health", None).await;
        assert_eq!((health.status, &health.body["store"]["kind"]), (200, &"memory".into()));
        let token = login(address).await;
        assert_eq!(data(address, &token).await.status, 200);
        let reply = get(address, "/api/session/me", Some(&token)).await;
        assert_eq!((reply.status, &reply.body["ip_address"]), (200, &"127.0.0.1".into()));
        assert_eq!(logout(address, &token).await.status, 200);
        assert_eq!(data(address, &token).await.code(), "session_revoked");
        let log = server.stop().await;
        assert!(log.contains("JWT_SECRET is not set"), "{log}");
    }
}

#[tokio::test]
async fn client_address_comes_from_x_forwarded_for_behind_a_trusted_proxy() {
    for example in EXAMPLES {
        let (_server, address) = Server::start(example, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
        let headers = [("content-type", "application/json"), ("x-forwarded-for", "198.51.100.1")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let body = CREDENTIALS.as_bytes();
        let login = async || send(address, "POST", "/api/auth/login", &headers, body).await;
        let reply = patiently(login).await;
        let token = reply.body["access_token"].as_str().unwrap();
        let reply = get(address, "/api/session/me", Some(token)).await;
        assert_eq!(reply.body["ip_address"], "198.51.100.1", "{example}: {reply:?}");
    }
}

#[tokio::test]
async fn log_contains_no_token_and_no_secret() {
    for example in EXAMPLES {
        check_log(example).await;
    }
}

async fn check_log(example: &'static str) {
    let mut redis = RedisServer::start_with(&["--requirepass", "hunter2-of-redis"]).await;
    let url = redis.url();
    let env = [("REDIS_URL", &*url), ("JWT_SECRET", SECRET), ("RUST_LOG", "trace")];
    let (server, address) = Server::start(example, &env).await;
    let wrong = r#"{"user_id":"jeju","password":"hunter2-of-a-user"}"#;
    let reply = patiently(async || post(address, "/api/auth/login", None, wrong).await).await;
    assert_eq!(reply.status, 401, "{reply:?}");
    let token = login(address).await;
    assert_eq!(data(address, &token).await.status, 200);
    let forged = format!("{}x", &token[..token.len() - 2]);
    assert_eq!(data(address, &forged).await.code(), "invalid_token");
    assert_eq!(get(address, &format!("/api/data?access_token={token}"), None).await.status, 401);
    let ended = login(address).await;
    assert_eq!(logout(address, &ended).await.status, 200);
    assert_eq!(data(address, &ended).await.code(), "session_revoked");
    redis.stop();
    assert_unavailable(&get(address, "/api/data", Some(&token)).await);
    assert_unavailable(&post(address, "/api/auth/logout", Some(&token), "").await);
    let log = server.stop().await;
    assert!(log.contains("answered"), "{log}");
    // The payload and the start of the signature of both tokens. The forged token begins like the
    // first of them.
    let parts = [&token, &ended].map(|token| token.split_once('.').unwrap().1.split_once('.'));
    let parts = parts.into_iter().flatten().flat_map(|(payload, end)| [payload, &end[..20]]);
    for secret in parts.chain([SECRET, "hunter2-of-redis", "hunter2-of-a-user"]) {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
}
