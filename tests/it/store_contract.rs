//! Checks that both stores fulfill the contract of `SessionStore`.

#![cfg_attr(feature = "redis", expect(clippy::unwrap_used, reason = "a test fails by a panic"))]

use std::num::NonZeroU32;

use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{MemoryStore, SessionLimit, WhenFull};
use tower_session_auth::testing::{ManualClock, store_contract};

#[test]
fn room_of_a_session_limit_is_at_most_its_maximum() {
    let number = |number| NonZeroU32::new(number).unwrap();
    for (room, granted) in [(1, 1), (3, 3), (4, 3)] {
        let limit = SessionLimit::new(number(3), WhenFull::Refuse).room(number(room));
        assert_eq!(limit.room, number(granted));
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
    let store = MemoryStore::with_clock(clock.clone());
    store_contract(&store, async |time| clock.advance(time)).await;
}

#[tokio::test]
async fn memory_keeps_the_contract_on_a_real_clock() {
    store_contract(&MemoryStore::new(), tokio::time::sleep).await;
}

#[cfg(feature = "redis")]
mod redis_store {
    use std::collections::BTreeSet;

    use tower_session_auth::store::RedisStore;
    use tower_session_auth::testing::store_contract;

    use crate::support::UNHURRIED;
    use crate::support::commands::Commands;
    use crate::support::redis::{ACL_RULE, RedisServer};
    use crate::support::usable;

    /// Returns a store with a long timeout. The test suite makes more concurrent calls than an
    /// application does, and the machine may be loaded.
    fn store(url: &str) -> RedisStore {
        RedisStore::builder(url).timeout(UNHURRIED).build().unwrap()
    }

    #[tokio::test]
    async fn redis_keeps_the_contract() {
        let server = RedisServer::start().await;
        let store = store(&server.url());
        store_contract(&store, tokio::time::sleep).await;
        assert_eq!(usable(&store).await.unwrap().role, "master");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn redis_with_a_password_keeps_the_contract() {
        let server = RedisServer::start_with(&["--requirepass", "hunter2"]).await;
        store_contract(&store(&server.url()), tokio::time::sleep).await;
    }

    #[tokio::test]
    async fn acl_rule_allows_exactly_the_commands_that_contract_and_near_cache_use() {
        let server = RedisServer::start().await;
        server.command(&["CONFIG", "RESETSTAT"]).await;
        store_contract(&store(&server.url()), tokio::time::sleep).await;
        let commands = Commands::of(&server).await;
        let used: BTreeSet<_> = commands.all().map(|(name, _)| name).collect();
        let allowed: BTreeSet<_> =
            ACL_RULE.split_whitespace().filter_map(|word| word.strip_prefix('+')).collect();
        // The near cache needs these commands (tests/it/near_cache/health.rs). If a store has more
        // than one connection, the comparison of its connections needs them as well.
        let near = BTreeSet::from(["client|tracking", "get", "set"]);
        assert!(!used.contains("client|tracking"));
        assert_eq!(&used | &near, allowed);
    }

    #[tokio::test]
    async fn redis_with_the_acl_rule_keeps_the_contract() {
        let server = RedisServer::start().await;
        let rule: Vec<_> = ["ACL", "SETUSER", "app", "on", ">hunter2"]
            .into_iter()
            .chain(ACL_RULE.split_whitespace())
            .collect();
        server.command(&rule).await;
        let url = format!("redis://app:hunter2@127.0.0.1:{}/", server.port());
        store_contract(&store(&url), tokio::time::sleep).await;
        // The store has called no command that the ACL rule forbids.
        let log: Vec<redis::Value> =
            redis::from_redis_value(server.command(&["ACL", "LOG"]).await).unwrap();
        assert!(log.is_empty(), "{log:?}");
    }
}
