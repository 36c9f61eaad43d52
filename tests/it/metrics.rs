//! All metrics of the table in `tower_session_auth::telemetry::metrics`, read through a recorder.

use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use tokio::time::{advance, sleep};
use tower::{ServiceBuilder, ServiceExt as _};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::telemetry::events::Event;
use tower_session_auth::telemetry::metrics::{STORE_DURATION, STORE_DURATION_BUCKETS};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{
    NewSession, RedisStore, RevokeReason, SessionAuthLayer, SessionManager, Target,
};

use crate::support::figures::Figures;
use crate::support::switch::{Mood, SwitchStore};
use crate::support::{START, anonymous, bearer, builder, clocked, login, ms, user};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the metrics whose names start like this, as text.
fn with_prefix(figures: &Figures, start: &str) -> Vec<String> {
    let all = figures.take().into_iter();
    all.filter(|(name, _)| name.starts_with(start))
        .map(|(name, value)| format!("{name} {value}"))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_as_accepted_or_by_their_error_code() {
    let figures = Figures::capture();
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let service = ServiceBuilder::new().layer(SessionAuthLayer::new(manager.clone())).service_fn(
        async |_| Ok::<_, std::convert::Infallible>(http::Response::new(String::new())),
    );
    for _ in 0..3 {
        assert_eq!(service.clone().oneshot(bearer(&token)).await.unwrap().status(), 200);
    }
    manager.authenticate(&token).await.unwrap();
    for _ in 0..2 {
        assert_eq!(service.clone().oneshot(anonymous()).await.unwrap().status(), 401);
    }
    manager.authenticate("x").await.unwrap_err();
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    assert_eq!(service.oneshot(bearer(&token)).await.unwrap().status(), 503);
    let seen = figures.take();
    assert_eq!(seen["requests_total{outcome=accepted}"], 4.0);
    assert_eq!(seen["requests_total{outcome=missing_token}"], 2.0);
    assert_eq!(seen["requests_total{outcome=invalid_token}"], 1.0);
    assert_eq!(seen["requests_total{outcome=store_unavailable}"], 1.0);
    assert_eq!(seen.keys().filter(|name| name.starts_with("requests")).count(), 4, "{seen:?}");
}

#[tokio::test]
async fn created_and_revoked_sessions_are_counted() {
    let figures = Figures::capture();
    let (manager, _worker) = builder().session_limit(2).login_rate(2, 60 * SECOND).build().unwrap();
    for _ in 0..3 {
        login(&manager, "jeju").await;
    }
    let last = login(&manager, "halla").await;
    assert!(manager.logout(&last.access_token).await.unwrap());
    manager.revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange).await.unwrap();
    manager.revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange).await.unwrap();
    assert_eq!(
        with_prefix(&figures, "s")
            .into_iter()
            .filter(|figure| !figure.starts_with("store"))
            .collect::<Vec<_>>(),
        [
            "sessions_created_total 4",
            "sessions_revoked_total{reason=evicted} 1",
            "sessions_revoked_total{reason=logout} 1",
            "sessions_revoked_total{reason=password_change} 2",
            "suspicions_total{suspicion=login_rate} 1",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn store_duration_is_recorded_by_operation_and_outcome() {
    let figures = Figures::capture();
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    drop(figures.take());
    let times = || with_prefix(&figures, "store_duration_seconds{");

    store.set(Mood::SlowReads(ms(40), ms(70)));
    manager.authenticate(&token).await.unwrap();
    assert_eq!(times(), ["store_duration_seconds{operation=load,outcome=ok} 0.04"]);
    manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(
        times(),
        [
            "store_duration_seconds{operation=ended,outcome=ok} 0.07",
            "store_duration_seconds{operation=load,outcome=ok} 0.04"
        ]
    );
    store.set(Mood::SlowWrites(ms(15)));
    login(&manager, "jeju").await;
    assert_eq!(times(), ["store_duration_seconds{operation=create,outcome=ok} 0.015"]);

    store.set(Mood::HangWalks);
    manager.sessions(&user("jeju")).await.map(drop).unwrap_err();
    assert_eq!(times(), ["store_duration_seconds{operation=list,outcome=unavailable} 5"]);
    manager.sessions(&user("jeju")).await.map(drop).unwrap_err();
    let calls = with_prefix(&figures, "store_duration_seconds_count");
    assert!(calls.is_empty(), "a rejected call records no duration: {calls:?}");

    store.set(Mood::Hang);
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(times(), ["store_duration_seconds{operation=load,outcome=unavailable} 0.25"]);
}

#[tokio::test(start_paused = true)]
async fn open_circuit_breakers_are_reported_by_bulkhead() {
    let figures = Figures::capture();
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    let breakers = || with_prefix(&figures, "circuit_breaker_open");
    assert!(breakers().is_empty());

    store.set(Mood::HangWalks);
    manager.sessions(&user("jeju")).await.map(drop).unwrap_err();
    assert_eq!(breakers(), ["circuit_breaker_open{bulkhead=scans} 1"]);
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    manager.authenticate(&token).await.unwrap_err();
    manager.authenticate(&token).await.unwrap_err();
    assert_eq!(breakers(), ["circuit_breaker_open{bulkhead=requests} 1"]);
}

#[tokio::test(start_paused = true)]
async fn circuit_breaker_gauge_is_zero_after_the_circuit_breaker_closes() {
    let figures = Figures::capture();
    let (manager, _worker, store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    store.set(Mood::Fail(StoreErrorKind::Unavailable));
    manager.authenticate(&token).await.unwrap_err();
    store.set(Mood::Answer);
    advance(SECOND).await;
    manager.authenticate(&token).await.unwrap();
    // The metrics were not read in the meantime. The gauge was set to one and then to zero.
    assert_eq!(figures.one("circuit_breaker_open{bulkhead=requests}"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn queued_written_lost_and_dropped_touches_are_counted() {
    let figures = Figures::capture();
    let (manager, worker, store) = clocked();
    let background = worker.start();
    let token = login(&manager, "jeju").await.access_token;
    let touches = || with_prefix(&figures, "touch");
    sleep(60 * SECOND).await;
    manager.authenticate(&token).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(touches(), ["touches_written_total 1"]);

    store.set(Mood::FailWrites(StoreErrorKind::WriteRefused));
    sleep(60 * SECOND).await;
    manager.authenticate(&token).await.unwrap();
    sleep(SECOND).await;
    assert_eq!(touches(), ["touch_queue_depth 1"]);
    background.stop().await.unwrap();
    assert_eq!(touches(), ["touches_lost_total 1"]);
    sleep(60 * SECOND).await;
    manager.authenticate(&token).await.unwrap();
    assert_eq!(touches(), ["touches_dropped_total 1"]);
}

#[tokio::test]
async fn panics_of_event_sinks_are_counted_by_sink() {
    let figures = Figures::capture();
    let (manager, worker) = builder()
        .event_sink(|_: &Event| {})
        .event_sink(|_: &Event| panic!("the sink panics, as the test wants"))
        .build()
        .unwrap();
    let background = worker.start();
    login(&manager, "jeju").await;
    login(&manager, "jeju").await;
    background.stop().await.unwrap();
    assert_eq!(with_prefix(&figures, "event_sink"), ["event_sink_panics_total{sink=1} 2"]);
}

#[tokio::test(start_paused = true)]
async fn sessions_by_role_and_their_age_come_from_the_latest_scan() {
    let figures = Figures::capture();
    let (manager, worker, _store) = clocked();
    let _background = worker.start();
    let of_role = async |user_id: &str, role: Option<&str>| {
        let mut new = NewSession::new(user(user_id));
        if let Some(role) = role {
            new = new.role(role);
        }
        manager.create(new).await.unwrap();
    };
    of_role("jeju", Some("user")).await;
    of_role("halla", Some("user")).await;
    of_role("admin", Some("admin")).await;
    of_role("ghost", None).await;
    sleep(3 * SECOND).await;
    assert!(
        !figures.described().keys().any(|name| name.ends_with("_auth_sessions")),
        "no scan yet"
    );

    manager.statistics(|_| {}).await.unwrap();
    assert_eq!(
        with_prefix(&figures, "sessions{"),
        ["sessions{role=admin} 1", "sessions{role=user} 2", "sessions{role=} 1"]
    );
    sleep(90 * SECOND).await;
    let age = figures.one("sessions_scan_age_seconds");
    assert!((89.0..=90.0).contains(&age), "{age}");

    // The metrics are not read between these two scans. Therefore only the second scan can have set
    // the gauge to zero.
    manager.statistics(|_| {}).await.unwrap();
    manager.revoke(&user("admin"), Target::All, RevokeReason::Admin).await.unwrap();
    manager.statistics(|_| {}).await.unwrap();
    let seen = figures.take();
    assert_eq!(seen["sessions{role=user}"], 2.0);
    assert!(!seen.contains_key("sessions{role=admin}"), "zero, not the previous value: {seen:?}");
    assert!(!seen.contains_key("sessions_scan_age_seconds"), "{seen:?}");
}

#[tokio::test]
async fn roles_beyond_the_first_64_share_one_label() {
    let figures = Figures::capture();
    let (manager, _worker) = builder().build().unwrap();
    for number in 0..70 {
        let new = NewSession::new(user("jeju")).role(format!("role{number:02}"));
        manager.create(new).await.unwrap();
    }
    manager.statistics(|_| {}).await.unwrap();
    let seen = with_prefix(&figures, "sessions{");
    assert_eq!(seen.len(), 65);
    assert!(seen.contains(&"sessions{role=other} 6".to_owned()), "{seen:?}");
}

/// Builds a manager and computes statistics. This registers all metrics except those of a near
/// cache.
async fn manager_with_all_metrics() -> SessionManager {
    fn settings(clock: TokioClock) -> SessionManagerBuilder {
        let store = SwitchStore::new(MemoryStore::with_clock(clock));
        builder().clock(clock).store(store).event_sink(|_: &Event| {})
    }
    let (manager, _worker) = settings(TokioClock::new(START)).build().unwrap();
    manager.statistics(|_| {}).await.unwrap();
    manager
}

#[tokio::test]
async fn every_metric_has_a_unit_and_a_description() {
    let figures = Figures::capture();
    let _manager = manager_with_all_metrics().await;
    let described = figures.described();
    for (name, (unit, text)) in &described {
        assert!(unit.is_some() && !text.is_empty(), "{name}");
    }
    let seconds = described.iter().filter(|(_, (unit, _))| *unit == Some(metrics::Unit::Seconds));
    let names: Vec<_> = seconds.map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "tower_session_auth_sessions_scan_age_seconds",
            "tower_session_auth_store_duration_seconds"
        ]
    );
    // All metrics of the table, with two exceptions: sessions by role, because there is no session,
    // and the metrics of a near cache.
    assert_eq!(described.len(), 14, "{described:?}");
}

fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new();
    let buckets = Matcher::Full(STORE_DURATION.to_owned());
    builder.set_buckets_for_metric(buckets, &STORE_DURATION_BUCKETS).unwrap().build_recorder()
}

/// Returns the text that Prometheus would scrape from a process that has a new manager and has
/// served one login and one request.
async fn scraped() -> String {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let (manager, _worker, _store) = clocked();
    let token = login(&manager, "jeju").await.access_token;
    manager.authenticate(&token).await.unwrap();
    recorder.handle().render()
}

/// Returns the text that Prometheus would scrape from a process that has a new, unused manager with
/// a near cache.
fn scraped_with_a_near_cache() -> String {
    let recorder = recorder();
    let _guard = metrics::set_default_local_recorder(&recorder);
    // The builder of a manager opens no connection.
    let store = RedisStore::new("redis://127.0.0.1:1/").unwrap();
    let (_manager, _worker) = builder().store(store).build().unwrap();
    recorder.handle().render()
}

#[tokio::test(start_paused = true)]
async fn prometheus_shows_near_cache_metrics_before_the_first_use() {
    let text = scraped_with_a_near_cache();
    let lines = text.lines().filter(|line| line.starts_with("tower_session_auth_near_cache_"));
    let mut lines: Vec<_> = lines.collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "tower_session_auth_near_cache_coherent 0",
            "tower_session_auth_near_cache_connections_lost_total 0",
            "tower_session_auth_near_cache_fills_total 0",
            "tower_session_auth_near_cache_hits_total 0",
            "tower_session_auth_near_cache_invalidation_lag_seconds 0",
            "tower_session_auth_near_cache_invalidations_total 0",
            "tower_session_auth_near_cache_misses_total 0",
            "tower_session_auth_near_cache_stale_served_total 0",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn prometheus_shows_counters_before_their_first_increment() {
    let text = scraped().await;
    for line in [
        r#"tower_session_auth_requests_total{outcome="accepted"} 1"#,
        r#"tower_session_auth_requests_total{outcome="invalid_token"} 0"#,
        r#"tower_session_auth_requests_total{outcome="store_unavailable"} 0"#,
        r#"tower_session_auth_sessions_revoked_total{reason="refresh_reuse"} 0"#,
        r#"tower_session_auth_logins_refused_total{reason="rate_limited"} 0"#,
        r#"tower_session_auth_suspicions_total{suspicion="refresh_reuse"} 0"#,
        r#"tower_session_auth_circuit_breaker_open{bulkhead="requests"} 0"#,
        "tower_session_auth_touches_dropped_total 0",
        "tower_session_auth_touch_queue_depth 0",
    ] {
        assert!(text.lines().any(|scraped| scraped == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn prometheus_shows_histograms_with_buckets_only_if_they_have_a_value() {
    let text = scraped().await;
    let counts = text
        .lines()
        .filter(|line| line.starts_with("tower_session_auth_store_duration_seconds_count"));
    let mut counts: Vec<_> = counts.collect();
    // The exporter returns the lines in any order.
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            r#"tower_session_auth_store_duration_seconds_count{operation="create",outcome="ok"} 1"#,
            r#"tower_session_auth_store_duration_seconds_count{operation="load",outcome="ok"} 1"#,
        ]
    );
    let quarter = r#"tower_session_auth_store_duration_seconds_bucket{operation="load",outcome="ok",le="0.25"} 1"#;
    assert!(text.lines().any(|line| line == quarter), "{text}");
    // Each of the two histograms has 12 buckets, `+Inf`, a sum and a count. All other lines are
    // counters, gauges and descriptions.
    assert!(text.lines().count() < 200, "{}:\n{text}", text.lines().count());
}

/// Checks the naming rules of prometheus.io/docs/practices/naming: units are base units, and only
/// counters end in `_total`.
#[tokio::test(start_paused = true)]
async fn metric_names_follow_the_prometheus_naming_rules() {
    let text = scraped().await + &scraped_with_a_near_cache();
    let types: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(types.len() > 20, "{text}");
    for line in types {
        let (name, kind) = line.split_once(' ').unwrap();
        assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{line}");
        assert!(kind != "summary", "{line}");
    }
}

#[tokio::test]
async fn manager_works_without_a_metrics_recorder() {
    let manager = manager_with_all_metrics().await;
    let token = login(&manager, "jeju").await.access_token;
    manager.authenticate(&token).await.unwrap();
}
