//! Sequences of operations on a real Redis. A test cannot move the clock of Redis. It moves the
//! stored times instead.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use tower_session_auth::clock::{Clock as _, SystemClock};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::store::RedisStore;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{SessionId, SessionManager, UserId};

use crate::properties::model::{Ground, run};
use crate::properties::steps::steps;
use crate::support::patient_store;
use crate::support::property::holds;
use crate::support::redis::RedisServer;

/// Script that moves the times in the Redis keys of sessions `ARGV[1]` milliseconds back, as if
/// this time had passed. It does not change the login fence `#`: a login in progress has read the
/// fence and compares it with the stored fence when it creates the session.
const PASS: &str = r"
local by = tonumber(ARGV[1])
local function earlier(digits) return string.format('%.0f', tonumber(digits) - by) end
for _, key in ipairs(redis.call('KEYS', 'session:*')) do
  local part = key:match(':(%a+)$')
  local fields = redis.call('HGETALL', key)
  for at = 1, #fields, 2 do
    local name, value = fields[at], fields[at + 1]
    if part == 'live' then
      local header, payload = value:match('^([^\n]*)\n(.*)$')
      local words = {}
      for word in header:gmatch('%S+') do words[#words + 1] = word end
      words[3], words[5] = earlier(words[3]), earlier(words[5])
      if words[1] == '2' then words[7] = earlier(words[7]) end
      value = table.concat(words, ' ') .. '\n' .. payload
    elseif part == 'seen' then
      local deadline, last = value:match('^(%d+):(%d+)$')
      value = earlier(deadline) .. ':' .. earlier(last)
    elseif part == 'gone' and name ~= '+' and name ~= '#' then
      local what, ends = value:match('^(.*):(%d+)$')
      value = what .. ':' .. earlier(ends)
    end
    redis.call('HSET', key, name, value)
  end
end
";

struct Redis {
    operator: MultiplexedConnection,
    store: RedisStore,
}

impl Redis {
    async fn command(&self, words: &[&str]) -> redis::Value {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query_async(&mut self.operator.clone()).await.unwrap()
    }
}

fn live(user: &UserId) -> String {
    let encoded: String = user
        .as_str()
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("session:{{{encoded}}}:live")
}

impl Ground for Redis {
    const IS_EXACT: bool = false;
    const FENCES_AGE: bool = false;

    fn manager(&self, settings: SessionManagerBuilder) -> SessionManager {
        settings.store(self.store.clone()).build().unwrap().0
    }

    async fn pass(&self, time: Duration) -> bool {
        self.command(&["EVAL", PASS, "0", &time.as_millis().to_string()]).await;
        true
    }

    /// Waits 2 ms, because the store orders sessions by their last activity in milliseconds.
    async fn tick(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }

    async fn lose_all(&mut self) -> bool {
        self.command(&["FLUSHALL"]).await;
        false
    }

    async fn lose_session(&self, user: &UserId, id: &SessionId) -> bool {
        let lost = self.command(&["HDEL", &live(user), id.as_str()]).await;
        assert_eq!(lost, redis::Value::Int(1));
        true
    }

    async fn save(&self, user: &UserId, id: &SessionId) -> Option<String> {
        let record = self.command(&["HGET", &live(user), id.as_str()]).await;
        redis::from_redis_value(record).unwrap()
    }

    async fn put_back(&self, user: &UserId, id: &SessionId, record: &str) {
        self.command(&["HSET", &live(user), id.as_str(), record]).await;
    }
}

#[test]
fn operations_on_the_redis_store_match_the_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(RedisServer::start());
    let operator = runtime.block_on(server.connection());
    let store = patient_store(&server.url());
    holds(500, &steps(24), |steps| {
        let redis = Redis { operator: operator.clone(), store: store.clone() };
        let clock = ManualClock::new(SystemClock.now());
        runtime.block_on(async {
            redis.command(&["FLUSHALL"]).await;
            run(redis, clock, steps).await;
        });
    });
}
