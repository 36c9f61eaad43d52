//! Lists: all live sessions of one user.

use std::time::Duration;

use super::{LONG, Session, Suite, named, odd_names, user};
use crate::id::UserId;
use crate::reason::RevokeReason;
use crate::store::{Listed, SessionStore};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn lists(&self) {
        self.list_returns_the_same_as_load_and_activity().await;
        self.list_omits_expired_and_revoked_sessions().await;
        self.list_returns_the_sessions_of_one_user_only().await;
    }

    /// Returns a user's list, sorted by session id.
    pub(super) async fn sorted(&self, owner: &UserId) -> Vec<Listed> {
        let mut list = self.list(owner).await;
        list.sort_by(|a, b| a.id.cmp(&b.id));
        list
    }

    /// Returns the entry that a list must have for a live session.
    pub(super) async fn shown(&self, session: &Session) -> Listed {
        let uses = self.uses(session).await;
        let Some(mut record) = self.load(session).await else {
            panic!("load must find a live session");
        };
        record.idle_deadline = uses.idle_deadline;
        Listed::new(session.user.clone(), session.id.clone(), record, uses.last_activity)
    }

    async fn list_returns_the_same_as_load_and_activity(&self) {
        let owner = user();
        assert!(self.list(&owner).await.is_empty(), "a new user has no sessions");
        let mut sessions = Vec::new();
        for (idle, lifetime) in [(LONG, LONG), (LONG, LONG * 2), (LONG * 3, LONG), (LONG, LONG)] {
            sessions.push(self.session_of(&owner, idle, lifetime).await);
        }
        self.pass(Duration::from_millis(5)).await;
        let _ = self.touch_one(&sessions[1], Duration::ZERO, Duration::MAX).await;
        let _ = self.write(&sessions[2], 1, b"\0\n:,").await;
        let _ = self.write(&sessions[2], 2, b"").await;
        let mut expected = Vec::new();
        for session in &sessions {
            expected.push(self.shown(session).await);
        }
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        for _ in 0..2 {
            let list = self.sorted(&owner).await;
            assert_eq!(list, expected, "list returns the same as load and activity");
        }
        assert_eq!(expected.iter().map(|listed| listed.record.revision).max(), Some(3));
    }

    async fn list_omits_expired_and_revoked_sessions(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let deleted = self.session_of(&owner, LONG, LONG).await;
        let idle = self.session_of(&owner, self.moment, LONG).await;
        let old = self.session_of(&owner, LONG, self.moment).await;
        assert!(self.end(&deleted, RevokeReason::Logout).await, "the session was live");
        self.pass(self.moment * 2).await;
        let expected = [self.shown(&kept).await];
        assert_eq!(self.list(&owner).await, expected, "list returns live sessions only");
        for ended in [&deleted, &idle, &old] {
            self.assert_ended(ended, "list does not revive a session").await;
        }
        assert_eq!(
            self.revoke_reason(&deleted).await,
            Some(RevokeReason::Logout),
            "list keeps the tombstone"
        );
        drop(self.end_all(&owner, RevokeReason::LogoutAll).await);
        assert!(
            self.list(&owner).await.is_empty(),
            "no session is live after the revocation of all"
        );
    }

    async fn list_returns_the_sessions_of_one_user_only(&self) {
        let mut expected = Vec::new();
        for name in odd_names() {
            let owner = named(&name);
            drop(self.end_all(&owner, RevokeReason::Admin).await);
            let session = self.session_of(&owner, LONG, LONG).await;
            expected.push((owner, self.shown(&session).await));
        }
        for (owner, expected) in expected {
            assert_eq!(self.list(&owner).await, [expected], "the list of {owner:?}");
            drop(self.end_all(&owner, RevokeReason::Admin).await);
        }
    }
}
