//! An operator connection to Redis that closes the connections of others.

use redis::aio::MultiplexedConnection;

use crate::support::redis::RedisServer;

/// Uses its own connection, which it opens first and never closes.
pub(crate) struct Operator(MultiplexedConnection);

impl Operator {
    pub(crate) async fn at(server: &RedisServer) -> Self {
        Self(server.connection().await)
    }

    /// Number of invalidation connections: those with client tracking.
    pub(crate) async fn links(&mut self) -> usize {
        let all = redis::cmd("CLIENT").arg("LIST").query_async(&mut self.0).await;
        let all: String = all.unwrap();
        let is_link = |line: &&str| {
            let mut words = line.split(' ').filter_map(|word| word.strip_prefix("flags="));
            words.next().unwrap().contains('t')
        };
        all.lines().filter(is_link).count()
    }

    /// Closes all invalidation connections, and returns their number.
    pub(crate) async fn kill_links(&mut self) -> u64 {
        self.kill_each(|flags| flags.contains('t')).await
    }

    /// Closes all other connections, and returns their number.
    pub(crate) async fn kill_all_but_links(&mut self) -> u64 {
        self.kill_each(|flags| !flags.contains('t')).await
    }

    /// Closes all connections of applications with one command per type, and returns their number.
    pub(crate) async fn kill_all(&mut self) -> u64 {
        self.kill("TYPE", "pubsub").await + self.kill("TYPE", "normal").await
    }

    /// Closes all connections except those whose latest command was `WAIT`, and returns their
    /// number.
    pub(crate) async fn kill_all_but_waiters(&mut self) -> u64 {
        self.kill_where("cmd", |command| command != "wait").await
    }

    async fn kill_each(&mut self, is_one: impl Fn(&str) -> bool) -> u64 {
        self.kill_where("flags", is_one).await
    }

    async fn kill_where(&mut self, field: &str, is_one: impl Fn(&str) -> bool) -> u64 {
        let all = redis::cmd("CLIENT").arg("LIST").query_async(&mut self.0).await;
        let all: String = all.unwrap();
        let value = |line: &str, name: &str| {
            let mut words = line.split(' ').filter_map(|word| word.split_once('='));
            words.find(|(key, _)| *key == name).unwrap().1.to_owned()
        };
        let mut killed = 0;
        for line in all.lines().filter(|line| is_one(&value(line, field))) {
            killed += self.kill("ID", &value(line, "id")).await;
        }
        killed
    }

    async fn kill(&mut self, by: &str, which: &str) -> u64 {
        let mut kill = redis::cmd("CLIENT");
        kill.arg(&["KILL", by, which, "SKIPME", "yes"]);
        kill.query_async(&mut self.0).await.unwrap()
    }
}
