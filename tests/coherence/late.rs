//! Times that several processes can compare, and a table of how late the last wrong answer began.

use std::io::Write as _;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::support::ms;

/// Returns the nanoseconds of a clock that all processes of this machine share and that cannot be
/// set.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

/// Returns how long `time` is after `earlier`, or zero if it is before.
pub(crate) fn since(time: u64, earlier: u64) -> Duration {
    Duration::from_nanos(time.saturating_sub(earlier))
}

/// Waits until `time` has passed since `earlier`.
pub(crate) async fn past(earlier: u64, time: Duration) {
    while since(now(), earlier) < time {
        tokio::time::sleep(ms(5)).await;
    }
}

/// How late the last wrong answer began, for each of several acknowledged revocations. Zero if no
/// wrong answer began after the revocation.
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

    /// Prints one row, and appends it to the file that `CHAOS_TABLE` names, if it is set. Panics if
    /// a time exceeds the bound.
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
        assert!(
            self.max() <= bound,
            "{}: {:?} late, the bound is {bound:?}",
            self.case,
            self.max()
        );
    }
}
