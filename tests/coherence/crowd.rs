//! Several processes change sessions and send requests at the same time. No process uses the old
//! state of a session for longer than the bound after a change. In the end, all processes agree
//! with Redis.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;

use tempfile::TempDir;

use crate::board::Board;
use crate::instance::{Answer, Instance};
use crate::late::{Lateness, since};
use crate::participant::{HITS, Known, PARTICIPANTS, State, WATCH, run};
use crate::processes::{Process, Task};
use crate::support::redis::RedisServer;
use crate::{BOUND, is_long};

/// The report of one participant.
#[derive(Default)]
struct Report {
    requests: u64,
    hits: u64,
    lost_links: u64,
    ended: BTreeMap<State, u64>,
    served: BTreeMap<State, u64>,
    last: BTreeSet<(usize, u64, Option<u64>)>,
}

impl Report {
    fn read(folder: &Path, number: usize) -> Self {
        let text = std::fs::read_to_string(folder.join(format!("report-{number}"))).unwrap();
        let mut report = Self::default();
        for line in text.lines() {
            let (what, rest) = line.split_once(' ').unwrap();
            let numbers: Vec<Option<u64>> = rest.split(' ').map(|word| word.parse().ok()).collect();
            let at = |index: usize| numbers[index].unwrap();
            let slot = at(0) as usize;
            match what {
                "figures" => {
                    (report.requests, report.hits, report.lost_links) = (at(0), at(1), at(2));
                }
                "ended" => drop(report.ended.insert((slot, at(1), at(2)), at(3))),
                "served" => drop(report.served.insert((slot, at(1), at(2)), at(3))),
                "last" => drop(report.last.insert((slot, at(1), numbers[2]))),
                _ => panic!("{line}"),
            }
        }
        report
    }
}

#[test]
fn concurrent_processes_reject_within_the_bound_and_finally_agree_with_redis() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(RedisServer::start());
    let folder = TempDir::new().unwrap();
    let (redis, path) = (server.url(), folder.path());
    thread::scope(|scope| {
        // Half of the participants are threads of this process. They share only its memory.
        let others: Vec<_> = (PARTICIPANTS / 2..PARTICIPANTS)
            .map(|number| {
                let (redis, folder) = (redis.clone(), path.to_owned());
                Process::start(&Task::Participate { redis, folder, number })
            })
            .collect();
        for number in 0..PARTICIPANTS / 2 {
            let redis = &redis;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(run(redis, path, number));
            });
        }
        others.into_iter().for_each(Process::succeeds);
    });
    let reports: Vec<_> = (0..PARTICIPANTS).map(|number| Report::read(path, number)).collect();

    let mut times = Lateness::of("64 sessions, 6 managers in 4 processes, all read and write");
    for (writer, report) in reports.iter().enumerate() {
        for (state, acknowledged) in &report.ended {
            for (reader, other) in reports.iter().enumerate() {
                let Some(served) = other.served.get(state) else { continue };
                let late = since(*served, *acknowledged);
                assert!(
                    reader != writer || late.is_zero(),
                    "a process sees its own change {late:?} late"
                );
                // Skips a reader that did not use this session around the change.
                if since(*acknowledged, *served) < WATCH {
                    times.add(late);
                }
            }
        }
    }
    let requests: u64 = reports.iter().map(|report| report.requests).sum();
    let changes: usize = reports.iter().map(|report| report.ended.len()).sum();
    let hits: u64 = reports.iter().map(|report| report.hits).sum();
    // A process that the machine does not run for the length of a lease gives up its invalidation
    // connection. That is correct, so the test only prints this number.
    let lost_links: u64 = reports.iter().map(|report| report.lost_links).sum();
    println!("{requests} requests, {hits} hits, {changes} changes, {lost_links} links lost");
    // Each participant continues until it has enough cache hits.
    assert!(hits >= HITS * PARTICIPANTS as u64, "{hits} answers came from a near cache");
    assert!(!is_long() || hits * 2 > requests, "most answers came from a near cache");
    let ended: BTreeSet<_> = reports.iter().flat_map(|report| report.ended.keys()).collect();

    // The final state in Redis, which all participants must have seen.
    let mut known = Known::default();
    known.learn(&mut Board::open(path));
    let truth = runtime.block_on(async {
        let (redis, mut all) = (Instance::truth(&redis), BTreeSet::new());
        for opened in known.at_the_end() {
            let role = match redis.ask(&opened.token).await {
                Answer::In(text) => Some(text.split_once(" v").unwrap().1.parse().unwrap()),
                answer => {
                    assert!(answer.is_out(), "{answer:?}");
                    None
                }
            };
            all.insert((opened.slot, opened.epoch, role));
        }
        all
    });
    let living = truth.iter().filter(|(.., role)| role.is_some());
    assert_eq!(living.count(), 64);
    for (number, report) in reports.iter().enumerate() {
        let wrong: Vec<_> = report.last.symmetric_difference(&truth).collect();
        assert!(wrong.is_empty(), "participant {number} disagrees with Redis: {wrong:?}");
        for (slot, epoch, role) in report.served.keys() {
            let lives = truth.contains(&(*slot, *epoch, Some(*role)));
            assert!(
                lives || ended.contains(&(*slot, *epoch, *role)),
                "an unknown state was served"
            );
        }
    }
    times.report(BOUND);
}
