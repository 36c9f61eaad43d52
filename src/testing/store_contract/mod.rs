//! The contract of [`SessionStore`], as checks that run on any store.

#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test suite: it panics at the first check that fails"
)]

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{
    Activity, Created, FenceValue, Listed, NewRecord, Opened, Record, Replacement, SessionStore,
    StoreError, Target, Touch, Touched, Updated, UpdatedAll,
};

mod attempts;
mod life;
mod limit;
mod list;
mod login_fence;
mod race;
mod revoke;
mod rotate;
mod scan;
mod touch;
mod update;
mod update_all;

/// Checks the whole contract of [`SessionStore`] on a store.
///
/// `advance` must let the given time pass on the store's clock. If the store uses a
/// [`ManualClock`](super::ManualClock), move that clock. If the store's clock cannot be moved,
/// sleep for the given time: all sleeps together take about 15 seconds. On a slow machine, a part
/// of the suite can then fail because its steps took too long. In that case, the suite repeats this
/// part with longer times. The panic of the failed attempt is still printed.
///
/// Skips the scans and the cleanup if the store cannot scan, that is, if its `scan` fails with
/// [`Unsupported`](crate::store::StoreErrorKind::Unsupported).
///
/// Sessions that are already in the store stay unchanged, except for the sessions of a few users
/// with unusual names, such as `*`.
///
/// # Panics
///
/// Panics at the first check that fails. The message names the violated promise.
///
/// # Example
///
/// ```
/// # use std::sync::Arc;
/// use tower_session_auth::clock::Timestamp;
/// use tower_session_auth::store::MemoryStore;
/// use tower_session_auth::testing::{ManualClock, store_contract};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let clock = ManualClock::new(Timestamp::from_millis(1_700_000_000_000));
/// let store = MemoryStore::with_clock(clock.clone());
/// store_contract(&store, async |time| clock.advance(time)).await;
/// # });
/// ```
pub async fn store_contract<St: SessionStore>(store: &St, advance: impl AsyncFn(Duration)) {
    let mut suite = Suite { store, advance, moment: MOMENT, pace: Mutex::default() };
    suite.check(async |suite| suite.life().await).await;
    suite.check(async |suite| suite.touch().await).await;
    suite.check(async |suite| suite.update().await).await;
    suite.check(async |suite| suite.update_all().await).await;
    suite.check(async |suite| suite.rotate().await).await;
    suite.check(async |suite| suite.revoke().await).await;
    suite.login_fences().await;
    suite.check(async |suite| suite.limits().await).await;
    suite.check(async |suite| suite.lists().await).await;
    if suite.can_scan().await {
        suite.check(async |suite| suite.scans().await).await;
    }
    suite.race().await;
    suite.check(async |suite| suite.attempts().await).await;
}

/// Long enough not to pass while the suite runs.
const LONG: Duration = Duration::from_secs(600);
/// The unit of time in the first attempt of a part. The short waits and TTLs of a part depend on
/// it. A part does not fail if one of its steps takes most of this time.
const MOMENT: Duration = Duration::from_millis(200);
/// The maximum number of repetitions of one part. A part is repeated only on a real clock, and only
/// if the machine was too slow for it. Each repetition makes the unit of time longer. The longer
/// unit also applies to the parts that follow.
const REPETITIONS: u32 = 3;

struct Suite<'a, St, A> {
    store: &'a St,
    advance: A,
    moment: Duration,
    pace: Mutex<Pace>,
}

/// Measures the longest step of the current attempt of a part. A step is the time on the store's
/// clock between two marks. It does not include the time for which the part has waited on purpose.
#[derive(Default)]
struct Pace {
    mark: Option<Timestamp>,
    longest: Duration,
}

