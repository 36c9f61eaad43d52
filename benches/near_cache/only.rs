//! Runs a single case, for a tool that counts instructions or takes samples.

use http::StatusCode;

use crate::LIVE;
use crate::measure::{Feed, Measured, ask, breathe, cpu_of_64};
use crate::world::{Stage, World};

/// Runs the case of `ONLY` with `REQUESTS` requests: one task on one thread, or with `TASKS=64` 64
/// tasks on two threads.
pub(crate) fn only(world: &mut World, case: &str) {
    let set = |name: &str| std::env::var(name).ok().map(|value| value.parse::<usize>().unwrap());
    let requests = set("REQUESTS").unwrap_or(1_000);
    let many = set("TASKS").is_some_and(|tasks| tasks > 1);
    let stage = if many { Stage::two_workers(world) } else { Stage::one_thread(world) };
    let stage = &stage;
    let live = world.sign_in(if case == "miss" { requests + 1 } else { LIVE });
    if case != "miss" {
        stage.warm_up(&live);
    }
    let feed = if case == "miss" { Feed::once(&live) } else { Feed::in_turn(&live) };
    let run = Run { stage, feed, requests, many };
    match case {
        "bare" => run.with(&stage.bare, StatusCode::ACCEPTED),
        "floor" => {
            stage.floor.warm_up(&live);
            run.with(&stage.floor, StatusCode::OK);
        }
        "hit" | "miss" => run.with(&stage.cached, StatusCode::OK),
        "strict" => run.with(&stage.strict, StatusCode::OK),
        "jwt" => run.with(&stage.jwt, StatusCode::OK),
        "bb8" => run.with(&stage.bb8, StatusCode::OK),
        "shared" => run.with(&stage.shared, StatusCode::OK),
        "pipelined" => run.with(&stage.pipelined, StatusCode::OK),
        other => panic!("no case is called {other}"),
    }
}

struct Run<'a> {
    stage: &'a Stage,
    feed: Feed,
    requests: usize,
    many: bool,
}

impl Run<'_> {
    fn with<S: Measured>(mut self, service: &S, expected: StatusCode) {
        let runtime = &self.stage.runtime;
        if self.many {
            let mut samples = Vec::new();
            let each = self.requests / 64;
            cpu_of_64(runtime, service, &mut self.feed, each, expected)(&mut samples);
            return println!("{:.0} ns of CPU a request", samples[0]);
        }
        let (mut service, mut turn) = (service.clone(), self.feed.take(self.requests));
        runtime.block_on(async {
            for i in 0..self.requests {
                if i % 1_000 == 0 {
                    breathe().await;
                }
                ask(&mut service, turn.bearer(), expected).await;
            }
        });
    }
}
