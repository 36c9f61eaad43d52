//! Touches: they extend a session and never move a time back.

use std::time::Duration;

use super::{LONG, Suite, user};
use crate::reason::EndReason;
use crate::store::{SessionStore, Touch, Touched};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn touch(&self) {
        self.a_touch_extends_only_below_the_threshold().await;
        self.a_touch_never_goes_past_the_lifetime().await;
        self.a_touch_moves_nothing_back().await;
        self.a_use_counts_from_when_it_was().await;
        self.an_extended_session_outlives_its_first_deadline().await;
        self.a_batch_is_answered_in_its_order().await;
    }

    async fn a_touch_extends_only_below_the_threshold(&self) {
        let session = self.session(LONG, LONG * 10).await;
        let first = self.uses(&session).await;
        self.pass(self.moment).await;

        let touched = self.touch_one(&session, Duration::ZERO, LONG / 2).await;
        let promise = "a deadline that is far away stays";
        assert_eq!(touched, Touched::Lives(first.idle_deadline), "{promise}");
        let second = self.uses(&session).await;
        assert_eq!(second.idle_deadline, first.idle_deadline, "{promise}");
        assert!(second.last_activity > first.last_activity, "a use moves the last activity");

        let touched = self.touch_one(&session, Duration::ZERO, LONG).await;
        let third = self.uses(&session).await;
        assert!(third.idle_deadline > first.idle_deadline, "below the threshold it is extended");
        let expected = third.last_activity.saturating_add(LONG);
        assert_eq!(third.idle_deadline, expected, "the new deadline is the use + idle TTL");
        assert_eq!(touched, Touched::Lives(third.idle_deadline), "a touch tells the deadline");
    }

    async fn a_touch_never_goes_past_the_lifetime(&self) {
        let session = self.session(LONG, LONG + self.moment / 2).await;
        let absolute = session.at.saturating_add(LONG + self.moment / 2);
        self.pass(self.moment).await;
        for _ in 0..2 {
            let touched = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
            assert_eq!(touched, Touched::Lives(absolute), "no touch goes past the lifetime");
            let uses = self.uses(&session).await;
            assert_eq!(uses.idle_deadline, absolute, "no touch goes past the lifetime");
        }
    }

    async fn a_touch_moves_nothing_back(&self) {
        let session = self.session(LONG, LONG * 10).await;
        self.pass(self.moment).await;
        let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
        let newest = self.uses(&session).await;
        for age in [self.moment, LONG, Duration::MAX] {
            let touched = self.touch_one(&session, age, Duration::MAX).await;
            let promise = "an older use that comes later moves nothing back";
            assert_eq!(touched, Touched::Lives(newest.idle_deadline), "{promise}");
            assert_eq!(self.uses(&session).await, newest, "{promise}");
        }
    }

    async fn a_use_counts_from_when_it_was(&self) {
        let session = self.session(LONG, LONG * 10).await;
        self.pass(self.moment * 2).await;
        let touched = self.touch_one(&session, self.moment, Duration::MAX).await;
        let uses = self.uses(&session).await;
        let now = self.store.now();
        // A real clock may be accurate to some milliseconds only.
        let rounding = self.moment / 4;
        let latest = now.saturating_sub(self.moment).saturating_add(rounding);
        assert!(uses.last_activity <= latest, "a late report does not make a use newer");
        assert!(uses.last_activity >= session.at, "the last activity moves forward only");
        let expected = uses.last_activity.saturating_add(LONG);
        assert_eq!(touched, Touched::Lives(expected), "a session lives from its use on");
    }

    async fn an_extended_session_outlives_its_first_deadline(&self) {
        let idle_ttl = self.moment * 5;
        let session = self.session(idle_ttl, LONG).await;
        let Some(first) = self.load(&session).await else { panic!("a session is found") };
        self.pass(self.moment * 3).await;
        let Touched::Lives(deadline) = self.touch_one(&session, Duration::ZERO, LONG).await else {
            panic!("a living session can be touched");
        };
        assert!(deadline > first.idle_deadline, "a use extends a session");
        self.pass(self.moment * 3).await;
        // The time is after the first deadline, and two moments before the second.
        for known in [None, Some(first.idle_deadline), Some(deadline)] {
            let found = match known {
                None => self.load(&session).await,
                Some(bound) => self.load_from(&session, bound).await,
            };
            let Some(found) = found else {
                panic!("a session that was used outlives its first deadline ({known:?})");
            };
            assert_eq!(found.idle_deadline, deadline, "the deadline that counts is the last one");
            assert_eq!(found.payload, first.payload, "a touch leaves the payload alone");
            assert_eq!(found.revision, first.revision, "a touch leaves the revision alone");
        }
        self.pass(self.moment * 3).await;
        assert_eq!(self.load_from(&session, deadline).await, None, "an unused session ends");
        self.assert_ended(&session, "an extended session ends as well").await;
    }

    async fn a_batch_is_answered_in_its_order(&self) {
        let owner = user();
        let alive = self.session_of(&owner, LONG, LONG).await;
        let ended = self.session_of(&owner, LONG, LONG).await;
        assert!(self.end(&ended, EndReason::Logout).await, "a living session can be ended");
        let stranger = self.session(LONG / 2, LONG).await;
        let touch = |session: &super::Session| {
            Touch::new(session.user.clone(), session.id.clone(), Duration::ZERO, Duration::ZERO)
        };
        let three = [touch(&alive), touch(&ended), touch(&stranger)];
        let many: Vec<_> = three.iter().cloned().cycle().take(1_201).collect();
        let answers = super::ok("touch", self.store.touch(&many).await);
        assert_eq!(answers.len(), many.len(), "each touch has an answer");
        let expected = [
            Touched::Lives(alive.at.saturating_add(LONG)),
            Touched::Ended,
            Touched::Lives(stranger.at.saturating_add(LONG / 2)),
        ];
        for (answer, expected) in answers.iter().zip(expected.iter().cycle()) {
            assert_eq!(answer, expected, "answers come in the order of the touches");
        }
        let none = super::ok("touch", self.store.touch(&[]).await);
        assert!(none.is_empty(), "an empty batch is no error");
    }
}
