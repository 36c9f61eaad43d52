//! Revocation: a revoked session stays revoked, its reason is remembered, and no other session is
//! revoked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{LONG, Session, Suite, join_all, named, odd_names, ok, user};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{SessionStore, Target};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn revoke(&self) {
        self.second_revocation_keeps_the_first_reason().await;
        self.tombstone_holds_each_reason().await;
        self.revocation_of_one_covers_only_that_session().await;
        self.revocation_of_all_covers_only_that_user().await;
        self.revocation_of_all_but_one_keeps_that_one().await;
        self.newest_64_tombstones_are_kept().await;
        self.revocation_of_all_covers_100_sessions().await;
        self.revoke_covers_one_session_all_or_all_but_one().await;
    }

    async fn revoke_covers_one_session_all_or_all_but_one(&self) {
        let owner = user();
        let revoke = async |what| {
            let ended = self.store.revoke(&owner, &what, RevokeReason::Admin).await;
            ok("revoke", ended).sessions.into_iter().collect::<BTreeSet<_>>()
        };
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
        }
        let other = self.session(LONG, LONG).await;
        let ids = |which: &[Session]| which.iter().map(|session| session.id.clone()).collect();
        let [one, but] = [0, 1].map(|at| sessions[at].id.clone());
        for expected in [ids(&sessions[..1]), BTreeSet::new()] {
            let login_fence = self.login_fence(&owner).await;
            assert_eq!(
                revoke(Target::One(one.clone())).await,
                expected,
                "revoke returns the sessions that it revoked"
            );
            assert_eq!(
                self.login_fence(&owner).await,
                login_fence,
                "revoking one session does not replace the login fence"
            );
        }
        assert!(
            self.load(&sessions[1]).await.is_some(),
            "revoking one session leaves the others live"
        );
        for (what, expected) in [
            (Target::One(other.id.clone()), BTreeSet::new()),
            (Target::AllExcept(but), ids(&sessions[2..])),
            (Target::All, ids(&sessions[1..2])),
            (Target::All, BTreeSet::new()),
        ] {
            let login_fence = self.login_fence(&owner).await;
            let all = !matches!(what, Target::One(_));
            assert_eq!(revoke(what).await, expected, "revoke returns the sessions that it revoked");
            assert_eq!(
                self.login_fence(&owner).await != login_fence,
                all,
                "only revoking all or all but one replaces the login fence"
            );
        }
        for session in &sessions {
            self.assert_ended(session, "a revoked session stays revoked").await;
            assert_eq!(
                self.revoke_reason(session).await,
                Some(RevokeReason::Admin),
                "the tombstone holds the reason"
            );
        }
        assert!(self.load(&other).await.is_some(), "another user's session stays live");
    }

    async fn second_revocation_keeps_the_first_reason(&self) {
        let session = self.session(LONG, LONG).await;
        assert!(self.end(&session, RevokeReason::Evicted).await, "the session was live");
        for _ in 0..2 {
            assert!(!self.end(&session, RevokeReason::Admin).await, "revoke is idempotent");
            let ended = self.end_all(&session.user, RevokeReason::LogoutAll).await;
            assert!(ended.is_empty(), "revoke returns only sessions that were live");
            let reason = self.revoke_reason(&session).await;
            assert_eq!(reason, Some(RevokeReason::Evicted), "the first reason stays");
        }
        self.assert_ended(&session, "a revoked session stays revoked").await;
    }

    async fn tombstone_holds_each_reason(&self) {
        let owner = user();
        for &reason in RevokeReason::ALL {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, reason).await, "the session was live");
            assert_eq!(
                self.revoke_reason(&session).await,
                Some(reason),
                "the tombstone holds the reason"
            );

            let all = self.session(LONG, LONG).await;
            let ended = self.end_all(&all.user, reason).await;
            assert!(ended.iter().eq([&all.id]), "revoke returns the sessions that it revoked");
            assert_eq!(
                self.revoke_reason(&all).await,
                Some(reason),
                "the tombstone holds the reason"
            );
            self.assert_ended(&all, "a revoked session stays revoked").await;
        }
    }

    async fn revocation_of_one_covers_only_that_session(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let ended = self.session_of(&owner, LONG, LONG).await;
        assert!(self.end(&ended, RevokeReason::Logout).await, "the session was live");
        assert!(self.load(&kept).await.is_some(), "revoking one session leaves the others live");
        assert!(
            self.activity(&kept).await.is_some(),
            "revoking one session leaves the others live"
        );
        assert_eq!(
            self.revoke_reason(&kept).await,
            None,
            "revoking one session leaves the others live"
        );
    }

    async fn revocation_of_all_covers_only_that_user(&self) {
        let mut sessions = Vec::new();
        for name in odd_names() {
            let owner = named(&name);
            // An earlier run may have left sessions.
            drop(self.end_all(&owner, RevokeReason::Admin).await);
            for _ in 0..2 {
                sessions.push(self.session_of(&owner, LONG, LONG).await);
            }
        }
        let owners: Vec<UserId> = odd_names().iter().map(|name| named(name)).collect();
        for (turn, owner) in owners.iter().enumerate() {
            let ended: BTreeSet<SessionId> =
                self.end_all(owner, RevokeReason::LogoutAll).await.into_iter().collect();
            let own = sessions.iter().filter(|session| session.user == *owner);
            let own: BTreeSet<SessionId> = own.map(|session| session.id.clone()).collect();
            assert_eq!(ended, own, "revoke revokes exactly the sessions of {owner:?}");
            let found = join_all(sessions.iter().map(|session| self.load(session))).await;
            for (session, found) in sessions.iter().zip(found) {
                let done = owners.iter().take(turn + 1).any(|owner| session.user == *owner);
                let whose = &session.user;
                assert_eq!(
                    found.is_none(),
                    done,
                    "a session of {whose:?} after the revocation of all of {owner:?}"
                );
            }
        }
    }

    async fn revocation_of_all_but_one_keeps_that_one(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let others =
            [self.session_of(&owner, LONG, LONG).await, self.session_of(&owner, LONG, LONG).await];
        let brief = self.session_of(&owner, self.moment, LONG).await;
        let before = self.shown(&kept).await;
        self.pass(self.moment * 2).await;
        let ended: BTreeSet<_> = self.end_others(&kept, RevokeReason::LogoutAll).await;
        let expected = others.iter().map(|other| other.id.clone()).collect();
        assert_eq!(ended, expected, "revoke returns all other live sessions");
        assert_eq!(self.list(&owner).await, [before], "the kept session is unchanged");
        assert_eq!(self.revoke_reason(&kept).await, None, "the kept session has no tombstone");
        for other in &others {
            assert_eq!(
                self.revoke_reason(other).await,
                Some(RevokeReason::LogoutAll),
                "the tombstone holds the reason"
            );
            self.assert_ended(other, "revoke revokes all other sessions").await;
        }
        self.assert_ended(&brief, "an expired session stays expired").await;
        let none = self.end_others(&kept, RevokeReason::Admin).await;
        assert!(none.is_empty(), "there is no other session");
        assert!(self.load(&kept).await.is_some(), "the kept session stays live");

        // `keep` is not a live session of this user, so all sessions are revoked.
        let second = self.session_of(&owner, LONG, LONG).await;
        let stranger = self.session(LONG, LONG).await;
        for keep in [&stranger, &others[0], &brief] {
            let keep = Session { user: owner.clone(), id: keep.id.clone(), at: keep.at };
            let ended = self.end_others(&keep, RevokeReason::Admin).await;
            let living = self.list(&owner).await;
            assert!(living.is_empty(), "only a live session of this user can be kept");
            assert!(
                ended.is_empty() || ended.contains(&second.id),
                "revoke returns sessions that were live"
            );
        }
        assert!(
            self.load(&stranger).await.is_some(),
            "revoke revokes the sessions of one user only"
        );
    }

    async fn end_others(&self, kept: &Session, reason: RevokeReason) -> BTreeSet<SessionId> {
        let target = Target::AllExcept(kept.id.clone());
        let ended = self.store.revoke(&kept.user, &target, reason).await;
        ok("revoke", ended).sessions.into_iter().collect()
    }

    async fn newest_64_tombstones_are_kept(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..16 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
        }
        for session in &sessions {
            assert!(self.end(session, RevokeReason::Logout).await, "the session was live");
        }
        self.pass(Duration::from_millis(20)).await;
        let mut newest = Vec::new();
        for _ in 0..64 {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, RevokeReason::Admin).await, "the session was live");
            newest.push(session);
        }
        for session in &newest {
            let reason = self.revoke_reason(session).await;
            assert_eq!(reason, Some(RevokeReason::Admin), "the newest 64 tombstones are kept");
        }
        // This session's tombstone expires before the others. It must be kept, because it is the
        // newest.
        let brief = self.session_of(&owner, LONG / 2, LONG / 2).await;
        assert!(self.end(&brief, RevokeReason::Evicted).await, "the session was live");
        let reason = self.revoke_reason(&brief).await;
        assert_eq!(reason, Some(RevokeReason::Evicted), "the newest 64 tombstones are kept");
        for session in sessions.iter().chain(&newest) {
            self.assert_ended(session, "a session without a tombstone stays revoked").await;
        }
    }

    async fn revocation_of_all_covers_100_sessions(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..100 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
        }
        let ended = self.end_all(&owner, RevokeReason::PasswordChange).await;
        let ended: BTreeSet<SessionId> = ended.into_iter().collect();
        let all: BTreeSet<_> = sessions.iter().map(|session| session.id.clone()).collect();
        assert_eq!(ended, all, "revoke revokes all sessions and returns them");
        let found = join_all(sessions.iter().map(|session| self.load(session))).await;
        assert!(
            found.iter().all(Option::is_none),
            "no session is live after the revocation of all"
        );
        let known = join_all(sessions.iter().map(|session| self.revoke_reason(session))).await;
        let known = known.iter().filter(|reason| **reason == Some(RevokeReason::PasswordChange));
        assert!(known.count() >= 64, "at least 64 tombstones are kept");
    }
}
