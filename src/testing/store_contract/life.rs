//! The life of a session: it is created once, and it expires at its deadline.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, user};
use crate::reason::RevokeReason;
use crate::store::{Created, NewRecord, SessionStore, Touched};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn life(&self) {
        self.load_returns_a_created_session_unchanged().await;
        self.first_idle_deadline_is_at_most_the_absolute_deadline().await;
        self.create_rejects_the_id_of_a_live_or_revoked_session().await;
        self.only_create_creates_a_session().await;
        self.unused_session_expires_at_its_idle_deadline().await;
        self.used_session_expires_at_its_absolute_deadline().await;
        self.sessions_of_one_user_expire_independently().await;
        self.ttl_of_zero_expires_at_once_and_the_longest_ttl_does_not_overflow().await;
        self.health_upkeep_and_kind_answer().await;
    }

    async fn load_returns_a_created_session_unchanged(&self) {
        let (idle_ttl, lifetime) = (Duration::from_millis(60_001), Duration::from_millis(600_003));
        let session = self.session(idle_ttl, lifetime).await;
        let Some(record) = self.load(&session).await else {
            panic!("load must find a created session");
        };
        assert_eq!(record.revision, 1, "a new record has revision 1");
        assert_eq!(record.created, session.at, "a record has its creation time");
        assert_eq!(record.idle_ttl, idle_ttl, "a record keeps its idle TTL");
        let absolute = session.at.saturating_add(lifetime);
        assert_eq!(
            record.absolute_deadline, absolute,
            "the absolute deadline is creation + lifetime"
        );
        let idle = session.at.saturating_add(idle_ttl);
        assert_eq!(record.idle_deadline, idle, "the idle deadline is creation + idle TTL");
        assert_eq!(record.payload, &b"{\"a\":[]}"[..], "the payload is unchanged");
        let uses = self.uses(&session).await;
        assert_eq!(uses.last_activity, session.at, "creation is the first use");
        assert_eq!(uses.idle_deadline, idle, "activity returns the idle deadline");
        assert_eq!(self.revoke_reason(&session).await, None, "a live session has no tombstone");
        let apart = self.store.now().saturating_since(session.at);
        assert!(apart < LONG, "created is on the store's own clock");
    }

    async fn first_idle_deadline_is_at_most_the_absolute_deadline(&self) {
        let session = self.session(LONG, LONG / 2).await;
        let absolute = session.at.saturating_add(LONG / 2);
        let record = self.load(&session).await;
        let deadlines = record.map(|record| (record.idle_deadline, record.absolute_deadline));
        assert_eq!(deadlines, Some((absolute, absolute)), "idle deadline = min(idle, lifetime)");
        assert_eq!(
            self.uses(&session).await.idle_deadline,
            absolute,
            "idle deadline = min(idle, lifetime)"
        );
    }

    async fn create_rejects_the_id_of_a_live_or_revoked_session(&self) {
        let session = self.session(LONG, LONG).await;
        let other = NewRecord::new(LONG / 2, LONG / 2, Bytes::from_static(b"other"));
        let before = self.load(&session).await;
        let again = self.create(&session.user, &session.id, &other).await;
        assert_eq!(again, Created::AlreadyExists, "create rejects an id in use");
        assert_eq!(self.load(&session).await, before, "a refused create changes nothing");

        let stranger = user();
        let same_id = self.create(&stranger, &session.id, &other).await;
        assert!(matches!(same_id, Created::Created(_)), "two users may have the same session id");
        assert_eq!(self.load(&session).await, before, "two users may have the same session id");

        assert!(self.end(&session, RevokeReason::Logout).await, "the session was live");
        let revived = self.create(&session.user, &session.id, &other).await;
        assert_eq!(
            revived,
            Created::AlreadyExists,
            "the id of a revoked session cannot be used again"
        );
        self.assert_ended(&session, "the id of a revoked session cannot be used again").await;
    }

    async fn only_create_creates_a_session(&self) {
        let never = super::Session { user: user(), id: id(), at: self.store.now() };
        self.assert_ended(&never, "a session that never existed is not live").await;
        assert!(
            !self.end(&never, RevokeReason::Admin).await,
            "a session that never existed cannot be revoked"
        );
        let none = self.end_all(&never.user, RevokeReason::Admin).await;
        assert!(none.is_empty(), "a session that never existed cannot be revoked");
        assert_eq!(
            self.revoke_reason(&never).await,
            None,
            "a session that never existed has no tombstone"
        );
        let new = NewRecord::new(LONG, LONG, Bytes::new());
        let made = self.create(&never.user, &never.id, &new).await;
        assert!(matches!(made, Created::Created(_)), "no other operation uses up an id");
    }

    async fn unused_session_expires_at_its_idle_deadline(&self) {
        let ttl = self.moment;
        let owner = user();
        // The user also has another live session, so that the store cannot remove the whole user.
        let beside = self.session_of(&owner, LONG, LONG).await;
        let session = self.session_of(&owner, ttl, LONG).await;
        let listed = self.session_of(&owner, ttl, LONG).await;
        self.pass(ttl * 2).await;
        // The session was used before the deadline, but the touch that records this reaches the
        // store after the deadline.
        let late = self.touch_one(&session, ttl * 2, LONG).await;
        assert_eq!(late, Touched::Ended, "a touch does not revive an expired session");
        self.assert_ended(&session, "an unused session expires").await;
        assert!(
            !self.end(&session, RevokeReason::Admin).await,
            "an expired session cannot be revoked"
        );
        assert_eq!(self.revoke_reason(&session).await, None, "an expired session has no tombstone");
        let ended = self.end_all(&owner, RevokeReason::LogoutAll).await;
        assert!(ended.iter().eq([&beside.id]), "revoke returns only sessions that were live");
        assert_eq!(self.revoke_reason(&listed).await, None, "an expired session has no tombstone");
    }

    async fn used_session_expires_at_its_absolute_deadline(&self) {
        let lifetime = self.moment;
        let beside = self.session(LONG, LONG).await;
        let session = self.session_of(&beside.user, LONG, lifetime).await;
        let listed = self.session_of(&beside.user, LONG, lifetime).await;
        let absolute = session.at.saturating_add(lifetime);
        // On a real clock, the session may already have expired. If it is still live, its idle
        // deadline must not be after the absolute deadline.
        if let Touched::Lives(deadline) = self.touch_one(&session, Duration::ZERO, LONG).await {
            assert!(deadline <= absolute, "no use extends a session past its absolute deadline");
        }
        self.pass(lifetime * 2).await;
        self.assert_ended(&session, "a session expires at its absolute deadline").await;
        assert!(
            !self.end(&session, RevokeReason::Admin).await,
            "an expired session cannot be revoked"
        );
        let ended = self.end_all(&listed.user, RevokeReason::LogoutAll).await;
        assert!(ended.iter().eq([&beside.id]), "revoke returns only sessions that were live");
        self.assert_ended(&listed, "a session expires at its absolute deadline").await;
    }

    async fn sessions_of_one_user_expire_independently(&self) {
        let owner = user();
        let first = self.session_of(&owner, self.moment, self.moment).await;
        let long = self.session_of(&owner, LONG, LONG).await;
        let brief = self.session_of(&owner, self.moment, self.moment).await;
        let idle = self.session_of(&owner, self.moment, LONG).await;
        let before = self.load(&long).await;
        let _ = self.touch_one(&brief, Duration::ZERO, LONG).await;
        let _ = self.touch_one(&idle, Duration::ZERO, LONG).await;
        self.pass(self.moment * 5).await;
        for ended in [&first, &brief, &idle] {
            self.assert_ended(ended, "each session expires at its own deadline").await;
        }
        assert!(before.is_some(), "load must find a created session");
        assert_eq!(self.load(&long).await, before, "a short session does not shorten another");
        // A store may clean up during `create`.
        let next = self.session_of(&owner, self.moment, self.moment).await;
        assert_eq!(self.load(&long).await, before, "a new session does not shorten another");
        let touched = self.touch_one(&long, Duration::ZERO, LONG).await;
        assert!(matches!(touched, Touched::Lives(_)), "a short session does not shorten another");
        self.assert_ended(&brief, "cleanup does not revive a session").await;
        drop(next);
    }

    async fn ttl_of_zero_expires_at_once_and_the_longest_ttl_does_not_overflow(&self) {
        let owner = user();
        let long = self.session_of(&owner, LONG, LONG).await;
        for (idle, lifetime) in [(Duration::ZERO, LONG), (LONG, Duration::ZERO)] {
            let zero = self.session_of(&owner, idle, lifetime).await;
            self.assert_ended(&zero, "a session with a TTL of zero has expired").await;
        }
        assert!(self.load(&long).await.is_some(), "a TTL of zero does not shorten another session");
        let endless = self.session(Duration::MAX, Duration::MAX).await;
        let record = self.load(&endless).await;
        let far = endless.at.saturating_add(LONG);
        let lives = record.is_some_and(|record| record.idle_deadline > far);
        assert!(lives, "the longest duration does not overflow");
        let touched = self.touch_one(&endless, Duration::MAX, Duration::MAX).await;
        assert!(
            matches!(touched, Touched::Lives(at) if at > far),
            "a touch with the longest durations does not overflow"
        );
    }

    async fn health_upkeep_and_kind_answer(&self) {
        let health = super::ok("health", self.store.health().await);
        assert_ne!(health.version.as_deref(), Some(""), "a version is not empty");
        super::ok("upkeep", self.store.upkeep().await);
        assert!(!self.store.kind().is_empty(), "a store has a kind");
    }
}
