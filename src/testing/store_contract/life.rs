//! The life of a session: it is created once, and expires at its deadline.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, user};
use crate::reason::EndReason;
use crate::store::{Created, NewRecord, SessionStore, Touched};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn life(&self) {
        self.a_created_session_is_found_as_it_was_made().await;
        self.the_first_idle_deadline_is_never_past_the_absolute_one().await;
        self.an_id_is_taken_once().await;
        self.no_verb_but_create_makes_a_session().await;
        self.an_unused_session_ends().await;
        self.a_used_session_ends_with_its_lifetime().await;
        self.two_sessions_never_shorten_each_other().await;
        self.a_time_to_live_of_zero_is_ended_and_not_for_ever().await;
        self.the_store_tells_that_it_is_there().await;
    }

    async fn a_created_session_is_found_as_it_was_made(&self) {
        let (idle_ttl, lifetime) = (Duration::from_millis(60_001), Duration::from_millis(600_003));
        let session = self.session(idle_ttl, lifetime).await;
        let Some(record) = self.load(&session).await else {
            panic!("a created session is found");
        };
        assert_eq!(record.revision, 1, "a new record has revision 1");
        assert_eq!(record.created, session.at, "a record knows when it was created");
        assert_eq!(record.idle_ttl, idle_ttl, "a record keeps its idle TTL");
        let absolute = session.at.saturating_add(lifetime);
        assert_eq!(record.absolute_deadline, absolute, "a record keeps its lifetime");
        let idle = session.at.saturating_add(idle_ttl);
        assert_eq!(record.idle_deadline, idle, "the idle deadline starts at now + idle TTL");
        assert_eq!(record.payload, &b"{\"a\":[]}"[..], "a payload comes back as it was");
        let uses = self.uses(&session).await;
        assert_eq!(uses.last_activity, session.at, "creation is the first use");
        assert_eq!(uses.idle_deadline, idle, "activity knows the idle deadline");
        assert_eq!(self.ended(&session).await, None, "a living session has no end");
        let apart = self.store.now().saturating_since(session.at);
        assert!(apart < LONG, "created is on the store's own clock");
    }

    async fn the_first_idle_deadline_is_never_past_the_absolute_one(&self) {
        let session = self.session(LONG, LONG / 2).await;
        let absolute = session.at.saturating_add(LONG / 2);
        let record = self.load(&session).await;
        let deadlines = record.map(|record| (record.idle_deadline, record.absolute_deadline));
        assert_eq!(deadlines, Some((absolute, absolute)), "idle deadline = min(idle, lifetime)");
        assert_eq!(self.uses(&session).await.idle_deadline, absolute, "min(idle, lifetime)");
    }

    async fn an_id_is_taken_once(&self) {
        let session = self.session(LONG, LONG).await;
        let other = NewRecord::new(LONG / 2, LONG / 2, Bytes::from_static(b"other"));
        let before = self.load(&session).await;
        let again = self.create(&session.user, &session.id, &other).await;
        assert_eq!(again, Created::AlreadyExists, "create means: must not exist yet");
        assert_eq!(self.load(&session).await, before, "a refused create changes nothing");

        let stranger = user();
        let same_id = self.create(&stranger, &session.id, &other).await;
        assert!(matches!(same_id, Created::Created(_)), "ids of two users do not meet");
        assert_eq!(self.load(&session).await, before, "ids of two users do not meet");

        assert!(self.end(&session, EndReason::Logout).await, "a living session can be ended");
        let revived = self.create(&session.user, &session.id, &other).await;
        assert_eq!(revived, Created::AlreadyExists, "an id that was ended is not given again");
        self.assert_ended(&session, "an id that was ended is not given again").await;
    }

    async fn no_verb_but_create_makes_a_session(&self) {
        let never = super::Session { user: user(), id: id(), at: self.store.now() };
        self.assert_ended(&never, "a session that was never made is not there").await;
        assert!(!self.end(&never, EndReason::Admin).await, "what never lived cannot be ended");
        let none = self.end_all(&never.user, EndReason::Admin).await;
        assert!(none.is_empty(), "what never lived cannot be ended");
        assert_eq!(self.ended(&never).await, None, "what never lived has no end");
        let new = NewRecord::new(LONG, LONG, Bytes::new());
        let made = self.create(&never.user, &never.id, &new).await;
        assert!(matches!(made, Created::Created(_)), "no other verb takes an id");
    }

    async fn an_unused_session_ends(&self) {
        let ttl = self.moment;
        let owner = user();
        // The user also has a live session, so that the store cannot drop the whole user.
        let beside = self.session_of(&owner, LONG, LONG).await;
        let session = self.session_of(&owner, ttl, LONG).await;
        let listed = self.session_of(&owner, ttl, LONG).await;
        self.pass(ttl * 2).await;
        // The use was before the deadline, but the touch that reports it is after it.
        let late = self.touch_one(&session, ttl * 2, LONG).await;
        assert_eq!(late, Touched::Ended, "a session that has expired stays ended");
        self.assert_ended(&session, "a session that is not used ends").await;
        assert!(!self.end(&session, EndReason::Admin).await, "what has expired cannot be ended");
        assert_eq!(self.ended(&session).await, None, "an expired session was not ended");
        let ended = self.end_all(&owner, EndReason::LogoutAll).await;
        assert!(ended.iter().eq([&beside.id]), "delete_all tells of those that lived until now");
        assert_eq!(self.ended(&listed).await, None, "an expired session was not ended");
    }

    async fn a_used_session_ends_with_its_lifetime(&self) {
        let lifetime = self.moment;
        let beside = self.session(LONG, LONG).await;
        let session = self.session_of(&beside.user, LONG, lifetime).await;
        let listed = self.session_of(&beside.user, LONG, lifetime).await;
        let absolute = session.at.saturating_add(lifetime);
        // On a real clock the session may have expired already. Its deadline must never be after
        // the absolute deadline.
        if let Touched::Lives(deadline) = self.touch_one(&session, Duration::ZERO, LONG).await {
            assert!(deadline <= absolute, "no use moves a session past its lifetime");
        }
        self.pass(lifetime * 2).await;
        self.assert_ended(&session, "a session ends with its lifetime").await;
        assert!(!self.end(&session, EndReason::Admin).await, "what has expired cannot be ended");
        let ended = self.end_all(&listed.user, EndReason::LogoutAll).await;
        assert!(ended.iter().eq([&beside.id]), "delete_all tells of those that lived until now");
        self.assert_ended(&listed, "a session ends with its lifetime").await;
    }

    async fn two_sessions_never_shorten_each_other(&self) {
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
            self.assert_ended(ended, "each session ends in its own time").await;
        }
        assert!(before.is_some(), "a created session is found");
        assert_eq!(self.load(&long).await, before, "a short session shortens no other");
        // A store may clean up during `create`.
        let next = self.session_of(&owner, self.moment, self.moment).await;
        assert_eq!(self.load(&long).await, before, "a new session shortens no other");
        let touched = self.touch_one(&long, Duration::ZERO, LONG).await;
        assert!(matches!(touched, Touched::Lives(_)), "a short session shortens no other");
        self.assert_ended(&brief, "tidying up brings nothing back").await;
        drop(next);
    }

    async fn a_time_to_live_of_zero_is_ended_and_not_for_ever(&self) {
        let owner = user();
        let long = self.session_of(&owner, LONG, LONG).await;
        for (idle, lifetime) in [(Duration::ZERO, LONG), (LONG, Duration::ZERO)] {
            let zero = self.session_of(&owner, idle, lifetime).await;
            self.assert_ended(&zero, "a TTL of zero is ended, never no expiry").await;
        }
        assert!(self.load(&long).await.is_some(), "a TTL of zero shortens no other session");
        let endless = self.session(Duration::MAX, Duration::MAX).await;
        let record = self.load(&endless).await;
        let far = endless.at.saturating_add(LONG);
        let lives = record.is_some_and(|record| record.idle_deadline > far);
        assert!(lives, "the longest duration does not overflow");
        let touched = self.touch_one(&endless, Duration::MAX, Duration::MAX).await;
        assert!(matches!(touched, Touched::Lives(at) if at > far), "nothing overflows");
    }

    async fn the_store_tells_that_it_is_there(&self) {
        let health = super::ok("health", self.store.health().await);
        assert_ne!(health.version.as_deref(), Some(""), "a version is one, or none");
        super::ok("upkeep", self.store.upkeep().await);
        assert!(!self.store.kind().is_empty(), "a store has a name");
    }
}
