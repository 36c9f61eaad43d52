//! A manager that is connected to a fake Redis server.

use std::time::Duration;

use tower_session_auth::manager::{NearCacheState, NearCacheStats, SessionManagerBuilder};
use tower_session_auth::store::RedisStore;
use tower_session_auth::worker::Background;
use tower_session_auth::{AuthErrorKind, Login, SessionManager};

use crate::fills::fake::{Fake, Lane};
use crate::support::wait::until;
use crate::support::{builder, login};

/// The lease is so long that the manager sends no heartbeat while the test holds a command.
pub(crate) const LONG: Duration = Duration::from_secs(10);

/// Long compared with a scheduling delay on a loaded machine, but short enough for a test that
/// waits for its end.
pub(crate) const MIDDLING: Duration = Duration::from_secs(3);

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) manager: SessionManager,
    _worker: Background,
}

/// A session and its access token.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) user: String,
    pub(crate) sid: String,
    pub(crate) token: String,
}

impl World {
    pub(crate) async fn new(lease: Duration) -> Self {
        Self::beside(Fake::start().await, lease)
    }

    pub(crate) fn beside(fake: Fake, lease: Duration) -> Self {
        Self::hurried(fake, lease, Duration::from_secs(10))
    }

    /// Connects to the server. The timeout of the store is `limit`.
    pub(crate) fn hurried(fake: Fake, lease: Duration, limit: Duration) -> Self {
        Self::built(fake, lease, limit, |builder| builder)
    }

    /// Builds a manager with changed settings and waits until the manager's invalidation connection
    /// is coherent.
    pub(crate) async fn coherent_with(
        change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
    ) -> Self {
        let world = Self::built(Fake::start().await, LONG, Duration::from_secs(10), change);
        world.is_coherent().await;
        world
    }

    fn built(
        fake: Fake,
        lease: Duration,
        limit: Duration,
        change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder,
    ) -> Self {
        let store = RedisStore::builder(fake.url()).lease(lease).timeout(limit).pool_size(1);
        let builder = change(builder().store(store.build().unwrap()).store_timeout(limit));
        let (manager, worker) = builder.build().unwrap();
        Self { fake, manager, _worker: worker.start() }
    }

    /// Starts a manager and waits until its invalidation connection is coherent.
    pub(crate) async fn coherent(lease: Duration) -> Self {
        let world = Self::new(lease).await;
        world.is_coherent().await;
        world
    }

    pub(crate) async fn is_coherent(&self) {
        self.reaches(NearCacheState::Coherent).await;
    }

    pub(crate) async fn reaches(&self, state: NearCacheState) {
        until(&format!("{state:?}"), async || self.state() == state).await;
    }

    /// Waits until the manager has counted one lost invalidation connection.
    pub(crate) async fn loses_its_link(&self) {
        until("one invalidation connection is counted as lost", async || {
            self.figures().lost_links == 1
        })
        .await;
    }

    pub(crate) fn state(&self) -> NearCacheState {
        self.manager.near_cache().state
    }

    pub(crate) fn figures(&self) -> NearCacheStats {
        self.manager.near_cache()
    }

    pub(crate) async fn login(&self, user: &str) -> Shown {
        let Login { session, access_token, .. } = login(&self.manager, user).await;
        Shown { user: user.to_owned(), sid: session.id().as_str().to_owned(), token: access_token }
    }

    /// The revision on the server, or `None` if the session is over.
    pub(crate) fn truth(&self, shown: &Shown) -> Option<u64> {
        self.fake.revision(&shown.user, &shown.sid)
    }

    /// Authenticates the session's token with the manager.
    pub(crate) async fn says(&self, shown: &Shown) -> Option<u64> {
        says(&self.manager, &shown.token).await
    }

    /// The number of session reads on all connections.
    pub(crate) fn reads(&self) -> usize {
        [Lane::Link, Lane::Pool].map(|lane| self.fake.asked(lane, "HGET")).into_iter().sum()
    }

    /// Waits until the manager has handled at least this many invalidations.
    pub(crate) async fn is_told(&self, messages: u64) {
        until("the manager has handled the invalidations", async || {
            self.figures().invalidations >= messages
        })
        .await;
    }

    /// Checks that the manager's answer matches the server. Then checks that a second request is a
    /// cache hit, which causes no read.
    pub(crate) async fn recovers(&self, shown: &Shown) {
        self.is_coherent().await;
        assert_eq!(self.says(shown).await, self.truth(shown));
        let (hits, reads) = (self.figures().hits, self.reads());
        assert_eq!(self.says(shown).await, self.truth(shown));
        assert_eq!(
            (self.figures().hits, self.reads()),
            (hits + 1, reads),
            "the second request is a cache hit"
        );
    }
}

pub(crate) async fn says(manager: &SessionManager, token: &str) -> Option<u64> {
    match manager.authenticate(token).await {
        Ok(session) => Some(session.revision()),
        Err(error) => {
            let ended = [AuthErrorKind::SessionExpired, AuthErrorKind::SessionRevoked];
            assert!(ended.contains(&error.kind()), "{error:?}");
            None
        }
    }
}
