//! Clocks, slices and medians.
//!
//! The machine is never quiet, so nothing is measured in one go: what is compared takes turns in short slices of the same
//! run, and what counts is the median of the slices.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;
use tokio::task::{JoinSet, yield_now};
use tower::{Service, ServiceExt};

/// The value of an `Authorization` header.
pub(crate) type Bearer = Arc<str>;

/// A service that can be measured.
pub(crate) trait Measured:
    Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static
{
}

impl<S> Measured for S where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// A request as a server hands it on: its header was just read, so it is written here as well.
pub(crate) fn request(bearer: &str) -> Request<String> {
    let mut request = Request::new(String::new());
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(bearer).unwrap());
    request
}

/// One request. The outcome is checked: nothing here times an error by mistake.
#[inline]
pub(crate) async fn ask<S: Measured>(service: &mut S, bearer: &str, expected: StatusCode) {
    let request = request(bearer);
    let Ok(ready) = service.ready().await;
    let Ok(response) = ready.call(request).await;
    assert_eq!(response.status(), expected);
    black_box(response);
}

/// The CPU time of this process, all its threads, in nanoseconds.
pub(crate) fn process_cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

pub(crate) fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

pub(crate) fn median(samples: &mut [f64]) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A prime, so that it visits each of any number of tokens but its multiples.
const STRIDE: usize = 7_919;

/// Tokens one after the other.
pub(crate) struct Turn {
    bearers: Arc<[Bearer]>,
    at: usize,
    stride: usize,
}

impl Turn {
    #[inline]
    pub(crate) fn bearer(&mut self) -> &str {
        self.at = (self.at + self.stride) % self.bearers.len();
        &self.bearers[self.at]
    }
}

/// Gives out tokens.
pub(crate) struct Feed {
    bearers: Arc<[Bearer]>,
    given: usize,
    once: bool,
}

impl Feed {
    /// All of them in turn, in an order that is not that of their memory.
    pub(crate) fn in_turn(bearers: &Arc<[Bearer]>) -> Self {
        assert_ne!(bearers.len() % STRIDE, 0, "some would never have a turn");
        Self { bearers: Arc::clone(bearers), given: 0, once: false }
    }

    /// Each of them once.
    pub(crate) fn once(bearers: &Arc<[Bearer]>) -> Self {
        Self { bearers: Arc::clone(bearers), given: 0, once: true }
    }

    pub(crate) fn take(&mut self, count: usize) -> Turn {
        let stride = if self.once { 1 } else { STRIDE };
        let bearers = Arc::clone(&self.bearers);
        let at = self.given * stride % bearers.len();
        self.given += count;
        assert!(!self.once || self.given < bearers.len(), "no token is left that is new");
        Turn { bearers, at, stride }
    }

    pub(crate) fn given(&self) -> usize {
        self.given
    }
}

/// Something that takes its turn: one slice, of which it keeps the samples, in nanoseconds a request.
pub(crate) type Slice<'a> = Box<dyn FnMut(&mut Vec<f64>) + 'a>;

/// Lets each do `slices` slices, in turn, and gives the median sample of each.
pub(crate) fn alternate<const N: usize>(slices: usize, mut which: [Slice<'_>; N]) -> [f64; N] {
    let mut samples = [const { Vec::new() }; N];
    let warm_up = slices / 10 + 1;
    for round in 0..warm_up + slices {
        if round == warm_up {
            samples.iter_mut().for_each(Vec::clear);
        }
        for i in 0..N {
            // Nobody always follows the same one.
            let i = (i + round) % N;
            which[i](&mut samples[i]);
        }
    }
    samples.each_mut().map(|samples| median(samples))
}

/// Lets the runtime see to its sockets: a task that never waits would keep it from that.
pub(crate) async fn breathe() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// Requests of one task that wait for nothing: the sample is the mean of a short slice, for a clock read costs too much.
/// A few go before it, so that the processor's caches are not those of whoever had the last slice.
pub(crate) fn at_once<'a, S: Measured>(
    runtime: &'a Runtime,
    service: &S,
    bearers: &Arc<[Bearer]>,
    expected: StatusCode,
) -> Slice<'a> {
    const BEFORE: usize = 1_000;
    const REQUESTS: usize = 1_000;
    let (mut service, mut feed) = (service.clone(), Feed::in_turn(bearers));
    Box::new(move |samples| {
        let mut turn = feed.take(BEFORE + REQUESTS);
        let slice = async {
            breathe().await;
            for _ in 0..BEFORE {
                ask(&mut service, turn.bearer(), expected).await;
            }
            let start = Instant::now();
            for _ in 0..REQUESTS {
                ask(&mut service, turn.bearer(), expected).await;
            }
            start.elapsed()
        };
        samples.push(nanos(runtime.block_on(slice)) / REQUESTS as f64);
    })
}

/// Requests of one task that wait for a server: each is a sample.
pub(crate) fn one_by_one<'a, S: Measured>(
    runtime: &'a Runtime,
    service: &S,
    feed: &'a mut Feed,
    expected: StatusCode,
) -> Slice<'a> {
    const REQUESTS: usize = 100;
    let mut service = service.clone();
    Box::new(move |samples| {
        let mut turn = feed.take(REQUESTS);
        runtime.block_on(async {
            breathe().await;
            for _ in 0..REQUESTS {
                let start = Instant::now();
                ask(&mut service, turn.bearer(), expected).await;
                samples.push(nanos(start.elapsed()));
            }
        });
    })
}

/// CPU time a request of 64 tasks, `requests` each in a slice.
pub(crate) fn cpu_of_64<'a, S: Measured>(
    runtime: &'a Runtime,
    service: &S,
    feed: &'a mut Feed,
    requests: usize,
    expected: StatusCode,
) -> Slice<'a> {
    const TASKS: usize = 64;
    let service = service.clone();
    Box::new(move |samples| {
        let before = process_cpu();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for _ in 0..TASKS {
                let (mut service, mut turn) = (service.clone(), feed.take(requests));
                tasks.spawn(async move {
                    for _ in 0..requests {
                        ask(&mut service, turn.bearer(), expected).await;
                    }
                });
            }
            tasks.join_all().await;
        });
        samples.push((process_cpu() - before) / (TASKS * requests) as f64);
    })
}

/// Heap allocations a request; exact, for all happens on this thread.
pub(crate) fn allocations<S: Measured>(
    runtime: &Runtime,
    service: &S,
    bearers: &Arc<[Bearer]>,
    expected: StatusCode,
) -> f64 {
    const REQUESTS: usize = 1_000;
    let (mut service, mut turn) = (service.clone(), Feed::in_turn(bearers).take(REQUESTS));
    let mut all = async |service: &mut S| {
        for _ in 0..REQUESTS {
            ask(service, turn.bearer(), expected).await;
        }
    };
    runtime.block_on(all(&mut service));
    let counted = allocations::counted(|| runtime.block_on(all(&mut service)));
    counted.allocations as f64 / REQUESTS as f64
}
