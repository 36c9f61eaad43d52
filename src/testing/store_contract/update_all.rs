//! `update_all`: either all sessions of a user change together, or none of them.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, join_all, user};
use crate::id::UserId;
use crate::reason::RevokeReason;
use crate::store::{Replacement, SessionStore, Updated, UpdatedAll};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn update_all(&self) {
        self.update_all_replaces_only_the_payloads().await;
        self.update_all_must_name_exactly_the_live_sessions().await;
        self.update_all_rejects_expired_and_foreign_sessions().await;
        self.concurrent_update_and_update_all_are_not_lost().await;
    }

    /// Returns a replacement for the payload of each live session.
    async fn replacements(&self, owner: &UserId, payload: &[u8]) -> Vec<Replacement> {
        let payload = Bytes::copy_from_slice(payload);
        let list = self.list(owner).await.into_iter();
        list.map(|old| Replacement::new(old.id, old.record.revision, payload.clone())).collect()
    }

    async fn update_all_replaces_only_the_payloads(&self) {
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
        assert_eq!(
            self.write_all(&owner, &named).await,
            UpdatedAll::Written,
            "the replacements name all live sessions"
        );
        let mut expected = before;
        for (listed, new) in expected.iter_mut().zip(new) {
            listed.record.revision = 3;
            listed.record.payload = new.payload;
        }
        let after = self.sorted(&owner).await;
        assert_eq!(after, expected, "only payloads and revisions change");
        assert_eq!(self.load(&stranger).await, beside, "update_all changes one user only");
    }

    async fn update_all_must_name_exactly_the_live_sessions(&self) {
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
            assert_eq!(updated, UpdatedAll::Conflict, "not exactly the live sessions: {wrong:?}");
            assert_eq!(self.sorted(&owner).await, before, "a conflict changes nothing");
        }
        let one = super::Session {
            user: owner.clone(),
            id: all[0].id.clone(),
            at: before[0].record.created,
        };
        let _ = self.touch_one(&one, Duration::ZERO, Duration::MAX).await;
        assert_eq!(
            self.write_all(&owner, &all).await,
            UpdatedAll::Written,
            "a touch does not change the revision"
        );

        let all = self.replacements(&owner, b"late").await;
        assert_eq!(
            self.write(&one, 2, b"between").await,
            Updated::Written(3),
            "the update succeeds"
        );
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "an update since the list is a conflict");
        let all = self.replacements(&owner, b"late").await;
        drop(self.session_of(&owner, LONG, LONG).await);
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "a login since the list is a conflict");
        let all = self.replacements(&owner, b"late").await;
        assert!(self.end(&one, RevokeReason::Logout).await, "the session was live");
        let late = self.write_all(&owner, &all).await;
        assert_eq!(late, UpdatedAll::Conflict, "a logout since the list is a conflict");
        self.assert_ended(&one, "update_all does not revive a session").await;
    }

    async fn update_all_rejects_expired_and_foreign_sessions(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let brief = self.session_of(&owner, self.moment, LONG).await;
        self.pass(self.moment * 2).await;
        let new = |session: &super::Session| {
            Replacement::new(session.id.clone(), 1, Bytes::from_static(b"new"))
        };
        let both = self.write_all(&owner, &[new(&kept), new(&brief)]).await;
        assert_eq!(both, UpdatedAll::Conflict, "an expired session cannot be updated");
        let one = self.write_all(&owner, &[new(&kept)]).await;
        assert_eq!(one, UpdatedAll::Written, "an expired session need not be named");
        self.assert_ended(&brief, "update_all does not revive a session").await;
        let nobody = user();
        let none = self.write_all(&nobody, &[new(&kept)]).await;
        assert_eq!(none, UpdatedAll::Conflict, "a session of another user is a conflict");
        assert!(self.list(&nobody).await.is_empty(), "update_all does not create a session");
    }

    async fn concurrent_update_and_update_all_are_not_lost(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..3 {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert_eq!(
                self.write(&session, 1, b"0").await,
                Updated::Written(2),
                "the update succeeds"
            );
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
                        panic!("an update must not end the session")
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
            assert_eq!(found, Some((expected + 2, payload)), "each update is done exactly once");
        }
    }
}
