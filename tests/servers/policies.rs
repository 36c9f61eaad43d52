//! Each route of the example does what it chose, whatever happens to Redis.

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
/// Nobody has asked about the token between the logout and the outage.
const LOGGED_OUT_UNSEEN: [(u16, &str); 4] =
    [UNKNOWN, UNKNOWN, UNKNOWN, (200, "the catalogue for jeju, by token\n")];
/// Routes, in the order of these answers.
const ACCOUNT: usize = 0;
const TRANSFER: usize = 1;

/// The example's process, and what it has printed.
struct Example {
    server: Server,
    address: SocketAddr,
    token: String,
    /// Method and path of each route.
    routes: [(String, String); 4],
}

impl Example {
    /// Starts it, and reads what it prints.
    async fn start(redis: &RedisServer) -> Self {
        let env = [("REDIS_URL", redis.url()), ("JWT_SECRET", SECRET.to_owned())];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        let give_up = Instant::now() + PATIENCE;
        let (server, log) = loop {
            let mut server = Server::spawn("policies", &env);
            if let Some(log) = server.logged("/cache\n").await {
                break (server, log);
            }
            // As an operator would, where Redis is late at the start.
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

    /// What a route says to the token: its status, and its text or the code of its refusal.
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

    /// Asks a route until it answers like this, and before that only like that, or that nobody can tell: a machine that
    /// compiles beside the tests lets Redis be late now and then.
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
        assert_eq!(status(&answer), 200, "it asks nobody for a token: {answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    async fn until_cache_says(&self, text: &str) {
        until(text, async || self.cache().await.contains(text)).await;
    }

    async fn figure(&self, name: &str) -> u64 {
        let cache = self.cache().await;
        let figure = cache.split_once(&format!(" {name} ")).unwrap().1;
        figure.split(',').next().unwrap().trim_end().parse().unwrap()
    }

    async fn answers(&self, wanted: [(u16, &str); 4], when: &str) {
        for (route, wanted) in wanted.into_iter().enumerate() {
            self.until(route, wanted, UNKNOWN, when).await;
        }
    }

    /// Everybody is in, and the session is remembered with the promise to be told of changes.
    async fn everybody_is_in(&self, when: &str) {
        self.until_cache_says("coherent for").await;
        for (route, wanted) in LIVE.into_iter().enumerate() {
            self.until(route, wanted, AWAY[route], when).await;
        }
        until("a hit", async || {
            let before = self.figure("hits").await;
            self.until(ACCOUNT, LIVE[ACCOUNT], UNKNOWN, when).await;
            self.figure("hits").await == before + 1
        })
        .await;
    }

    /// Redis is away: where it is asked each time, that shows at once; elsewhere, when its last word is over.
    async fn while_away(&self, before: (u16, &str), wanted: [(u16, &str); 4], when: &str) {
        assert_eq!(self.answer(TRANSFER).await.0, 503, "{when}");
        self.until(ACCOUNT, wanted[ACCOUNT], before, when).await;
        self.until_cache_says("connecting for").await;
        self.answers(wanted, when).await;
    }

    /// Redis is back, nobody was restarted, and nobody gets in any more.
    async fn everybody_is_out(&self, when: &str) {
        self.answers(LOGGED_OUT, when).await;
        self.until_cache_says("coherent for").await;
        self.answers(LOGGED_OUT, when).await;
    }

    /// Ctrl-C.
    async fn stop(self) {
        self.server.signal("-INT");
        let (status, log) = self.server.ended().await;
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

/// A Redis that keeps what it was told over a `kill -9`.
async fn durable() -> RedisServer {
    RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await
}

#[tokio::test]
async fn each_route_does_what_it_chose_while_redis_hangs_or_is_dead_and_all_are_right_after() {
    let mut redis = durable().await;
    let example = Example::start(&redis).await;
    example.everybody_is_in("at the start").await;

    let stale = example.figure("stale").await;
    redis.pause();
    example.while_away(LIVE[ACCOUNT], AWAY, "while Redis hangs").await;
    assert_eq!(example.figure("stale").await, stale + 1);
    redis.resume();
    example.everybody_is_in("when it goes on").await;

    redis.stop();
    example.while_away(LIVE[ACCOUNT], AWAY, "while Redis is dead").await;
    redis.restart().await;
    example.everybody_is_in("when it is back with its data").await;
    example.stop().await;
}

#[tokio::test]
async fn who_is_logged_out_elsewhere_stays_out() {
    let mut redis = durable().await;
    let example = Example::start(&redis).await;
    example.everybody_is_in("at the start").await;

    // As the example tells to try it.
    assert_eq!(redis.number(&["DEL", "session:{jeju}:live"]).await, 1);
    example.until(ACCOUNT, LOGGED_OUT[ACCOUNT], LIVE[ACCOUNT], "after the logout").await;
    example.answers(LOGGED_OUT, "after the logout").await;
    redis.stop();
    let before = LOGGED_OUT[ACCOUNT];
    example.while_away(before, LOGGED_OUT_AND_AWAY, "after the logout, Redis dead").await;
    redis.restart().await;
    example.everybody_is_out("after the logout, Redis back").await;
    example.stop().await;
}

#[tokio::test]
async fn a_logout_that_nobody_has_asked_about_is_what_a_route_by_token_gives_up() {
    let mut redis = RedisServer::start().await;
    let example = Example::start(&redis).await;
    example.everybody_is_in("at the start").await;

    assert_eq!(example.figure("invalidations").await, 0);
    assert_eq!(redis.number(&["DEL", "session:{jeju}:live"]).await, 1);
    example.until_cache_says(" invalidations 1,").await;
    redis.stop();
    example.while_away(LOGGED_OUT_UNSEEN[ACCOUNT], LOGGED_OUT_UNSEEN, "after the logout").await;
    redis.restart().await;
    example.everybody_is_out("when Redis is back").await;
    example.stop().await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_has_logged_out_everybody() {
    let mut redis = RedisServer::start().await;
    let example = Example::start(&redis).await;
    example.everybody_is_in("at the start").await;

    redis.stop();
    example.while_away(LIVE[ACCOUNT], AWAY, "while Redis is dead").await;
    redis.restart().await;
    example.everybody_is_out("when it is back empty").await;
    example.stop().await;
}

#[test]
fn it_is_short() {
    assert!(include_str!("../../examples/policies.rs").lines().count() < 120);
}
