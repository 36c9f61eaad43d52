//! Rotation: each refresh token is exchanged once.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Session, Suite, id, join_all, ok, user};
use crate::reason::EndReason;
use crate::store::{
    Activity, Created, NewRecord, Opened, Record, Replacement, Rotate, Rotated, Salt, SessionStore,
    Touch, Touched, Updated, UpdatedAll,
};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn rotate(&self) {
        self.an_exchange_moves_on_by_one().await;
        self.an_exchange_is_a_use_within_the_absolute_lifetime().await;
        self.within_the_window_the_one_before_changes_nothing().await;
        self.after_the_window_the_one_before_ends_the_session().await;
        self.an_older_one_ends_the_session_at_once().await;
        self.without_a_window_one_exchange_is_all().await;
        self.an_unused_successor_can_be_asked_for_again().await;
        self.a_successor_that_was_used_is_not_given_again().await;
        self.what_the_session_does_not_know_changes_nothing().await;
        self.an_ended_session_exchanges_nothing().await;
        self.a_change_of_content_undoes_no_exchange().await;
        self.of_many_exchanges_one_is_made().await;
    }

    async fn rotating(&self, idle_ttl: Duration, lifetime: Duration) -> Session {
        let (user, id) = (user(), id());
        let mut new = NewRecord::new(idle_ttl, lifetime, Bytes::from_static(b"{\"a\":[]}"));
        new.salt = Some(salt("salt_of-a-session"));
        let Created::Created(Opened { at, .. }) = self.create(&user, &id, &new).await else {
            panic!("a new id is free");
        };
        Session { user, id, at }
    }

    async fn exchange(&self, session: &Session, counter: u64, grace: Duration) -> Rotated {
        self.exchange_with(session, "salt_of-a-session", counter, grace).await
    }

    async fn exchange_with(
        &self,
        session: &Session,
        with: &str,
        counter: u64,
        grace: Duration,
    ) -> Rotated {
        let rotate = Rotate::new(salt(with), counter, grace);
        ok("rotate", self.store.rotate(&session.user, &session.id, &rotate).await)
    }

    /// Rotates after the grace window, with a retry window.
    async fn retry(&self, session: &Session, counter: u64, retry: Duration) -> Rotated {
        let mut rotate = Rotate::new(salt("salt_of-a-session"), counter, Duration::ZERO);
        rotate.retry = retry;
        ok("rotate", self.store.rotate(&session.user, &session.id, &rotate).await)
    }

    /// Records that a refresh token was used, and changes nothing else.
    async fn use_rotation(&self, session: &Session, rotation: u64) {
        let (user, id) = (session.user.clone(), session.id.clone());
        let mut touch = Touch::new(user, id, Duration::MAX, Duration::ZERO);
        touch.rotation = Some(rotation);
        let touched = ok("touch", self.store.touch(&[touch]).await);
        assert!(matches!(touched[..], [Touched::Lives(_)]), "it lives: {touched:?}");
    }

    async fn counter(&self, session: &Session) -> Option<u64> {
        Some(self.load(session).await?.rotation?.counter)
    }

    async fn an_exchange_moves_on_by_one(&self) {
        let session = self.rotating(LONG, LONG * 2).await;
        let Some(first) = self.load(&session).await else { panic!("a session is found") };
        let rotation = first.rotation.clone().unwrap_or_else(|| panic!("it was made with a salt"));
        assert_eq!((rotation.counter, rotation.since), (0, session.at), "tokens begin with 0");
        assert_eq!(rotation.salt, salt("salt_of-a-session"), "a salt comes back as it was");
        for counter in 0..3 {
            let revision = counter + 2;
            let (record, uses) = next(self.exchange(&session, counter, LONG).await);
            assert_eq!(
                self.load(&session).await.as_ref(),
                Some(&Record {
                    idle_deadline: self
                        .load(&session)
                        .await
                        .map_or(session.at, |r| r.idle_deadline),
                    ..record.clone()
                }),
                "an exchange answers with the session as it is then"
            );
            assert_eq!(uses, self.uses(&session).await, "and with its true activity");
            assert_eq!(record.revision, revision, "an exchange counts the revision up");
            let rotation = record.rotation.unwrap_or_else(|| panic!("the salt stays"));
            assert_eq!(rotation.counter, counter + 1, "an exchange moves on by one");
            assert_eq!(rotation.salt, salt("salt_of-a-session"), "the salt stays");
            assert!(rotation.since >= session.at, "it is now");
            assert_eq!(record.payload, first.payload, "an exchange leaves the payload alone");
            assert_eq!(record.absolute_deadline, first.absolute_deadline, "deadlines stay");
            assert_eq!(record.created, first.created, "an exchange is no creation");
        }
        let plain = self.session(LONG, LONG).await;
        assert_eq!(self.counter(&plain).await, None, "without a salt there are no tokens");
    }

    async fn an_exchange_is_a_use_within_the_absolute_lifetime(&self) {
        let session = self.rotating(self.moment * 3, self.moment * 5).await;
        let before = self.uses(&session).await;
        self.pass(self.moment).await;
        let (record, uses) = next(self.exchange(&session, 0, LONG).await);
        assert!(uses.last_activity > before.last_activity, "an exchange is a use");
        assert!(uses.idle_deadline > before.idle_deadline, "a use moves the idle deadline");
        assert!(uses.idle_deadline <= record.absolute_deadline, "never past the absolute one");
        self.pass(self.moment * 2).await;
        let (record, uses) = next(self.exchange(&session, 1, LONG).await);
        assert_eq!(uses.idle_deadline, record.absolute_deadline, "never past the absolute one");
        self.pass(self.moment * 3).await;
        assert_eq!(self.exchange(&session, 2, LONG).await, Rotated::Gone, "it is over then");
        self.assert_ended(&session, "an exchange is no upsert").await;
    }

    async fn within_the_window_the_one_before_changes_nothing(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (record, uses) = next(self.exchange(&session, 0, LONG).await);
        self.pass(self.moment).await;
        for _ in 0..2 {
            let again = self.exchange(&session, 0, LONG).await;
            assert_eq!(again, Rotated::Again(record.clone(), uses), "the same as before");
        }
        assert_eq!(self.counter(&session).await, Some(1), "nothing has changed");
        let (_, _) = next(self.exchange(&session, 1, LONG).await);
    }

    async fn after_the_window_the_one_before_ends_the_session(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (_, _) = next(self.exchange(&session, 0, self.moment).await);
        self.pass(self.moment * 2).await;
        assert_eq!(self.exchange(&session, 0, self.moment).await, Rotated::Reused, "it is late");
        self.assert_reused(&session).await;
    }

    async fn an_older_one_ends_the_session_at_once(&self) {
        let session = self.rotating(LONG, LONG).await;
        for counter in 0..3 {
            let (_, _) = next(self.exchange(&session, counter, LONG).await);
        }
        assert_eq!(self.exchange(&session, 1, LONG).await, Rotated::Reused, "two behind");
        self.assert_reused(&session).await;
    }

    async fn without_a_window_one_exchange_is_all(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (_, _) = next(self.exchange(&session, 0, Duration::ZERO).await);
        let again = self.exchange(&session, 0, Duration::ZERO).await;
        assert_eq!(again, Rotated::Reused, "a window of zero is none");
        self.assert_reused(&session).await;
    }

    async fn an_unused_successor_can_be_asked_for_again(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (record, uses) = next(self.exchange(&session, 0, Duration::ZERO).await);
        for _ in 0..2 {
            let retried = self.retry(&session, 0, LONG).await;
            assert_eq!(retried, Rotated::Retried(record.clone(), uses), "the same as before");
        }
        let within = self.exchange(&session, 0, LONG).await;
        assert_eq!(within, Rotated::Again(record, uses), "a grace window comes first");
        assert_eq!(self.counter(&session).await, Some(1), "nothing has changed");
        // The used token is the one that was exchanged, not its successor. A use of another
        // session's token does not count either.
        self.use_rotation(&session, 0).await;
        let other = self.rotating(LONG, LONG).await;
        self.use_rotation(&other, 1).await;
        assert!(matches!(self.retry(&session, 0, LONG).await, Rotated::Retried(..)));
        // Each rotation starts with an unused successor.
        let (_, _) = next(self.exchange(&session, 1, Duration::ZERO).await);
        self.use_rotation(&session, 1).await;
        assert!(matches!(self.retry(&session, 1, LONG).await, Rotated::Retried(..)));
        let two_behind = self.retry(&session, 0, LONG).await;
        assert_eq!(two_behind, Rotated::Reused, "an older one ends the session at once");
        self.assert_reused(&session).await;

        let session = self.rotating(LONG, LONG).await;
        let (_, _) = next(self.exchange(&session, 0, Duration::ZERO).await);
        self.pass(self.moment * 2).await;
        assert_eq!(self.retry(&session, 0, self.moment).await, Rotated::Reused, "it is late");
        self.assert_reused(&session).await;
    }

    async fn a_successor_that_was_used_is_not_given_again(&self) {
        for later in 0..3 {
            let session = self.rotating(LONG, LONG).await;
            let (record, _) = next(self.exchange(&session, 0, Duration::ZERO).await);
            let before = self.uses(&session).await;
            self.use_rotation(&session, 1).await;
            assert_eq!(self.uses(&session).await, before, "its age was infinite");
            // Later operations do not hide that the successor was used.
            match later {
                0 => {}
                1 => {
                    let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
                    self.use_rotation(&session, 0).await;
                }
                _ => {
                    let written = self.write(&session, record.revision, b"other").await;
                    assert_eq!(written, Updated::Written(record.revision + 1));
                }
            }
            assert!(self.load(&session).await.is_some(), "it lives");
            assert_eq!(self.list(&session.user).await.len(), 1, "it is listed");
            let within = self.exchange(&session, 0, LONG).await;
            assert!(matches!(within, Rotated::Again(..)), "in the grace window: {within:?}");
            assert_eq!(self.retry(&session, 0, LONG).await, Rotated::Reused, "it was used");
            self.assert_reused(&session).await;
        }
    }

    async fn what_the_session_does_not_know_changes_nothing(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (_, _) = next(self.exchange(&session, 0, LONG).await);
        let before = self.load(&session).await;
        for ahead in [2, 3, 1 << 40, u64::MAX] {
            let rotated = self.exchange(&session, ahead, LONG).await;
            assert_eq!(rotated, Rotated::Unknown, "{ahead} is still to come");
        }
        for counter in [0, 1, 2] {
            let rotated = self.exchange_with(&session, "another", counter, LONG).await;
            assert_eq!(rotated, Rotated::Unknown, "another salt is another session's");
        }
        assert_eq!(self.load(&session).await, before, "and nothing has changed");
        let plain = self.session(LONG, LONG).await;
        let rotated = self.exchange(&plain, 0, LONG).await;
        assert_eq!(rotated, Rotated::Unknown, "without a salt there is nothing to exchange");
        assert!(self.load(&plain).await.is_some(), "and nothing has changed");
    }

    async fn an_ended_session_exchanges_nothing(&self) {
        let session = self.rotating(LONG, LONG).await;
        let _ = self.end(&session, EndReason::Logout).await;
        for counter in [0, 1] {
            let rotated = self.exchange(&session, counter, LONG).await;
            assert_eq!(rotated, Rotated::Gone, "what has ended stays ended");
        }
        self.assert_ended(&session, "an exchange is no upsert").await;
        assert_eq!(self.ended(&session).await, Some(EndReason::Logout), "the first reason stays");
        let session = self.rotating(self.moment, LONG).await;
        self.pass(self.moment * 2).await;
        assert_eq!(self.exchange(&session, 0, LONG).await, Rotated::Gone, "its time has passed");
        self.assert_ended(&session, "an exchange is no upsert").await;
    }

    async fn a_change_of_content_undoes_no_exchange(&self) {
        let session = self.rotating(LONG, LONG).await;
        let (_, _) = next(self.exchange(&session, 0, LONG).await);
        assert_eq!(self.write(&session, 1, b"late").await, Updated::Conflict, "it is another one");
        assert_eq!(self.write(&session, 2, b"second").await, Updated::Written(3));
        assert_eq!(self.counter(&session).await, Some(1), "an update leaves the tokens alone");
        let next_one = Replacement::new(session.id.clone(), 3, Bytes::from_static(b"third"));
        let written = self.write_all(&session.user, &[next_one]).await;
        assert_eq!(written, UpdatedAll::Written, "the revision is the present one");
        let (record, _) = next(self.exchange(&session, 1, LONG).await);
        assert_eq!(record.payload, &b"third"[..], "an exchange leaves the payload alone");
        assert_eq!(record.revision, 5, "all of these count the revision up");
        let listed = self.list(&session.user).await;
        let counters: Vec<_> = listed
            .iter()
            .map(|listed| listed.record.rotation.as_ref().map(|r| r.counter))
            .collect();
        assert_eq!(counters, [Some(2)], "a list tells the same");
    }

    async fn of_many_exchanges_one_is_made(&self) {
        let session = self.rotating(LONG, LONG).await;
        let all = join_all((0..20).map(|_| self.exchange(&session, 0, LONG))).await;
        let made = all.iter().filter(|one| matches!(one, Rotated::Next(..))).count();
        let again = all.iter().filter(|one| matches!(one, Rotated::Again(..))).count();
        assert_eq!((made, again), (1, 19), "of many exchanges one is made");
        assert_eq!(self.counter(&session).await, Some(1), "of many exchanges one is made");
    }

    async fn assert_reused(&self, session: &Session) {
        self.assert_ended(session, "a token that is used twice ends its session").await;
        let reason = self.ended(session).await;
        assert_eq!(reason, Some(EndReason::RefreshReuse), "and everybody is told why");
    }
}

fn next(rotated: Rotated) -> (Record, Activity) {
    match rotated {
        Rotated::Next(record, activity) => (record, activity),
        other => panic!("the present token is exchanged: {other:?}"),
    }
}

fn salt(text: &str) -> Salt {
    Salt::parse(text).unwrap_or_else(|| panic!("{text:?} is no salt"))
}
