//! Every order in which verbs can meet on one session: nothing revives, and nothing is lost.

#![cfg(feature = "redis")]
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Created, NewRecord, RedisStore, SessionStore, Touch, Touched, Updated,
};
use tower_session_auth::touch::Background;
use tower_session_auth::{
    AuthErrorKind, EndReason, MemoryStore, NewSession, SessionId, SessionManager, UserId,
};

use crate::support::paused::{At, PausedStore, Verb};
use crate::support::redis::RedisServer;
use crate::support::{builder, login, ms, user};

const HOUR: Duration = Duration::from_secs(3600);

/// Patient with a machine that compiles beside the tests.
fn redis_store(server: &RedisServer) -> RedisStore {
    RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(5)).build().unwrap()
}

/// All orders of these items.
fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let head = rest.remove(first);
        all.extend(permutations(&rest).into_iter().map(|mut tail| {
            tail.insert(0, head);
            tail
        }));
    }
    all
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Touch,
    Update,
    Delete,
    Load,
    DeleteAll,
    CreateAgain,
}

const WITH_DELETE: [Act; 4] = [Act::Touch, Act::Update, Act::Delete, Act::Load];
const WITH_DELETE_ALL: [Act; 4] = [Act::Touch, Act::Update, Act::DeleteAll, Act::CreateAgain];

/// What the contract says about one session.
struct Model {
    user: UserId,
    id: SessionId,
    /// `None` once it has ended.
    revision: Option<u64>,
    payload: &'static [u8],
    idle_deadline: Timestamp,
    reason: Option<EndReason>,
}

impl Model {
    async fn start(store: &impl SessionStore, owner: &str) -> Self {
        let (user, id) = (user(owner), SessionId::random().unwrap());
        let new = NewRecord::new(HOUR, 24 * HOUR, Bytes::from_static(b"first"));
        let Created::Created(at) = store.create(&user, &id, &new).await.unwrap() else {
            panic!("a random id is free")
        };
        let idle_deadline = at.saturating_add(HOUR);
        Self { user, id, revision: Some(1), payload: b"first", idle_deadline, reason: None }
    }

    fn lives(&self) -> bool {
        self.revision.is_some()
    }

    /// Does it, and compares the answer with what must be answered after all that came before.
    async fn act(&mut self, store: &impl SessionStore, act: Act, order: &[Act]) {
        let (user, id) = (&self.user, &self.id);
        match act {
            Act::Touch => {
                let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX);
                match store.touch(&[touch]).await.unwrap()[..] {
                    [Touched::Lives(deadline)] if self.lives() => {
                        assert!(deadline > self.idle_deadline, "{order:?}: it moved");
                        self.idle_deadline = deadline;
                    }
                    ref answer => {
                        assert_eq!(answer, [Touched::Ended], "{order:?}");
                        assert!(!self.lives(), "{order:?}: touch");
                    }
                }
            }
            Act::Update => {
                let new = Bytes::from_static(b"second");
                let answer = store.update(user, id, 1, new).await.unwrap();
                let expected = if self.lives() { Updated::Written(2) } else { Updated::Gone };
                assert_eq!(answer, expected, "{order:?}");
                if self.lives() {
                    (self.revision, self.payload) = (Some(2), b"second");
                }
            }
            Act::Delete => {
                let lived = store.delete(user, id, EndReason::Admin).await.unwrap();
                assert_eq!(lived, self.lives(), "{order:?}");
                self.end(EndReason::Admin);
            }
            Act::DeleteAll => {
                let ended = store.delete_all(user, EndReason::LogoutAll).await.unwrap();
                let expected = if self.lives() { vec![id.clone()] } else { Vec::new() };
                assert_eq!(ended, expected, "{order:?}");
                self.end(EndReason::LogoutAll);
            }
            Act::CreateAgain => {
                let new = NewRecord::new(HOUR, 24 * HOUR, Bytes::from_static(b"revived"));
                let answer = store.create(user, id, &new).await.unwrap();
                assert_eq!(answer, Created::AlreadyExists, "{order:?}: living or ended");
            }
            // `check` loads after every step.
            Act::Load => {}
        }
        self.check(store, order).await;
    }

    fn end(&mut self, reason: EndReason) {
        self.revision = None;
        self.reason = self.reason.or(Some(reason));
    }

    async fn check(&self, store: &impl SessionStore, order: &[Act]) {
        let found = store.load(&self.user, &self.id, None).await.unwrap();
        let seen = found.as_ref().map(|found| (found.revision, &found.payload[..]));
        let expected = self.revision.map(|revision| (revision, self.payload));
        assert_eq!(seen, expected, "{order:?}: the update is there, the touch wrote no record");
        let activity = store.activity(&self.user, &self.id).await.unwrap();
        assert_eq!(
            activity.map(|activity| activity.idle_deadline),
            self.lives().then_some(self.idle_deadline),
            "{order:?}: the touch is there, the update moved no deadline"
        );
        let reason = store.ended(&self.user, &self.id).await.unwrap();
        assert_eq!(reason, self.reason, "{order:?}");
    }

    async fn ends_once(&mut self, store: &impl SessionStore, order: &[Act]) {
        assert!(!self.lives(), "{order:?} ends it");
        assert!(!store.delete(&self.user, &self.id, EndReason::Suspended).await.unwrap());
        assert!(store.delete_all(&self.user, EndReason::Suspended).await.unwrap().is_empty());
        self.check(store, order).await;
    }
}

