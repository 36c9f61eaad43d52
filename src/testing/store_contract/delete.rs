//! Revocation: a revoked session stays revoked, its reason is remembered, and no other session is
//! revoked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{LONG, Session, Suite, join_all, named, odd_names, ok, user};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::store::{Revoke, SessionStore};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn delete(&self) {
        self.the_first_reason_stays().await;
        self.every_reason_is_remembered().await;
        self.one_session_can_be_ended_alone().await;
        self.all_sessions_of_one_user_and_of_no_other().await;
        self.one_session_can_be_kept().await;
        self.the_newest_reasons_are_remembered().await;
        self.many_sessions_end_in_one_step().await;
        self.revoke_ends_one_all_or_all_but_one().await;
    }

    async fn revoke_ends_one_all_or_all_but_one(&self) {
        let owner = user();
        let revoke = async |what| {
            let ended = self.store.revoke(&owner, &what, EndReason::Admin).await;
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
            let guard = self.guard(&owner).await;
            assert_eq!(
                revoke(Revoke::One(one.clone())).await,
                expected,
                "revoke tells whom it ended"
            );
            assert_eq!(self.guard(&owner).await, guard, "one session that ends renews no guard");
        }
        assert!(self.load(&sessions[1]).await.is_some(), "revoke ends what it is to end");
        for (what, expected) in [
            (Revoke::One(other.id.clone()), BTreeSet::new()),
            (Revoke::AllBut(but), ids(&sessions[2..])),
            (Revoke::All, ids(&sessions[1..2])),
            (Revoke::All, BTreeSet::new()),
        ] {
            let guard = self.guard(&owner).await;
            let all = !matches!(what, Revoke::One(_));
            assert_eq!(revoke(what).await, expected, "revoke tells whom it ended");
            assert_eq!(self.guard(&owner).await != guard, all, "the end of all renews the guard");
        }
        for session in &sessions {
            self.assert_ended(session, "a revoked session stays ended").await;
            assert_eq!(self.ended(session).await, Some(EndReason::Admin), "a reason is remembered");
        }
        assert!(self.load(&other).await.is_some(), "another user's session lives on");
    }

    async fn the_first_reason_stays(&self) {
        let session = self.session(LONG, LONG).await;
        assert!(self.end(&session, EndReason::Evicted).await, "delete tells that it lived");
        for _ in 0..2 {
            assert!(!self.end(&session, EndReason::Admin).await, "delete is idempotent");
            let ended = self.end_all(&session.user, EndReason::LogoutAll).await;
            assert!(ended.is_empty(), "delete_all tells only of those that lived until now");
            let reason = self.ended(&session).await;
            assert_eq!(reason, Some(EndReason::Evicted), "the first reason stays");
        }
        self.assert_ended(&session, "a deleted session stays ended").await;
    }

    async fn every_reason_is_remembered(&self) {
        let owner = user();
        for &reason in EndReason::ALL {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, reason).await, "delete tells that it lived");
            assert_eq!(self.ended(&session).await, Some(reason), "a reason is remembered");

            let all = self.session(LONG, LONG).await;
            let ended = self.end_all(&all.user, reason).await;
            assert!(ended.iter().eq([&all.id]), "delete_all tells whom it ended");
            assert_eq!(self.ended(&all).await, Some(reason), "a reason is remembered");
            self.assert_ended(&all, "a deleted session stays ended").await;
        }
    }

    async fn one_session_can_be_ended_alone(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let ended = self.session_of(&owner, LONG, LONG).await;
        assert!(self.end(&ended, EndReason::Logout).await, "delete tells that it lived");
        assert!(self.load(&kept).await.is_some(), "delete ends one session only");
        assert!(self.activity(&kept).await.is_some(), "delete ends one session only");
        assert_eq!(self.ended(&kept).await, None, "delete ends one session only");
    }

    async fn all_sessions_of_one_user_and_of_no_other(&self) {
        let mut sessions = Vec::new();
        for name in odd_names() {
            let owner = named(&name);
            // An earlier run may have left sessions.
            drop(self.end_all(&owner, EndReason::Admin).await);
            for _ in 0..2 {
                sessions.push(self.session_of(&owner, LONG, LONG).await);
            }
        }
        let owners: Vec<UserId> = odd_names().iter().map(|name| named(name)).collect();
        for (turn, owner) in owners.iter().enumerate() {
            let ended: BTreeSet<SessionId> =
                self.end_all(owner, EndReason::LogoutAll).await.into_iter().collect();
            let own = sessions.iter().filter(|session| session.user == *owner);
            let own: BTreeSet<SessionId> = own.map(|session| session.id.clone()).collect();
            assert_eq!(ended, own, "delete_all ends exactly the sessions of {owner:?}");
            let found = join_all(sessions.iter().map(|session| self.load(session))).await;
            for (session, found) in sessions.iter().zip(found) {
                let done = owners.iter().take(turn + 1).any(|owner| session.user == *owner);
                let whose = &session.user;
                assert_eq!(found.is_none(), done, "delete_all of {owner:?} and one of {whose:?}");
            }
        }
    }

    async fn one_session_can_be_kept(&self) {
        let owner = user();
        let kept = self.session_of(&owner, LONG, LONG).await;
        let others =
            [self.session_of(&owner, LONG, LONG).await, self.session_of(&owner, LONG, LONG).await];
        let brief = self.session_of(&owner, self.moment, LONG).await;
        let before = self.shown(&kept).await;
        self.pass(self.moment * 2).await;
        let ended: BTreeSet<_> = self.end_others(&kept, EndReason::LogoutAll).await;
        let expected = others.iter().map(|other| other.id.clone()).collect();
        assert_eq!(ended, expected, "all others that lived until now are told of");
        assert_eq!(self.list(&owner).await, [before], "the session that is kept stays as it is");
        assert_eq!(self.ended(&kept).await, None, "who is kept was not ended");
        for other in &others {
            assert_eq!(self.ended(other).await, Some(EndReason::LogoutAll), "a reason is kept");
            self.assert_ended(other, "delete_all ends all others").await;
        }
        self.assert_ended(&brief, "an expired session stays ended").await;
        let none = self.end_others(&kept, EndReason::Admin).await;
        assert!(none.is_empty(), "there is no other");
        assert!(self.load(&kept).await.is_some(), "who is kept stays");

        // `keep` is not a live session of this user, so no session is kept.
        let second = self.session_of(&owner, LONG, LONG).await;
        let stranger = self.session(LONG, LONG).await;
        for keep in [&stranger, &others[0], &brief] {
            let keep = Session { user: owner.clone(), id: keep.id.clone(), at: keep.at };
            let ended = self.end_others(&keep, EndReason::Admin).await;
            let living = self.list(&owner).await;
            assert!(living.is_empty(), "only a living session of this user can be kept");
            assert!(ended.is_empty() || ended.contains(&second.id), "those that lived until now");
        }
        assert!(self.load(&stranger).await.is_some(), "delete_all is of one user");
    }

    async fn end_others(&self, kept: &Session, reason: EndReason) -> BTreeSet<SessionId> {
        let ended = self.store.delete_all(&kept.user, Some(&kept.id), reason).await;
        ok("delete_all", ended).into_iter().collect()
    }

    async fn the_newest_reasons_are_remembered(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..16 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
        }
        for session in &sessions {
            assert!(self.end(session, EndReason::Logout).await, "delete tells that it lived");
        }
        self.pass(Duration::from_millis(20)).await;
        let mut newest = Vec::new();
        for _ in 0..64 {
            let session = self.session_of(&owner, LONG, LONG).await;
            assert!(self.end(&session, EndReason::Admin).await, "delete tells that it lived");
            newest.push(session);
        }
        for session in &newest {
            let reason = self.ended(session).await;
            assert_eq!(reason, Some(EndReason::Admin), "the newest 64 reasons are remembered");
        }
        // Its tombstone would expire first, but it is the newest.
        let brief = self.session_of(&owner, LONG / 2, LONG / 2).await;
        assert!(self.end(&brief, EndReason::Evicted).await, "delete tells that it lived");
        let reason = self.ended(&brief).await;
        assert_eq!(reason, Some(EndReason::Evicted), "the newest 64 reasons are remembered");
        for session in sessions.iter().chain(&newest) {
            self.assert_ended(session, "what is forgotten stays ended").await;
        }
    }

    async fn many_sessions_end_in_one_step(&self) {
        let owner = user();
        let mut sessions = Vec::new();
        for _ in 0..100 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
        }
        let ended = self.end_all(&owner, EndReason::PasswordChange).await;
        let ended: BTreeSet<SessionId> = ended.into_iter().collect();
        let all: BTreeSet<_> = sessions.iter().map(|session| session.id.clone()).collect();
        assert_eq!(ended, all, "delete_all ends all, and tells whom");
        let found = join_all(sessions.iter().map(|session| self.load(session))).await;
        assert!(found.iter().all(Option::is_none), "logout of everything means everything");
        let known = join_all(sessions.iter().map(|session| self.ended(session))).await;
        let known = known.iter().filter(|reason| **reason == Some(EndReason::PasswordChange));
        assert!(known.count() >= 64, "at least 64 reasons are remembered");
    }
}