impl Pace {
    /// Records the time since the last mark, minus `wanted`. `wanted` is the time for which the
    /// check has waited on purpose.
    fn mark(&mut self, now: Timestamp, wanted: Duration) {
        if let Some(mark) = self.mark {
            let unwanted = now.saturating_since(mark).saturating_sub(wanted);
            self.longest = self.longest.max(unwanted);
        }
        self.mark = Some(now);
    }
}

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    /// Runs a part of the suite. If the part fails, and a step took at least a quarter of the unit
    /// of time, a deadline may have passed too early. In that case, the suite runs the part again,
    /// with a unit of time that is three times as long. On a clock that only a test moves, no step
    /// takes time, so no part is repeated.
    async fn check(&mut self, part: impl AsyncFn(&Self)) {
        for repetition in 0.. {
            *self.pace() = Pace { mark: Some(self.store.now()), longest: Duration::ZERO };
            let outcome = caught(part(self)).await;
            let Err(panic) = outcome else { break };
            self.pace().mark(self.store.now(), Duration::ZERO);
            if repetition == REPETITIONS || self.pace().longest < self.moment / 4 {
                resume_unwind(panic);
            }
            self.moment *= 3;
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, time: Duration) {
        self.pace().mark(self.store.now(), Duration::ZERO);
        (self.advance)(time).await;
        self.pace().mark(self.store.now(), time);
    }

    /// Creates a session of a new user.
    async fn session(&self, idle_ttl: Duration, lifetime: Duration) -> Session {
        self.session_of(&user(), idle_ttl, lifetime).await
    }

    async fn session_of(&self, user: &UserId, idle_ttl: Duration, lifetime: Duration) -> Session {
        let id = id();
        let new = NewRecord::new(idle_ttl, lifetime, Bytes::from_static(b"{\"a\":[]}"));
        match self.create(user, &id, &new).await {
            Created::Created(Opened { at, .. }) => Session { user: user.clone(), id, at },
            _ => panic!("create must accept a new id"),
        }
    }

    async fn create(&self, user: &UserId, id: &SessionId, new: &NewRecord) -> Created {
        ok("create", self.store.create(user, id, new).await)
    }

    async fn load(&self, session: &Session) -> Option<Record> {
        ok("load", self.store.load(&session.user, &session.id, None).await)
    }

    async fn load_from(&self, session: &Session, bound: Timestamp) -> Option<Record> {
        ok("load", self.store.load(&session.user, &session.id, Some(bound)).await)
    }

    async fn activity(&self, session: &Session) -> Option<Activity> {
        ok("activity", self.store.activity(&session.user, &session.id).await)
    }

    /// Returns the activity of a session that must be live.
    async fn uses(&self, session: &Session) -> Activity {
        self.activity(session)
            .await
            .unwrap_or_else(|| panic!("a live session must have an activity"))
    }

    async fn touch_one(&self, session: &Session, age: Duration, extend_below: Duration) -> Touched {
        let touch = Touch::new(session.user.clone(), session.id.clone(), age, extend_below);
        let answers = ok("touch", self.store.touch(&[touch]).await);
        assert_eq!(answers.len(), 1, "one touch has one result");
        answers.into_iter().next().unwrap_or(Touched::Ended)
    }

    async fn write(&self, session: &Session, expected: u64, payload: &[u8]) -> Updated {
        let payload = Bytes::copy_from_slice(payload);
        ok("update", self.store.update(&session.user, &session.id, expected, payload).await)
    }

    async fn write_all(&self, user: &UserId, replacements: &[Replacement]) -> UpdatedAll {
        ok("update_all", self.store.update_all(user, replacements).await)
    }

    async fn end(&self, session: &Session, reason: RevokeReason) -> bool {
        let target = Target::from(&session.id);
        ok("revoke", self.store.revoke(&session.user, &target, reason).await).was_live()
    }

    async fn end_all(&self, user: &UserId, reason: RevokeReason) -> Vec<SessionId> {
        ok("revoke", self.store.revoke(user, &Target::All, reason).await).sessions
    }

    async fn login_fence(&self, user: &UserId) -> FenceValue {
        ok("login_fence", self.store.login_fence(user).await)
    }

    async fn list(&self, user: &UserId) -> Vec<Listed> {
        ok("list", self.store.list(user).await)
    }

    async fn revoke_reason(&self, session: &Session) -> Option<RevokeReason> {
        ok("ended", self.store.revoke_reason(&session.user, &session.id).await)
    }

    /// Checks that every operation reports that the session is over.
    async fn assert_ended(&self, session: &Session, promise: &str) {
        let far = self.store.now().saturating_add(LONG);
        for _ in 0..2 {
            assert_eq!(self.load(session).await, None, "{promise}: load");
            assert_eq!(self.load_from(session, session.at).await, None, "{promise}: load");
            assert_eq!(self.activity(session).await, None, "{promise}: activity");
            for age in [Duration::ZERO, LONG] {
                let touched = self.touch_one(session, age, Duration::MAX).await;
                assert_eq!(touched, Touched::Ended, "{promise}: touch");
            }
            for revision in [0, 1, 2, u64::MAX] {
                let updated = self.write(session, revision, b"late").await;
                assert_eq!(updated, Updated::Gone, "{promise}: update");
            }
            // The second pass checks that no operation of the first pass made the session live
            // again.
        }
        assert!(far > session.at, "the store's clock does not run backwards");
    }
}

struct Session {
    user: UserId,
    id: SessionId,
    /// The time of creation, on the store's clock.
    at: Timestamp,
}

fn ok<T>(verb: &str, answer: Result<T, StoreError>) -> T {
    answer.unwrap_or_else(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        panic!("{verb}: {error} ({})", source.unwrap_or_default())
    })
}

fn id() -> SessionId {
    SessionId::random().unwrap_or_else(|error| panic!("{error}"))
}

fn user() -> UserId {
    named(&format!("contract {}", id()))
}

fn named(name: &str) -> UserId {
    UserId::parse(name).unwrap_or_else(|_| panic!("{name:?} is not a user id"))
}

/// Names that are syntax or patterns in some stores, and names that contain other names.
fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "*", "?", "a", "A", "a*", "a:b", "a:b:live", "{x}", "x", "a}{b", "a}:live", "[a-z]", "^a$",
        "a\nb", "a\r\nb", "\r\n", "\0", " ", "a ", "%", "%41", "%2A", "%252A", "..", "/", "\\",
        "\"", "#", "$1", "ä", "a\u{308}", "王🦀", "-inf", "nil", "0",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(256));
    names.push("*".repeat(256));
    names.push("x".repeat(255));
    names
}

/// Polls a future until it ends. Returns its panic as an error.
async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    let mut work = pin!(work);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Polls all futures concurrently, and returns their outputs in order.
async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|cx| {
        let mut all = true;
        for (future, answer) in &mut running {
            if answer.is_none() {
                match future.as_mut().poll(cx) {
                    Poll::Ready(ready) => *answer = Some(ready),
                    Poll::Pending => all = false,
                }
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, answer)| answer).collect()
}
