//! Several sessions of one user, each with its own deadline. Also tests the data that remains in
//! the store after a session has expired.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tower_session_auth::store::{
    Created, MemoryStore, NewRecord, SessionStore, Touch, Touched, Updated,
};
use tower_session_auth::{RevokeReason, SessionId, Target};

use crate::interleavings::world::{World, in_both_worlds};
use crate::interleavings::{HOUR, permutations, redis_store};
use crate::support::redis::RedisServer;
use crate::support::{ms, user};

in_both_worlds! {
    each_session_of_a_user_expires_at_its_own_deadline: own_deadlines,
}

async fn own_deadlines(world: &impl World) {
    const MINUTE: Duration = Duration::from_secs(60);
    let (owner, mut sessions) = (user("jeju"), Vec::new());
    for (i, minutes) in [15, 4, 8].into_iter().enumerate() {
        let id = world.login(&owner, minutes * MINUTE).await;
        // All sessions except the first one are touched once, half a minute after their login.
        world.pass(&owner, MINUTE / 2).await;
        if i > 0 {
            let touch = Touch::new(owner.clone(), id.clone(), Duration::ZERO, Duration::MAX);
            assert!(matches!(
                world.store().touch(&[touch]).await.unwrap()[..],
                [Touched::Lives(_)]
            ));
        }
        sessions.push(id);
    }
    let [long, short, middle] = &sessions[..] else { unreachable!() };
    // The deadlines of `long`, `short` and `middle` are 13.5, 3.5 and 8 minutes from now.
    for (minutes, living) in [
        (2, &[long, short, middle][..]),
        (3, &[long, middle]),
        (2, &[long, middle]),
        (2, &[long]),
        (3, &[long]),
        (3, &[]),
    ] {
        world.pass(&owner, minutes * MINUTE).await;
        let mut living: Vec<_> = living.iter().map(|id| (*id).clone()).collect();
        living.sort();
        assert_eq!(world.living_ids(&owner).await, living, "{minutes} minutes later");
        for id in &sessions {
            let found = world.store().load(&owner, id, None).await.unwrap();
            assert_eq!(found.is_some(), living.contains(id));
        }
    }
}

#[tokio::test]
async fn operations_on_short_sessions_do_not_shorten_the_ttl_of_a_redis_key() {
    #[derive(Clone, Copy, Debug)]
    enum Step {
        TouchLong,
        TouchShort,
        CreateShort,
        CreateShorter,
        EndShort,
    }
    let server = RedisServer::start().await;
    let store = redis_store(&server);
    let all =
        [Step::TouchLong, Step::TouchShort, Step::CreateShort, Step::CreateShorter, Step::EndShort];
    for (i, order) in permutations(&all).into_iter().enumerate() {
        let owner = user(&format!("u{i}"));
        let create = async |id: &SessionId, idle: Duration, lifetime: Duration| {
            let new = NewRecord::new(idle, lifetime, Bytes::new());
            assert!(matches!(store.create(&owner, id, &new).await, Ok(Created::Created(_))));
        };
        let touch = async |id: &SessionId| {
            let touch = Touch::new(owner.clone(), id.clone(), Duration::ZERO, Duration::MAX);
            store.touch(&[touch]).await.unwrap();
        };
        let [long, first, second, third] = [(); 4].map(|()| SessionId::random().unwrap());
        create(&long, HOUR, 24 * HOUR).await;
        create(&first, ms(100_000), ms(1_200_000)).await;
        let mut ends = [0; 2];
        for step in [None].into_iter().chain(order.iter().copied().map(Some)) {
            match step {
                None => {}
                Some(Step::TouchLong) => touch(&long).await,
                Some(Step::TouchShort) => touch(&first).await,
                Some(Step::CreateShort) => create(&second, ms(60_000), ms(120_000)).await,
                Some(Step::CreateShorter) => create(&third, ms(20_000), ms(20_000)).await,
                Some(Step::EndShort) => {
                    let revoked = store
                        .revoke(&owner, &Target::from(&first), RevokeReason::Logout)
                        .await
                        .unwrap();
                    assert!(revoked.was_live());
                }
            }
            for (end, part) in ends.iter_mut().zip(["live", "seen"]) {
                let key = format!("session:{{u{i}}}:{part}");
                let now = server.number(&["PEXPIRETIME", &key]).await;
                assert!(now > 0 && now >= *end, "{order:?} {step:?} {part}: {now} after {end}");
                *end = now;
            }
        }
        assert!(store.activity(&owner, &long).await.unwrap().is_some(), "{order:?}");
    }
}

#[tokio::test]
async fn expired_session_that_is_not_removed_yet_stays_expired() {
    let server = RedisServer::start().await;
    let redis = redis_store(&server);
    // Because of this session, the keys stay in Redis. The session that expires is created last, so
    // no later login removes it.
    let kept = SessionId::random().unwrap();
    redis.create(&user("jeju"), &kept, &NewRecord::new(HOUR, HOUR, Bytes::new())).await.unwrap();
    let (live, seen) = ("session:{jeju}:live", "session:{jeju}:seen");
    let id = idle_out(&redis).await;
    let fields = async || {
        (
            server.text(&["HGET", live, id.as_str()]).await,
            server.text(&["HGET", seen, id.as_str()]).await,
        )
    };
    let before = fields().await;
    assert!(before.0.is_some() && before.1.is_some(), "the expired session is not removed yet");
    assert_stays_expired(&redis, &id).await;
    assert_eq!(fields().await, before, "nothing was written");
    let ended = redis
        .revoke(&user("jeju"), &Target::from(&id), RevokeReason::Logout)
        .await
        .unwrap()
        .was_live();
    assert!(!ended && fields().await == (None, None));
    assert!(redis.activity(&user("jeju"), &kept).await.unwrap().is_some());

    let memory = MemoryStore::new();
    let id = idle_out(&memory).await;
    assert_eq!(memory.len(), 1, "the expired session is not removed yet");
    assert_stays_expired(&memory, &id).await;
    assert!(
        !memory
            .revoke(&user("jeju"), &Target::from(&id), RevokeReason::Logout)
            .await
            .unwrap()
            .was_live()
    );
}

async fn idle_out(store: &impl SessionStore) -> SessionId {
    let id = SessionId::random().unwrap();
    let new = NewRecord::new(ms(30), HOUR, Bytes::new());
    store.create(&user("jeju"), &id, &new).await.unwrap();
    sleep(ms(80)).await;
    id
}

async fn assert_stays_expired(store: &impl SessionStore, id: &SessionId) {
    let owner = user("jeju");
    // The store also refuses a touch for a request from the time when the session was live.
    for age in [Duration::ZERO, ms(70)] {
        let touch = Touch::new(owner.clone(), id.clone(), age, Duration::MAX);
        assert_eq!(store.touch(&[touch]).await.unwrap(), [Touched::Ended]);
    }
    assert_eq!(store.update(&owner, id, 1, Bytes::new()).await.unwrap(), Updated::Gone);
    assert!(store.load(&owner, id, None).await.unwrap().is_none());
    assert!(store.activity(&owner, id).await.unwrap().is_none());
    assert_eq!(
        store.revoke_reason(&owner, id).await.unwrap(),
        None,
        "an expired session has no tombstone"
    );
}