fn orders() -> impl Iterator<Item = Vec<Act>> {
    permutations(&WITH_DELETE).into_iter().chain(permutations(&WITH_DELETE_ALL))
}

#[tokio::test]
async fn memory_keeps_the_contract_in_every_order_of_verbs() {
    let mut count = 0;
    for order in orders() {
        let store = MemoryStore::new();
        let mut model = Model::start(&store, "jeju").await;
        // A touch at the very time of creation has nothing to move.
        sleep(ms(2)).await;
        for act in &order {
            model.act(&store, *act, &order).await;
        }
        model.ends_once(&store, &order).await;
        assert_eq!(store.len(), 0, "{order:?}: nothing is held");
        count += 1;
    }
    assert_eq!(count, 48);
}

#[tokio::test]
async fn redis_keeps_the_contract_in_every_order_of_verbs() {
    let server = RedisServer::start().await;
    let store = redis_store(&server);
    for (i, order) in orders().enumerate() {
        let owner = format!("u{i}");
        let mut model = Model::start(&store, &owner).await;
        let other = Model::start(&store, &format!("other{i}")).await;
        sleep(ms(2)).await;
        for act in &order {
            model.act(&store, *act, &order).await;
            let lives = i64::from(model.lives());
            for part in ["live", "seen"] {
                let key = format!("session:{{{owner}}}:{part}");
                assert_eq!(server.number(&["HLEN", &key]).await, lives, "{order:?} {key}");
                assert_eq!(server.number(&["EXISTS", &key]).await, lives, "{order:?} {key}");
            }
        }
        model.ends_once(&store, &order).await;
        other.check(&store, &order).await;
    }
}

/// A process: a manager of its own with its worker, over a store that can be stopped.
struct Process<St> {
    manager: SessionManager,
    background: Background,
    store: PausedStore<St>,
}

impl<St: SessionStore + Clone> Process<St> {
    /// Every use moves last activity and the idle deadline.
    fn start(store: St) -> Self {
        let store = PausedStore::new(store);
        let (manager, worker) = builder()
            .store(store.clone())
            .store_timeout(Duration::from_secs(10))
            .idle_ttl(HOUR)
            .refresh_threshold(HOUR - ms(1))
            .touch_interval(ms(1))
            .build()
            .unwrap();
        Self { manager, background: worker.start(), store }
    }

    async fn written(self) -> u64 {
        self.background.stop().await.unwrap().written
    }
}

async fn refused(manager: &SessionManager, token: &str, reason: EndReason) {
    let refused = manager.authenticate(token).await.unwrap_err();
    assert_eq!((refused.kind(), refused.reason()), (AuthErrorKind::SessionRevoked, Some(reason)));
}

