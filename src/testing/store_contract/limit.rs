//! The session limit. It is exact, even for concurrent logins.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Session, Suite, id, join_all, user};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{Created, Listed, NewRecord, Opened, SessionLimit, SessionStore, WhenFull};

/// Long enough to distinguish two points in time on a real clock.
const TICK: Duration = Duration::from_millis(5);

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn limits(&self) {
        self.limit_evicts_the_least_recently_active_session().await;
        self.lower_limit_evicts_several_sessions().await;
        self.limit_with_room_evicts_additional_sessions().await;
        self.limit_is_exact_for_a_user_with_200_sessions().await;
        self.refusing_limit_rejects_a_login_over_the_limit().await;
        self.expired_and_revoked_sessions_do_not_count_against_the_limit().await;
        self.limit_is_exact_for_concurrent_logins().await;
        self.recent_creations_are_counted_within_the_window().await;
    }

    async fn limit_evicts_the_least_recently_active_session(&self) {
        let owner = user();
        let beside = self.session(LONG, LONG).await;
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(self.session_of(&owner, LONG, LONG).await);
            self.pass(TICK).await;
        }
        let _ = self.touch_one(&sessions[1], Duration::ZERO, Duration::ZERO).await;
        self.pass(TICK).await;
        let _ = self.touch_one(&sessions[0], Duration::ZERO, Duration::ZERO).await;
        let roomy = self.opened(&owner, limited(5, WhenFull::EvictLeastRecentlyActive)).await;
        assert!(roomy.1.evicted.is_empty(), "no session is evicted below the limit");
        // The four sessions were last used in the order 2, 3, 1, 0. The session of `roomy` was
        // created after the touch of session 0. On a clock that stands still, these two sessions
        // have the same last use. In that case, session 0 is evicted, because it is older than the
        // session of `roomy`.
        for expected in [2, 3, 1, 0] {
            let full = limited(5, WhenFull::EvictLeastRecentlyActive);
            let (_, opened) = self.opened(&owner, full).await;
            let gone = &sessions[expected];
            let promise = "the least recently active session is evicted";
            assert_eq!(opened.evicted, std::slice::from_ref(&gone.id), "{promise}");
            assert_eq!(self.revoke_reason(gone).await, Some(RevokeReason::Evicted), "{promise}");
            self.assert_ended(gone, promise).await;
            assert_eq!(self.list(&owner).await.len(), 5, "the number of sessions equals the limit");
            self.pass(TICK).await;
        }
        assert!(self.load(&beside).await.is_some(), "the limit does not affect another user");
        let single = limited(1, WhenFull::EvictLeastRecentlyActive);
        let (newest, opened) = self.opened(&owner, single).await;
        assert_eq!(opened.evicted.len(), 5, "a limit of one evicts all five other sessions");
        assert!(self.load(&newest).await.is_some(), "the new session is not evicted");
    }

    async fn lower_limit_evicts_several_sessions(&self) {
        let owner = user();
        for turn in 0..12 {
            let session = self.session_of(&owner, LONG, LONG).await;
            if turn % 3 == 0 {
                self.pass(TICK).await;
                let _ = self.touch_one(&session, Duration::ZERO, Duration::ZERO).await;
            }
        }
        let mut order = self.list(&owner).await;
        let used = |listed: &Listed| (listed.last_activity, listed.record.created);
        order.sort_by_key(used);
        let lower = limited(4, WhenFull::EvictLeastRecentlyActive);
        let (newest, opened) = self.opened(&owner, lower).await;
        let evicted: Vec<_> = opened
            .evicted
            .iter()
            .map(|id| order.iter().find(|listed| listed.id == *id).map(used))
            .collect();
        let first: Vec<_> = order.iter().take(9).map(|listed| Some(used(listed))).collect();
        assert_eq!(evicted, first, "the least recently used sessions are evicted, in that order");
        let living: BTreeSet<_> = self.ids(&owner).await;
        assert_eq!(living.len(), 4, "a limit of 4 leaves 4");
        assert!(living.contains(&newest.id), "the new session is one of them");
        assert!(
            opened.evicted.iter().all(|id| !living.contains(id)),
            "an evicted session is not live"
        );
    }

    async fn limit_with_room_evicts_additional_sessions(&self) {
        let owner = user();
        let roomy = |room| {
            let mut new = limited(4, WhenFull::EvictLeastRecentlyActive);
            let room = NonZeroU32::new(room).unwrap_or(NonZeroU32::MIN);
            new.limit = new.limit.map(|limit| limit.room(room));
            new
        };
        let mut sessions = Vec::new();
        for _ in 0..4 {
            let (session, opened) = self.opened(&owner, roomy(3)).await;
            assert!(opened.evicted.is_empty(), "no session is evicted below the limit");
            sessions.push(session.id);
            self.pass(TICK).await;
        }
        let (_, opened) = self.opened(&owner, roomy(3)).await;
        assert_eq!(opened.evicted, sessions[..3], "a login at the limit makes room for three");
        for _ in 0..2 {
            self.pass(TICK).await;
            let (_, opened) = self.opened(&owner, roomy(3)).await;
            assert!(opened.evicted.is_empty(), "the next two logins evict no session");
        }
        let (newest, opened) = self.opened(&owner, roomy(9)).await;
        assert_eq!(opened.evicted.len(), 4, "room above the limit counts as the limit");
        assert_eq!(self.ids(&owner).await, BTreeSet::from([newest.id]));
    }

    /// The user has more sessions than any store reads at each login.
    async fn limit_is_exact_for_a_user_with_200_sessions(&self) {
        const MANY: u32 = 200;
        for when_full in [WhenFull::EvictLeastRecentlyActive, WhenFull::Refuse] {
            let owner = user();
            let mut sessions = Vec::new();
            let mut brief = limited(MANY, when_full);
            brief.idle_ttl = self.moment;
            sessions.push(self.opened(&owner, brief).await.0);
            for _ in 1..MANY {
                let (session, opened) = self.opened(&owner, limited(MANY, when_full)).await;
                assert!(opened.evicted.is_empty(), "no session is evicted below the limit");
                sessions.push(session);
                if sessions.len() < 4 {
                    self.pass(TICK).await;
                }
            }
            let taken = &sessions[150];
            let again = self.create(&owner, &taken.id, &limited(MANY + 9, when_full)).await;
            assert_eq!(again, Created::AlreadyExists, "an id in use is rejected");
            self.pass(self.moment * 2).await;
            let (_, opened) = self.opened(&owner, limited(MANY, when_full)).await;
            assert!(opened.evicted.is_empty(), "an expired session makes room before a live one");
            self.assert_ended(&sessions[0], "an expired session is not revived").await;
            let new = limited(MANY, when_full);
            if when_full == WhenFull::Refuse {
                assert_eq!(self.create(&owner, &id(), &new).await, Created::LimitReached);
            } else {
                let (_, opened) = self.opened(&owner, new).await;
                let oldest = std::slice::from_ref(&sessions[1].id);
                assert_eq!(opened.evicted, oldest, "the least recently active session is evicted");
            }
            assert_eq!(self.ids(&owner).await.len(), MANY as usize, "the limit is exact");
        }
    }

    async fn refusing_limit_rejects_a_login_over_the_limit(&self) {
        let owner = user();
        let refuse = || limited(3, WhenFull::Refuse);
        for _ in 0..3 {
            let (_, opened) = self.opened(&owner, refuse()).await;
            assert!(opened.evicted.is_empty(), "a refusing limit evicts no session");
        }
        let before = self.sorted(&owner).await;
        for _ in 0..3 {
            let (id, mut new) = (id(), refuse());
            new.count_within = Some(LONG);
            let refused = self.create(&owner, &id, &new).await;
            assert_eq!(refused, Created::LimitReached, "a login over the limit is refused");
            assert_eq!(self.sorted(&owner).await, before, "a refused login changes nothing");
            let refused = Session { user: owner.clone(), id, at: self.store.now() };
            self.assert_ended(&refused, "a refused login creates no session").await;
            assert_eq!(
                self.revoke_reason(&refused).await,
                None,
                "a session that never existed has no tombstone"
            );
        }
        let mut roomy = limited(4, WhenFull::Refuse);
        roomy.count_within = Some(LONG);
        let (_, opened) = self.opened(&owner, roomy).await;
        assert_eq!(opened.recent, 1, "refused logins are not counted");
        let unlimited = NewRecord::new(LONG, LONG, Bytes::new());
        let made = self.create(&owner, &id(), &unlimited).await;
        assert!(matches!(made, Created::Created(_)), "a login without a limit succeeds");
    }

    async fn expired_and_revoked_sessions_do_not_count_against_the_limit(&self) {
        let owner = user();
        let ended = self.session_of(&owner, LONG, LONG).await;
        for (idle, lifetime) in [(self.moment, LONG), (LONG, self.moment)] {
            drop(self.session_of(&owner, idle, lifetime).await);
        }
        let kept = self.session_of(&owner, LONG, LONG).await;
        let full = self.create(&owner, &id(), &limited(2, WhenFull::Refuse)).await;
        assert_eq!(full, Created::LimitReached, "live sessions count against the limit");
        assert!(self.end(&ended, RevokeReason::Logout).await, "the session was live");
        self.pass(self.moment * 2).await;
        let (second, _) = self.opened(&owner, limited(2, WhenFull::Refuse)).await;
        let evicting = limited(2, WhenFull::EvictLeastRecentlyActive);
        let (third, opened) = self.opened(&owner, evicting).await;
        assert_eq!(opened.evicted, [kept.id], "an expired session is not evicted");
        let living = BTreeSet::from([second.id, third.id]);
        assert_eq!(self.ids(&owner).await, living, "only live sessions count against the limit");
    }

    async fn limit_is_exact_for_concurrent_logins(&self) {
        for when_full in [WhenFull::EvictLeastRecentlyActive, WhenFull::Refuse] {
            let owner = user();
            let ids: Vec<_> = (0..100).map(|_| id()).collect();
            let new = limited(5, when_full);
            let made = join_all(ids.iter().map(|id| self.create(&owner, id, &new))).await;
            let (mut opened, mut evicted) = (0, BTreeSet::new());
            for made in made {
                match made {
                    Created::Created(made) => {
                        opened += 1;
                        for id in made.evicted {
                            assert!(evicted.insert(id), "one session is evicted once");
                        }
                    }
                    Created::LimitReached if when_full == WhenFull::Refuse => {}
                    other => panic!("unexpected result of a login with a limit: {other:?}"),
                }
            }
            let expected = if when_full == WhenFull::Refuse { (5, 0) } else { (100, 95) };
            assert_eq!((opened, evicted.len()), expected, "{when_full:?}: the limit is exact");
            let living = self.ids(&owner).await;
            assert_eq!(living.len(), 5, "{when_full:?}: 100 logins with a limit of 5 leave 5");
            assert!(living.is_disjoint(&evicted), "an evicted session is not live");
        }
    }

    async fn recent_creations_are_counted_within_the_window(&self) {
        let (owner, window) = (user(), self.moment * 5);
        let counted = || {
            let mut new = NewRecord::new(LONG, LONG, Bytes::new());
            new.count_within = Some(window);
            new
        };
        for expected in 1..=3 {
            let (_, opened) = self.opened(&owner, counted()).await;
            assert_eq!(opened.recent, expected, "creations are counted");
        }
        let uncounted = NewRecord::new(LONG, LONG, Bytes::new());
        assert_eq!(
            self.opened(&owner, uncounted).await.1.recent,
            0,
            "a login without a window counts no creations"
        );
        assert_eq!(
            self.opened(&user(), counted()).await.1.recent,
            1,
            "creations are counted for each user"
        );
        drop(self.end_all(&owner, RevokeReason::LogoutAll).await);
        self.pass(self.moment).await;
        let recent = self.opened(&owner, counted()).await.1.recent;
        assert_eq!(recent, 4, "creations of revoked sessions are counted");
        self.pass(self.moment * 4).await;
        for expected in 1..=2 {
            let recent = self.opened(&owner, counted()).await.1.recent;
            assert_eq!(recent, expected, "a new window starts with its first creation");
        }
    }

    /// Creates a session that the limit must allow.
    async fn opened(&self, owner: &UserId, new: NewRecord) -> (Session, Opened) {
        let id = id();
        match self.create(owner, &id, &new).await {
            Created::Created(opened) => {
                (Session { user: owner.clone(), id, at: opened.at }, opened)
            }
            other => panic!("the limit must allow the session: {other:?}"),
        }
    }

    async fn ids(&self, owner: &UserId) -> BTreeSet<SessionId> {
        self.list(owner).await.into_iter().map(|listed| listed.id).collect()
    }
}

fn limited(max: u32, when_full: WhenFull) -> NewRecord {
    let max = NonZeroU32::new(max).unwrap_or(NonZeroU32::MIN);
    let mut new = NewRecord::new(LONG, LONG, Bytes::from_static(b"limited"));
    new.limit = Some(SessionLimit::new(max, when_full));
    new
}
