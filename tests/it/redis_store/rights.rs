//! A check finds each right that the Redis user lacks.

use std::error::Error;
use std::time::Duration;

use tower_session_auth::store::{RedisStore, ScanSessions, StoreErrorKind};

use crate::redis_store::{HOUR, login};
use crate::support::redis::{ACL_RULE, RedisServer};
use crate::support::usable;

/// Gives the user `app` the rights in `docs/redis.md` and `+wait`. Then applies these changes.
async fn set_rights(server: &RedisServer, changes: &[&str]) {
    let begin = ["ACL", "SETUSER", "app", "on", ">p"];
    let rule = begin.into_iter().chain(ACL_RULE.split_whitespace()).chain(["+wait"]);
    let rule: Vec<_> = rule.chain(changes.iter().copied()).collect();
    server.command(&rule).await;
}

fn store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(format!("redis://app:p@127.0.0.1:{}/", server.port()))
        .timeout(Duration::from_secs(3))
        .wait_replicas(1, Duration::from_millis(1))
        .build()
        .unwrap()
}

/// Returns the missing rights that a check reports.
async fn missing_rights(server: &RedisServer) -> Vec<String> {
    let error = usable(&store(server)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unsupported);
    let cause = error.source().unwrap().to_string();
    assert!(format!("{error:?}").contains(&cause), "{error:?}");
    let shown = cause.split_once("`ACL SETUSER <the user> ");
    let (_, rights) = shown.unwrap_or_else(|| panic!("{cause}"));
    rights.trim_end_matches('`').split(' ').map(str::to_owned).collect()
}

#[tokio::test]
async fn check_names_each_missing_right() {
    let server = RedisServer::start().await;
    let rights: Vec<_> =
        ACL_RULE.split_whitespace().filter(|word| word.starts_with('+')).chain(["+wait"]).collect();
    assert_eq!(rights.len(), 20);
    for right in &rights {
        set_rights(&server, &[&right.replace('+', "-")]).await;
        assert_eq!(missing_rights(&server).await, [*right]);
    }
    set_rights(&server, &["-hset", "-wait", "-time", "-get"]).await;
    assert_eq!(missing_rights(&server).await, ["+time", "+get", "+wait", "+hset"]);
    set_rights(&server, &["resetkeys", "~other:*"]).await;
    assert_eq!(missing_rights(&server).await, ["~session:*"]);
}

#[tokio::test]
async fn check_with_all_rights_passes_and_leaves_no_key_behind() {
    let server = RedisServer::start().await;
    set_rights(&server, &[]).await;
    let store = store(&server);
    login(&store, HOUR, HOUR).await;
    let keys = server.number(&["DBSIZE"]).await;
    assert_eq!(usable(&store).await.unwrap().role, "master");
    assert_eq!(store.scan(None, 10).await.unwrap().unwrap().sessions.len(), 1);
    assert_eq!(server.number(&["DBSIZE"]).await, keys);
}

#[tokio::test]
async fn check_passes_while_redis_is_out_of_memory() {
    let server = RedisServer::start().await;
    set_rights(&server, &[]).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    usable(&store(&server)).await.unwrap();
}
