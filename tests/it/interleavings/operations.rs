//! Operations on one store, one after the other and in every order. Each answer is compared with
//! the expected state.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;
use tower_session_auth::clock::Timestamp;
use tower_session_auth::store::{
    Created, MemoryStore, NewRecord, Opened, SessionStore, Touch, Touched, Updated,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

use crate::interleavings::{HOUR, permutations, redis_store};
use crate::support::redis::RedisServer;
use crate::support::{ms, user};

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

/// The expected state of one session.
struct Model {
    user: UserId,
    id: SessionId,
    /// `None` after the session was revoked.
    revision: Option<u64>,
    payload: &'static [u8],
    idle_deadline: Timestamp,
    reason: Option<RevokeReason>,
}

impl Model {
    async fn start(store: &impl SessionStore, owner: &str) -> Self {
        let (user, id) = (user(owner), SessionId::random().unwrap());
        let new = NewRecord::new(HOUR, 24 * HOUR, Bytes::from_static(b"first"));
        let Created::Created(Opened { at, .. }) = store.create(&user, &id, &new).await.unwrap()
        else {
            panic!("a random session id is not in use")
        };
        let idle_deadline = at.saturating_add(HOUR);
        Self { user, id, revision: Some(1), payload: b"first", idle_deadline, reason: None }
    }

    fn lives(&self) -> bool {
        self.revision.is_some()
    }

    /// Runs the operation and compares the answer with the expected state.
    async fn act(&mut self, store: &impl SessionStore, act: Act, order: &[Act]) {
        let (user, id) = (&self.user, &self.id);
        match act {
            Act::Touch => {
                let touch = Touch::new(user.clone(), id.clone(), Duration::ZERO, Duration::MAX);
                match store.touch(&[touch]).await.unwrap()[..] {
                    [Touched::Lives(deadline)] if self.lives() => {
                        assert!(
                            deadline > self.idle_deadline,
                            "{order:?}: the touch extends the deadline"
                        );
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
                let lived = store
                    .revoke(user, &Target::from(id), RevokeReason::Admin)
                    .await
                    .unwrap()
                    .was_live();
                assert_eq!(lived, self.lives(), "{order:?}");
                self.end(RevokeReason::Admin);
            }
            Act::DeleteAll => {
                let ended = store
                    .revoke(user, &Target::All, RevokeReason::LogoutAll)
                    .await
                    .unwrap()
                    .sessions;
                let expected = if self.lives() { vec![id.clone()] } else { Vec::new() };
                assert_eq!(ended, expected, "{order:?}");
                self.end(RevokeReason::LogoutAll);
            }
            Act::CreateAgain => {
                let new = NewRecord::new(HOUR, 24 * HOUR, Bytes::from_static(b"revived"));
                let answer = store.create(user, id, &new).await.unwrap();
                assert_eq!(
                    answer,
                    Created::AlreadyExists,
                    "{order:?}: the id is in use or has a tombstone"
                );
            }
            // There is nothing to do here, because `check` loads the session after every step.
            Act::Load => {}
        }
        self.check(store, order).await;
    }

    fn end(&mut self, reason: RevokeReason) {
        self.revision = None;
        self.reason = self.reason.or(Some(reason));
    }

    async fn check(&self, store: &impl SessionStore, order: &[Act]) {
        let found = store.load(&self.user, &self.id, None).await.unwrap();
        let seen = found.as_ref().map(|found| (found.revision, &found.payload[..]));
        let expected = self.revision.map(|revision| (revision, self.payload));
        assert_eq!(
            seen, expected,
            "{order:?}: the record has the update and no change by the touch"
        );
        let activity = store.activity(&self.user, &self.id).await.unwrap();
        assert_eq!(
            activity.map(|activity| activity.idle_deadline),
            self.lives().then_some(self.idle_deadline),
            "{order:?}: only the touch moves the deadline"
        );
        let reason = store.revoke_reason(&self.user, &self.id).await.unwrap();
        assert_eq!(reason, self.reason, "{order:?}");
    }

    async fn stays_revoked(&mut self, store: &impl SessionStore, order: &[Act]) {
        assert!(!self.lives(), "{order:?} revokes the session");
        assert!(
            !store
                .revoke(&self.user, &Target::from(&self.id), RevokeReason::Suspended)
                .await
                .unwrap()
                .was_live()
        );
        assert!(
            store
                .revoke(&self.user, &Target::All, RevokeReason::Suspended)
                .await
                .unwrap()
                .sessions
                .is_empty()
        );
        self.check(store, order).await;
    }
}

fn orders() -> impl Iterator<Item = Vec<Act>> {
    permutations(&WITH_DELETE).into_iter().chain(permutations(&WITH_DELETE_ALL))
}

#[tokio::test]
async fn memory_store_answers_correctly_in_every_order_of_operations() {
    let mut count = 0;
    for order in orders() {
        let store = MemoryStore::new();
        let mut model = Model::start(&store, "jeju").await;
        // A touch in the same millisecond as the login moves no deadline, so the test waits first.
        sleep(ms(2)).await;
        for act in &order {
            model.act(&store, *act, &order).await;
        }
        model.stays_revoked(&store, &order).await;
        assert_eq!(store.len(), 0, "{order:?}: the store holds no session");
        count += 1;
    }
    assert_eq!(count, 48);
}

#[tokio::test]
async fn redis_store_answers_correctly_in_every_order_of_operations() {
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
        model.stays_revoked(&store, &order).await;
        other.check(&store, &order).await;
    }
}
