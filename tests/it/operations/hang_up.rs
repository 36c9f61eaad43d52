//! The caller goes away during an operation. The operation still runs to completion and emits its
//! events.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::{NewSession, RevokeReason, Target};

use crate::operations::{Told, login};
use crate::support::paused::{At, PausedStore, Verb};
use crate::support::{builder, user};

/// A time that is long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn operation_runs_to_completion_and_emits_events_after_its_caller_went_away() {
    let (store, told) = (PausedStore::new(MemoryStore::new()), Told::default());
    let settings = builder().store(store.clone()).store_timeout(Duration::from_secs(10));
    let (manager, worker) = settings.event_sink(told.sink()).build().unwrap();
    let background = worker.start();
    for at in [At::Before, At::After] {
        for _ in 0..3 {
            login(&manager, "jeju").await;
        }
        let mut stop = store.stop(Verb::DeleteAll, at);
        let jeju = user("jeju");
        tokio::select! {
            _ = manager.revoke(&jeju, Target::All, RevokeReason::Admin) => panic!("the store holds the call"),
            () = stop.reached() => {}
        }
        // The caller has gone away.
        stop.go();
    }
    let mut stop = store.stop(Verb::Create, At::After);
    tokio::select! {
        _ = manager.create(NewSession::new(user("late"))) => panic!("the store holds the call"),
        () = stop.reached() => {}
    }
    stop.go();

    let all_told = async {
        let ended = || told.count("revoked jeju admin by application");
        while ended() < 6 || told.count("created late") < 1 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, all_told).await.unwrap_or_else(|_| panic!("{:?}", told.all()));
    assert!(manager.sessions(&user("jeju")).await.unwrap().is_empty());
    background.stop().await.unwrap();
}
