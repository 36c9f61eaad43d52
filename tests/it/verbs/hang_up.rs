//! A caller that goes away in the middle: what it began is done, and told.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tower_session_auth::{EndReason, MemoryStore, NewSession};

use crate::support::paused::{At, PausedStore, Verb};
use crate::support::{builder, user};
use crate::verbs::{Told, login};

/// Long enough for a machine that compiles beside the tests.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn who_hangs_up_ends_no_session_unseen() {
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
            _ = manager.delete_all(&jeju, EndReason::Admin) => panic!("it is held up"),
            () = stop.reached() => {}
        }
        // The caller is gone.
        stop.go();
    }
    let mut stop = store.stop(Verb::Create, At::After);
    tokio::select! {
        _ = manager.create(NewSession::new(user("late"))) => panic!("it is held up"),
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
