//! Logins, and the operations that must make them fail. A login has two steps: it reads the login
//! fence, and then it creates the session. Other operations can run between these steps.

use bytes::Bytes;
use tower_session_auth::store::{
    Created, FenceValue, NewRecord, Replacement, SessionStore, Updated, UpdatedAll,
};
use tower_session_auth::{RevokeReason, SessionId, Target, UserId};

use crate::interleavings::HOUR;
use crate::interleavings::world::{World, in_both_worlds, orders};
use crate::support::user;

/// The steps of two logins, and the operations that can run between them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    ReadFence(usize),
    Create(usize),
    DeleteAll,
    /// Deletes all sessions but the first one.
    DeleteOthers,
    DeleteOne,
    List,
    UpdateAll,
    UpdateOne,
}

/// The expected state of one user, who has one session at the start.
struct Model {
    owner: UserId,
    first: SessionId,
    /// Live sessions with their revisions and payloads.
    living: Vec<(SessionId, u64, &'static [u8])>,
    /// How many times the login fence was replaced. Each login remembers the fence that it read,
    /// together with this number.
    renewed: usize,
    logins: [Option<(FenceValue, usize)>; 2],
    read: Option<Vec<Replacement>>,
    superseded: usize,
}

impl Model {
    async fn start(world: &impl World, name: &str) -> Self {
        let owner = user(name);
        let first = world.login(&owner, HOUR).await;
        let living = vec![(first.clone(), 1, &b"first"[..])];
        Self { owner, first, living, renewed: 0, logins: [None, None], read: None, superseded: 0 }
    }

    async fn act(&mut self, world: &impl World, act: Act, order: &[Act]) {
        let store = world.store();
        let lives = self.living.iter().any(|(id, ..)| *id == self.first);
        match act {
            Act::ReadFence(login) => {
                let login_fence = store.login_fence(&self.owner).await.unwrap();
                self.logins[login] = Some((login_fence, self.renewed));
            }
            Act::Create(login) => {
                let (login_fence, renewed) = self.logins[login].take().unwrap();
                let id = SessionId::random().unwrap();
                let mut new = NewRecord::new(HOUR, HOUR, Bytes::from_static(b"login"));
                new.login_fence = Some(login_fence);
                let made = store.create(&self.owner, &id, &new).await.unwrap();
                if renewed == self.renewed {
                    assert!(matches!(made, Created::Created(_)), "{order:?}: {made:?}");
                    self.living.push((id, 1, b"login"));
                } else {
                    assert_eq!(made, Created::Superseded, "{order:?}");
                    self.superseded += 1;
                }
            }
            Act::DeleteAll => {
                let ended =
                    store.revoke(&self.owner, &Target::All, RevokeReason::PasswordChange).await;
                assert_eq!(ended.unwrap().sessions.len(), self.living.len(), "{order:?}");
                self.living.clear();
                self.renewed += 1;
            }
            Act::DeleteOthers => {
                let target = Target::AllExcept(self.first.clone());
                let ended = store.revoke(&self.owner, &target, RevokeReason::PasswordChange).await;
                let kept = usize::from(lives);
                assert_eq!(ended.unwrap().sessions.len(), self.living.len() - kept, "{order:?}");
                self.living.retain(|(id, ..)| *id == self.first);
                self.renewed += 1;
            }
            Act::DeleteOne => {
                let lived = store
                    .revoke(&self.owner, &Target::from(&self.first), RevokeReason::Logout)
                    .await;
                assert_eq!(lived.unwrap().was_live(), lives, "{order:?}");
                self.living.retain(|(id, ..)| *id != self.first);
            }
            Act::List => {
                let list = store.list(&self.owner).await.unwrap().into_iter();
                let next =
                    |id, revision| Replacement::new(id, revision, Bytes::from_static(b"demoted"));
                self.read = Some(list.map(|old| next(old.id, old.record.revision)).collect());
            }
            Act::UpdateAll => {
                let new = self.read.take().unwrap();
                let same = new.len() == self.living.len()
                    && self.living.iter().all(|(id, revision, _)| {
                        new.iter().any(|new| (&new.id, new.expected) == (id, *revision))
                    });
                let updated = store.update_all(&self.owner, &new).await.unwrap();
                let expected = if same { UpdatedAll::Written } else { UpdatedAll::Conflict };
                assert_eq!(updated, expected, "{order:?}");
                if same {
                    for (_, revision, payload) in &mut self.living {
                        (*revision, *payload) = (*revision + 1, b"demoted");
                    }
                    self.renewed += 1;
                }
            }
            Act::UpdateOne => {
                let known = self.living.iter_mut().find(|(id, ..)| *id == self.first);
                let expected = known.as_ref().map_or(1, |(_, revision, _)| *revision);
                let new = Bytes::from_static(b"one");
                let updated = store.update(&self.owner, &self.first, expected, new).await.unwrap();
                match known {
                    Some((_, revision, payload)) => {
                        (*revision, *payload) = (*revision + 1, b"one");
                        assert_eq!(updated, Updated::Written(*revision), "{order:?}");
                    }
                    None => assert_eq!(updated, Updated::Gone, "{order:?}"),
                }
            }
        }
        self.check(world, order).await;
    }

