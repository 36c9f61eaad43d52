//! The cost of a cache hit, compared with a JWT check alone and with a look-up in Redis.

use std::sync::{Arc, Barrier};
use std::time::Instant;

use http::StatusCode;
use tokio::runtime::Handle;

use crate::measure::{
    Bearer, Feed, Measured, Slice, allocations, alternate, ask, at_once, cpu_of_64, nanos,
    one_by_one,
};
use crate::table::{Limit, Table, time};
use crate::world::{Stage, World};
use crate::{Effort, LIVE};

pub(crate) fn one_task(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    let stage = Stage::one_thread(world);
    stage.warm_up(hot);
    stage.floor.warm_up(hot);
    let Stage { runtime, bare, floor, cached, jwt, bb8, .. } = &stage;
    let mut all = Feed::in_turn(hot);
    let mut for_bare = Feed::in_turn(hot);
    let misses = stage.misses();
    let [bare, floor, hit, jwt, bb8, bare_clocked] = alternate(
        effort.slices,
        [
            at_once(runtime, bare, hot, StatusCode::ACCEPTED),
            at_once(runtime, floor, hot, StatusCode::OK),
            at_once(runtime, cached, hot, StatusCode::OK),
            at_once(runtime, jwt, hot, StatusCode::OK),
            one_by_one(runtime, bb8, &mut all, StatusCode::OK),
            // The bare service again, with a clock read around each request like the case above.
            one_by_one(runtime, bare, &mut for_bare, StatusCode::ACCEPTED),
        ],
    );
    let missed = stage.misses() - misses;
    let (floor, hit, jwt, bb8) = (floor - bare, hit - bare, jwt - bare, bb8 - bare_clocked);
    let case = format!("hit, {LIVE} live tokens, nanoseconds");
    table.row(
        &case,
        &time(hit),
        &format!("without the layer: {}", time(bare)),
        hit,
        Limit::AtMost(250.0),
    );

    let case = "hit / minimum of a cached check (a look-up by token, a clock, an `Arc`)";
    table.row(case, &time(hit), &time(floor), hit / floor, Limit::AtMost(1.5));

    let extra = allocations(runtime, cached, hot, StatusCode::OK)
        - allocations(runtime, &stage.bare, hot, StatusCode::ACCEPTED);
    table.row("hit, allocations that the layer adds", "", "", extra, Limit::AtMost(3.0));

    let case = "JWT only (HS256, hand-written) / hit, one task";
    table.row(case, &time(hit), &time(jwt), jwt / hit, Limit::AtLeast(10.0));
    let case = "hit / JWT and a bb8-redis `GET`, one task";
    table.row(case, &time(hit), &time(bb8), hit / bb8, Limit::AtMost(0.015));
    assert!(
        missed < effort.slices as u64 * 20,
        "{missed} of {} requests missed",
        effort.slices * 2_000
    );
}

pub(crate) fn cpu(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    let stage = Stage::two_workers(world);
    stage.warm_up(hot);
    let Stage { runtime, bare, cached, bb8, .. } = &stage;
    let mut feeds = [(); 3].map(|()| Feed::in_turn(hot));
    let [of_bare, of_hit, of_bb8] = &mut feeds;
    let [bare, hit, bb8] = alternate(
        effort.cpu_slices,
        [
            cpu_of_64(runtime, bare, of_bare, 1_000, StatusCode::ACCEPTED),
            cpu_of_64(runtime, cached, of_hit, 1_000, StatusCode::OK),
            cpu_of_64(runtime, bb8, of_bb8, 25, StatusCode::OK),
        ],
    );
    let (hit, bb8) = (hit - bare, bb8 - bare);
    let case = "hit / JWT and a bb8-redis `GET`, 64 tasks, CPU time";
    table.row(case, &time(hit), &time(bb8), hit / bb8, Limit::AtMost(0.04));
}

pub(crate) fn two_threads(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    let stage = Stage::two_workers(world);
    stage.warm_up(&hot[..1]);
    let Stage { runtime, bare, cached, .. } = &stage;
    let bearer = &hot[0];
    let handle = runtime.handle();
    let (accepted, ok) = (StatusCode::ACCEPTED, StatusCode::OK);
    let [bare_one, bare_two, one, two] = alternate(
        effort.slices / 2,
        [
            threads::<1, _>(handle, bare, bearer, accepted),
            threads::<2, _>(handle, bare, bearer, accepted),
            threads::<1, _>(handle, cached, bearer, ok),
            threads::<2, _>(handle, cached, bearer, ok),
        ],
    );
    let (one, two) = (one - bare_one, two - bare_two);
    let case = "one hot token, throughput of two threads / one thread";
    table.row(case, &time(two), &time(one), one / two, Limit::AtLeast(1.0));
}

/// Measures the nanoseconds per request, for the throughput of all threads together.
fn threads<'a, const N: usize, S: Measured>(
    handle: &'a Handle,
    service: &S,
    bearer: &'a str,
    expected: StatusCode,
) -> Slice<'a> {
    const REQUESTS: usize = 2_000;
    let service = service.clone();
    Box::new(move |samples| {
        let start = Barrier::new(N);
        let start = &start;
        let one = |mut service: S| {
            start.wait();
            handle.block_on(async {
                let start = Instant::now();
                for _ in 0..REQUESTS {
                    ask(&mut service, bearer, expected).await;
                }
                REQUESTS as f64 / nanos(start.elapsed())
            })
        };
        let throughput: f64 = std::thread::scope(|scope| {
            let threads = [(); N].map(|()| {
                let service = service.clone();
                scope.spawn(move || one(service))
            });
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        samples.push(1.0 / throughput);
    })
}
