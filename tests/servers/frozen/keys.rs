//! The keys and values that the server stores in Redis.

use std::collections::BTreeMap;

use redis::{cmd, from_redis_value};

use crate::frozen::masks::Masks;
use crate::support::redis::RedisServer;
use crate::support::wait::until;

const LIMITS: &str = "session:limit:";
const MARK: &str = "session:{#}:issuers";
const PROBES: &str = "session:canary:";

/// Lists all keys and the fields of all hashes, in an order that is the same in each run.
pub(crate) async fn of(server: &RedisServer, masks: &mut Masks) -> String {
    let mut connection = server.connection().await;
    let mut all = Vec::new();
    for key in names(server, masks).await {
        // The device is random, so its pseudonym differs between runs.
        let is_limit = key.starts_with(LIMITS);
        let mut shown =
            if is_limit { format!("{LIMITS}{{<pseudonym>}}\n") } else { format!("{key}\n") };
        // A probe key is not a hash. Its value is a counter.
        if !key.starts_with(PROBES) {
            let fields: BTreeMap<String, String> =
                cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap();
            fields.iter().for_each(|(field, value)| learn(field, value, masks));
            let lines = fields.iter().map(|(field, value)| format!("  {field} = {value:?}\n"));
            let mut lines: Vec<_> = lines.map(|line| masks.apply(&line)).collect();
            lines.sort();
            shown.push_str(&lines.concat());
        }
        all.push(shown);
    }
    all = all.iter().map(|shown| masks.apply(shown)).collect();
    all.sort();
    all.concat()
}

/// Adds masks for the random parts of a field value.
fn learn(field: &str, value: &str, masks: &mut Masks) {
    let header = value.lines().next().unwrap_or_default();
    match field {
        "#" | "@" => masks.add("fence", header.split(':').next().unwrap()),
        _ if header.starts_with("2 ") => masks.add("salt", header.rsplit(' ').next().unwrap()),
        _ => {}
    }
}

/// Waits for the keys that background tasks write, and returns the names of all keys. Probe keys
/// expire and are written again each second.
async fn names(server: &RedisServer, masks: &mut Masks) -> Vec<String> {
    let mut names = Vec::new();
    until("a probe key and the issuers key are written", async || {
        let all = server.command(&["KEYS", "*"]).await;
        names = from_redis_value::<Vec<String>>(all).unwrap();
        let is_probe = |name: &String| name.starts_with(PROBES) && name.ends_with(":r");
        names.iter().any(is_probe) && names.iter().any(|name| name == MARK)
    })
    .await;
    // There are three kinds of probe keys. The other two may be absent at this moment.
    names.retain(|name| !name.starts_with(PROBES) || name.ends_with(":r"));
    for name in names.iter().filter_map(|name| name.strip_prefix(PROBES)) {
        masks.add("process", name.trim_end_matches(":r"));
    }
    names.sort();
    names
}
