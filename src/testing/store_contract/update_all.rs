//! `update_all`: all sessions of a user change together, or none does.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, join_all, user};
use crate::id::UserId;
use crate::reason::EndReason;
use crate::store::{Replacement, SessionStore, Updated, UpdatedAll};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn update_all(&self) {
        self.an_update_of_all_replaces_all_payloads_and_nothing_else().await;
        self.an_update_of_other_sessions_than_all_is_a_conflict().await;
        self.what_has_ended_need_not_be_updated_and_cannot_be().await;
        self.concurrent_updates_of_all_lose_nothing().await;
    }

    /// Returns a replacement for the payload of each live session.
    async fn replacements(&self, owner: &UserId, payload: &[u8]) -> Vec<Replacement> {
        let payload = Bytes::copy_from_slice(payload);
        let list = self.list(owner).await.into_iter();
        list.map(|old| Replacement::new(old.id, old.record.revision, payload.clone())).collect()
    }

    async fn an_update_of_all_replaces_all_payloads_and_nothing_else(&self) {
        let owner = user();
        for idle in [LONG, LONG * 2, LONG * 3] {
            let session = self.session_of(&owner, idle, LONG * 9).await;
            let _ = self.write(&session, 1, b"second").await;
        }
        let stranger = self.session(LONG, LONG).await;
        let beside = self.load(&stranger).await;
        let before = self.sorted(&owner).await;
        self.pass(self.moment).await;
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let new: Vec<_> = before
            .iter()
            .zip([&b""[..], &every_byte, b"1 1 1 1 1\n{}"])
            .map(|(old, new)| Replacement::new(old.id.clone(), 2, Bytes::copy_from_slice(new)))
            .collect();
        // The order of the replacements does not matter.
        let named: Vec<_> = new.iter().rev().cloned().collect();
        assert_eq!(self.write_all(&owner, &named).await, UpdatedAll::Written, "all at once");
        let mut expected = before;
        for (listed, new) in expected.iter_mut().zip(new) {
            listed.record.revision = 3;
            listed.record.payload = new.payload;
        }
        let after = self.sorted(&owner).await;
        assert_eq!(after, expected, "payloads and revisions change, and nothing else");
        assert_eq!(self.load(&stranger).await, beside, "update_all is of one user");
    }

    async fn an_update_of_other_sessions_than_all_is_a_conflict(&self) {
        let owner = user();
        for _ in 0..3 {
            drop(self.session_of(&owner, LONG, LONG).await);
        }
        let before = self.sorted(&owner).await;
        let all = self.replacements(&owner, b"late").await;
        let mut wrong = vec![Vec::new(), all[..2].to_vec(), all[1..].to_vec()];
        let twice = [all.clone(), all[..1].to_vec()].concat();
        let instead = [all[..2].to_vec(), all[..1].to_vec()].concat();
        let unknown = Replacement::new(id(), 1, Bytes::new());
        let one_more = [all.clone(), vec![unknown.clone()]].concat();
        let another = [all[..2].to_vec(), vec![unknown]].concat();
        wrong.extend([twice, instead, one_more, another]);
        for revision in [0, 2, 11, u64::MAX] {
            let mut all = all.clone();
            all[1].expected = revision;
            wrong.push(all);
        }
        for wrong in wrong {
            let updated = self.write_all(&owner, &wrong).await;
            assert_eq!(updated, UpdatedAll::Conflict, "not all and only those: {wrong:?}");
            assert_eq!(self.sorted(&owner).await, before, "a conflict changes nothing");
        }
        let one = super::Session {
            user: owner.clone(),
            id: all[0].id.clone(),
            at: before[0].record.created,
        };
        let _ = self.touch_one(&one, Duration::ZERO, Duration::MAX).await;
        assert_eq!(self.write_all(&owner, &all).await, UpdatedAll::Written, "a use is no change");

        let all = self.replacements(&owner, b"late").await;
        assert_eq!(self.write(&one, 2, b"between").await, Updated::Written(3), "an update");
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "an update came between");
        let all = self.replacements(&owner, b"late").await;
        drop(self.session_of(&owner, LONG, LONG).await);
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "a login came between");
        let all = self.replacements(&owner, b"late").await;
        assert!(self.end(&one, EndReason::Logout).await, "delete tells that it lived");
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "a logout came between");
        self.assert_ended(&one, "an update of all is no upsert").await;
    }

    async fn what_has_ended_need_not_be_updated_and_cannot_be(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let brief = self.session_of(&owner, self.moment, LONG).await;
        self.pass(self.moment * 2).await;
        let new = |session: &super::Session| {
            Replacement::new(session.id.clone(), 1, Bytes::from_static(b"new"))
        };
        let both = self.write_all(&owner, &[new(&kept), new(&brief)]).await;
        assert_eq!(both, UpdatedAll::Conflict, "what has expired cannot be updated");
        let one = self.write_all(&owner, &[new(&kept)]).await;
        assert_eq!(one, UpdatedAll::Written, "what has expired need not be updated");
        self.assert_ended(&brief, "an update of all is no upsert").await;
        let nobody = user();
        let none = self.write_all(&nobody, &[new(&kept)]).await;
        assert_eq!(none, UpdatedAll::Conflict, "a session of somebody else");
        assert!(self.list(&nobody).await.is_empty(), "an update of all is no upsert");
    }

    async fn concurrent_updates_of_all_lose_nothing(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..3 {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert_eq!(self.write(&session, 1, b"0").await, Updated::Written(2), "an update");
            sessions.push(session);
        }
        let next = |payload: &[u8]| {
            let text = String::from_utf8_lossy(payload);
            let sum: u64 = text.parse().unwrap_or_else(|_| panic!("{text:?}"));
            Bytes::from((sum + 1).to_string())
        };
        let add_to_all = || async {
            for _ in 0..5 {
                loop {
                    let list = self.list(&owner).await.into_iter();
                    let new: Vec<_> = list
                        .map(|old| {
                            let payload = next(&old.record.payload);
                            Replacement::new(old.id, old.record.revision, payload)
                        })
                        .collect();
                    if self.write_all(&owner, &new).await == UpdatedAll::Written {
                        break;
                    }
                }
            }
        };
        let add_to_one = || async {
            for _ in 0..5 {
                loop {
                    let Some(old) = self.load(&sessions[0]).await else {
                        panic!("an update ends nothing")
                    };
                    let written = self.write(&sessions[0], old.revision, &next(&old.payload)).await;
                    if matches!(written, Updated::Written(_)) {
                        break;
                    }
                }
            }
        };
        let one = async { drop(join_all((0..2).map(|_| add_to_one())).await) };
        let all = async { drop(join_all((0..4).map(|_| add_to_all())).await) };
        let both: [std::pin::Pin<Box<dyn Future<Output = ()>>>; 2] = [Box::pin(one), Box::pin(all)];
        drop(join_all(both).await);
        for (session, expected) in sessions.iter().zip([30_u64, 20, 20]) {
            let found = self.load(session).await.map(|found| (found.revision, found.payload));
            let payload = Bytes::from(expected.to_string());
            assert_eq!(found, Some((expected + 2, payload)), "no update is lost or done twice");
        }
    }
}
