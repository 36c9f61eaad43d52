//! Names, units, and labels of the metrics, which dashboards and alerts use.

use std::fmt::Write as _;

use tower_session_auth::RedisStore;
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::telemetry::metrics::{STORE_DURATION, STORE_DURATION_BUCKETS};

use crate::frozen::golden::assert_frozen;
use crate::support::figures::Figures;
use crate::support::{builder, login};

#[tokio::test]
async fn metric_names_units_and_labels_match_the_golden_file() {
    let figures = Figures::capture();
    // The builders register all metrics that exist from the start, including those of the near
    // cache. `statistics` scans the sessions and so adds the other two: `sessions` and
    // `sessions_scan_age_seconds`.
    let settings = || builder().event_sink(|_: &Event| {});
    let store = RedisStore::new("redis://127.0.0.1:1/").unwrap();
    let (_with_a_near_cache, _worker) = settings().store(store).build().unwrap();
    let (manager, _other_worker) = settings().build().unwrap();
    let token = login(&manager, "jeju").await.access_token;
    manager.authenticate(&token).await.unwrap();
    manager.statistics(|_| {}).await.unwrap();
    let mut shown = String::new();
    for line in figures.surface() {
        writeln!(shown, "{line}").unwrap();
    }
    writeln!(shown, "buckets of {STORE_DURATION}: {STORE_DURATION_BUCKETS:?}").unwrap();
    assert_frozen("metrics", &shown);
}
