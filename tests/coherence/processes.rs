//! Child processes: the binary of this test, started again.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::wait::PATIENCE;
use crate::{bytes, memory, participant, seconds};

const TASK: &str = "COHERENCE_TASK";

/// The task of a child process. None of its words contains a space.
pub(crate) enum Task {
    Scan { redis: String },
    Fill { redis: String, case: String },
    Participate { redis: String, folder: PathBuf, number: usize },
}

impl Task {
    fn words(&self) -> String {
        match self {
            Self::Scan { redis } => format!("scan {redis}"),
            Self::Fill { redis, case } => format!("fill {redis} {case}"),
            Self::Participate { redis, folder, number } => {
                format!("participate {redis} {} {number}", folder.display())
            }
        }
    }
}

/// A child process. Dropping it kills the process.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(task: &Task) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::child_process_entry_point", "--ignored", "--nocapture"])
            .env(TASK, task.words())
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Waits until the process has exited successfully.
    pub(crate) fn succeeds(mut self) {
        let give_up = Instant::now() + PATIENCE * 3 + Duration::from_secs(20 * seconds());
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "{status}: see above");
                return;
            }
            assert!(Instant::now() < give_up, "the process does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

#[test]
#[ignore = "no test, but what other tests start as a process"]
fn child_process_entry_point() {
    let Ok(task) = std::env::var(TASK) else { return };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(async {
        match *task.split(' ').collect::<Vec<_>>() {
            ["scan", redis] => memory::grow(redis).await,
            ["fill", redis, case] => bytes::fill(redis, case).await,
            ["participate", redis, folder, number] => {
                participant::run(redis, folder.as_ref(), number.parse().unwrap()).await;
            }
            _ => panic!("{task}"),
        }
    });
}
