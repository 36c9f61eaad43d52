//! Compares an axum server with the layer to the same server without it, under load from wrk.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tower_session_auth::SessionAuthLayer;

use crate::measure::{Bearer, median, process_cpu};
use crate::server_process::ServerProcess;
use crate::table::{Limit, Table, time};
use crate::world::World;
use crate::{Effort, support, world};

/// Environment variable: if it is set, this program is the server. Its value is the URL of Redis,
/// or empty for a server without the layer.
const ROLE: &str = "NEAR_CACHE_SERVER";

pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Serves until its standard input ends. Prints its address, and then one line with its CPU time
/// and its cache misses for each line of input.
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
    process: ServerProcess,
    address: SocketAddr,
}

impl Server {
    fn start(redis: &str) -> Self {
        let mut process = ServerProcess::start(ROLE, redis);
        let address = process.receive().parse().unwrap();
        Self { process, address }
    }

    /// Returns the server's CPU time in nanoseconds and the number of its cache misses.
    fn figures(&mut self) -> (f64, u64) {
        self.process.send("");
        let line = self.process.receive();
        let (cpu, misses) = line.split_once(' ').unwrap();
        (cpu.parse().unwrap(), misses.parse().unwrap())
    }

    /// Starts wrk against the server for this many seconds.
    fn load(&mut self, seconds: u64, bearer: &str) -> Load {
        let (before, _) = self.figures();
        let wrk = Command::new("wrk")
            .args(["--threads", "1", "--connections", "64"])
            .args(["--duration", &format!("{seconds}s")])
            .args(["--header", &format!("authorization: {bearer}")])
            .arg(format!("http://{}/", self.address))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Load { wrk, before }
    }

    async fn status(&self, bearer: Option<&str>) -> u16 {
        let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
        support::client::get(self.address, "/", token).await.status
    }
}

/// A running wrk process.
struct Load {
    wrk: Child,
    /// The server's CPU time at the start of the run.
    before: f64,
}

impl Load {
    /// Waits for wrk to end. Returns the requests per second and the server's CPU time per request.
    fn end(self, server: &mut Server) -> Run {
        let report = self.wrk.wait_with_output().unwrap();
        let (after, _) = server.figures();
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
        Run { rate: number("rate", rate), cpu: (after - self.before) / requests }
    }
}

/// The result of one wrk run.
#[derive(Clone, Copy)]
struct Run {
    rate: f64,
    cpu: f64,
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
    // Both servers run at the same time, so other work on the machine affects both. Measured on the
    // development machine: single runs differ by a sixth, the two halves of a pair by a twelfth.
    let pairs = pairs(effort.http_pairs, |_| {
        let loads = servers.each_mut().map(|server| server.load(effort.http_seconds, bearer));
        let [bare, layer] = loads;
        let [of_bare, of_layer] = &mut servers;
        [bare.end(of_bare), layer.end(of_layer)]
    });
    let rate = Compared::of(&pairs, |run| run.rate);
    let cpu = Compared::of(&pairs, |run| run.cpu);
    let show = |rate: f64| format!("{:.1}k/s", rate / 1e3);
    table.row(
        "axum over HTTP, 64 connections, requests per second, with / without the layer",
        &show(rate.layer),
        &show(rate.bare),
        rate.ratio,
        Limit::AtLeast(0.95),
    );
    table.row(
        "axum over HTTP, 64 connections, CPU time per request, with / without the layer",
        &time(cpu.layer),
        &time(cpu.bare),
        cpu.ratio,
        Limit::AtMost(1.08),
    );
    let in_turn = self::pairs(effort.http_pairs / 2, |round| {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        let mut runs = [None; 2];
        for i in order {
            runs[i] = Some(servers[i].load(effort.http_seconds, bearer).end(&mut servers[i]));
        }
        runs.map(|run| run.unwrap())
    });
    let (_, misses) = servers[1].figures();
    let alone = Compared::of(&in_turn, |run| run.rate);
    table.note(format!(
        "HTTP, {} pairs of {} s: middle half of the ratios, requests {}, CPU {}. One after the other, {} pairs: {} and {} \
         requests a second, ratio {:.3} ({}), CPU {:.3}. {misses} misses.",
        pairs.len(),
        effort.http_seconds,
        rate.spread,
        cpu.spread,
        in_turn.len(),
        show(alone.layer),
        show(alone.bare),
        alone.ratio,
        alone.spread,
        Compared::of(&in_turn, |run| run.cpu).ratio,
    ));
}

/// Runs `count` pairs, without and with the layer, after one pair as warm-up.
fn pairs(count: usize, pair: impl FnMut(usize) -> [Run; 2]) -> Vec<[Run; 2]> {
    (0..=count).map(pair).skip(1).collect()
}

/// One measure over all pairs.
struct Compared {
    bare: f64,
    layer: f64,
    /// The median of the ratios of the pairs.
    ratio: f64,
    spread: String,
}

impl Compared {
    fn of(pairs: &[[Run; 2]], figure: impl Fn(&Run) -> f64) -> Self {
        let median_of =
            |i: usize| median(&mut pairs.iter().map(|pair| figure(&pair[i])).collect::<Vec<_>>());
        let mut ratios: Vec<f64> =
            pairs.iter().map(|[bare, layer]| figure(layer) / figure(bare)).collect();
        let ratio = median(&mut ratios);
        let quarter = ratios.len() / 4;
        let spread = format!("{:.3} to {:.3}", ratios[quarter], ratios[ratios.len() - 1 - quarter]);
        Self { bare: median_of(0), layer: median_of(1), ratio, spread }
    }
}
