//! A change at every step of a read that is to be remembered.

use tokio::spawn;
use tower_session_auth::{EndReason, SessionId, UserId};

use crate::fills::fake::Lane;
use crate::fills::world::{LONG, Shown, World, says};
use crate::support::wait::until;

/// Where in the way of a question and its answer the change comes.
#[derive(Clone, Copy, Debug)]
enum At {
    /// Asked, and not read: the message comes first.
    BeforeRead,
    /// Read, and the answer comes after the message.
    BeforeAnswer,
    /// The same in one piece.
    MessageAndAnswer,
    /// In one piece, the answer first: both are there before the request goes on.
    AnswerAndMessage,
    /// The request is over.
    AfterAnswer,
}

#[derive(Clone, Copy, Debug)]
enum Told {
    /// That the user's sessions have changed.
    OfUser,
    /// That everything has.
    OfAll,
    /// Nothing: the connection is closed.
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

    /// The message is sent, and taken in.
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

async fn meet(at: At, told: Told, change: Change) {
    let mut world = World::coherent(LONG).await;
    let (shown, other) = (world.login("jeju").await, world.login("jeju").await);
    // Redis tells of what was read before: here the same user's other session.
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
            until("the request is over", async || request.is_finished()).await;
            world.change(change, &shown);
            world.tell(told, &shown).await;
        }
    }
    let new = world.truth(&shown);
    assert_ne!(old, new);
    let (answer, messages) = request.await.unwrap();
    match at {
        At::AnswerAndMessage if !matches!(told, Told::Lost) => {
            assert_eq!((answer, messages), (old, before + 1), "both were there");
        }
        At::BeforeRead => assert_eq!(answer, new),
        At::AfterAnswer => assert_eq!(answer, old),
        // Its question was carried out before the change, unless it was asked once more elsewhere.
        _ => assert!(answer == old || answer == new),
    }
    world.knows(told, before).await;
    assert_eq!(world.says(&shown).await, new, "whoever comes now is told the truth");
    world.recovers(&shown).await;
    world.recovers(&other).await;
}

/// Every step, for one way to be told.
async fn at_every_step(told: Told) {
    for at in [
        At::BeforeRead,
        At::BeforeAnswer,
        At::MessageAndAnswer,
        At::AnswerAndMessage,
        At::AfterAnswer,
    ] {
        for change in [Change::Update, Change::End] {
            meet(at, told, change).await;
        }
    }
}

#[tokio::test]
async fn a_change_that_is_told_at_any_step_is_seen_by_the_next_request() {
    at_every_step(Told::OfUser).await;
}

#[tokio::test]
async fn so_is_one_that_comes_with_a_flush() {
    at_every_step(Told::OfAll).await;
}

#[tokio::test]
async fn so_is_one_whose_message_is_lost_with_the_link() {
    at_every_step(Told::Lost).await;
}

#[tokio::test]
async fn a_message_between_two_reads_leaves_the_later_one_and_not_the_earlier() {
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
    assert_eq!(one.await.unwrap(), Some(1), "read before the change");
    let held = world.fake.held().await;
    let answer = held.execute();
    held.send(&[&answer]);
    assert_eq!(two.await.unwrap(), Some(2));
    world.fake.hold_nothing();

    let reads = world.reads();
    assert_eq!(world.says(&second).await, Some(2));
    assert_eq!(world.reads(), reads, "what was read after it counts");
    assert_eq!(world.says(&first).await, Some(2));
    assert_eq!(world.reads(), reads + 1, "what was read before it does not");
}

#[tokio::test]
async fn who_comes_after_a_message_does_not_ride_on_a_question_from_before_it() {
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
    // They wait for the first question, or will find it answered.
    tokio::task::yield_now().await;
    assert_eq!(world.reads(), 1);
    first.send(&[&answer]);
    assert_eq!(early.await.unwrap(), Some(1));

    let second = world.fake.held().await;
    let answer = second.execute();
    // One more message: the second question was asked after they came, and counts for them whatever comes.
    world.fake.update(&shown.user, &shown.sid);
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(2).await;
    second.send(&[&answer]);
    for late in late {
        assert_eq!(late.await.unwrap(), Some(2));
    }
    assert_eq!(world.reads(), 2, "one question for both, and no third");
    world.fake.hold_nothing();
    world.recovers(&shown).await;
    assert_eq!(world.truth(&shown), Some(3));
}

#[tokio::test]
async fn a_logout_counts_from_its_answer_on_whatever_redis_tells_and_is_being_read() {
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
        assert!(world.manager.delete(&user, &id, EndReason::Logout).await.unwrap());
    }
    assert_eq!(world.figures().invalidations, 0, "redis has told nothing");
    held.send(&[&answer]);
    assert_eq!(reading.await.unwrap(), Some(1), "it came before the logout");
    world.fake.hold_nothing();
    for session in [&shown, &other] {
        assert_eq!(world.says(session).await, None);
        world.recovers(session).await;
    }
    // The message that comes late costs one more question.
    world.fake.push(&world.fake.news_of("jeju"));
    world.is_told(1).await;
    world.recovers(&shown).await;
}

#[tokio::test]
async fn a_change_of_one_user_leaves_what_is_remembered_of_others() {
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
    // Two users share a counter once in 65,536 pairs.
    assert!(world.reads() <= reads + 1);
    world.recovers(&shown).await;
}
