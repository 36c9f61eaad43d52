//! Rotation: each refresh token can be rotated once.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Session, Suite, id, join_all, ok, user};
use crate::reason::RevokeReason;
use crate::store::{
    Activity, Created, NewRecord, Opened, Record, Replacement, Rotate, Rotated, Salt, SessionStore,
    Touch, Touched, Updated, UpdatedAll,
};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn rotate(&self) {
        self.rotation_increments_counter_and_revision().await;
        self.rotation_extends_the_session_up_to_the_absolute_deadline().await;
        self.previous_token_within_the_grace_window_changes_nothing().await;
        self.previous_token_after_the_grace_window_revokes_the_session().await;
        self.token_two_rotations_behind_revokes_the_session().await;
        self.previous_token_without_a_grace_window_revokes_the_session().await;
        self.unused_current_token_is_returned_again_within_the_retry_window().await;
        self.used_current_token_is_not_returned_again().await;
        self.token_with_unknown_counter_or_salt_changes_nothing().await;
        self.expired_or_revoked_session_cannot_rotate().await;
        self.payload_updates_keep_the_rotation_counter().await;
        self.one_of_many_concurrent_rotations_moves_the_counter().await;
    }

    async fn session_with_salt(&self, idle_ttl: Duration, lifetime: Duration) -> Session {
        let (user, id) = (user(), id());
        let mut new = NewRecord::new(idle_ttl, lifetime, Bytes::from_static(b"{\"a\":[]}"));
        new.salt = Some(salt("salt_of-a-session"));
        let Created::Created(Opened { at, .. }) = self.create(&user, &id, &new).await else {
            panic!("create must accept a new id");
        };
        Session { user, id, at }
    }

    async fn rotate_token(&self, session: &Session, counter: u64, grace: Duration) -> Rotated {
        self.rotate_with_salt(session, "salt_of-a-session", counter, grace).await
    }

    async fn rotate_with_salt(
        &self,
        session: &Session,
        with: &str,
        counter: u64,
        grace: Duration,
    ) -> Rotated {
        let rotate = Rotate::new(salt(with), counter, grace);
        ok("rotate", self.store.rotate(&session.user, &session.id, &rotate).await)
    }

    /// Rotates without a grace period, but with a retry period.
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
        assert!(matches!(touched[..], [Touched::Lives(_)]), "the session is live: {touched:?}");
    }

    async fn counter(&self, session: &Session) -> Option<u64> {
        Some(self.load(session).await?.rotation?.counter)
    }

    async fn rotation_increments_counter_and_revision(&self) {
        let session = self.session_with_salt(LONG, LONG * 2).await;
        let Some(first) = self.load(&session).await else { panic!("load must find the session") };
        let rotation =
            first.rotation.clone().unwrap_or_else(|| panic!("the session was created with a salt"));
        assert_eq!((rotation.counter, rotation.since), (0, session.at), "the counter starts at 0");
        assert_eq!(rotation.salt, salt("salt_of-a-session"), "the salt is unchanged");
        for counter in 0..3 {
            let revision = counter + 2;
            let (record, uses) = next(self.rotate_token(&session, counter, LONG).await);
            assert_eq!(
                self.load(&session).await.as_ref(),
                Some(&Record {
                    idle_deadline: self
                        .load(&session)
                        .await
                        .map_or(session.at, |r| r.idle_deadline),
                    ..record.clone()
                }),
                "rotate returns the record after the change"
            );
            assert_eq!(uses, self.uses(&session).await, "rotate returns the true activity");
            assert_eq!(record.revision, revision, "a rotation increments the revision");
            let rotation = record.rotation.unwrap_or_else(|| panic!("the record keeps its salt"));
            assert_eq!(rotation.counter, counter + 1, "a rotation increments the counter");
            assert_eq!(rotation.salt, salt("salt_of-a-session"), "the record keeps its salt");
            assert!(rotation.since >= session.at, "the rotation is not before the creation");
            assert_eq!(record.payload, first.payload, "a rotation does not change the payload");
            assert_eq!(
                record.absolute_deadline, first.absolute_deadline,
                "a rotation does not move the absolute deadline"
            );
            assert_eq!(
                record.created, first.created,
                "a rotation does not change the creation time"
            );
        }
        let plain = self.session(LONG, LONG).await;
        assert_eq!(self.counter(&plain).await, None, "a session without a salt has no rotation");
    }

    async fn rotation_extends_the_session_up_to_the_absolute_deadline(&self) {
        let session = self.session_with_salt(self.moment * 3, self.moment * 5).await;
        let before = self.uses(&session).await;
        self.pass(self.moment).await;
        let (record, uses) = next(self.rotate_token(&session, 0, LONG).await);
        assert!(uses.last_activity > before.last_activity, "a rotation is a use");
        assert!(uses.idle_deadline > before.idle_deadline, "a rotation extends the idle deadline");
        assert!(uses.idle_deadline <= record.absolute_deadline, "not past the absolute deadline");
        self.pass(self.moment * 2).await;
        let (record, uses) = next(self.rotate_token(&session, 1, LONG).await);
        assert_eq!(
            uses.idle_deadline, record.absolute_deadline,
            "the idle deadline stops at the absolute deadline"
        );
        self.pass(self.moment * 3).await;
        assert_eq!(
            self.rotate_token(&session, 2, LONG).await,
            Rotated::Gone,
            "the session has expired"
        );
        self.assert_ended(&session, "a rotation does not revive a session").await;
    }

    async fn previous_token_within_the_grace_window_changes_nothing(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (record, uses) = next(self.rotate_token(&session, 0, LONG).await);
        self.pass(self.moment).await;
        for _ in 0..2 {
            let again = self.rotate_token(&session, 0, LONG).await;
            assert_eq!(
                again,
                Rotated::Again(record.clone(), uses),
                "record and activity are unchanged"
            );
        }
        assert_eq!(self.counter(&session).await, Some(1), "the counter is unchanged");
        let (_, _) = next(self.rotate_token(&session, 1, LONG).await);
    }

    async fn previous_token_after_the_grace_window_revokes_the_session(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (_, _) = next(self.rotate_token(&session, 0, self.moment).await);
        self.pass(self.moment * 2).await;
        assert_eq!(
            self.rotate_token(&session, 0, self.moment).await,
            Rotated::Reused,
            "the grace window has passed"
        );
        self.assert_reused(&session).await;
    }

    async fn token_two_rotations_behind_revokes_the_session(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        for counter in 0..3 {
            let (_, _) = next(self.rotate_token(&session, counter, LONG).await);
        }
        assert_eq!(
            self.rotate_token(&session, 1, LONG).await,
            Rotated::Reused,
            "an older token counts as reuse"
        );
        self.assert_reused(&session).await;
    }

    async fn previous_token_without_a_grace_window_revokes_the_session(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (_, _) = next(self.rotate_token(&session, 0, Duration::ZERO).await);
        let again = self.rotate_token(&session, 0, Duration::ZERO).await;
        assert_eq!(again, Rotated::Reused, "a grace window of zero never applies");
        self.assert_reused(&session).await;
    }

    async fn unused_current_token_is_returned_again_within_the_retry_window(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (record, uses) = next(self.rotate_token(&session, 0, Duration::ZERO).await);
        for _ in 0..2 {
            let retried = self.retry(&session, 0, LONG).await;
            assert_eq!(
                retried,
                Rotated::Retried(record.clone(), uses),
                "record and activity are unchanged"
            );
        }
        let within = self.rotate_token(&session, 0, LONG).await;
        assert_eq!(
            within,
            Rotated::Again(record, uses),
            "the grace window is checked before the retry window"
        );
        assert_eq!(self.counter(&session).await, Some(1), "the counter is unchanged");
        // The first touch carries the counter of the replaced token, not of the current token. The
        // second touch is a touch of another session. Neither touch marks the current token as
        // used.
        self.use_rotation(&session, 0).await;
        let other = self.session_with_salt(LONG, LONG).await;
        self.use_rotation(&other, 1).await;
        assert!(matches!(self.retry(&session, 0, LONG).await, Rotated::Retried(..)));
        // A rotation creates a new current token, which is unused.
        let (_, _) = next(self.rotate_token(&session, 1, Duration::ZERO).await);
        self.use_rotation(&session, 1).await;
        assert!(matches!(self.retry(&session, 1, LONG).await, Rotated::Retried(..)));
        let two_behind = self.retry(&session, 0, LONG).await;
        assert_eq!(two_behind, Rotated::Reused, "an older token counts as reuse");
        self.assert_reused(&session).await;

        let session = self.session_with_salt(LONG, LONG).await;
        let (_, _) = next(self.rotate_token(&session, 0, Duration::ZERO).await);
        self.pass(self.moment * 2).await;
        assert_eq!(
            self.retry(&session, 0, self.moment).await,
            Rotated::Reused,
            "the retry window has passed"
        );
        self.assert_reused(&session).await;
    }

    async fn used_current_token_is_not_returned_again(&self) {
        for later in 0..3 {
            let session = self.session_with_salt(LONG, LONG).await;
            let (record, _) = next(self.rotate_token(&session, 0, Duration::ZERO).await);
            let before = self.uses(&session).await;
            self.use_rotation(&session, 1).await;
            assert_eq!(
                self.uses(&session).await,
                before,
                "a touch with an infinite age does not change the activity"
            );
            // After a later touch or update, the current token must still count as used.
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
            assert!(self.load(&session).await.is_some(), "the session is live");
            assert_eq!(self.list(&session.user).await.len(), 1, "the session is listed");
            let within = self.rotate_token(&session, 0, LONG).await;
            assert!(
                matches!(within, Rotated::Again(..)),
                "the grace window still applies: {within:?}"
            );
            assert_eq!(
                self.retry(&session, 0, LONG).await,
                Rotated::Reused,
                "the current token was used"
            );
            self.assert_reused(&session).await;
        }
    }

    async fn token_with_unknown_counter_or_salt_changes_nothing(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (_, _) = next(self.rotate_token(&session, 0, LONG).await);
        let before = self.load(&session).await;
        for ahead in [2, 3, 1 << 40, u64::MAX] {
            let rotated = self.rotate_token(&session, ahead, LONG).await;
            assert_eq!(rotated, Rotated::Unknown, "counter {ahead} is ahead of the session");
        }
        for counter in [0, 1, 2] {
            let rotated = self.rotate_with_salt(&session, "another", counter, LONG).await;
            assert_eq!(rotated, Rotated::Unknown, "a wrong salt is unknown");
        }
        assert_eq!(self.load(&session).await, before, "an unknown token changes nothing");
        let plain = self.session(LONG, LONG).await;
        let rotated = self.rotate_token(&plain, 0, LONG).await;
        assert_eq!(rotated, Rotated::Unknown, "a session without a salt has no refresh token");
        assert!(self.load(&plain).await.is_some(), "an unknown token changes nothing");
    }

    async fn expired_or_revoked_session_cannot_rotate(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let _ = self.end(&session, RevokeReason::Logout).await;
        for counter in [0, 1] {
            let rotated = self.rotate_token(&session, counter, LONG).await;
            assert_eq!(rotated, Rotated::Gone, "a revoked session cannot rotate");
        }
        self.assert_ended(&session, "a rotation does not revive a session").await;
        assert_eq!(
            self.revoke_reason(&session).await,
            Some(RevokeReason::Logout),
            "the first reason stays"
        );
        let session = self.session_with_salt(self.moment, LONG).await;
        self.pass(self.moment * 2).await;
        assert_eq!(
            self.rotate_token(&session, 0, LONG).await,
            Rotated::Gone,
            "an expired session cannot rotate"
        );
        self.assert_ended(&session, "a rotation does not revive a session").await;
    }

    async fn payload_updates_keep_the_rotation_counter(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let (_, _) = next(self.rotate_token(&session, 0, LONG).await);
        assert_eq!(
            self.write(&session, 1, b"late").await,
            Updated::Conflict,
            "a rotation changes the revision"
        );
        assert_eq!(self.write(&session, 2, b"second").await, Updated::Written(3));
        assert_eq!(self.counter(&session).await, Some(1), "an update does not change the counter");
        let next_one = Replacement::new(session.id.clone(), 3, Bytes::from_static(b"third"));
        let written = self.write_all(&session.user, &[next_one]).await;
        assert_eq!(written, UpdatedAll::Written, "the revision is the current one");
        let (record, _) = next(self.rotate_token(&session, 1, LONG).await);
        assert_eq!(record.payload, &b"third"[..], "a rotation does not change the payload");
        assert_eq!(record.revision, 5, "updates and rotations increment the revision");
        let listed = self.list(&session.user).await;
        let counters: Vec<_> = listed
            .iter()
            .map(|listed| listed.record.rotation.as_ref().map(|r| r.counter))
            .collect();
        assert_eq!(counters, [Some(2)], "list returns the same counter");
    }

    async fn one_of_many_concurrent_rotations_moves_the_counter(&self) {
        let session = self.session_with_salt(LONG, LONG).await;
        let all = join_all((0..20).map(|_| self.rotate_token(&session, 0, LONG))).await;
        let made = all.iter().filter(|one| matches!(one, Rotated::Next(..))).count();
        let again = all.iter().filter(|one| matches!(one, Rotated::Again(..))).count();
        assert_eq!((made, again), (1, 19), "one of many concurrent rotations succeeds");
        assert_eq!(self.counter(&session).await, Some(1), "the counter moves only once");
    }

    async fn assert_reused(&self, session: &Session) {
        self.assert_ended(session, "reuse of a refresh token revokes its session").await;
        let reason = self.revoke_reason(session).await;
        assert_eq!(reason, Some(RevokeReason::RefreshReuse), "the tombstone holds the reason");
    }
}

fn next(rotated: Rotated) -> (Record, Activity) {
    match rotated {
        Rotated::Next(record, activity) => (record, activity),
        other => panic!("the current token must rotate: {other:?}"),
    }
}

fn salt(text: &str) -> Salt {
    Salt::parse(text).unwrap_or_else(|| panic!("{text:?} is not a salt"))
}
