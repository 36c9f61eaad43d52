//! The latency of a request by its outcome, as a distribution: one task, and the time from the
//! creation of the request to the drop of its response.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::Effort;
use crate::measure::{Bearer, Feed, one_by_one, samples};
use crate::results::{Results, at, percentiles};
use crate::table::{Table, time};
use crate::world::{Stage, World, forged};

pub(crate) fn outcomes(
    table: &mut Table,
    effort: &Effort,
    world: &World,
    [hot, cold, revoked]: [&Arc<[Bearer]>; 3],
) {
    let stage = Stage::one_thread(world);
    stage.warm_up(hot);
    // The first use of each session touches it, and the worker writes these touches within a second.
    // Each touch changes a record, so that its entry is read once more. This is done here, so that
    // the hits below are hits.
    stage.runtime.block_on(async { tokio::time::sleep(Duration::from_secs(1)).await });
    stage.warm_up(hot);
    stage.refuse(revoked);
    let Stage { runtime, bare, cached, strict, .. } = &stage;
    let forged: Arc<[Bearer]> = hot.iter().map(|bearer| forged(bearer).into()).collect();
    let none: Arc<[Bearer]> = [Bearer::from("")].into();
    let [ok, unauthorized] = [StatusCode::OK, StatusCode::UNAUTHORIZED];
    let mut feeds = [hot, hot, revoked, &none, &forged, hot].map(Feed::in_turn);
    let [of_bare, of_hit, of_revoked, of_none, of_forged, of_strict] = &mut feeds;
    let mut of_miss = Feed::once(cold);
    let before = stage.manager.near_cache();
    // At once and without the other cases, because the cache keeps "revoked" for five seconds only.
    let [revoked] =
        samples(effort.miss_slices, [one_by_one(runtime, cached, of_revoked, unauthorized)]);
    let [bare, none, hit, forged, strict, miss] = samples(
        effort.miss_slices,
        [
            one_by_one(runtime, bare, of_bare, StatusCode::ACCEPTED),
            one_by_one(runtime, cached, of_none, unauthorized),
            one_by_one(runtime, cached, of_hit, ok),
            one_by_one(runtime, cached, of_forged, unauthorized),
            one_by_one(runtime, strict, of_strict, ok),
            one_by_one(runtime, cached, &mut of_miss, ok),
        ],
    );
    let after = stage.manager.near_cache();
    // A strict request counts as a miss, and so does an entry that is due for a new read.
    let expected = (of_miss.given() + of_strict.given()) as u64;
    let misses = after.misses - before.misses;
    assert!(
        (expected..expected + expected / 50).contains(&misses),
        "{misses}, {expected} expected"
    );
    let names = [
        ("no layer", "the bare inner service"),
        ("no token", "401"),
        ("hit", "200, from the near cache"),
        ("negative hit", "401, revoked, from the near cache"),
        ("forged token", "401, the signature is checked"),
        ("strict", "200, one command to Redis"),
        ("miss", "200, one command to Redis, the signature is checked"),
    ];
    let mut results = Results::of("latency", !table.judged);
    let mut lines = vec!["| outcome | answer | p50 | p99 | p99.9 |".to_owned()];
    lines.push("|---|---|---|---|---|".to_owned());
    let all = [bare, none, hit, revoked, forged, strict, miss];
    for ((name, answer), mut samples) in names.into_iter().zip(all) {
        let percentiles = percentiles(&mut samples);
        let [p50, p99, p999] = [50.0, 99.0, 99.9].map(|percent| time(at(&samples, percent)));
        lines.push(format!("| {name} | {answer} | {p50} | {p99} | {p999} |"));
        results.row(&json!({
            "outcome": name,
            "answer": answer,
            "samples": samples.len(),
            "nanoseconds": percentiles,
        }));
    }
    table.note(format!("Latency by outcome, one task:\n\n{}", lines.join("\n")));
}
