//! The cost of operations with a thousand and with a million sessions in Redis (4 per user), and
//! the memory of a session.
//!
//! `cargo bench --bench million` starts its own Redis and prints a table, which is also in
//! `target/bench/million.jsonl`. `SESSIONS=100000` makes it shorter. With `cargo test` it uses 2,000 sessions and asserts every outcome too.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark fails at the first unexpected result, and prints its results"
)]

#[path = "../tests/support/redis.rs"]
#[allow(dead_code, reason = "a benchmark uses its own part")]
mod redis_server;
mod results;

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tower_session_auth::{
    KeySet, NewSession, RedisStore, RevokeReason, SessionManager, SigningKey, Target, UserId,
};

use crate::redis_server::RedisServer;
use crate::results::Results;

const SMALL: usize = 1_000;
const PER_USER: usize = 4;
/// How often each operation is measured.
const TIMES: usize = 200;
/// Concurrent logins while loading.
const AT_ONCE: usize = 64;

#[tokio::main]
async fn main() {
    let asked = |flag: &str| std::env::args().any(|arg| arg == flag);
    // A test runner calls every binary with `--list`; this binary has no tests to list.
    if asked("--list") {
        return;
    }
    let full = asked("--bench");
    let sessions = std::env::var("SESSIONS").ok().map(|number| number.parse().unwrap());
    let large = sessions.unwrap_or(if full { 1_000_000 } else { 2_000 });
    let slowlog = ["--slowlog-log-slower-than", "1000", "--slowlog-max-len", "1000000"];
    let server = RedisServer::start_with(&slowlog).await;
    let manager = manager(&server);

    let empty = used_memory(&server).await;
    load(&manager, 0, SMALL).await;
    let small = Figures::measure(&server, &manager, SMALL, empty).await;
    let loading = Instant::now();
    load(&manager, SMALL, large).await;
    let per_second = (large - SMALL) as f64 / loading.elapsed().as_secs_f64();
    let large = Figures::measure(&server, &manager, large, empty).await;
    let results = full.then(|| Results::of("million", sessions.is_some()));
    print(&small, &large, per_second, results);
}

fn manager(server: &RedisServer) -> SessionManager {
    let key = SigningKey::hs256("1", b"only-for-tests-Zq3vT8xKpL2mWc7RdYh9").unwrap();
    let store = RedisStore::builder(server.url().as_str()).timeout(Duration::from_secs(5));
    let builder = SessionManager::builder()
        .keys(KeySet::new(key))
        .issuer("bench")
        .audience("bench")
        .store(store.build().unwrap())
        .store_timeout(Duration::from_secs(5));
    builder.build().unwrap().0
}

fn user(number: usize) -> UserId {
    UserId::parse(&format!("user-{number}")).unwrap()
}

/// Returns a session of a typical size in a web application, about 300 bytes.
fn session(owner: UserId) -> NewSession {
    let name = format!("Somebody Called {}", owner.as_str());
    let email = format!("{}@example.com", owner.as_str());
    NewSession::new(owner)
        .user_name(name)
        .email(email)
        .role("user")
        .ip_address("203.0.113.195".parse().unwrap())
        .user_agent("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")
}

/// Creates the sessions with the numbers `from` to `to`. The four sessions of a user are created
/// one after the other.
async fn load(manager: &SessionManager, from: usize, to: usize) {
    let mut loaders = JoinSet::new();
    for loader in 0..AT_ONCE {
        let manager = manager.clone();
        loaders.spawn(async move {
            for number in (from / PER_USER + loader..to / PER_USER).step_by(AT_ONCE) {
                for _ in 0..PER_USER {
                    manager.create(session(user(number))).await.unwrap();
                }
            }
        });
    }
    loaders.join_all().await;
}

/// The results for one number of sessions.
struct Figures {
    sessions: usize,
    bytes: f64,
    login: Duration,
    list: Duration,
    logout_all: Duration,
    page: Duration,
    statistics: Duration,
    cleanup: Duration,
    slowest: Duration,
}

