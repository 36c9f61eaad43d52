//! Clocks, slices and medians.
//!
//! The machine is never idle. The cases of a comparison therefore take turns in short slices of the
//! same run, and the result is the median of the slices.

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

/// A service that the benchmark can measure.
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

/// Returns a request as a server passes it on. A server has just read the header, so the cost of
/// the header is included. An empty value stands for no header.
pub(crate) fn request(bearer: &str) -> Request<String> {
    let mut request = Request::new(String::new());
    if bearer.is_empty() {
        return request;
    }
    request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_str(bearer).unwrap());
    request
}

/// Sends one request. It checks the outcome, so that no case measures an error by mistake.
#[inline]
pub(crate) async fn ask<S: Measured>(service: &mut S, bearer: &str, expected: StatusCode) {
    let request = request(bearer);
    let Ok(ready) = service.ready().await;
    let Ok(response) = ready.call(request).await;
    assert_eq!(response.status(), expected);
    black_box(response);
}

/// Returns the CPU time of this process with all its threads, in nanoseconds.
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

/// A prime, so that the stride visits every token if their number is not a multiple of it.
const STRIDE: usize = 7_919;

/// Hands out tokens one after the other.
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

/// Hands out series of tokens.
pub(crate) struct Feed {
    bearers: Arc<[Bearer]>,
    given: usize,
    once: bool,
}

impl Feed {
    /// Hands out all tokens in turn, in an order that differs from their order in memory.
    pub(crate) fn in_turn(bearers: &Arc<[Bearer]>) -> Self {
        assert_ne!(bearers.len() % STRIDE, 0, "some would never have a turn");
        Self { bearers: Arc::clone(bearers), given: 0, once: false }
    }

    /// Hands out each token once.
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

/// A measured case: each call runs one slice and adds its samples, in nanoseconds per request.
pub(crate) type Slice<'a> = Box<dyn FnMut(&mut Vec<f64>) + 'a>;

/// Runs `slices` slices of each case, in turn, and returns the median sample of each case.
pub(crate) fn alternate<const N: usize>(slices: usize, which: [Slice<'_>; N]) -> [f64; N] {
    samples(slices, which).each_mut().map(|samples| median(samples))
}

/// Runs `slices` slices of each case, in turn, and returns all samples of each case.
pub(crate) fn samples<const N: usize>(slices: usize, mut which: [Slice<'_>; N]) -> [Vec<f64>; N] {
    let mut samples = [const { Vec::new() }; N];
    let warm_up = slices / 10 + 1;
    for round in 0..warm_up + slices {
        if round == warm_up {
            samples.iter_mut().for_each(Vec::clear);
        }
        for i in 0..N {
            // Rotate the order, so that no case always follows the same one.
            let i = (i + round) % N;
            which[i](&mut samples[i]);
        }
    }
    samples
}

/// Lets the runtime poll its sockets, which a task that never waits would prevent.
pub(crate) async fn breathe() {
    for _ in 0..3 {
        yield_now().await;
    }
}

/// Measures requests of one task that never wait. One sample is the mean of a short slice, because
/// reading a clock for each request costs too much. Some requests run before the measurement, so
/// that the processor's caches do not hold the data of another case.
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

/// Measures requests of one task that wait for a server: one sample per request.
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

/// Measures the CPU time per request of 64 tasks, with `requests` requests per task in a slice.
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

/// Returns the heap allocations per request. The count is exact, because all work runs on this
/// thread.
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
    // The first pass touches each session, and the worker writes these touches within a second. The
    // second pass reads and decodes the changed records.
    runtime.block_on(async {
        all(&mut service).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        all(&mut service).await;
    });
    let counted = allocations::counted(|| runtime.block_on(all(&mut service)));
    counted.allocations as f64 / REQUESTS as f64
}
