//! Limits within limits: of those that are kept around one piece of work, only the one that ends first needs a timer.
//!
//! An outer limit is one of whoever polls: work that is not polled by it (a task of its own) keeps its own time. What blocks a
//! thread within a poll is beyond every limit, as anywhere in an asynchronous program.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

thread_local! {
    /// Whoever is being polled here will not be for longer than this, counted from now or from earlier.
    static LEFT: Cell<Duration> = const { Cell::new(Duration::MAX) };
}

/// When work is given up.
#[derive(Clone, Copy)]
enum End {
    At(Instant),
    /// So long after it first had to wait.
    Within(Duration),
}

pin_project! {
    /// Work until its time is over. Registers no timer while somebody else is sure to end it sooner.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Limited<F, C, L> {
        #[pin]
        work: F,
        end: End,
        is_kept_elsewhere: C,
        late: L,
        #[pin]
        timer: Option<Sleep>,
    }
}

/// Gives `work` up after `limit` with what `late` says, unless whoever waits for it does so before that.
#[cfg_attr(
    not(any(test, feature = "redis")),
    expect(dead_code, reason = "only a remote store has a limit of its own")
)]
pub(crate) fn within<T, E, F, L>(
    limit: Duration,
    work: F,
    late: L,
) -> Limited<F, impl Fn() -> bool, L>
where
    F: Future<Output = Result<T, E>>,
    L: Fn() -> E,
{
    let is_kept_elsewhere = move || LEFT.get() <= limit;
    Limited { work, end: End::Within(limit), is_kept_elsewhere, late, timer: None }
}

/// Gives `work` up at `end` with what `late` says, if it has to wait while `is_kept_elsewhere` says no.
pub(crate) fn until<T, E, F, C, L>(
    end: Instant,
    work: F,
    is_kept_elsewhere: C,
    late: L,
) -> Limited<F, C, L>
where
    F: Future<Output = Result<T, E>>,
    C: Fn() -> bool,
    L: Fn() -> E,
{
    Limited { work, end: End::At(end), is_kept_elsewhere, late, timer: None }
}

impl<T, E, F, C, L> Future for Limited<F, C, L>
where
    F: Future<Output = Result<T, E>>,
    C: Fn() -> bool,
    L: Fn() -> E,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        let mut this = self.project();
        if let Poll::Ready(done) = this.work.poll(context) {
            return Poll::Ready(done);
        }
        if (this.is_kept_elsewhere)() {
            return Poll::Pending;
        }
        if this.timer.is_none() {
            let end = match *this.end {
                End::At(end) => end,
                End::Within(limit) => Instant::now() + limit,
            };
            this.timer.set(Some(sleep_until(end)));
        }
        match this.timer.as_pin_mut().map(|timer| timer.poll(context)) {
            Some(Poll::Ready(())) => Poll::Ready(Err((this.late)())),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

pin_project! {
    /// Work that is given up after `left` by whoever polls it.
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Told<F> {
        #[pin]
        work: F,
        left: Duration,
    }
}

/// Tells the limits within `work` that the caller gives it up after `left`.
pub(crate) fn told<F: Future>(left: Duration, work: F) -> Told<F> {
    Told { work, left }
}

impl<F: Future> Future for Told<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let before = LEFT.get();
        LEFT.set(before.min(*this.left));
        // Also when the work panics.
        let _again = Again(before);
        this.work.poll(context)
    }
}

/// After how long, at most, whoever is being polled here is given up by somebody around it.
#[cfg_attr(
    not(any(test, feature = "redis")),
    expect(dead_code, reason = "only a remote store condemns its connections")
)]
pub(crate) fn left() -> Duration {
    LEFT.get()
}

/// What this thread's limit was before.
struct Again(Duration);

impl Drop for Again {
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{timeout, timeout_at};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What never ends by itself.
    async fn never() -> Result<(), &'static str> {
        pending().await
    }

    fn late() -> &'static str {
        "late"
    }

    /// How long it took.
    async fn took(work: impl Future) -> Duration {
        let start = Instant::now();
        work.await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_given_up_in_time() {
        let start = Instant::now();
        assert_eq!(within(SECOND, never(), late).await, Err("late"));
        assert_eq!(until(start + 2 * SECOND, never(), || false, late).await, Err("late"));
        assert_eq!(start.elapsed(), 2 * SECOND);
        assert_eq!(within(Duration::ZERO, ready(Ok(7)), late).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_ends_first_counts() {
        // The outer one: the inner has no timer, and does not need any.
        let outer = timeout(SECOND, told(SECOND, within(2 * SECOND, never(), late)));
        assert_eq!(took(outer).await, SECOND);
        // The inner one.
        let outer = timeout(2 * SECOND, told(2 * SECOND, within(SECOND, never(), late)));
        assert_eq!(took(outer).await, SECOND);
        // One that is far within.
        let inner = told(3 * SECOND, within(2 * SECOND, never(), late));
        assert_eq!(took(timeout(SECOND, told(SECOND, inner))).await, SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_ends_with_the_poll() {
        let mut work = Box::pin(told(SECOND, within(2 * SECOND, never(), late)));
        assert!(timeout_at(Instant::now(), &mut work).await.is_err());
        assert_eq!(took(within(3 * SECOND, never(), late)).await, 3 * SECOND);
        let panics = std::panic::catch_unwind(|| {
            let work = told(Duration::ZERO, std::future::poll_fn(|_| -> Poll<()> { panic!() }));
            let mut context = Context::from_waker(std::task::Waker::noop());
            std::pin::pin!(work).as_mut().poll(&mut context)
        });
        assert!(panics.is_err());
        assert_eq!(LEFT.get(), Duration::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_goes_on_elsewhere_has_a_limit_there() {
        let mut work = Box::pin(within(2 * SECOND, never(), late));
        assert!(timeout(SECOND, told(SECOND, &mut work)).await.is_err());
        assert_eq!(took(work).await, 2 * SECOND);
    }
}
