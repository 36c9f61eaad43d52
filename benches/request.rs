//! The cost of a request over both stores: accepted, rejected, and without a token, compared with
//! the bare inner service.
//!
//! Each number is the time of one request in a sequence, from its creation to the drop of the
//! response. Subtract the bare inner service to get the cost of the layer. Redis is a real
//! `redis-server` on the loopback interface, which the benchmark starts.
//!
//! `cargo bench --bench request`

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark fails at the first error")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Instant;

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use http::{Request, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_session_auth::store::MemoryStore;
use tower_session_auth::{RedisStore, RevokeReason, Session, SessionAuthLayer, SessionManager};

use crate::support::redis::RedisServer;
use crate::support::{anonymous, bearer, login, manager, user};

async fn inner(request: Request<String>) -> Result<Response<String>, Infallible> {
    let live = request.extensions().get::<Session>().is_some();
    let status = if live { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(Response::builder().status(status).body(String::new()).unwrap_or_default())
}

/// Times `n` sequential requests. It checks each outcome, so that no case measures an error by
/// mistake.
fn measure<S>(
    bench: &mut Bencher<'_>,
    runtime: &Runtime,
    service: &S,
    token: Option<&str>,
    expected: StatusCode,
) where
    S: Service<Request<String>, Response = Response<String>, Error = Infallible> + Clone,
{
    bench.iter_custom(|n| {
        runtime.block_on(async {
            let mut service = service.clone();
            let start = Instant::now();
            for _ in 0..n {
                let request = token.map_or_else(anonymous, bearer);
                let Ok(ready) = service.ready().await;
                let Ok(response) = ready.call(request).await;
                assert_eq!(response.status(), expected);
                black_box(response);
            }
            start.elapsed()
        })
    });
}

fn over(criterion: &mut Criterion, runtime: &Runtime, store: &str, manager: &SessionManager) {
    let (live, ended) = runtime.block_on(async {
        let live = login(manager, "live").await;
        let ended = login(manager, "ended").await;
        let lived =
            manager.revoke(&user("ended"), ended.session.id(), RevokeReason::Logout).await.unwrap();
        assert!(lived.was_live());
        (live.access_token, ended.access_token)
    });
    // The last character of an HS256 signature holds four bits. The replacement changes them and
    // stays canonical.
    let forged =
        format!("{}{}", &live[..live.len() - 1], if live.ends_with('A') { 'E' } else { 'A' });

    let service = SessionAuthLayer::new(manager.clone()).layer(service_fn(inner));
    let mut group = criterion.benchmark_group(format!("request/{store}"));
    group.bench_function("bare inner service", |bench| {
        measure(bench, runtime, &service_fn(inner), Some(&live), StatusCode::ACCEPTED);
    });
    group.bench_function("accepted", |bench| {
        measure(bench, runtime, &service, Some(&live), StatusCode::OK);
    });
    group.bench_function("refused, session ended", |bench| {
        measure(bench, runtime, &service, Some(&ended), StatusCode::UNAUTHORIZED);
    });
    group.bench_function("refused, forged signature", |bench| {
        measure(bench, runtime, &service, Some(&forged), StatusCode::UNAUTHORIZED);
    });
    group.bench_function("without a token", |bench| {
        measure(bench, runtime, &service, None, StatusCode::UNAUTHORIZED);
    });
    group.finish();
}

/// The minimum of each request that calls Redis: one `HGET` of a value as large as a session, with
/// the driver only.
fn round_trip(criterion: &mut Criterion, runtime: &Runtime, server: &RedisServer) {
    let mut connection = runtime.block_on(async {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let value = vec![b'x'; 200];
        let mut hset = redis::cmd("HSET");
        hset.arg("floor").arg("field").arg(&value);
        let added: u64 = hset.query_async(&mut connection).await.unwrap();
        assert_eq!(added, 1);
        connection
    });
    criterion.bench_function("request/redis/bare HGET", |bench| {
        bench.iter_custom(|n| {
            runtime.block_on(async {
                let start = Instant::now();
                for _ in 0..n {
                    let mut hget = redis::cmd("HGET");
                    hget.arg("floor").arg("field");
                    let value: Vec<u8> = hget.query_async(&mut connection).await.unwrap();
                    assert_eq!(black_box(value).len(), 200);
                }
                start.elapsed()
            })
        });
    });
}

fn benches(criterion: &mut Criterion) {
    // One thread, so that the benchmark measures the work and not the time to wake another thread.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (embedded, worker) = manager(MemoryStore::new());
    let background = runtime.block_on(async { worker.start() });
    over(criterion, &runtime, "memory", &embedded);
    runtime.block_on(background.stop()).unwrap();

    let server = runtime.block_on(RedisServer::start());
    round_trip(criterion, &runtime, &server);
    let (redis, worker) = manager(RedisStore::new(server.url().as_str()).unwrap());
    let background = runtime.block_on(async { worker.start() });
    over(criterion, &runtime, "redis", &redis);
    runtime.block_on(background.stop()).unwrap();
}

criterion_group!(request, benches);
criterion_main!(request);
