//! A session changes at each step of a read that fills the near cache.

use tokio::spawn;
use tower_session_auth::{RevokeReason, SessionId, UserId};

use crate::fills::fake::Lane;
use crate::fills::world::{LONG, Shown, World, says};
use crate::support::wait::until;

/// The step of the read at which the change happens.
#[derive(Clone, Copy, Debug)]
enum At {
    /// The server has received the command and has not executed it yet. The message about the
    /// change arrives before the answer.
    BeforeRead,
    /// The server has executed the command. The answer arrives after the message about the change.
    BeforeAnswer,
    /// The server has executed the command. The message and the answer arrive in one write, first
    /// the message and then the answer.
    MessageAndAnswer,
    /// The answer and the message arrive in one write, first the answer and then the message. Both
    /// have arrived before the request continues.
    AnswerAndMessage,
    /// The request has finished.
    AfterAnswer,
}

#[derive(Clone, Copy, Debug)]
enum Told {
    /// An invalidation of the user's sessions.
    OfUser,
    /// An invalidation of all keys, as after `FLUSHALL`.
    OfAll,
    /// No message arrives, because the server closes the connection.
    Lost,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Update,
    End,
}

impl World {
    fn change(&self, change: Change, shown: &Shown) {
        match change {
            Change::Update => self.fake.update(&shown.user, &shown.sid),
            Change::End => self.fake.end(&shown.user, &shown.sid),
        }
    }

    /// Sends the message and waits until the manager has handled it.
    async fn tell(&self, told: Told, shown: &Shown) {
        let before = self.figures().invalidations;
        match told {
            Told::Lost => self.fake.close_link(),
            told => self.fake.push(&self.message(told, shown)),
        }
        self.knows(told, before).await;
    }

    fn message(&self, told: Told, shown: &Shown) -> Vec<u8> {
        match told {
            Told::OfUser => self.fake.news_of(&shown.user),
            Told::OfAll => self.fake.news_of_all(),
            Told::Lost => Vec::new(),
        }
    }

    async fn knows(&self, told: Told, before: u64) {
        match told {
            Told::Lost => self.loses_its_link().await,
            _ => self.is_told(before + 1).await,
        }
    }
}

async fn check_change_at(at: At, told: Told, change: Change) {
    let mut world = World::coherent(LONG).await;
    let (shown, other) = (world.login("jeju").await, world.login("jeju").await);
    // Redis sends a message about a key only after the invalidation connection has read this key.
    // Here it read the other session of the same user.
    world.recovers(&other).await;

    let before = world.figures().invalidations;
    world.fake.hold(Lane::Link, "HGET");
    let (manager, token) = (world.manager.clone(), shown.token.clone());
    let request = spawn(async move {
        let answer = says(&manager, &token).await;
        (answer, manager.near_cache().invalidations)
    });
    let held = world.fake.held().await;
    world.fake.hold_nothing();
    let old = world.truth(&shown);
    match at {
        At::BeforeRead => {
            world.change(change, &shown);
            world.tell(told, &shown).await;
            let answer = held.execute();
            held.send(&[&answer]);
        }
        At::BeforeAnswer => {
            let answer = held.execute();
            world.change(change, &shown);
            world.tell(told, &shown).await;
            held.send(&[&answer]);
        }
        At::MessageAndAnswer | At::AnswerAndMessage => {
            let answer = held.execute();
            world.change(change, &shown);
            let message = world.message(told, &shown);
            if matches!(at, At::MessageAndAnswer) {
                held.send(&[&message, &answer]);
            } else {
                held.send(&[&answer, &message]);
            }
            if matches!(told, Told::Lost) {
                world.fake.close_link();
            }
        }
        At::AfterAnswer => {
            let answer = held.execute();
            held.send(&[&answer]);
            until("the request finishes", async || request.is_finished()).await;
            world.change(change, &shown);
            world.tell(told, &shown).await;
        }
    }
    let new = world.truth(&shown);
    assert_ne!(old, new);
    let (answer, messages) = request.await.unwrap();
    match at {
        At::AnswerAndMessage if !matches!(told, Told::Lost) => {
            assert_eq!(
                (answer, messages),
                (old, before + 1),
                "the request reads the old answer and the manager has handled the message"
            );
        }
        At::BeforeRead => assert_eq!(answer, new),
        At::AfterAnswer => assert_eq!(answer, old),
        // The read was executed before the change. If the request has read the session once more
        // over the pool, it can also see the change.
        _ => assert!(answer == old || answer == new),
    }
    world.knows(told, before).await;
    assert_eq!(world.says(&shown).await, new, "the next request sees the change");
    world.recovers(&shown).await;
    world.recovers(&other).await;
}

/// Runs all combinations of a step and a change for one kind of message.
async fn check_every_step(told: Told) {
    for at in [
        At::BeforeRead,
        At::BeforeAnswer,
        At::MessageAndAnswer,
        At::AnswerAndMessage,
        At::AfterAnswer,
    ] {
        for change in [Change::Update, Change::End] {
            check_change_at(at, told, change).await;
        }
    }
}

