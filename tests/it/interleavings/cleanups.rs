//! Cleanups, lists and scans together with touches, logins and expiry, in every order.

use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::store::{Created, NewRecord, ScanSessions, SessionStore, Touch, Touched};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

use crate::interleavings::HOUR;
use crate::interleavings::world::{World, in_both_worlds, orders};
use crate::support::user;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Cleanup,
    CleanupAgain,
    List,
    Scan,
    Touch,
    /// A login with the same session id. It succeeds if no session uses this id.
    CreateSame,
    /// A login with another session id.
    CreateOther,
    /// Waits for so long that the session expires, unless an earlier step has extended the session.
    Wait,
}

const IDLE: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(40);

/// The expected state of one session. The same user can also have other sessions.
struct Model {
    owner: UserId,
    id: SessionId,
    /// The time until the session expires if no step extends it, or `None` if the session has
    /// expired.
    left: Option<Duration>,
    /// Whether the store still holds the session.
    held: bool,
    others: Vec<SessionId>,
}

impl Model {
    async fn start(world: &impl World, name: &str, alone: bool) -> Self {
        let owner = user(name);
        let id = world.login(&owner, IDLE).await;
        let others = if alone { Vec::new() } else { vec![world.login(&owner, HOUR).await] };
        Self { owner, id, left: Some(IDLE), held: true, others }
    }

    async fn act(&mut self, world: &impl World, act: Act, order: &[Act]) {
        let (store, owner) = (world.store(), &self.owner);
        let new = NewRecord::new(IDLE, 24 * HOUR, Bytes::from_static(b"again"));
        match act {
            Act::Cleanup | Act::CleanupAgain => {
                let freed = world.clean_up().await;
                let expired = self.held && self.left.is_none();
                assert_eq!(freed, u64::from(expired), "{order:?}");
                self.held = self.left.is_some();
            }
            Act::List => {
                let list = store.list(owner).await.unwrap();
                let lives = list.iter().any(|listed| listed.id == self.id);
                assert_eq!(lives, self.left.is_some(), "{order:?}");
                self.free(world).await;
            }
            Act::Scan => {
                let (mut found, mut from) = (false, None);
                loop {
                    let page = store.scan(from.as_ref(), 2).await.unwrap().unwrap();
                    let own = page.sessions.iter().filter(|listed| listed.user == *owner);
                    found |= own.into_iter().any(|listed| listed.id == self.id);
                    from = page.next;
                    if from.is_none() {
                        break;
                    }
                }
                assert_eq!(found, self.left.is_some(), "{order:?}");
                self.free(world).await;
            }
            Act::Touch => {
                let touch =
                    Touch::new(owner.clone(), self.id.clone(), Duration::ZERO, Duration::MAX);
                let touched = store.touch(&[touch]).await.unwrap();
                assert_eq!(touched != [Touched::Ended], self.left.is_some(), "{order:?}");
                self.left = self.left.map(|_| IDLE);
            }
            Act::CreateSame => {
                let made = store.create(owner, &self.id, &new).await.unwrap();
                if self.left.is_some() {
                    assert_eq!(made, Created::AlreadyExists, "{order:?}");
                } else {
                    assert!(
                        matches!(made, Created::Created(_)),
                        "{order:?}: an expired id is free"
                    );
                    (self.left, self.held) = (Some(IDLE), true);
                }
            }
            Act::CreateOther => {
                self.others.push(world.login(owner, HOUR).await);
                // A login removes expired sessions.
                self.held &= self.left.is_some();
            }
            Act::Wait => {
                world.pass(owner, WAIT).await;
                self.left = self.left.and_then(|left| left.checked_sub(WAIT));
            }
        }
        self.check(world, order).await;
    }

    /// A store is allowed, but not required, to remove expired sessions that it finds. This method
    /// runs a cleanup, after which both stores have the same state again.
    async fn free(&mut self, world: &impl World) {
        if self.left.is_none() {
            world.clean_up().await;
            self.held = false;
        }
    }

    async fn check(&self, world: &impl World, order: &[Act]) {
        let mut expected = self.others.clone();
        expected.extend(self.left.map(|_| self.id.clone()));
        expected.sort();
        let mut found = Vec::new();
        for id in self.others.iter().chain([&self.id]) {
            if world.store().activity(&self.owner, id).await.unwrap().is_some() {
                found.push(id.clone());
            }
        }
        found.sort();
        assert_eq!(found, expected, "{order:?}");
        assert_eq!(
            world.store().revoke_reason(&self.owner, &self.id).await.unwrap(),
            None,
            "{order:?}"
        );
    }
}

in_both_worlds! {
    cleanup_removes_expired_sessions_and_keeps_used_and_new_ones: every_order,
}

async fn every_order(world: &impl World) {
    let mut count = 0;
    let same = |earlier, later| (earlier, later) == (Act::CleanupAgain, Act::Cleanup);
    for acts in [
        [Act::Cleanup, Act::CleanupAgain, Act::Touch, Act::Wait, Act::CreateSame],
        [Act::Cleanup, Act::CleanupAgain, Act::Touch, Act::Wait, Act::CreateOther],
        [Act::Cleanup, Act::CreateSame, Act::CreateOther, Act::Wait, Act::List],
        [Act::Cleanup, Act::CreateSame, Act::Touch, Act::Wait, Act::Scan],
    ] {
        for order in orders(&acts, same) {
            for alone in [false, true] {
                let mut model = Model::start(world, &format!("u{count}"), alone).await;
                // Half of the idle TTL has passed. The session expires during the wait, unless an
                // earlier step extends it.
                world.pass(&model.owner, IDLE / 2).await;
                model.left = Some(IDLE / 2);
                for act in &order {
                    model.act(world, *act, &order).await;
                }
                // The cleanups of the next orders must not find sessions of this order.
                let store = world.store();
                store.revoke(&model.owner, &Target::All, RevokeReason::Admin).await.unwrap();
                count += 1;
            }
        }
    }
    assert_eq!(count, (60 + 60 + 120 + 120) * 2);
}