/// Runs a scenario on both stores; it gets what connects one more process to the store.
macro_rules! on_both_stores {
    ($($name:ident: $scenario:ident),+ $(,)?) => { $(mod $name {
        use super::*;

        #[tokio::test]
        async fn memory() {
            let store = MemoryStore::new();
            $scenario(|| store.clone()).await;
        }

        #[tokio::test]
        async fn redis() {
            let server = RedisServer::start().await;
            $scenario(|| redis_store(&server)).await;
        }
    })+ };
}

on_both_stores! {
    a_request_that_was_let_in_before_the_logout_revives_nothing: load_logout_touch,
    an_update_between_a_requests_load_and_its_touch_survives: load_update_touch,
    touches_of_two_processes_around_a_delete_revive_nothing: two_touches_and_a_delete,
    a_logout_of_all_around_a_login: logout_all_around_create,
    a_logout_whose_answer_is_on_its_way_holds_already: answers_on_their_way,
    sessions_with_different_lifetimes_live_to_their_own_deadlines: own_deadlines,
}

async fn load_logout_touch<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for all in [false, true] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let login = login(&here.manager, "jeju").await;
        sleep(ms(5)).await;
        let mut loaded = here.store.stop(Verb::Load, At::After);
        let mut request = JoinSet::new();
        let (manager, token) = (here.manager.clone(), login.access_token.clone());
        request.spawn(async move { manager.authenticate(&token).await });
        loaded.reached().await;
        let reason = if all { EndReason::LogoutAll } else { EndReason::Logout };
        if all {
            let ended = there.manager.delete_all(&user("jeju"), reason).await.unwrap();
            assert_eq!(ended, [login.session.id().clone()]);
        } else {
            assert!(there.manager.logout(&login.access_token).await.unwrap());
        }
        loaded.go();
        let answer = request.join_next().await.unwrap().unwrap();
        assert!(answer.is_ok(), "it lived when it was asked for: {answer:?}");
        let (manager, store) = (here.manager.clone(), here.store.clone());
        assert_eq!(here.written().await, 1, "the touch reached the store");
        assert!(manager.get(login.session.user_id(), login.session.id()).await.unwrap().is_none());
        refused(&manager, &login.access_token, reason).await;
        refused(&there.manager, &login.access_token, reason).await;
        let (user, id) = (login.session.user_id(), login.session.id());
        assert_eq!(store.activity(user, id).await.unwrap(), None);
    }
}

async fn load_update_touch<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    let (here, there) = (Process::start(connect()), connect());
    let login = login(&here.manager, "jeju").await;
    let (user, id) = (login.session.user_id(), login.session.id());
    sleep(ms(5)).await;
    let mut loaded = here.store.stop(Verb::Load, At::After);
    let mut request = JoinSet::new();
    let (manager, token) = (here.manager.clone(), login.access_token.clone());
    request.spawn(async move { manager.authenticate(&token).await });
    loaded.reached().await;
    let payload = Bytes::from_static(br#"{"role":"admin","data":null}"#);
    assert_eq!(there.update(user, id, 1, payload).await.unwrap(), Updated::Written(2));
    loaded.go();
    let session = request.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!((session.role(), session.revision()), (Some("user"), 1), "as loaded");
    let manager = here.manager.clone();
    assert_eq!(here.written().await, 1);
    let session = manager.get(user, id).await.unwrap().unwrap();
    assert_eq!((session.role(), session.revision()), (Some("admin"), 2), "the update is there");
    assert!(session.last_activity() > login.session.last_activity(), "and so is the touch");
    assert!(session.idle_deadline() > login.session.idle_deadline());
    let session = manager.authenticate(&login.access_token).await.unwrap();
    assert_eq!(session.role(), Some("admin"));
}

