//! The login fence: a login that started before all sessions were revoked must fail.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, user};
use crate::id::UserId;
use crate::reason::EndReason;
use crate::store::{
    Created, Guard, NewRecord, Replacement, SessionLimit, SessionStore, UpdatedAll, WhenFull,
};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn guards(&self) {
        self.a_logout_of_all_supersedes_logins_under_way().await;
        self.a_guard_holds_until_it_is_replaced().await;
        self.only_what_concerns_logins_replaces_the_guard().await;
        self.an_update_of_all_replaces_the_guard().await;
        self.only_a_change_of_password_replaces_the_password_epoch().await;
        self.a_made_up_guard_is_superseded().await;
        self.the_id_is_judged_before_the_guard_and_the_guard_before_the_limit().await;
    }

    /// Creates a session for a login that read this login fence when it started.
    async fn login(&self, owner: &UserId, guard: &Guard) -> Created {
        let mut new = NewRecord::new(LONG, LONG, Bytes::from_static(b"guarded"));
        new.guard = Some(guard.clone());
        self.create(owner, &id(), &new).await
    }

    async fn logs_in(&self, owner: &UserId, guard: &Guard) -> bool {
        let living = self.list(owner).await.len();
        let made = self.login(owner, guard).await;
        let more = self.list(owner).await.len() - living;
        match made {
            Created::Created(_) => assert_eq!(more, 1, "a created session is there"),
            Created::Superseded => assert_eq!(more, 0, "a superseded login makes no session"),
            other => panic!("a login with a guard: {other:?}"),
        }
        matches!(made, Created::Created(_))
    }

    async fn a_logout_of_all_supersedes_logins_under_way(&self) {
        // This also holds if the user has no session, and if one session is kept.
        for sessions in 0..3 {
            let owner = user();
            let mut kept = None;
            for _ in 0..sessions {
                kept = Some(self.session_of(&owner, LONG, LONG).await);
            }
            let mut old = Vec::new();
            for _ in 0..3 {
                let guard = self.guard(&owner).await;
                assert!(!old.contains(&guard), "delete_all replaces the login guard");
                let keep = kept.as_ref().map(|kept| &kept.id);
                super::ok(
                    "delete_all",
                    self.store.delete_all(&owner, keep, EndReason::LogoutAll).await,
                );
                old.push(guard);
                for old in &old {
                    let lives = self.logs_in(&owner, old).await;
                    assert!(!lives, "a login that began before a delete_all does not survive it");
                }
            }
            let guard = self.guard(&owner).await;
            assert!(self.logs_in(&owner, &guard).await, "a login that began after it does");
        }
    }

    async fn a_guard_holds_until_it_is_replaced(&self) {
        let owner = user();
        let none = self.guard(&owner).await;
        assert!(self.logs_in(&owner, &none).await, "no guard then, none now");
        assert!(self.logs_in(&owner, &none).await, "a login does not use the guard up");
        drop(self.end_all(&owner, EndReason::Admin).await);
        let some = self.guard(&owner).await;
        assert_eq!(self.guard(&owner).await, some, "reading the guard leaves it alone");
        for _ in 0..3 {
            assert!(self.logs_in(&owner, &some).await, "a login does not use the guard up");
        }
        assert!(!self.logs_in(&owner, &none).await, "there is a guard now");
        let unasked = NewRecord::new(LONG, LONG, Bytes::new());
        let made = self.create(&owner, &id(), &unasked).await;
        assert!(matches!(made, Created::Created(_)), "without a guard, nobody asks for one");
        let mut seen = HashSet::new();
        for _ in 0..50 {
            drop(self.end_all(&owner, EndReason::Admin).await);
            let guard = self.guard(&owner).await.value().map(str::to_owned);
            assert!(seen.insert(guard), "no two login guards are alike");
        }
    }

    async fn only_what_concerns_logins_replaces_the_guard(&self) {
        let owner = user();
        for turn in 0..2 {
            let guard = self.guard(&owner).await;
            let session = self.session_of(&owner, LONG, LONG).await;
            let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
            let _ = self.write(&session, 1, b"second").await;
            assert!(self.end(&session, EndReason::Logout).await, "delete tells that it lived");
            let other = self.session(LONG, LONG).await;
            drop(self.end_all(&other.user, EndReason::Admin).await);
            drop(self.list(&owner).await);
            assert_eq!(self.guard(&owner).await, guard, "the guard stays (turn {turn})");
            assert!(self.logs_in(&owner, &guard).await, "one logout supersedes no login");
            drop(self.end_all(&owner, EndReason::Admin).await);
        }
    }

    async fn an_update_of_all_replaces_the_guard(&self) {
        let session = self.session(LONG, LONG).await;
        let owner = &session.user;
        let guard = self.guard(owner).await;
        let stale = Replacement::new(session.id.clone(), 7, Bytes::new());
        assert_eq!(self.write_all(owner, &[stale]).await, UpdatedAll::Conflict, "another revision");
        assert!(self.logs_in(owner, &guard).await, "a conflict leaves the guard alone");
        drop(self.end_all(owner, EndReason::Admin).await);

        let guard = self.guard(owner).await;
        assert_eq!(self.write_all(owner, &[]).await, UpdatedAll::Written, "none is all of none");
        assert!(!self.logs_in(owner, &guard).await, "update_all supersedes logins under way");
        let guard = self.guard(owner).await;
        assert!(self.logs_in(owner, &guard).await, "a login that began after it is fine");
    }

    async fn only_a_change_of_password_replaces_the_password_epoch(&self) {
        let owner = user();
        let mut seen = HashSet::from([None]);
        for turn in 0..3 {
            let before = self.password_epoch(&owner).await;
            for reason in [EndReason::LogoutAll, EndReason::Admin, EndReason::Suspended] {
                drop(self.end_all(&owner, reason).await);
            }
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, EndReason::PasswordChange).await, "it lived");
            assert_eq!(self.write_all(&owner, &[]).await, UpdatedAll::Written, "none of none");
            let guard = self.guard(&owner).await;
            assert!(self.logs_in(&owner, &guard).await, "a login leaves the password epoch alone");
            let after = self.password_epoch(&owner).await;
            assert_eq!(after, before, "no password was changed (turn {turn})");
            drop(self.end_all(&owner, EndReason::PasswordChange).await);
            let epoch = self.password_epoch(&owner).await;
            assert!(seen.insert(epoch), "a change of password replaces the password epoch");
        }
        assert_eq!(self.password_epoch(&user()).await, None, "another user's password stayed");
    }

    async fn password_epoch(&self, owner: &UserId) -> Option<String> {
        self.guard(owner).await.password_epoch().map(str::to_owned)
    }

    async fn a_made_up_guard_is_superseded(&self) {
        let owner = user();
        let before = self.guard(&owner).await;
        for turn in 0..2 {
            for made_up in ["", "-", "=", "0", "made up", "\0", ":", "#"] {
                // Without a fence, an empty value may equal the missing one.
                let guard = Guard::new(Some(made_up));
                if made_up.is_empty() && turn == 0 {
                    continue;
                }
                assert!(!self.logs_in(&owner, &guard).await, "{made_up:?} is not the guard");
            }
            drop(self.end_all(&owner, EndReason::Admin).await);
        }
        let after = self.guard(&owner).await;
        assert!(!self.logs_in(&owner, &before).await, "no guard is not the guard");
        let longer = format!("{}0", after.value().unwrap_or_default());
        let guard = Guard::new(Some(&longer));
        assert!(!self.logs_in(&owner, &guard).await, "the whole value counts");
    }

    async fn the_id_is_judged_before_the_guard_and_the_guard_before_the_limit(&self) {
        let session = self.session(LONG, LONG).await;
        let mut new = NewRecord::new(LONG, LONG, Bytes::new());
        new.guard = Some(Guard::new(Some("made up")));
        let max = std::num::NonZeroU32::MIN;
        new.limit = Some(SessionLimit::new(max, WhenFull::Refuse));
        let taken = self.create(&session.user, &session.id, &new).await;
        assert_eq!(taken, Created::AlreadyExists, "the id is judged first");
        let superseded = self.create(&session.user, &id(), &new).await;
        assert_eq!(superseded, Created::Superseded, "the guard is judged before the limit");
        new.guard = None;
        let full = self.create(&session.user, &id(), &new).await;
        assert_eq!(full, Created::LimitReached, "the limit is judged last");
    }
}
