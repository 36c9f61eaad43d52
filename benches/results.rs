//! Writes the results of a benchmark as JSON lines, from which `benches/plots` draws its plots.

use std::fs::{File, create_dir_all};
use std::io::Write as _;
use std::process::Command;

use serde_json::{Value, json};
use tower_session_auth::clock::{Clock as _, SystemClock};

/// The percentiles of a distribution in a row.
const PERCENTILES: [f64; 8] = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.9];

/// The results of one run: the file `bench/NAME.jsonl` in the target folder.
pub(crate) struct Results(File);

impl Results {
    /// Replaces the file of the last run. The first line describes this run: when, where and with
    /// which code it was made. `short` tells that the run only shows that everything works.
    pub(crate) fn of(name: &str, short: bool) -> Self {
        let program = std::env::current_exe().unwrap();
        // The program is in `PROFILE/deps` of the target folder.
        let folder = program.ancestors().nth(3).unwrap().join("bench");
        create_dir_all(&folder).unwrap();
        let mut results = Self(File::create(folder.join(format!("{name}.jsonl"))).unwrap());
        let now = SystemClock.now().as_millis() / 1_000;
        results.row(&json!({
            "short": short,
            "seconds_since_1970": now,
            "commit": commit(),
            "rust": output_of("rustc", &["--version"]),
            "redis": output_of("redis-server", &["--version"]),
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            "processor": processor(),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
        }));
        results
    }

    pub(crate) fn row(&mut self, row: &Value) {
        writeln!(self.0, "{row}").unwrap();
    }
}

/// Returns the percentiles of these samples as pairs of percent and value.
#[allow(dead_code, reason = "each benchmark uses its own part")]
pub(crate) fn percentiles(samples: &mut [f64]) -> Vec<(f64, f64)> {
    samples.sort_unstable_by(f64::total_cmp);
    PERCENTILES.map(|percent| (percent, at(samples, percent))).to_vec()
}

/// Returns the value below which `percent` percent of these sorted samples are.
pub(crate) fn at(sorted: &[f64], percent: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * percent / 100.0).round() as usize]
}

/// Returns the commit, with a plus sign if files differ from it.
fn commit() -> String {
    let commit = output_of("git", &["rev-parse", "--short", "HEAD"]);
    let is_changed =
        !output_of("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    format!("{commit}{}", if is_changed { "+" } else { "" })
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or("", |name| name.trim_start_matches([' ', '\t', ':'])).trim().to_owned()
}

/// Returns what a program prints, or nothing if it cannot be started.
fn output_of(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
