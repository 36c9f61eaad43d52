//! The cost of a cache hit with few and with many live tokens, and the memory of the cache entries.

use std::sync::Arc;

use allocations::counted;
use http::StatusCode;
use serde_json::json;

use crate::Effort;
use crate::measure::{Bearer, alternate, at_once};
use crate::results::Results;
use crate::table::{Table, time};
use crate::world::{Stage, World};

/// The smallest capacity of the near cache. It is at least twice the number of live tokens.
const CAPACITY: usize = 200_000;

pub(crate) fn scale(table: &mut Table, effort: &Effort, world: &World, cold: &Arc<[Bearer]>) {
    let mut results = Results::of("scale", !table.judged);
    let mut lines = vec![
        "| live tokens | hit | bare inner service | bytes an entry | the empty cache and all else |"
            .to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for count in [100, 1_000, 10_000, 100_000] {
        if count > cold.len() {
            break;
        }
        let bearers: Arc<[Bearer]> = cold[..count].into();
        let capacity = CAPACITY.max(2 * count);
        let mut stage = None;
        let empty = counted(|| stage = Some(Stage::of_capacity(world, capacity)));
        let stage = stage.unwrap();
        // Connections grow their buffers during the first requests.
        stage.warm_up(&cold[cold.len() - 64..]);
        let filled = counted(|| stage.warm_up(&bearers));
        let entries = stage.manager.near_cache().entries;
        assert!(entries >= count, "{entries} of {count} entries are kept");
        let Stage { runtime, bare, cached, .. } = &stage;
        let misses = stage.misses();
        // A slice sends one request for each token, so large numbers of tokens need few slices.
        let slices = (effort.slices * 10_000 / count).clamp(20.min(effort.slices), effort.slices);
        let [bare, hit] = alternate(
            slices,
            [
                at_once(runtime, bare, &bearers, StatusCode::ACCEPTED),
                at_once(runtime, cached, &bearers, StatusCode::OK),
            ],
        );
        let missed = stage.misses() - misses;
        assert!(missed < effort.slices as u64 * 10, "{missed} requests missed");
        results.row(&json!({
            "tokens": count,
            "hit_ns": hit - bare,
            "bare_ns": bare,
            "bytes_per_token": filled.bytes / count as i64,
        }));
        lines.push(format!(
            "| {count} | {} | {} | {} | {:.1} MiB |",
            time(hit - bare),
            time(bare),
            filled.bytes / count as i64,
            empty.bytes as f64 / f64::from(1 << 20),
        ));
        eprintln!("{}", lines[lines.len() - 1]);
    }
    table.note(format!("Scale:\n\n{}", lines.join("\n")));
}