async fn two_touches_and_a_delete<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    const DELETE: usize = 2;
    for order in permutations(&[0, 1, DELETE]) {
        let processes = [Process::start(connect()), Process::start(connect())];
        let login = login(&processes[0].manager, "jeju").await;
        let (user, id) = (login.session.user_id(), login.session.id());
        sleep(ms(5)).await;
        let mut stops = Vec::new();
        for process in &processes {
            let before = process.store.stop(Verb::Touch, At::Before);
            let after = process.store.stop(Verb::Touch, At::After);
            process.manager.authenticate(&login.access_token).await.unwrap();
            stops.push(Some((before, after)));
        }
        for (before, _) in stops.iter_mut().flatten() {
            before.reached().await;
        }
        let mut ended = false;
        for step in order.clone() {
            if step == DELETE {
                ended = true;
                let manager = &processes[0].manager;
                assert!(manager.delete(user, id, EndReason::Admin).await.unwrap(), "{order:?}");
            } else {
                let (before, mut after) = stops[step].take().unwrap();
                before.go();
                after.reached().await;
                after.go();
            }
            let activity = processes[0].store.activity(user, id).await.unwrap();
            assert_eq!(activity.is_none(), ended, "{order:?} after {step}");
        }
        for process in processes {
            let manager = process.manager.clone();
            assert_eq!(process.written().await, 1, "{order:?}");
            refused(&manager, &login.access_token, EndReason::Admin).await;
            assert!(manager.get(user, id).await.unwrap().is_none());
        }
    }
}

async fn logout_all_around_create<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for at in [At::Before, At::After] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let old = login(&there.manager, "jeju").await;
        let mut creating = here.store.stop(Verb::Create, at);
        let mut request = JoinSet::new();
        let manager = here.manager.clone();
        request.spawn(async move { manager.create(NewSession::new(user("jeju"))).await });
        creating.reached().await;
        let reason = EndReason::LogoutAll;
        let ended = there.manager.delete_all(&user("jeju"), reason).await.unwrap();
        assert!(ended.contains(old.session.id()));
        assert_eq!(ended.len(), if at == At::Before { 1 } else { 2 }, "{at:?}");
        creating.go();
        let new = request.join_next().await.unwrap().unwrap().unwrap();
        refused(&here.manager, &old.access_token, reason).await;
        for manager in [&here.manager, &there.manager] {
            if at == At::Before {
                // The session was made after all others had ended.
                assert!(manager.authenticate(&new.access_token).await.is_ok());
            } else {
                // Its login was not answered yet, and it is ended all the same.
                refused(manager, &new.access_token, reason).await;
            }
        }
        there.manager.delete_all(&user("jeju"), reason).await.unwrap();
    }
}

async fn answers_on_their_way<St: SessionStore + Clone>(connect: impl Fn() -> St) {
    for verb in [Verb::Delete, Verb::DeleteAll] {
        let (here, there) = (Process::start(connect()), Process::start(connect()));
        let login = login(&here.manager, "jeju").await;
        let mut done = here.store.stop(verb, At::After);
        let mut asked = JoinSet::new();
        let (manager, id) = (here.manager.clone(), login.session.id().clone());
        asked.spawn(async move {
            if verb == Verb::Delete {
                manager.delete(&user("jeju"), &id, EndReason::Logout).await.unwrap()
            } else {
                manager.delete_all(&user("jeju"), EndReason::Logout).await.unwrap() == [id]
            }
        });
        done.reached().await;
        refused(&here.manager, &login.access_token, EndReason::Logout).await;
        // A second one meanwhile: it was not the one that ended it, and changes no reason.
        let (user, id) = (login.session.user_id(), login.session.id());
        assert!(!there.manager.delete(user, id, EndReason::Admin).await.unwrap());
        done.go();
        assert!(asked.join_next().await.unwrap().unwrap(), "this one ended it");
        refused(&there.manager, &login.access_token, EndReason::Logout).await;
    }
}