impl Figures {
    async fn measure(
        server: &RedisServer,
        manager: &SessionManager,
        sessions: usize,
        empty: i64,
    ) -> Self {
        let bytes = (used_memory(server).await - empty) as f64 / sessions as f64;
        let users = sessions / PER_USER;
        let times = TIMES.min(users);
        // Users from the whole key space. Each operation uses each of them once.
        let spread = |i: usize| user(i * users / times);

        let list = median(times, async |i| {
            assert_eq!(manager.sessions(&spread(i)).await.unwrap().len(), PER_USER);
        })
        .await;
        let login = median(times, async |i| {
            manager.create(session(spread(i))).await.unwrap();
        })
        .await;
        let logout_all = median(times, async |i| {
            let ended = manager
                .revoke(&spread(i), Target::All, RevokeReason::LogoutAll)
                .await
                .unwrap()
                .sessions;
            assert_eq!(ended.len(), PER_USER + 1);
        })
        .await;
        for i in 0..times {
            for _ in 0..PER_USER {
                manager.create(session(spread(i))).await.unwrap();
            }
        }
        server.command(&["SLOWLOG", "RESET"]).await;
        let mut next = None;
        let page = median(20.min(sessions / 200), async |_| {
            let page = manager.all_sessions(next.as_ref(), 100).await.unwrap();
            assert!(page.sessions.len() <= 100 && page.next.is_some());
            next = page.next;
        })
        .await;

        let began = Instant::now();
        let counted = manager.statistics(|step| {
            if step.steps % 200 == 0 {
                eprintln!("statistics: {} sessions after {:?}", step.sessions, step.elapsed);
            }
        });
        assert_eq!(counted.await.unwrap().total, sessions as u64);
        let statistics = began.elapsed();
        let began = Instant::now();
        assert_eq!(manager.cleanup(|_| {}).await.unwrap(), 0, "nothing has expired");
        let cleanup = began.elapsed();
        let slowest = slowest(server).await;
        Self { sessions, bytes, login, list, logout_all, page, statistics, cleanup, slowest }
    }
}

/// Returns the median time of an operation, run sequentially.
async fn median(times: usize, mut verb: impl AsyncFnMut(usize)) -> Duration {
    let mut took = Vec::with_capacity(times);
    for i in 0..times {
        let began = Instant::now();
        verb(i).await;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[took.len() / 2]
}

async fn used_memory(server: &RedisServer) -> i64 {
    let info = server.text(&["INFO", "memory"]).await.unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    line.trim().parse().unwrap()
}

/// Returns the longest time that one command blocked Redis since the last reset of the slow log;
/// zero if it was below 1 ms.
async fn slowest(server: &RedisServer) -> Duration {
    let log = server.command(&["SLOWLOG", "GET", "-1"]).await;
    type Entry = (i64, i64, u64, Vec<String>, String, String);
    let mut entries: Vec<Entry> = redis::from_redis_value(log).unwrap();
    entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.2));
    for (_, _, micros, command, ..) in entries.iter().take(3) {
        eprintln!("slow: {micros} µs, {}", command.join(" ").chars().take(60).collect::<String>());
    }
    Duration::from_micros(entries.first().map_or(0, |entry| entry.2))
}

fn print(small: &Figures, large: &Figures, per_second: f64, results: Option<Results>) {
    let medians = [
        ("login (the user has 4 sessions), median", small.login, large.login),
        ("list of one user's sessions, median", small.list, large.list),
        ("revocation of all 5 sessions of a user, median", small.logout_all, large.logout_all),
        ("page of 100 of all sessions, median", small.page, large.page),
    ];
    let mut rows = Vec::new();
    for (verb, small, large) in medians {
        let ratio = large.as_secs_f64() / small.as_secs_f64();
        rows.push([
            verb.to_owned(),
            format!("{small:.0?}"),
            format!("{large:.0?}"),
            format!("{ratio:.2}"),
        ]);
    }
    let held = |slowest: Duration| match slowest {
        Duration::ZERO => "under 1 ms".to_owned(),
        slowest => format!("{:.1} ms", slowest.as_secs_f64() * 1e3),
    };
    let without_ratio = [
        (
            "statistics, whole scan",
            format!("{:.0?}", small.statistics),
            format!("{:.1?}", large.statistics),
        ),
        ("cleanup, whole scan", format!("{:.0?}", small.cleanup), format!("{:.1?}", large.cleanup)),
        ("longest command of a scan (SLOWLOG)", held(small.slowest), held(large.slowest)),
        (
            "Redis memory per session",
            format!("{:.0} bytes", small.bytes),
            format!("{:.0} bytes", large.bytes),
        ),
    ];
    rows.extend(
        without_ratio.map(|(name, small, large)| [name.to_owned(), small, large, String::new()]),
    );
    println!("\n| | {} sessions | {} sessions | ratio |", small.sessions, large.sessions);
    println!("|---|---|---|---|");
    for row in &rows {
        println!("| {} |", row.join(" | "));
    }
    println!("\n{per_second:.0} logins a second while loading.");
    if let Some(mut results) = results {
        for cells in rows {
            let sessions = [small.sessions, large.sessions];
            results.row(&json!({ "cells": cells, "sessions": sessions }));
        }
    }
}
