//! A store whose time the test controls. For the memory store, the test moves a manual clock. For
//! Redis, the test moves the stored times back.

use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Created, MemoryStore, NewRecord, RedisStore, ScanSessions, SessionStore,
};
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{SessionId, UserId};

use crate::interleavings::{HOUR, redis_store};
use crate::support::START;
use crate::support::redis::RedisServer;

pub(crate) trait World {
    fn store(&self) -> &impl SessionStore;

    /// Lets time pass for this user's sessions.
    async fn pass(&self, owner: &UserId, time: Duration);

    /// Creates a session with a random id and the payload `first`.
    async fn login(&self, owner: &UserId, idle_ttl: Duration) -> SessionId {
        let id = SessionId::random().unwrap();
        let new = NewRecord::new(idle_ttl, 24 * HOUR, Bytes::from_static(b"first"));
        let made = self.store().create(owner, &id, &new).await.unwrap();
        assert!(matches!(made, Created::Created(_)), "{made:?}");
        id
    }

    /// Returns the live sessions from `list`, each with its last activity and its idle deadline.
    /// Checks that `load` and `activity` give the same results.
    async fn living(&self, owner: &UserId) -> Vec<(SessionId, Timestamp, Timestamp)> {
        let mut all = Vec::new();
        for listed in self.store().list(owner).await.unwrap() {
            let activity = self.store().activity(owner, &listed.id).await.unwrap();
            assert_eq!(activity, Some(listed.activity()));
            assert!(self.store().load(owner, &listed.id, None).await.unwrap().is_some());
            all.push((listed.id, listed.last_activity, listed.record.idle_deadline));
        }
        all.sort();
        all
    }

    async fn living_ids(&self, owner: &UserId) -> Vec<SessionId> {
        self.living(owner).await.into_iter().map(|(id, ..)| id).collect()
    }

    /// Runs all steps of one cleanup, and returns the number of removed sessions.
    async fn clean_up(&self) -> u64 {
        let (mut count, mut from) = (0, None);
        loop {
            let step = self.store().cleanup(from.as_ref()).await.unwrap().unwrap();
            count += step.count;
            from = step.next;
            if from.is_none() {
                return count;
            }
        }
    }
}

pub(crate) struct Memory {
    clock: ManualClock,
    store: MemoryStore,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new(START);
        Self { store: MemoryStore::with_clock(clock.clone()), clock }
    }
}

impl World for Memory {
    fn store(&self) -> &impl SessionStore {
        &self.store
    }

    async fn pass(&self, _owner: &UserId, time: Duration) {
        self.clock.advance(time);
    }
}

pub(crate) struct Redis {
    server: RedisServer,
    store: RedisStore,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        let server = RedisServer::start().await;
        Self { store: redis_store(&server), server }
    }

    async fn fields(&self, key: &str) -> Vec<(String, String)> {
        redis::from_redis_value(self.server.command(&["HGETALL", key]).await).unwrap()
    }
}

impl World for Redis {
    fn store(&self) -> &impl SessionStore {
        &self.store
    }

    async fn pass(&self, owner: &UserId, time: Duration) {
        let by = i64::try_from(time.as_millis()).unwrap();
        let earlier = |digits: &str| (digits.parse::<i64>().unwrap() - by).to_string();
        let [live, seen] = ["live", "seen"].map(|part| format!("session:{{{owner}}}:{part}"));
        for (id, record) in self.fields(&live).await {
            let (header, payload) = record.split_once('\n').unwrap();
            let mut words: Vec<_> = header.split(' ').map(str::to_owned).collect();
            for at in [2, 4] {
                words[at] = earlier(&words[at]);
            }
            let record = format!("{}\n{payload}", words.join(" "));
            self.server.command(&["HSET", &live, &id, &record]).await;
        }
        for (id, uses) in self.fields(&seen).await {
            let (deadline, last) = uses.split_once(':').unwrap();
            let uses = format!("{}:{}", earlier(deadline), earlier(last));
            self.server.command(&["HSET", &seen, &id, &uses]).await;
        }
    }
}

/// Returns all orders of these steps in which no pair of steps satisfies `follows(earlier, later)`.
pub(crate) fn orders<T: Copy>(steps: &[T], follows: impl Fn(T, T) -> bool) -> Vec<Vec<T>> {
    let possible = |order: &Vec<T>| {
        let mut pairs = (0..order.len()).flat_map(|i| (0..i).map(move |j| (j, i)));
        !pairs.any(|(earlier, later)| follows(order[earlier], order[later]))
    };
    crate::interleavings::permutations(steps).into_iter().filter(possible).collect()
}

/// Runs a scenario with the memory store and with Redis.
macro_rules! in_both_worlds {
    ($($name:ident: $scenario:ident),+ $(,)?) => { $(mod $name {
        use super::*;

        #[tokio::test]
        async fn memory() {
            $scenario(&$crate::interleavings::world::Memory::new()).await;
        }

        #[tokio::test]
        async fn redis() {
            $scenario(&$crate::interleavings::world::Redis::start().await).await;
        }
    })+ };
}

pub(crate) use in_both_worlds;
