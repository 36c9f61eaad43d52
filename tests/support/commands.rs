//! What a Redis was asked.

use std::collections::BTreeMap;

use super::redis::RedisServer;

/// How often each command was run, scripts' own included, by its name in lower case: `hget`, `client|tracking`.
#[derive(Clone, Debug)]
pub struct Commands(BTreeMap<String, Count>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    calls: u64,
    rejected: u64,
}

impl Count {
    /// Reads `calls=1,usec=20,…,rejected_calls=0,failed_calls=0`.
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

    /// What was run since.
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

    /// How often one was run.
    pub fn calls(&self, name: &str) -> u64 {
        self.count(name).calls
    }

    /// How often one was refused before it was run: for want of a permission, for instance.
    pub fn rejected(&self, name: &str) -> u64 {
        self.count(name).rejected
    }

    /// All that came, in the order of their names, with how often each was run; but for the test's own, and
    /// the greeting that every user may send.
    pub fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        let own = ["config|resetstat", "info", "hello", "client|setinfo"];
        let all = self.0.iter().map(|(name, count)| (&**name, count.calls));
        all.filter(move |(name, _)| !own.contains(name))
    }

    /// Reads of sessions, and of why they ended. Commands of scripts count under their own names. (`HGETALL`
    /// is not among them: lists send it, and the check for other issuers under the prefix.)
    pub fn reads(&self) -> u64 {
        ["hget", "hmget", "hexists"].map(|name| self.calls(name)).iter().sum()
    }
}