async fn own_deadlines<St: SessionStore>(connect: impl Fn() -> St) {
    /// How far this process and the server may disagree about the time.
    const DOUBT: Duration = Duration::from_millis(40);
    let store = connect();
    let mut sessions = Vec::new();
    for (i, idle) in [900, 250, 500].into_iter().enumerate() {
        let id = SessionId::random().unwrap();
        let new = NewRecord::new(ms(idle), HOUR, Bytes::new());
        assert!(matches!(store.create(&user("jeju"), &id, &new).await, Ok(Created::Created(_))));
        sleep(ms(20)).await;
        // All but the first are used once.
        let touch = Touch::new(user("jeju"), id.clone(), Duration::ZERO, Duration::MAX);
        if i > 0 {
            store.touch(&[touch]).await.unwrap();
        }
        let deadline = store.activity(&user("jeju"), &id).await.unwrap().unwrap().idle_deadline;
        sessions.push((id, deadline));
    }
    let last = sessions.iter().map(|(_, deadline)| *deadline).max().unwrap();
    let mut seen = [[0; 2]; 3];
    while store.now() < last.saturating_add(2 * DOUBT) {
        for ((id, deadline), seen) in sessions.iter().zip(&mut seen) {
            let before = store.now();
            let found = store.load(&user("jeju"), id, None).await.unwrap();
            let after = store.now();
            if after.saturating_add(DOUBT) < *deadline {
                assert!(found.is_some(), "ended before its deadline");
                seen[0] += 1;
            } else if before > deadline.saturating_add(DOUBT) {
                assert!(found.is_none(), "lived past its deadline");
                seen[1] += 1;
            }
        }
        sleep(ms(10)).await;
    }
    assert!(seen.iter().all(|seen| seen[0] > 0 && seen[1] > 0), "{seen:?}");
}

#[tokio::test]
async fn no_session_shortens_the_life_of_a_key() {
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
        create(&first, ms(5_000), ms(60_000)).await;
        let mut ends = [0; 2];
        for step in [None].into_iter().chain(order.iter().copied().map(Some)) {
            match step {
                None => {}
                Some(Step::TouchLong) => touch(&long).await,
                Some(Step::TouchShort) => touch(&first).await,
                Some(Step::CreateShort) => create(&second, ms(3_000), ms(6_000)).await,
                Some(Step::CreateShorter) => create(&third, ms(1_000), ms(1_000)).await,
                Some(Step::EndShort) => {
                    assert!(store.delete(&owner, &first, EndReason::Logout).await.unwrap());
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
async fn an_idle_session_that_is_not_pruned_yet_stays_ended() {
    let server = RedisServer::start().await;
    let redis = redis_store(&server);
    // Keeps the keys there; the one that ends is made last, so that no login prunes it.
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
    assert!(before.0.is_some() && before.1.is_some(), "not pruned");
    stays_ended(&redis, &id).await;
    assert_eq!(fields().await, before, "nothing was written");
    let ended = redis.delete(&user("jeju"), &id, EndReason::Logout).await.unwrap();
    assert!(!ended && fields().await == (None, None));
    assert!(redis.activity(&user("jeju"), &kept).await.unwrap().is_some());

    let memory = MemoryStore::new();
    let id = idle_out(&memory).await;
    assert_eq!(memory.len(), 1, "not pruned");
    stays_ended(&memory, &id).await;
    assert!(!memory.delete(&user("jeju"), &id, EndReason::Logout).await.unwrap());
}

async fn idle_out(store: &impl SessionStore) -> SessionId {
    let id = SessionId::random().unwrap();
    let new = NewRecord::new(ms(30), HOUR, Bytes::new());
    store.create(&user("jeju"), &id, &new).await.unwrap();
    sleep(ms(80)).await;
    id
}

async fn stays_ended(store: &impl SessionStore, id: &SessionId) {
    let owner = user("jeju");
    // Also a use from the time when it lived.
    for age in [Duration::ZERO, ms(70)] {
        let touch = Touch::new(owner.clone(), id.clone(), age, Duration::MAX);
        assert_eq!(store.touch(&[touch]).await.unwrap(), [Touched::Ended]);
    }
    assert_eq!(store.update(&owner, id, 1, Bytes::new()).await.unwrap(), Updated::Gone);
    assert!(store.load(&owner, id, None).await.unwrap().is_none());
    assert!(store.activity(&owner, id).await.unwrap().is_none());
    assert_eq!(store.ended(&owner, id).await.unwrap(), None, "nobody ended it");
}
