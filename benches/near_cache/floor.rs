//! The minimum of a cached check: one look-up by the whole token, one clock read, and one `Arc` in
//! the request's extensions. It handles no revocation, no keys and no errors. The difference
//! between a cache hit and this minimum is the cost of the library.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request};
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tower::Service;

use crate::measure::{Bearer, Measured};

/// The cache entry of a token.
pub(crate) struct Entry {
    expires: Instant,
}

type Known =
    Cache<Arc<str>, Arc<Entry>, UnitWeighter, RandomState, DefaultLifecycle<Arc<str>, Arc<Entry>>>;

/// Puts the cache entry of a known token into the request's extensions.
#[derive(Clone)]
pub(crate) struct Floor<S> {
    inner: S,
    known: Arc<Known>,
}

impl<S> Floor<S> {
    /// Creates a cache with the default capacity of the near cache.
    pub(crate) fn new(inner: S) -> Self {
        const CAPACITY: usize = 32_768;
        let (weighter, hasher) = (UnitWeighter, RandomState::default());
        let lifecycle = DefaultLifecycle::default();
        let known = Cache::with(CAPACITY, CAPACITY as u64, weighter, hasher, lifecycle);
        Self { inner, known: Arc::new(known) }
    }

    pub(crate) fn warm_up(&self, bearers: &[Bearer]) {
        let expires = Instant::now() + Duration::from_secs(3_600);
        for bearer in bearers {
            let token = bearer.strip_prefix("Bearer ").unwrap();
            self.known.insert(token.into(), Arc::new(Entry { expires }));
        }
    }

    fn find(&self, headers: &HeaderMap) -> Option<Arc<Entry>> {
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.known.get(token).filter(|entry| Instant::now() < entry.expires)
    }
}

impl<S: Measured> Service<Request<String>> for Floor<S> {
    type Response = S::Response;
    type Error = Infallible;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<String>) -> Self::Future {
        if let Some(entry) = self.find(request.headers()) {
            request.extensions_mut().insert(entry);
        }
        self.inner.call(request)
    }
}