#[tokio::test]
async fn next_request_sees_a_change_that_is_invalidated_at_any_step_of_a_read() {
    check_every_step(Told::OfUser).await;
}

#[tokio::test]
async fn next_request_sees_a_change_after_a_flush_at_any_step_of_a_read() {
    check_every_step(Told::OfAll).await;
}

#[tokio::test]
async fn next_request_sees_a_change_when_the_connection_is_lost_at_any_step_of_a_read() {
    check_every_step(Told::Lost).await;
}

#[tokio::test]
async fn invalidation_discards_a_read_from_before_it_and_keeps_a_later_read() {
    let mut world = World::coherent(LONG).await;
    let (first, second) = (world.login("jeju").await, world.login("jeju").await);
    world.fake.hold(Lane::Link, "HGET");
    let request = |shown: &Shown| {
        let (manager, token) = (world.manager.clone(), shown.token.clone());
        spawn(async move { says(&manager, &token).await })
    };
    let one = request(&first);
    let held = world.fake.held().await;
    let answer = held.execute();
    world.fake.update(&first.user, &first.sid);
    world.fake.update(&second.user, &second.sid);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    let two = request(&second);
    held.send(&[&answer]);
    assert_eq!(one.await.unwrap(), Some(1), "the read was executed before the change");
    let held = world.fake.held().await;
    let answer = held.execute();
    held.send(&[&answer]);
    assert_eq!(two.await.unwrap(), Some(2));
    world.fake.hold_nothing();

    let reads = world.reads();
    assert_eq!(world.says(&second).await, Some(2));
    assert_eq!(world.reads(), reads, "the read after the message filled the cache");
    assert_eq!(world.says(&first).await, Some(2));
    assert_eq!(world.reads(), reads + 1, "the read before the message did not fill the cache");
}

#[tokio::test]
async fn request_after_an_invalidation_does_not_join_an_earlier_read() {
    let mut world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    world.fake.hold(Lane::Link, "HGET");
    let request = || {
        let (manager, token) = (world.manager.clone(), shown.token.clone());
        spawn(async move { says(&manager, &token).await })
    };
    let early = request();
    let first = world.fake.held().await;
    let answer = first.execute();
    world.fake.update(&shown.user, &shown.sid);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    let late = [request(), request()];
    // The late requests either wait for the first read or find later that it has finished.
    tokio::task::yield_now().await;
    assert_eq!(world.reads(), 1);
    first.send(&[&answer]);
    assert_eq!(early.await.unwrap(), Some(1));

    let second = world.fake.held().await;
    let answer = second.execute();
    // The server sends one more message. The second read began after the late requests. They may
    // therefore use its answer, whatever messages arrive later.
    world.fake.update(&shown.user, &shown.sid);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(2).await;
    second.send(&[&answer]);
    for late in late {
        assert_eq!(late.await.unwrap(), Some(2));
    }
    assert_eq!(world.reads(), 2, "both late requests share one read");
    world.fake.hold_nothing();
    world.recovers(&shown).await;
    assert_eq!(world.truth(&shown), Some(3));
}

#[tokio::test]
async fn logout_takes_effect_before_any_invalidation_and_despite_a_pending_read() {
    let mut world = World::coherent(LONG).await;
    let (shown, other) = (world.login("jeju").await, world.login("jeju").await);
    world.recovers(&shown).await;
    world.fake.hold(Lane::Link, "HGET");
    let (manager, token) = (world.manager.clone(), other.token.clone());
    let reading = spawn(async move { says(&manager, &token).await });
    let held = world.fake.held().await;
    let answer = held.execute();

    let user = UserId::parse("jeju").unwrap();
    for session in [&shown, &other] {
        let id = SessionId::parse(&session.sid).unwrap();
        assert!(world.manager.revoke(&user, &id, RevokeReason::Logout).await.unwrap().was_live());
    }
    assert_eq!(world.figures().invalidations, 0, "redis has sent no invalidation");
    held.send(&[&answer]);
    assert_eq!(reading.await.unwrap(), Some(1), "the read was executed before the logout");
    world.fake.hold_nothing();
    for session in [&shown, &other] {
        assert_eq!(world.says(session).await, None);
        world.recovers(session).await;
    }
    // The late invalidation costs one more read.
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    world.recovers(&shown).await;
}

#[tokio::test]
async fn invalidation_of_one_user_keeps_the_cache_entries_of_others() {
    let world = World::coherent(LONG).await;
    let shown = world.login("jeju").await;
    world.recovers(&shown).await;
    let mut others = Vec::new();
    for user in ["busan", "daegu", "ulsan", "sejong", "suwon", "mokpo", "iksan", "asan"] {
        others.push(world.login(user).await);
    }
    for other in &others {
        world.recovers(other).await;
    }
    world.fake.update(&shown.user, &shown.sid);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    let reads = world.reads();
    for other in &others {
        assert_eq!(world.says(other).await, Some(1));
    }
    // Each of the other users shares the changed generation counter with a probability of 1 in
    // 65,536. The session of such a user is read once more.
    assert!(world.reads() <= reads + 1);
    world.recovers(&shown).await;
}
