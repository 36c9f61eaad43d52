//! The HTTP contract as one table of requests and answers. Both example servers run as processes
//! and answer over real sockets, with the memory store and with Redis. All of them must answer
//! alike.

mod admin;
mod auth;
mod bearer;
mod bodies;
mod codes;
mod crowd;
mod device;
mod directory;
mod docs;
mod ids;
mod limits;
mod outage;
mod paths;
mod refresh;
mod slow;
mod table;

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::{Value, json};

use crate::contract::table::{Row, get, post};
use crate::support::redis::RedisServer;
use crate::support::server::{SECRET, Server};
use crate::support::wait::PATIENCE;

/// A server under test.
#[derive(Clone, Copy)]
pub(crate) struct World {
    pub(crate) server: SocketAddr,
    pub(crate) store: &'static str,
}

impl World {
    pub(crate) async fn log_in(self, user: &str) -> Login {
        let password = if user == "admin" { "admin123" } else { "password123" };
        let body = json!({"user_id": user, "password": password});
        let request = post("/api/auth/login")
            .header("user-agent", format!("device of {user}"))
            // This peer is not a trusted proxy, so the server must ignore the header.
            .header("x-forwarded-for", "198.51.100.1");
        let reply = request.json(&body).patiently_to(self.server).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let token = reply.body["access_token"].as_str().unwrap().to_owned();
        let own = get("/api/auth/sessions").token(&token).patiently_to(self.server).await.body;
        let current = own["sessions"].as_array().unwrap().iter();
        let current = current.filter(|session| session["current"] == true);
        let ids: Vec<_> = current.map(|session| session["session_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1, "exactly one session is the current one: {own}");
        Login { id: ids[0].to_owned(), token }
    }

    /// Checks all rows in order, and reports all failures at once.
    pub(crate) async fn check(self, rows: impl IntoIterator<Item = Row>) {
        let mut wrong = Vec::new();
        for row in rows {
            wrong.extend(row.check(self.server).await.err());
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Checks a row whose answer is a page with all sessions. If a Redis scan takes long, the page
    /// is incomplete and contains a cursor. Then the request is sent again.
    pub(crate) async fn check_whole(self, row: Row) {
        let give_up = Instant::now() + PATIENCE;
        let mut page = row.reply(self.server).await;
        while page.body["next_cursor"].is_string() && Instant::now() < give_up {
            page = row.reply(self.server).await;
        }
        row.compare(&page).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
}

/// An open session.
pub(crate) struct Login {
    pub(crate) token: String,
    pub(crate) id: String,
}

/// Runs all checks. The order matters, because some checks need the state that earlier ones leave.
async fn table(world: World) {
    // This check does not affect the others, and takes as long as the request timeout of the
    // server.
    let slow = slow::check(world);
    let rows = async {
        admin::check(world).await;
        auth::check(world).await;
        device::check(world).await;
        refresh::check(world).await;
        bearer::check(world).await;
        bodies::check(world).await;
        ids::check(world).await;
        paths::check(world).await;
        crowd::check(world).await;
    };
    tokio::join!(slow, rows);
}

async fn check_with_memory_store(example: &'static str) {
    let (server, address) = Server::start(example, &[("JWT_SECRET", SECRET)]).await;
    table(World { server: address, store: "memory" }).await;
    server.stop().await;
}

async fn check_with_redis(example: &'static str) {
    let mut redis = RedisServer::start().await;
    let (server, address) = Server::instance(example, &redis).await;
    let world = World { server: address, store: "redis" };
    table(world).await;
    directory::check(world, &redis).await;
    outage::check(world, &mut redis).await;
    server.stop().await;
}

#[tokio::test]
async fn axum_server_meets_the_http_contract_with_the_memory_store() {
    check_with_memory_store("axum").await;
}

#[tokio::test]
async fn axum_server_meets_the_http_contract_with_redis() {
    check_with_redis("axum").await;
}

#[tokio::test]
async fn hyper_server_meets_the_http_contract_with_the_memory_store() {
    check_with_memory_store("hyper").await;
}

#[tokio::test]
async fn hyper_server_meets_the_http_contract_with_redis() {
    check_with_redis("hyper").await;
}

/// The body of an answer that contains only a message.
pub(crate) fn message(text: &str) -> Value {
    json!({"message": text})
}
