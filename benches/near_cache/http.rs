//! An axum server with the layer beside the same server without it, under wrk.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tower_session_auth::SessionAuthLayer;

use crate::measure::{Bearer, median, process_cpu};
use crate::table::{Limit, Table, time};
use crate::world::World;
use crate::{Effort, support, world};

/// With it in the environment, this program is the server; its value is the Redis to use, or nothing for no layer.
const ROLE: &str = "NEAR_CACHE_SERVER";

pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Serves until its standard input ends; tells its address, then its CPU time for each line that it is sent.
pub(crate) fn serve(redis: &str) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let app = Router::new().route("/", get(async || "\"hello\""));
    let manager = (!redis.is_empty()).then(|| {
        let (manager, worker) = world::builder(redis).build().unwrap();
        let _background = runtime.block_on(async { worker.start() });
        manager
    });
    let app = match &manager {
        Some(manager) => app.layer(SessionAuthLayer::new(manager.clone())),
        None => app,
    };
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    println!("{}", listener.local_addr().unwrap());
    let served = async { axum::serve(listener, app).await.unwrap() };
    let server = runtime.spawn(served);
    for _ in std::io::stdin().lines() {
        let misses = manager.as_ref().map_or(0, |manager| manager.near_cache().misses);
        println!("{:.0} {misses}", process_cpu());
    }
    server.abort();
}

struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    fn start(redis: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, redis)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        stdout.read_line(&mut address).unwrap();
        let address = address.trim().parse().unwrap();
        Self { child, stdin, stdout, address }
    }

    /// Its CPU time in nanoseconds, and how many requests missed its near cache.
    fn figures(&mut self) -> (f64, u64) {
        self.stdin.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let (cpu, misses) = line.trim().split_once(' ').unwrap();
        (cpu.parse().unwrap(), misses.parse().unwrap())
    }

    /// One run of wrk: requests each second, and the server's CPU time a request.
    fn run(&mut self, seconds: u64, bearer: &str) -> (f64, f64) {
        let (before, _) = self.figures();
        let report = Command::new("wrk")
            .args(["--threads", "1", "--connections", "64"])
            .args(["--duration", &format!("{seconds}s")])
            .args(["--header", &format!("authorization: {bearer}")])
            .arg(format!("http://{}/", self.address))
            .output()
            .unwrap();
        let (after, _) = self.figures();
        let report = String::from_utf8(report.stdout).unwrap();
        for trouble in ["Non-2xx", "Socket errors"] {
            assert!(!report.contains(trouble), "{report}");
        }
        let number = |name: &str, text: &str| -> f64 {
            text.trim().parse().unwrap_or_else(|_| panic!("no {name} in {report}"))
        };
        let mut lines = report.lines();
        let total = lines.find_map(|line| line.split_once(" requests in ")).unwrap().0;
        let rate = lines.find_map(|line| line.strip_prefix("Requests/sec:")).unwrap();
        let requests = number("count", total);
        (number("rate", rate), (after - before) / requests)
    }

    async fn status(&self, bearer: Option<&str>) -> u16 {
        let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
        support::client::get(self.address, "/", token).await.status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

pub(crate) fn http(table: &mut Table, effort: &Effort, world: &World, hot: &Arc<[Bearer]>) {
    if Command::new("wrk").arg("--version").output().is_err() {
        table.note("HTTP: skipped, for wrk is not installed (Debian's package `wrk`).".to_owned());
        return;
    }
    let bearer = &hot[0];
    let mut servers = [Server::start(""), Server::start(&world.server.url())];
    world.runtime.block_on(async {
        assert_eq!(servers[0].status(None).await, 200);
        assert_eq!(servers[1].status(None).await, 401);
        assert_eq!(servers[1].status(Some(bearer)).await, 200);
    });
    let mut samples = [const { (Vec::new(), Vec::new()) }; 2];
    for round in 0..=effort.http_rounds {
        for i in 0..2 {
            let i = (i + round) % 2;
            let (rate, cpu) = servers[i].run(effort.http_seconds, bearer);
            // The first round warms up.
            if round > 0 {
                samples[i].0.push(rate);
                samples[i].1.push(cpu);
            }
        }
    }
    let (_, misses) = servers[1].figures();
    let ratios = |layer: &[f64], bare: &[f64]| {
        let mut ratios: Vec<f64> =
            layer.iter().zip(bare).map(|(layer, bare)| layer / bare).collect();
        let ratio = median(&mut ratios);
        (ratio, ratios)
    };
    let (rate, rates) = ratios(&samples[1].0, &samples[0].0);
    let (cpu, cpus) = ratios(&samples[1].1, &samples[0].1);
    let [(bare_rates, bare_cpus), (layer_rates, layer_cpus)] = &mut samples;
    let show = |rates: &mut [f64]| format!("{:.1}k/s", median(rates) / 1e3);
    table.row(
        "axum with the layer, HTTP, 64 connections, one token: requests a second",
        &show(layer_rates),
        &show(bare_rates),
        rate,
        Limit::AtLeast(0.95),
    );
    table.row(
        "the same: CPU of the server a request",
        &time(median(layer_cpus)),
        &time(median(bare_cpus)),
        cpu,
        Limit::AtMost(1.08),
    );
    let range = |ratios: &[f64]| format!("{:.3} to {:.3}", ratios[0], ratios[ratios.len() - 1]);
    table.note(format!(
        "HTTP, {} pairs of runs: ratio of requests a second {}, of CPU {}; {misses} misses.",
        effort.http_rounds,
        range(&rates),
        range(&cpus)
    ));
}
