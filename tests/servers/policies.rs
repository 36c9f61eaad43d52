//! Each route of the `policies` example follows its failure policy during Redis outages.

use std::net::SocketAddr;
use std::time::Instant;

use crate::support::client::{exchange, status};
use crate::support::redis::RedisServer;
use crate::support::server::{SECRET, Server};
use crate::support::wait::{PATIENCE, until};

const UNKNOWN: (u16, &str) = (503, "store_unavailable");
const LIVE: [(u16, &str); 4] = [
    (200, "the account of jeju\n"),
    (200, "paid by jeju\n"),
    (200, "the feed of jeju\n"),
    (200, "the catalogue for jeju\n"),
];
const AWAY: [(u16, &str); 4] = [
    UNKNOWN,
    UNKNOWN,
    (200, "the feed of jeju, stale: as of a moment ago\n"),
    (200, "the catalogue for jeju, by token\n"),
];
const LOGGED_OUT: [(u16, &str); 4] = [(401, "session_expired"); 4];
const LOGGED_OUT_AND_AWAY: [(u16, &str); 4] =
    [UNKNOWN, UNKNOWN, (401, "session_expired"), (401, "session_expired")];
/// The session was deleted before the outage, and no request used the token in between.
const LOGGED_OUT_UNSEEN: [(u16, &str); 4] =
    [UNKNOWN, UNKNOWN, UNKNOWN, (200, "the catalogue for jeju, by token\n")];
/// Indices of routes in these arrays.
const ACCOUNT: usize = 0;
const TRANSFER: usize = 1;

/// The process of the example, and the data parsed from its output.
struct Example {
    server: Server,
    address: SocketAddr,
    token: String,
    /// Method and path of each route.
    routes: [(String, String); 4],
}

impl Example {
    /// Starts the example and parses its output.
    async fn start(redis: &RedisServer) -> Self {
        let env = [("REDIS_URL", redis.url()), ("JWT_SECRET", SECRET.to_owned())];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        let give_up = Instant::now() + PATIENCE;
        let (server, log) = loop {
            let mut server = Server::spawn("policies", &env);
            if let Some(log) = server.logged("/cache\n").await {
                break (server, log);
            }
            // Starts it again, as an operator would, if Redis answers too late at startup.
            let (_, log) = server.ended().await;
            let is_late = log.contains("does not answer") || log.contains("Unavailable");
            assert!(is_late && Instant::now() < give_up, "{log}");
        };
        let token = log.lines().find_map(|line| line.strip_prefix("TOKEN=")).unwrap().to_owned();
        let curls: Vec<_> =
            log.lines().filter_map(|line| line.strip_prefix("curl -i http://")).collect();
        let routes: Vec<_> = curls
            .iter()
            .map(|curl| {
                assert!(curl.ends_with(" -H \"authorization: Bearer $TOKEN\""), "{curl}");
                let method = if curl.contains(" -X POST ") { "POST" } else { "GET" };
                let path = curl.split(' ').next().unwrap().split_once('/').unwrap().1;
                (method.to_owned(), format!("/{path}"))
            })
            .collect();
        let address = curls[0].split('/').next().unwrap().parse().unwrap();
        Self { server, address, token, routes: routes.try_into().unwrap() }
    }

