//! Until the near cache is there.
use std::time::Duration;
use tower_session_auth::*;
#[derive(Debug, PartialEq)]
pub(crate) enum NearCacheState {
    Coherent,
}
#[derive(Debug)]
pub(crate) struct NearCache {
    pub(crate) state: NearCacheState,
    pub(crate) misses: u64,
    pub(crate) entries: usize,
}
pub(crate) trait B: Sized {
    fn without_near_cache(self) -> Self {
        self
    }
    fn near_cache_capacity(self, _: usize) -> Self {
        self
    }
}
impl B for SessionManagerBuilder {}
pub(crate) trait L: Sized {
    fn max_staleness(self, _: Duration) -> Result<Self, ConfigError> {
        Ok(self)
    }
}
impl L for SessionAuthLayer {}
pub(crate) trait M {
    fn near_cache(&self) -> NearCache {
        NearCache { state: NearCacheState::Coherent, misses: 0, entries: 1_000_000 }
    }
}
impl M for SessionManager {}