    async fn check(&self, world: &impl World, order: &[Act]) {
        let list = world.store().list(&self.owner).await.unwrap().into_iter();
        let mut found: Vec<_> =
            list.map(|found| (found.id, found.record.revision, found.record.payload)).collect();
        let mut expected: Vec<_> = self
            .living
            .iter()
            .map(|(id, revision, payload)| (id.clone(), *revision, Bytes::from_static(payload)))
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{order:?}");
    }
}

/// Runs the steps in every possible order. Returns how many logins were superseded, and how many
/// orders were run.
async fn every_order(world: &impl World, acts: &[Act], case: usize) -> (usize, usize) {
    let follows = |earlier, later| {
        matches!((earlier, later), (Act::Create(a), Act::ReadFence(b)) if a == b)
            || (earlier, later) == (Act::UpdateAll, Act::List)
    };
    let (mut superseded, mut count) = (0, 0);
    for order in orders(acts, follows) {
        let mut model = Model::start(world, &format!("u{case}-{count}")).await;
        for act in &order {
            model.act(world, *act, &order).await;
        }
        superseded += model.superseded;
        count += 1;
    }
    (superseded, count)
}

in_both_worlds! {
    login_is_superseded_by_a_logout_of_all_between_its_steps: logins_and_a_logout_of_all,
    login_is_superseded_by_an_update_of_all_between_its_steps: logins_and_an_update_of_all,
    update_of_all_conflicts_when_the_sessions_have_changed: updates_and_logouts,
}

async fn logins_and_a_logout_of_all(world: &impl World) {
    let logins = [Act::ReadFence(0), Act::Create(0), Act::ReadFence(1), Act::Create(1)];
    for (case, other) in [Act::DeleteAll, Act::DeleteOthers].into_iter().enumerate() {
        let acts = [logins.as_slice(), &[other]].concat();
        // A login is superseded if the operation runs between the two steps of the login. The steps
        // of the two logins have 6 orders, and the operation has 5 positions in each order. In 2 of
        // the 6 orders, the logins do not overlap, and the positions together supersede 2 logins.
        // In each of the other 4 orders, the positions together supersede 4 logins.
        let (superseded, count) = every_order(world, &acts, case).await;
        assert_eq!((superseded, count), (20, 30), "{other:?}");
    }
    let acts = [logins.as_slice(), &[Act::DeleteOne]].concat();
    let (superseded, count) = every_order(world, &acts, 2).await;
    assert_eq!((superseded, count), (0, 30), "one logout supersedes no login");
}

async fn logins_and_an_update_of_all(world: &impl World) {
    let acts = [Act::ReadFence(0), Act::Create(0), Act::List, Act::UpdateAll, Act::DeleteAll];
    let (superseded, count) = every_order(world, &acts, 0).await;
    assert_eq!(count, 30);
    assert!(superseded > 10, "{superseded}");
    let acts = [Act::ReadFence(0), Act::Create(0), Act::List, Act::UpdateAll];
    // A login is superseded only if the store writes the update between the two steps of the login.
    assert_eq!(every_order(world, &acts, 1).await, (2, 6));
}

async fn updates_and_logouts(world: &impl World) {
    let acts = [Act::List, Act::UpdateAll, Act::UpdateOne, Act::DeleteOne];
    assert_eq!(every_order(world, &acts, 0).await, (0, 12));
    let acts = [Act::List, Act::UpdateAll, Act::UpdateOne, Act::DeleteOthers, Act::DeleteOne];
    assert_eq!(every_order(world, &acts, 1).await, (0, 60));
}
