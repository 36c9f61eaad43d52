//! What a Redis was asked.

use std::collections::BTreeMap;

use crate::support::redis::RedisServer;

/// How often each command was run, scripts' own included.
#[derive(Clone, Debug)]
pub(crate) struct Commands(BTreeMap<String, u64>);

impl Commands {
    pub(crate) async fn of(server: &RedisServer) -> Self {
        let all = server.text(&["INFO", "commandstats"]).await.unwrap();
        let lines = all.lines().filter_map(|line| {
            let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), figures.split(',').next()?.parse().ok()?))
        });
        Self(lines.collect())
    }

    /// What was run since.
    pub(crate) async fn since(&self, server: &RedisServer) -> Self {
        let mut now = Self::of(server).await;
        for (name, count) in &mut now.0 {
            *count -= self.0.get(name).copied().unwrap_or_default();
        }
        now.0.retain(|_, count| *count > 0);
        now
    }

    /// Reads of sessions, and of why they ended.
    pub(crate) fn reads(&self) -> u64 {
        ["hget", "hmget", "hgetall", "hexists", "evalsha"]
            .iter()
            .filter_map(|name| self.0.get(*name))
            .sum()
    }
}
