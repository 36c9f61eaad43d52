//! Counters of the commands that a Redis server executed.

use std::collections::BTreeMap;

use super::redis::RedisServer;

/// How often each command ran, including commands of scripts. Keys are lower-case names: `hget`,
/// `client|tracking`.
#[derive(Clone, Debug)]
pub struct Commands(BTreeMap<String, Count>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    calls: u64,
    rejected: u64,
}

impl Count {
    /// Parses a line such as `calls=1,usec=20,…,rejected_calls=0,failed_calls=0`.
    fn parse(figures: &str) -> Self {
        let figure = |name| {
            let mut figures = figures.trim().split(',').filter_map(|figure| figure.split_once('='));
            let (_, value) = figures.find(|(key, _)| *key == name).unwrap();
            value.parse().unwrap()
        };
        Self { calls: figure("calls"), rejected: figure("rejected_calls") }
    }

    fn since(self, earlier: Self) -> Self {
        Self { calls: self.calls - earlier.calls, rejected: self.rejected - earlier.rejected }
    }
}

impl Commands {
    pub async fn of(server: &RedisServer) -> Self {
        let stats = server.text(&["INFO", "commandstats"]).await.unwrap();
        let lines = stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'));
        Self(lines.map(|(name, figures)| (name.to_owned(), Count::parse(figures))).collect())
    }

    /// Returns the difference between the server's counters now and these counters.
    pub async fn since(&self, server: &RedisServer) -> Self {
        let mut now = Self::of(server).await;
        for (name, count) in &mut now.0 {
            *count = count.since(self.count(name));
        }
        now.0.retain(|_, count| *count != Count::default());
        now
    }

    fn count(&self, name: &str) -> Count {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Returns how often this command ran.
    pub fn calls(&self, name: &str) -> u64 {
        self.count(name).calls
    }

    /// Returns how often the server rejected this command before running it, for example because of
    /// a missing permission.
    pub fn rejected(&self, name: &str) -> u64 {
        self.count(name).rejected
    }

    /// Returns all commands with their number of calls, in the order of their names. Leaves out the
    /// commands of the tests and the connection setup that every user may send.
    pub fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        let own = ["config|resetstat", "info", "hello", "client|setinfo"];
        let all = self.0.iter().map(|(name, count)| (&**name, count.calls));
        all.filter(move |(name, _)| !own.contains(name))
    }

    /// Returns the number of reads of sessions and of tombstones. Commands of scripts count under
    /// their own names. `HGETALL` does not count, because lists send it, and so does the check for
    /// other issuers under the same prefix.
    pub fn reads(&self) -> u64 {
        ["hget", "hmget", "hexists"].map(|name| self.calls(name)).iter().sum()
    }
}
