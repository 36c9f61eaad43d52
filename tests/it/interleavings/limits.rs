//! Logins with a session limit, logouts and touches of one user, in every order.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use tower_session_auth::store::{
    Created, NewRecord, SessionLimit, SessionStore, Touch, Touched, WhenFull,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

use crate::interleavings::world::{World, in_both_worlds, orders};
use crate::interleavings::{HOUR, permutations};
use crate::support::{ms, user};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// A login that evicts, with a session limit of 2.
    Evict,
    /// Another login that evicts.
    EvictAgain,
    /// A login that is refused at a session limit of 2.
    Refuse,
    /// Revokes the first session.
    Delete,
    /// Touches the first session.
    Touch,
    /// Revokes all sessions but the first one.
    KeepOne,
    /// The first session expires.
    Expire,
}

/// A live session, and the number of the step in which it was last used.
struct Known {
    id: SessionId,
    used: usize,
}

/// The expected state of one user.
struct Model {
    owner: UserId,
    first: SessionId,
    /// Live sessions, the least recently used first.
    living: Vec<Known>,
    ended: Vec<(SessionId, Option<RevokeReason>)>,
    steps: usize,
}

impl Model {
    async fn start(world: &impl World, name: &str) -> Self {
        let owner = user(name);
        let first = world.login(&owner, HOUR).await;
        world.pass(&owner, ms(1)).await;
        let second = world.login(&owner, 2 * HOUR).await;
        let living = vec![Known { id: first.clone(), used: 0 }, Known { id: second, used: 1 }];
        Self { owner, first, living, ended: Vec::new(), steps: 1 }
    }

    async fn act(&mut self, world: &impl World, act: Act, order: &[Act]) {
        self.steps += 1;
        world.pass(&self.owner, ms(1)).await;
        let lives = self.living.iter().any(|known| known.id == self.first);
        let store = world.store();
        match act {
            Act::Evict | Act::EvictAgain => {
                let (id, made) = self.create(world, WhenFull::EvictLeastRecentlyActive).await;
                let Created::Created(opened) = made else { panic!("{order:?}: {made:?}") };
                let excess = (self.living.len() + 1).saturating_sub(2);
                let evicted: Vec<_> = self.living.drain(..excess).map(|known| known.id).collect();
                assert_eq!(opened.evicted, evicted, "{order:?}: the least recently active");
                let evicted = evicted.into_iter().map(|id| (id, Some(RevokeReason::Evicted)));
                self.ended.extend(evicted);
                self.living.push(Known { id, used: self.steps });
            }
            Act::Refuse => {
                let (id, made) = self.create(world, WhenFull::Refuse).await;
                if self.living.len() < 2 {
                    assert!(matches!(&made, Created::Created(opened) if opened.evicted.is_empty()));
                    self.living.push(Known { id, used: self.steps });
                } else {
                    assert_eq!(made, Created::LimitReached, "{order:?}");
                    self.ended.push((id, None));
                }
            }
            Act::Delete => {
                let lived = store
                    .revoke(&self.owner, &Target::from(&self.first), RevokeReason::Logout)
                    .await;
                assert_eq!(lived.unwrap().was_live(), lives, "{order:?}");
                self.end(|known, first| known.id == *first, Some(RevokeReason::Logout));
            }
            Act::Touch => {
                let touch =
                    Touch::new(self.owner.clone(), self.first.clone(), Duration::ZERO, ms(0));
                let touched = store.touch(&[touch]).await.unwrap();
                assert_eq!(touched != [Touched::Ended], lives, "{order:?}");
                for known in &mut self.living {
                    if known.id == self.first {
                        known.used = self.steps;
                    }
                }
                self.living.sort_by_key(|known| known.used);
            }
            Act::KeepOne => {
                let target =
                    if lives { Target::AllExcept(self.first.clone()) } else { Target::All };
                let ended = store.revoke(&self.owner, &target, RevokeReason::LogoutAll).await;
                let mut ended = ended.unwrap().sessions;
                let others = self.living.iter().filter(|known| known.id != self.first);
                let mut expected: Vec<_> = others.map(|known| known.id.clone()).collect();
                ended.sort();
                expected.sort();
                assert_eq!(ended, expected, "{order:?}");
                self.end(|known, first| known.id != *first, Some(RevokeReason::LogoutAll));
            }
            Act::Expire => {
                // All other sessions have twice the idle TTL.
                world.pass(&self.owner, HOUR).await;
                self.end(|known, first| known.id == *first, None);
            }
        }
        self.check(world, order).await;
    }

    async fn create(&self, world: &impl World, when_full: WhenFull) -> (SessionId, Created) {
        let id = SessionId::random().unwrap();
        let mut new = NewRecord::new(2 * HOUR, 24 * HOUR, Bytes::from_static(b"new"));
        new.limit = Some(SessionLimit::new(NonZeroU32::new(2).unwrap(), when_full));
        let made = world.store().create(&self.owner, &id, &new).await.unwrap();
        (id, made)
    }

    fn end(&mut self, which: impl Fn(&Known, &SessionId) -> bool, why: Option<RevokeReason>) {
        let first = self.first.clone();
        let gone = self.living.extract_if(.., |known| which(known, &first));
        self.ended.extend(gone.map(|known| (known.id, why)));
    }

    async fn check(&self, world: &impl World, order: &[Act]) {
        assert!(self.living.len() <= 2, "{order:?}: the expected state keeps the limit");
        let mut expected: Vec<_> = self.living.iter().map(|known| known.id.clone()).collect();
        expected.sort();
        assert_eq!(world.living_ids(&self.owner).await, expected, "{order:?}");
        for (id, reason) in &self.ended {
            assert!(world.store().load(&self.owner, id, None).await.unwrap().is_none());
            assert_eq!(
                world.store().revoke_reason(&self.owner, id).await.unwrap(),
                *reason,
                "{order:?}"
            );
        }
    }
}

in_both_worlds! {
    session_limit_holds_in_every_order_of_logins_logouts_and_touches: every_order,
    expired_session_does_not_count_against_the_limit: every_order_with_an_expiry,
}

async fn every_order(world: &impl World) {
    let mut count = 0;
    for acts in [
        [Act::Evict, Act::EvictAgain, Act::Refuse, Act::Delete],
        [Act::Evict, Act::Refuse, Act::Touch, Act::Delete],
        [Act::Evict, Act::EvictAgain, Act::Touch, Act::KeepOne],
    ] {
        for order in permutations(&acts) {
            let mut model = Model::start(world, &format!("u{count}")).await;
            for act in &order {
                model.act(world, *act, &order).await;
            }
            count += 1;
        }
    }
    assert_eq!(count, 72);
}

async fn every_order_with_an_expiry(world: &impl World) {
    let acts = [Act::Evict, Act::EvictAgain, Act::Refuse, Act::Expire];
    // The two evicting logins are interchangeable, so it is sufficient to test one order of them.
    let orders = orders(&acts, |earlier, later| (earlier, later) == (Act::EvictAgain, Act::Evict));
    assert_eq!(orders.len(), 12);
    for (i, order) in orders.iter().enumerate() {
        let mut model = Model::start(world, &format!("u{i}")).await;
        for act in order {
            model.act(world, *act, order).await;
        }
    }
}
