//! A client that sends requests with one token as fast as it can.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::instance::{Answer, App, Instance, ask};
use crate::late::{now, since};
use crate::support::wait::{PATIENCE, until};

/// Consecutive requests with the same answer.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) answer: Answer,
    /// Time at which the last of these requests began.
    pub(crate) last: u64,
    pub(crate) slowest: Duration,
}

pub(crate) struct Hammer {
    stop: Arc<AtomicBool>,
    runs: Arc<Mutex<Vec<Run>>>,
    task: JoinSet<()>,
}

impl Hammer {
    /// Sends requests on this runtime, and yields to its other tasks after each answer.
    pub(crate) fn start(instance: &Instance, token: &str) -> Self {
        Self::through(instance.app(), token)
    }

    pub(crate) fn through(app: App, token: &str) -> Self {
        let (stop, runs) = <(Arc<AtomicBool>, Arc<Mutex<Vec<Run>>>)>::default();
        let mut task = JoinSet::new();
        task.spawn(hammer(app, token.to_owned(), Arc::clone(&stop), Arc::clone(&runs)));
        Self { stop, runs, task }
    }

    pub(crate) fn last(&self) -> Option<Run> {
        self.runs.lock().unwrap().last().cloned()
    }

    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Answer) -> bool) {
        let from = now();
        until(what, async || {
            let last = self.last();
            last.is_some_and(|run| run.last > from && is_so(&run.answer))
        })
        .await;
    }

    pub(crate) async fn stop(self) -> Runs {
        self.stop.store(true, Ordering::Relaxed);
        tokio::time::timeout(PATIENCE, self.task.join_all()).await.unwrap();
        Runs(std::mem::take(&mut self.runs.lock().unwrap()))
    }
}

/// All answers, in order.
#[derive(Debug)]
pub(crate) struct Runs(pub(crate) Vec<Run>);

impl Runs {
    /// Time at which the last admitted request began.
    pub(crate) fn last_in(&self) -> u64 {
        self.0.iter().filter(|run| run.answer.is_in()).map(|run| run.last).max().unwrap_or_default()
    }

    /// How long after `acknowledged` the last admitted request began.
    pub(crate) fn late(&self, acknowledged: u64) -> Duration {
        since(self.last_in(), acknowledged)
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.0.iter().map(|run| run.slowest).max().unwrap_or_default()
    }
}

async fn hammer(app: App, token: String, stop: Arc<AtomicBool>, runs: Arc<Mutex<Vec<Run>>>) {
    while !stop.load(Ordering::Relaxed) {
        let (start, asked) = (now(), Instant::now());
        let answer = ask(&app, &token).await;
        let took = asked.elapsed();
        {
            let mut runs = runs.lock().unwrap();
            match runs.last_mut() {
                Some(run) if run.answer == answer => {
                    run.last = start;
                    run.slowest = run.slowest.max(took);
                }
                _ => {
                    runs.push(Run { answer, last: start, slowest: took });
                }
            }
        }
        tokio::task::yield_now().await;
    }
}
