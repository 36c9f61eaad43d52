//! A server that closes each connection instead of answering.

use tower_session_auth::SessionId;
use tower_session_auth::store::{RedisStore, SessionStore};

use crate::fills::fake::{Fake, Lane};
use crate::support::{UNHURRIED, user};

#[tokio::test]
async fn read_is_sent_again_at_most_once_per_connection_of_the_pool() {
    const POOL: u32 = 3;
    let mut fake = Fake::start().await;
    let store = RedisStore::builder(fake.url()).timeout(UNHURRIED).pool_size(POOL);
    let store = store.build().unwrap();
    fake.hold(Lane::Pool, "HGET");
    let id = SessionId::parse("session-1").unwrap();
    let read = tokio::spawn(async move { store.load(&user("jeju"), &id, None).await });
    for _ in 0..=POOL {
        fake.held().await.close();
    }
    assert!(read.await.unwrap().is_err());
    assert_eq!(fake.asked(Lane::Pool, "HGET"), POOL as usize + 1);
}
