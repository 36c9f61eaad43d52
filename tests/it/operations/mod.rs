//! The manager's operations. Each operation has the same results on both stores.

mod change;
mod directory;
mod hang_up;
mod limits;
mod lists;
mod login_fence;
mod roles;
mod walks;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{MemoryStore, RedisStore};
use tower_session_auth::telemetry::events::{Actor, Event, Suspicion};
use tower_session_auth::{Login, NewSession, SessionManager};

use crate::support::redis::RedisServer;
use crate::support::user;

const HOUR: Duration = Duration::from_secs(3600);

/// One of the two stores. A test builds as many managers over it as it needs. For the store, each
/// manager is a separate process.
enum Place {
    Memory(MemoryStore),
    Redis(RedisServer),
}

impl Place {
    async fn redis() -> Self {
        Self::Redis(RedisServer::start().await)
    }

    fn builder(&self) -> SessionManagerBuilder {
        // The timeout is long enough for a loaded machine.
        let builder = crate::support::builder().store_timeout(Duration::from_secs(5));
        match self {
            Self::Memory(store) => builder.store(store.clone()),
            Self::Redis(server) => builder.store(redis(server)),
        }
    }

    fn manager(&self) -> SessionManager {
        let (manager, _worker) = self.builder().build().unwrap();
        manager
    }
}

fn redis(server: &RedisServer) -> RedisStore {
    RedisStore::builder(server.url().as_str()).timeout(crate::support::UNHURRIED).build().unwrap()
}

/// Turns each scenario into a test on the memory store and a test on Redis.
macro_rules! on_both_stores {
    ($($scenario:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $scenario() {
                let store = tower_session_auth::store::MemoryStore::new();
                super::$scenario(&crate::operations::Place::Memory(store)).await;
            })+
        }
        mod redis {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(&crate::operations::Place::redis().await).await;
            })+
        }
    };
}

use on_both_stores;

async fn login(manager: &SessionManager, id: &str) -> Login {
    manager.create(NewSession::new(user(id)).role("user")).await.unwrap()
}

/// An event sink that records the events as texts, in their order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn sink(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let told = Arc::clone(&self.0);
        move |event| told.lock().unwrap().push(words(event))
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn count(&self, words: &str) -> usize {
        self.all().iter().filter(|told| *told == words).count()
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Created { user, .. } => format!("created {user}"),
        Event::Extended { user, .. } => format!("refreshed {user}"),
        Event::Reauthenticated { user, .. } => format!("reauthenticated {user}"),
        Event::Updated { user, .. } => format!("updated {user}"),
        Event::Evicted { user, .. } => format!("evicted {user}"),
        Event::Revoked { user, reason, actor, .. } => {
            let actor = match actor {
                Actor::Owner => "owner",
                Actor::User(actor) => actor.as_str(),
                Actor::Application => "application",
                _ => "somebody else",
            };
            format!("revoked {user} {reason} by {actor}")
        }
        Event::Suspicious { user, suspicion: Suspicion::LoginRate { logins, .. }, .. } => {
            format!("suspicious {user} {logins}")
        }
        other => format!("{other:?}"),
    }
}
