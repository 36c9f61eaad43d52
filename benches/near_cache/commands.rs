//! The commands that Redis executed, counted by Redis itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use redis::aio::MultiplexedConnection;
use tokio::time::{MissedTickBehavior, interval};

use crate::measure::{Bearer, Feed, Measured, ask};
use crate::table::{Limit, Table};
use crate::world::{Stage, World};
use crate::{Effort, LIVE};

/// Reads the counters of Redis over a separate connection.
pub(crate) struct Commands<'a> {
    world: &'a World,
    connection: MultiplexedConnection,
    before: Counted,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) commands: u64,
    pub(crate) reads: u64,
    by_name: BTreeMap<String, u64>,
}

impl Counted {
    /// Returns the commands by name, the most frequent first.
    pub(crate) fn names(&self) -> String {
        let mut names: Vec<_> = self.by_name.iter().filter(|(_, calls)| **calls > 0).collect();
        names.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
        let names = names.iter().map(|(name, calls)| format!("{calls} {name}"));
        names.collect::<Vec<_>>().join(", ")
    }
}

impl<'a> Commands<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let connection = world.runtime.block_on(world.server.connection());
        Self { world, connection, before: Counted::default() }
    }

    pub(crate) fn reset(&mut self) {
        self.before = self.now();
    }

    /// Returns the counts since the last reset, without the commands of this reading.
    pub(crate) fn read(&mut self) -> Counted {
        let mut now = self.now();
        let Counted { commands, reads, by_name } = &self.before;
        // The `INFO` command of `reset` was counted only after its answer.
        now.commands -= commands + 1;
        now.reads -= reads + 1;
        *now.by_name.get_mut("info").unwrap() -= 1;
        for (name, calls) in by_name {
            *now.by_name.get_mut(name).unwrap() -= calls;
        }
        now
    }

    fn now(&mut self) -> Counted {
        let mut info = redis::cmd("INFO");
        info.arg("stats").arg("commandstats");
        let text = info.query_async::<String>(&mut self.connection);
        let text = self.world.runtime.block_on(text).unwrap();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().parse::<u64>().unwrap()
        };
        let by_name = text.lines().filter_map(|line| {
            let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
        });
        let mut by_name: BTreeMap<_, _> = by_name.collect();
        by_name.entry("info".to_owned()).or_default();
        Counted {
            commands: of("total_commands_processed:"),
            reads: of("total_reads_processed:"),
            by_name,
        }
    }
}

/// Requests per second. Each tick sends some of them, as they arrive at a real server.
const RATE: u32 = 20_000;
const TICK: Duration = Duration::from_millis(5);

pub(crate) fn steady_state(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    let stage = Stage::two_workers(world);
    stage.warm_up(hot);
    let mut service = stage.cached.clone();
    let mut feed = Feed::in_turn(hot);
    // The first requests cause work that is not part of the steady state.
    paced(&stage, &mut service, &mut feed, effort.steady / 10);
    let mut commands = Commands::new(world);
    commands.reset();
    let started = Instant::now();
    let requests = paced(&stage, &mut service, &mut feed, effort.steady);
    let took = started.elapsed();
    let counted = commands.read();
    let case = format!("Redis commands per request, {LIVE} sessions in turn");
    let figure = format!("{} in {:.0} s", counted.commands, took.as_secs_f64());
    let rate = requests as f64 / took.as_secs_f64();
    let baseline = format!("{requests} requests, {rate:.0}/s");
    let ratio = counted.commands as f64 / requests as f64;
    table.row(&case, &figure, &baseline, ratio, Limit::AtMost(0.01));
    table.note(format!("Steady state, what Redis was asked: {}.", counted.names()));
}

/// Sends requests at `RATE` for this time, and returns their number.
fn paced<S: Measured>(stage: &Stage, service: &mut S, feed: &mut Feed, time: Duration) -> usize {
    let each = (TICK.as_secs_f64() * f64::from(RATE)) as usize;
    let ticks = time.as_millis() as usize / TICK.as_millis() as usize;
    let mut turn = feed.take(each * ticks);
    stage.runtime.block_on(async {
        let mut interval = interval(TICK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..ticks {
            interval.tick().await;
            for _ in 0..each {
                ask(service, turn.bearer(), StatusCode::OK).await;
            }
        }
    });
    each * ticks
}
