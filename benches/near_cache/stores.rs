//! The cost of a request that calls Redis: with max staleness zero (strict), and with an empty near
//! cache (a miss).

use std::sync::Arc;

use http::StatusCode;

use crate::Effort;
use crate::commands::Commands;
use crate::measure::{Bearer, Feed, allocations, alternate, ask, breathe, cpu_of_64, one_by_one};
use crate::table::{Limit, Table, time};
use crate::world::{Stage, World};

pub(crate) fn strict(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    let stage = Stage::two_workers(world);
    stage.warm_up(hot);
    let Stage { runtime, bare, strict, bb8, shared, .. } = &stage;
    let mut feeds = [(); 4].map(|()| Feed::in_turn(hot));
    let [of_bare, of_strict, of_bb8, of_shared] = &mut feeds;
    let [bare, strict, bb8, shared] = alternate(
        effort.cpu_slices,
        [
            cpu_of_64(runtime, bare, of_bare, 1_000, StatusCode::ACCEPTED),
            cpu_of_64(runtime, strict, of_strict, 50, StatusCode::OK),
            cpu_of_64(runtime, bb8, of_bb8, 25, StatusCode::OK),
            cpu_of_64(runtime, shared, of_shared, 50, StatusCode::OK),
        ],
    );
    let [strict, bb8, shared] = [strict, bb8, shared].map(|cpu| cpu - bare);
    let case = "strict / JWT and a bb8-redis `GET`, 64 tasks, CPU time";
    table.row(case, &time(strict), &time(bb8), strict / bb8, Limit::AtMost(0.40));
    let case = "strict / JWT and a multiplexed `GET`, 64 tasks, CPU time";
    table.row(case, &time(strict), &time(shared), strict / shared, Limit::AtMost(0.80));
    drop(stage);
    strict_counts(table, world, hot);
}

fn strict_counts(table: &mut Table, world: &World, hot: &Arc<[Bearer]>) {
    const REQUESTS: usize = 10_000;
    let stage = Stage::one_thread(world);
    stage.warm_up(hot);
    let Stage { runtime, bare, strict, .. } = &stage;
    let extra = allocations(runtime, strict, hot, StatusCode::OK)
        - allocations(runtime, bare, hot, StatusCode::ACCEPTED);
    table.row("strict, allocations that the layer adds", "", "", extra, Limit::AtMost(24.0));

    let mut commands = Commands::new(world);
    commands.reset();
    let (mut strict, mut turn) = (strict.clone(), Feed::in_turn(hot).take(REQUESTS));
    runtime.block_on(async {
        breathe().await;
        for _ in 0..REQUESTS {
            ask(&mut strict, turn.bearer(), StatusCode::OK).await;
        }
    });
    let counted = commands.read();
    let each = |count: u64| count as f64 / REQUESTS as f64;
    let names = counted.names();
    // The count includes some heartbeat commands of the invalidation connection.
    table.row(
        "strict, Redis commands per request",
        &names,
        "",
        each(counted.commands),
        Limit::AtMost(1.01),
    );
    table.row("strict, round trips per request", "", "", each(counted.reads), Limit::AtMost(1.01));
}

pub(crate) fn miss(table: &mut Table, effort: &Effort, world: &World, cold: &[Bearer]) {
    let (for_one, for_many) = cold.split_at(cold.len() / 5);
    let (for_one, for_many): (Arc<[Bearer]>, Arc<[Bearer]>) = (for_one.into(), for_many.into());
    let case = "miss / JWT and a pipelined `GET` and `PTTL`, one task";
    let stage = Stage::one_thread(world);
    let Stage { runtime, bare, cached, pipelined, .. } = &stage;
    let mut feeds = [(); 3].map(|()| Feed::once(&for_one));
    let [of_bare, of_miss, of_pipelined] = &mut feeds;
    let misses = stage.misses();
    let [bare, miss, pipelined] = alternate(
        effort.miss_slices,
        [
            one_by_one(runtime, bare, of_bare, StatusCode::ACCEPTED),
            one_by_one(runtime, cached, of_miss, StatusCode::OK),
            one_by_one(runtime, pipelined, of_pipelined, StatusCode::OK),
        ],
    );
    assert_eq!(stage.misses() - misses, feeds[1].given() as u64, "each is a miss");
    let (miss, pipelined) = (miss - bare, pipelined - bare);
    table.row(case, &time(miss), &time(pipelined), miss / pipelined, Limit::AtMost(1.2));
    drop(stage);

    let case = "miss / JWT and a pipelined `GET` and `PTTL`, 64 tasks, CPU time";
    let stage = Stage::two_workers(world);
    let Stage { runtime, bare, cached, pipelined, .. } = &stage;
    let mut feeds = [(); 3].map(|()| Feed::once(&for_many));
    let [of_bare, of_miss, of_pipelined] = &mut feeds;
    let misses = stage.misses();
    let [bare, miss, pipelined] = alternate(
        effort.miss_cpu_slices,
        [
            cpu_of_64(runtime, bare, of_bare, 25, StatusCode::ACCEPTED),
            cpu_of_64(runtime, cached, of_miss, 25, StatusCode::OK),
            cpu_of_64(runtime, pipelined, of_pipelined, 25, StatusCode::OK),
        ],
    );
    assert_eq!(stage.misses() - misses, feeds[1].given() as u64, "each is a miss");
    let (miss, pipelined) = (miss - bare, pipelined - bare);
    table.row(case, &time(miss), &time(pipelined), miss / pipelined, Limit::AtMost(1.6));
}
