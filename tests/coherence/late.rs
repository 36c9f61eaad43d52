//! Times that processes can compare, and the table of how late the last wrong answer began.

use std::io::Write as _;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::support::ms;

/// Nanoseconds on a clock that all processes of this machine share and nobody can set.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// How long after `earlier`; zero if before.
pub(crate) fn since(time: u64, earlier: u64) -> Duration {
    Duration::from_nanos(time.saturating_sub(earlier))
}

/// Waits until it is so long after `earlier`.
pub(crate) async fn past(earlier: u64, time: Duration) {
    while since(now(), earlier) < time {
        tokio::time::sleep(ms(5)).await;
    }
}

/// How late the last wrong answer began after each of many acknowledged ends; zero where there was none after it.
pub(crate) struct Lateness {
    case: &'static str,
    times: Vec<Duration>,
}

impl Lateness {
    pub(crate) fn of(case: &'static str) -> Self {
        Self { case, times: Vec::new() }
    }

    pub(crate) fn add(&mut self, time: Duration) {
        self.times.push(time);
    }

    pub(crate) fn max(&self) -> Duration {
        self.times.iter().copied().max().unwrap_or_default()
    }

    /// Prints one row, and adds it to the table if somebody collects one. Nothing may be above the bound.
    pub(crate) fn report(mut self, bound: Duration) {
        self.times.sort();
        let at = |percent: usize| {
            let last = self.times.len() - 1;
            self.times[(last * percent).div_ceil(100)].as_secs_f64() * 1e3
        };
        let late = self.times.iter().filter(|time| !time.is_zero()).count();
        let row = format!(
            "| {} | {} | {late} | {:.3} | {:.3} | {:.3} |",
            self.case,
            self.times.len(),
            at(50),
            at(99),
            at(100)
        );
        println!("{row}");
        if let Some(table) = std::env::var_os("CHAOS_TABLE") {
            let mut table =
                std::fs::OpenOptions::new().append(true).create(true).open(table).unwrap();
            table.write_all(format!("{row}\n").as_bytes()).unwrap();
        }
        assert!(self.max() <= bound, "{}: {:?} late, {bound:?} is promised", self.case, self.max());
    }
}
