//! The login fence: a login that started before all sessions were revoked must fail.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, user};
use crate::id::UserId;
use crate::reason::RevokeReason;
use crate::store::{
    Created, FenceValue, NewRecord, Replacement, SessionLimit, SessionStore, Target, UpdatedAll,
    WhenFull,
};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn login_fences(&self) {
        self.delete_all_supersedes_logins_under_way().await;
        self.login_fence_is_valid_until_it_is_replaced().await;
        self.operations_on_one_session_keep_the_login_fence().await;
        self.update_all_replaces_the_login_fence().await;
        self.only_a_password_change_replaces_the_password_epoch().await;
        self.login_with_a_made_up_fence_is_superseded().await;
        self.create_checks_the_id_then_the_login_fence_then_the_limit().await;
    }

    /// Creates a session for a login that read this login fence at its start.
    async fn login(&self, owner: &UserId, login_fence: &FenceValue) -> Created {
        let mut new = NewRecord::new(LONG, LONG, Bytes::from_static(b"guarded"));
        new.login_fence = Some(login_fence.clone());
        self.create(owner, &id(), &new).await
    }

    async fn logs_in(&self, owner: &UserId, login_fence: &FenceValue) -> bool {
        let living = self.list(owner).await.len();
        let made = self.login(owner, login_fence).await;
        let more = self.list(owner).await.len() - living;
        match made {
            Created::Created(_) => assert_eq!(more, 1, "a created session is listed"),
            Created::Superseded => assert_eq!(more, 0, "a superseded login creates no session"),
            other => panic!("unexpected result of a login with a login fence: {other:?}"),
        }
        matches!(made, Created::Created(_))
    }

    async fn delete_all_supersedes_logins_under_way(&self) {
        // The promise also holds if the user has no session, and if one session is kept.
        for sessions in 0..3 {
            let owner = user();
            let mut kept = None;
            for _ in 0..sessions {
                kept = Some(self.session_of(&owner, LONG, LONG).await);
            }
            let mut old = Vec::new();
            for _ in 0..3 {
                let login_fence = self.login_fence(&owner).await;
                assert!(
                    !old.contains(&login_fence),
                    "a revocation of all sessions replaces the login fence"
                );
                let target = match &kept {
                    Some(kept) => Target::AllExcept(kept.id.clone()),
                    None => Target::All,
                };
                let revoked = self.store.revoke(&owner, &target, RevokeReason::LogoutAll).await;
                super::ok("revoke", revoked);
                old.push(login_fence);
                for old in &old {
                    let lives = self.logs_in(&owner, old).await;
                    assert!(!lives, "a login that began before a revocation of all fails");
                }
            }
            let login_fence = self.login_fence(&owner).await;
            assert!(
                self.logs_in(&owner, &login_fence).await,
                "a login that began after the last revocation of all succeeds"
            );
        }
    }

    async fn login_fence_is_valid_until_it_is_replaced(&self) {
        let owner = user();
        let none = self.login_fence(&owner).await;
        assert!(
            self.logs_in(&owner, &none).await,
            "a login succeeds if there was no login fence and still is none"
        );
        assert!(self.logs_in(&owner, &none).await, "a login does not change the login fence");
        drop(self.end_all(&owner, RevokeReason::Admin).await);
        let some = self.login_fence(&owner).await;
        assert_eq!(
            self.login_fence(&owner).await,
            some,
            "reading the login fence does not change it"
        );
        for _ in 0..3 {
            assert!(self.logs_in(&owner, &some).await, "a login does not change the login fence");
        }
        assert!(
            !self.logs_in(&owner, &none).await,
            "a login that began before the login fence existed fails"
        );
        let unasked = NewRecord::new(LONG, LONG, Bytes::new());
        let made = self.create(&owner, &id(), &unasked).await;
        assert!(
            matches!(made, Created::Created(_)),
            "create without a login fence does not check it"
        );
        let mut seen = HashSet::new();
        for _ in 0..50 {
            drop(self.end_all(&owner, RevokeReason::Admin).await);
            let login_fence = self.login_fence(&owner).await.value().map(str::to_owned);
            assert!(seen.insert(login_fence), "each login fence has a new value");
        }
    }

    async fn operations_on_one_session_keep_the_login_fence(&self) {
        let owner = user();
        for turn in 0..2 {
            let login_fence = self.login_fence(&owner).await;
            let session = self.session_of(&owner, LONG, LONG).await;
            let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
            let _ = self.write(&session, 1, b"second").await;
            assert!(self.end(&session, RevokeReason::Logout).await, "the session was live");
            let other = self.session(LONG, LONG).await;
            drop(self.end_all(&other.user, RevokeReason::Admin).await);
            drop(self.list(&owner).await);
            assert_eq!(
                self.login_fence(&owner).await,
                login_fence,
                "the login fence stays (turn {turn})"
            );
            assert!(
                self.logs_in(&owner, &login_fence).await,
                "a logout of one session supersedes no login"
            );
            drop(self.end_all(&owner, RevokeReason::Admin).await);
        }
    }

    async fn update_all_replaces_the_login_fence(&self) {
        let session = self.session(LONG, LONG).await;
        let owner = &session.user;
        let login_fence = self.login_fence(owner).await;
        let stale = Replacement::new(session.id.clone(), 7, Bytes::new());
        assert_eq!(
            self.write_all(owner, &[stale]).await,
            UpdatedAll::Conflict,
            "a wrong revision is a conflict"
        );
        assert!(
            self.logs_in(owner, &login_fence).await,
            "a conflict does not replace the login fence"
        );
        drop(self.end_all(owner, RevokeReason::Admin).await);

        let login_fence = self.login_fence(owner).await;
        assert_eq!(
            self.write_all(owner, &[]).await,
            UpdatedAll::Written,
            "an empty update_all succeeds if the user has no session"
        );
        assert!(!self.logs_in(owner, &login_fence).await, "update_all supersedes logins under way");
        let login_fence = self.login_fence(owner).await;
        assert!(
            self.logs_in(owner, &login_fence).await,
            "a login that began after update_all succeeds"
        );
    }

    async fn only_a_password_change_replaces_the_password_epoch(&self) {
        let owner = user();
        let mut seen = HashSet::from([None]);
        for turn in 0..3 {
            let before = self.password_epoch(&owner).await;
            for reason in [RevokeReason::LogoutAll, RevokeReason::Admin, RevokeReason::Suspended] {
                drop(self.end_all(&owner, reason).await);
            }
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, RevokeReason::PasswordChange).await, "the session was live");
            assert_eq!(
                self.write_all(&owner, &[]).await,
                UpdatedAll::Written,
                "an empty update_all succeeds if the user has no session"
            );
            let login_fence = self.login_fence(&owner).await;
            assert!(
                self.logs_in(&owner, &login_fence).await,
                "a login that began after update_all succeeds"
            );
            let after = self.password_epoch(&owner).await;
            assert_eq!(
                after, before,
                "without a password change the password epoch stays (turn {turn})"
            );
            drop(self.end_all(&owner, RevokeReason::PasswordChange).await);
            let epoch = self.password_epoch(&owner).await;
            assert!(seen.insert(epoch), "a password change replaces the password epoch");
        }
        assert_eq!(self.password_epoch(&user()).await, None, "another user has no password epoch");
    }

    async fn password_epoch(&self, owner: &UserId) -> Option<String> {
        self.login_fence(owner).await.password_epoch().map(str::to_owned)
    }

    async fn login_with_a_made_up_fence_is_superseded(&self) {
        let owner = user();
        let before = self.login_fence(&owner).await;
        for turn in 0..2 {
            for made_up in ["", "-", "=", "0", "made up", "\0", ":", "#"] {
                // While the user has no login fence, a store may treat an empty value like no
                // value.
                let login_fence = FenceValue::new(Some(made_up));
                if made_up.is_empty() && turn == 0 {
                    continue;
                }
                assert!(
                    !self.logs_in(&owner, &login_fence).await,
                    "{made_up:?} is not the login fence"
                );
            }
            drop(self.end_all(&owner, RevokeReason::Admin).await);
        }
        let after = self.login_fence(&owner).await;
        assert!(!self.logs_in(&owner, &before).await, "a login that read no login fence fails");
        let longer = format!("{}0", after.value().unwrap_or_default());
        let login_fence = FenceValue::new(Some(&longer));
        assert!(
            !self.logs_in(&owner, &login_fence).await,
            "the whole value of the login fence is compared"
        );
    }

    async fn create_checks_the_id_then_the_login_fence_then_the_limit(&self) {
        let session = self.session(LONG, LONG).await;
        let mut new = NewRecord::new(LONG, LONG, Bytes::new());
        new.login_fence = Some(FenceValue::new(Some("made up")));
        let max = std::num::NonZeroU32::MIN;
        new.limit = Some(SessionLimit::new(max, WhenFull::Refuse));
        let taken = self.create(&session.user, &session.id, &new).await;
        assert_eq!(taken, Created::AlreadyExists, "the id is checked first");
        let superseded = self.create(&session.user, &id(), &new).await;
        assert_eq!(superseded, Created::Superseded, "the login fence is checked before the limit");
        new.login_fence = None;
        let full = self.create(&session.user, &id(), &new).await;
        assert_eq!(full, Created::LimitReached, "the limit is checked last");
    }
}
