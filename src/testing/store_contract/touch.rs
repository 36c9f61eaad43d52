//! Touches: they extend a session, and they never move a time back.

use std::time::Duration;

use super::{LONG, Suite, user};
use crate::reason::RevokeReason;
use crate::store::{SessionStore, Touch, Touched};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn touch(&self) {
        self.touch_extends_only_below_the_threshold().await;
        self.touch_never_extends_past_the_absolute_deadline().await;
        self.touch_never_moves_a_time_back().await;
        self.touch_extends_from_the_time_of_the_use().await;
        self.extended_session_is_live_after_its_first_idle_deadline().await;
        self.touch_returns_results_in_the_order_of_the_batch().await;
    }

    async fn touch_extends_only_below_the_threshold(&self) {
        let session = self.session(LONG, LONG * 10).await;
        let first = self.uses(&session).await;
        self.pass(self.moment).await;

        let touched = self.touch_one(&session, Duration::ZERO, LONG / 2).await;
        let promise = "a deadline above the threshold stays";
        assert_eq!(touched, Touched::Lives(first.idle_deadline), "{promise}");
        let second = self.uses(&session).await;
        assert_eq!(second.idle_deadline, first.idle_deadline, "{promise}");
        assert!(second.last_activity > first.last_activity, "a use moves the last activity");

        let touched = self.touch_one(&session, Duration::ZERO, LONG).await;
        let third = self.uses(&session).await;
        assert!(
            third.idle_deadline > first.idle_deadline,
            "a deadline below the threshold is extended"
        );
        let expected = third.last_activity.saturating_add(LONG);
        assert_eq!(
            third.idle_deadline, expected,
            "the new deadline is the time of the use + idle TTL"
        );
        assert_eq!(touched, Touched::Lives(third.idle_deadline), "touch returns the idle deadline");
    }

    async fn touch_never_extends_past_the_absolute_deadline(&self) {
        let session = self.session(LONG, LONG + self.moment / 2).await;
        let absolute = session.at.saturating_add(LONG + self.moment / 2);
        self.pass(self.moment).await;
        for _ in 0..2 {
            let touched = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
            assert_eq!(
                touched,
                Touched::Lives(absolute),
                "no touch extends past the absolute deadline"
            );
            let uses = self.uses(&session).await;
            assert_eq!(uses.idle_deadline, absolute, "no touch extends past the absolute deadline");
        }
    }

    async fn touch_never_moves_a_time_back(&self) {
        let session = self.session(LONG, LONG * 10).await;
        self.pass(self.moment).await;
        let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
        let newest = self.uses(&session).await;
        for age in [self.moment, LONG, Duration::MAX] {
            let touched = self.touch_one(&session, age, Duration::MAX).await;
            let promise = "an older use that is reported later moves no time back";
            assert_eq!(touched, Touched::Lives(newest.idle_deadline), "{promise}");
            assert_eq!(self.uses(&session).await, newest, "{promise}");
        }
    }

    async fn touch_extends_from_the_time_of_the_use(&self) {
        let session = self.session(LONG, LONG * 10).await;
        self.pass(self.moment * 2).await;
        let touched = self.touch_one(&session, self.moment, Duration::MAX).await;
        let uses = self.uses(&session).await;
        let now = self.store.now();
        // A real clock may be accurate only to some milliseconds.
        let rounding = self.moment / 4;
        let latest = now.saturating_sub(self.moment).saturating_add(rounding);
        assert!(uses.last_activity <= latest, "a late report does not make a use newer");
        assert!(uses.last_activity >= session.at, "the last activity moves forward only");
        let expected = uses.last_activity.saturating_add(LONG);
        assert_eq!(
            touched,
            Touched::Lives(expected),
            "the idle deadline is the time of the use + idle TTL"
        );
    }

    async fn extended_session_is_live_after_its_first_idle_deadline(&self) {
        let idle_ttl = self.moment * 5;
        let session = self.session(idle_ttl, LONG).await;
        let Some(first) = self.load(&session).await else { panic!("load must find the session") };
        self.pass(self.moment * 3).await;
        let Touched::Lives(deadline) = self.touch_one(&session, Duration::ZERO, LONG).await else {
            panic!("touch must find a live session");
        };
        assert!(deadline > first.idle_deadline, "a use extends a session");
        self.pass(self.moment * 3).await;
        // The first idle deadline has passed. The second one is two moments away.
        for known in [None, Some(first.idle_deadline), Some(deadline)] {
            let found = match known {
                None => self.load(&session).await,
                Some(bound) => self.load_from(&session, bound).await,
            };
            let Some(found) = found else {
                panic!("an extended session is live after its first deadline ({known:?})");
            };
            assert_eq!(found.idle_deadline, deadline, "the idle deadline is the latest one");
            assert_eq!(found.payload, first.payload, "a touch does not change the payload");
            assert_eq!(found.revision, first.revision, "a touch does not change the revision");
        }
        self.pass(self.moment * 3).await;
        assert_eq!(self.load_from(&session, deadline).await, None, "an unused session expires");
        self.assert_ended(&session, "an extended session expires as well").await;
    }

    async fn touch_returns_results_in_the_order_of_the_batch(&self) {
        let owner = user();
        let alive = self.session_of(&owner, LONG, LONG).await;
        let ended = self.session_of(&owner, LONG, LONG).await;
        assert!(self.end(&ended, RevokeReason::Logout).await, "the session was live");
        let stranger = self.session(LONG / 2, LONG).await;
        let touch = |session: &super::Session| {
            Touch::new(session.user.clone(), session.id.clone(), Duration::ZERO, Duration::ZERO)
        };
        let three = [touch(&alive), touch(&ended), touch(&stranger)];
        let many: Vec<_> = three.iter().cloned().cycle().take(1_201).collect();
        let answers = super::ok("touch", self.store.touch(&many).await);
        assert_eq!(answers.len(), many.len(), "each touch has a result");
        let expected = [
            Touched::Lives(alive.at.saturating_add(LONG)),
            Touched::Ended,
            Touched::Lives(stranger.at.saturating_add(LONG / 2)),
        ];
        for (answer, expected) in answers.iter().zip(expected.iter().cycle()) {
            assert_eq!(answer, expected, "results are in the order of the touches");
        }
        let none = super::ok("touch", self.store.touch(&[]).await);
        assert!(none.is_empty(), "an empty batch has no results");
    }
}