    /// Sends the token to a route. Returns the status, and the body of a 200 or the error code of a
    /// rejection.
    async fn answer(&self, route: usize) -> (u16, String) {
        let Self { address, token, routes, .. } = self;
        let (method, path) = &routes[route];
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             connection: close\r\ncontent-length: 0\r\n\r\n"
        );
        let answer = exchange(*address, request.as_bytes()).await;
        let (status, text) = (status(&answer), answer.split_once("\r\n\r\n").unwrap().1);
        if status == 200 {
            return (status, text.to_owned());
        }
        assert_eq!(status == 503, answer.contains("\r\nretry-after: "), "{answer}");
        let refusal: serde_json::Value = serde_json::from_str(text).unwrap();
        (status, refusal["code"].as_str().unwrap().to_owned())
    }

    /// Repeats the request until the route returns `wanted`. Before that it may only return
    /// `before` or [`UNKNOWN`]: Redis may be slow while the machine compiles.
    async fn until(&self, route: usize, wanted: (u16, &str), before: (u16, &str), when: &str) {
        let path = &self.routes[route].1;
        until(&format!("{path} {when}: {wanted:?}"), async || {
            let (status, text) = self.answer(route).await;
            let answer = (status, text.as_str());
            assert!([wanted, before, UNKNOWN].contains(&answer), "{path} {when}: {answer:?}");
            answer == wanted
        })
        .await;
    }

    async fn cache(&self) -> String {
        let request =
            format!("GET /cache HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        let answer = exchange(self.address, request.as_bytes()).await;
        assert_eq!(status(&answer), 200, "the route needs no token: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    async fn until_cache_says(&self, text: &str) {
        until(text, async || self.cache().await.contains(text)).await;
    }

    async fn counter(&self, name: &str) -> u64 {
        let cache = self.cache().await;
        let counter = cache.split_once(&format!(" {name} ")).unwrap().1;
        counter.split(',').next().unwrap().trim_end().parse().unwrap()
    }

    async fn check_answers(&self, wanted: [(u16, &str); 4], when: &str) {
        for (route, wanted) in wanted.into_iter().enumerate() {
            self.until(route, wanted, UNKNOWN, when).await;
        }
    }

    /// Waits until every route admits the token and the near cache serves the session.
    async fn wait_until_admitted(&self, when: &str) {
        self.until_cache_says("coherent for").await;
        for (route, wanted) in LIVE.into_iter().enumerate() {
            self.until(route, wanted, AWAY[route], when).await;
        }
        until("a request is a cache hit", async || {
            let before = self.counter("hits").await;
            self.until(ACCOUNT, LIVE[ACCOUNT], UNKNOWN, when).await;
            self.counter("hits").await == before + 1
        })
        .await;
    }

    /// Checks the routes during an outage. `TRANSFER` reads Redis on each request, so it fails at
    /// once. `ACCOUNT` may return `before` until the lease of the near cache ends.
    async fn check_outage(&self, before: (u16, &str), wanted: [(u16, &str); 4], when: &str) {
        assert_eq!(self.answer(TRANSFER).await.0, 503, "{when}");
        self.until(ACCOUNT, wanted[ACCOUNT], before, when).await;
        self.until_cache_says("connecting for").await;
        self.check_answers(wanted, when).await;
    }

    /// Checks that every route rejects the token after Redis is back. The example was not
    /// restarted.
    async fn check_rejected(&self, when: &str) {
        self.check_answers(LOGGED_OUT, when).await;
        self.until_cache_says("coherent for").await;
        self.check_answers(LOGGED_OUT, when).await;
    }

    /// Stops the example as Ctrl-C does, and checks its exit status.
    async fn stop(self) {
        self.server.signal("-INT");
        let (status, log) = self.server.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

/// Starts a Redis that keeps its data across `kill -9`.
async fn durable() -> RedisServer {
    RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await
}

#[tokio::test]
async fn routes_follow_their_failure_policies_while_redis_is_down_and_then_recover() {
    let mut redis = durable().await;
    let example = Example::start(&redis).await;
    example.wait_until_admitted("at the start").await;

    let stale = example.counter("stale").await;
    redis.pause();
    example.check_outage(LIVE[ACCOUNT], AWAY, "while Redis hangs").await;
    assert_eq!(example.counter("stale").await, stale + 1);
    redis.resume();
    example.wait_until_admitted("after Redis resumes").await;

    redis.stop();
    example.check_outage(LIVE[ACCOUNT], AWAY, "while Redis is dead").await;
    redis.restart().await;
    example.wait_until_admitted("after Redis restarts with its data").await;
    example.stop().await;
}

#[tokio::test]
async fn session_deleted_in_redis_is_not_admitted_during_or_after_an_outage() {
    let mut redis = durable().await;
    let example = Example::start(&redis).await;
    example.wait_until_admitted("at the start").await;

    // The output of the example suggests this command.
    assert_eq!(redis.number(&["DEL", "session:{jeju}:live"]).await, 1);
    example.until(ACCOUNT, LOGGED_OUT[ACCOUNT], LIVE[ACCOUNT], "after the logout").await;
    example.check_answers(LOGGED_OUT, "after the logout").await;
    redis.stop();
    let before = LOGGED_OUT[ACCOUNT];
    example.check_outage(before, LOGGED_OUT_AND_AWAY, "after the logout, Redis dead").await;
    redis.restart().await;
    example.check_rejected("after the logout, Redis back").await;
    example.stop().await;
}

#[tokio::test]
async fn token_only_fallback_admits_an_unseen_deleted_session_until_redis_is_back() {
    let mut redis = RedisServer::start().await;
    let example = Example::start(&redis).await;
    example.wait_until_admitted("at the start").await;

    assert_eq!(example.counter("invalidations").await, 0);
    assert_eq!(redis.number(&["DEL", "session:{jeju}:live"]).await, 1);
    example.until_cache_says(" invalidations 1,").await;
    redis.stop();
    example.check_outage(LOGGED_OUT_UNSEEN[ACCOUNT], LOGGED_OUT_UNSEEN, "after the logout").await;
    redis.restart().await;
    example.check_rejected("when Redis is back").await;
    example.stop().await;
}

#[tokio::test]
async fn all_routes_reject_the_token_after_redis_restarts_empty() {
    let mut redis = RedisServer::start().await;
    let example = Example::start(&redis).await;
    example.wait_until_admitted("at the start").await;

    redis.stop();
    example.check_outage(LIVE[ACCOUNT], AWAY, "while Redis is dead").await;
    redis.restart().await;
    example.check_rejected("after Redis restarts empty").await;
    example.stop().await;
}

#[test]
fn example_has_fewer_than_120_lines() {
    assert!(include_str!("../../examples/policies.rs").lines().count() < 120);
}
