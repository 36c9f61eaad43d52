//! The effect of each command. The fake server identifies scripts by name, not by hash.

use std::collections::HashMap;

use super::{Connection, Lane, PROBE, Server};
use crate::fills::resp::{bulk, hello, news, replaced};
use crate::support::START;

macro_rules! scripts {
    ($($name:literal),*) => {
        [$(($name, include_str!(concat!("../../../../src/store/redis/lua/", $name, ".lua")))),*]
    };
}

/// Each script by the name of its file. The store prepends the code that all scripts share.
const SCRIPTS: [(&str, &str); 13] = scripts![
    "create",
    "touch",
    "update",
    "update_all",
    "rotate",
    "delete",
    "delete_all",
    "list",
    "prune",
    "attempt",
    "settle",
    "probe",
    "mark"
];

fn name_of(source: &str) -> &'static str {
    let script = SCRIPTS.iter().find(|(_, script)| source.ends_with(script));
    script.unwrap_or_else(|| panic!("a script of this store, not {source}")).0
}

impl Server {
    pub(super) fn execute(&self, connection: &Connection, words: &[String]) -> Vec<u8> {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let mut state = self.state();
        match *words {
            ["HELLO", ..] => match state.manners.refusal {
                Some(refusal) if words.len() > 1 => refusal.as_bytes().to_vec(),
                _ => {
                    let link_role = state.manners.link_role;
                    let link_role = link_role.filter(|_| connection.lane() == Lane::Link);
                    hello(link_role.unwrap_or(state.manners.role)).into_bytes()
                }
            },
            ["CLIENT", "TRACKING", "ON"] => {
                let answer = state.manners.tracking;
                *connection.is_link.lock().unwrap() = answer.starts_with('+');
                answer.as_bytes().to_vec()
            }
            ["TIME"] => {
                let now = self.now();
                [
                    b"*2\r\n".to_vec(),
                    bulk(&(now / 1_000).to_string()),
                    bulk(&(now % 1_000 * 1_000).to_string()),
                ]
                .concat()
            }
            ["SCRIPT", "LOAD", source] => bulk(name_of(source)),
            ["GET", key] => {
                connection.read(key);
                state.texts.get(key).map_or_else(|| b"_\r\n".to_vec(), |value| bulk(value))
            }
            // Writes a probe key.
            ["EVALSHA", PROBE, "1", key, value, ..] => {
                if state.manners.tells_canary {
                    state
                        .connections
                        .iter()
                        .filter(|one| one.tracked.lock().unwrap().remove(key))
                        .for_each(|one| {
                            one.write(&news(key));
                        });
                }
                state.texts.insert(key.to_owned(), value.to_owned());
                b":1\r\n".to_vec()
            }
            ["HGET", key, field] => {
                connection.read(key);
                let found = state.hashes.get(key).and_then(|hash| hash.get(field));
                found.map_or_else(|| b"_\r\n".to_vec(), |value| bulk(value))
            }
            [
                "EVALSHA",
                "create",
                "3",
                live,
                seen,
                _,
                sid,
                idle,
                lifetime,
                payload,
                max,
                ..,
                salt,
                _room,
            ] => {
                let (now, idle, lifetime) =
                    (self.now(), idle.parse::<i64>().unwrap(), lifetime.parse::<i64>().unwrap());
                let header = format!("1 {now} {idle} {}", now + lifetime);
                let record = match salt {
                    "" => format!("1 {header}\n{payload}"),
                    salt => format!("2 {header} 0 {now} {salt}\n{payload}"),
                };
                // The only session limit that the fake server supports is 1: the login evicts all
                // other sessions of the user.
                let evicted = if max == "1" { state.hashes.remove(live) } else { None };
                for (key, value) in [(live, record), (seen, format!("{}:{now}", now + idle))] {
                    state.hashes.entry(key.to_owned()).or_default().insert(sid.to_owned(), value);
                }
                let evicted: Vec<_> = evicted.into_iter().flat_map(HashMap::into_keys).collect();
                let mut answer = format!("*{}\r\n:{now}\r\n:0\r\n", 2 + evicted.len()).into_bytes();
                answer.extend(evicted.iter().flat_map(|sid| bulk(sid)));
                answer
            }
            ["EVALSHA", "update", "3", live, _, _, sid, expected, payload] => {
                let next = replaced(state.hashes.get_mut(live).unwrap(), sid, expected, payload);
                format!(":{next}\r\n").into_bytes()
            }
            ["EVALSHA", "update_all", "3", live, _, _, _guard, ref new @ ..] => {
                for new in new.chunks(3) {
                    replaced(state.hashes.get_mut(live).unwrap(), new[0], new[1], new[2]);
                }
                b":1\r\n".to_vec()
            }
            // Answers as if another client had used the same refresh token first.
            ["EVALSHA", "rotate", "3", live, _, _, sid, ..] => {
                state.hashes.get_mut(live).unwrap().remove(sid);
                b":-3\r\n".to_vec()
            }
            ["EVALSHA", "list", "3", live, seen, _] => {
                let sessions: Vec<_> = state.hashes[live].iter().collect();
                let mut answer = format!("*{}\r\n", 3 * sessions.len()).into_bytes();
                for (sid, record) in sessions {
                    answer.extend(
                        [sid, record, &state.hashes[seen][sid]].map(|text| bulk(text)).concat(),
                    );
                }
                answer
            }
            ["EVALSHA", "touch", ..] => format!(":{}\r\n", self.now() + 3_600_000).into_bytes(),
            ["EVALSHA", "delete", "3", live, seen, gone, sid, reason, ..] => {
                let lived = [live, seen]
                    .map(|key| state.hashes.entry(key.to_owned()).or_default().remove(sid));
                let stone = format!("{reason}:{}", self.now() + 3_600_000);
                state.hashes.entry(gone.to_owned()).or_default().insert(sid.to_owned(), stone);
                format!(":{}\r\n", u8::from(lived[0].is_some())).into_bytes()
            }
            _ => format!("-ERR unknown command '{}'\r\n", words[0]).into_bytes(),
        }
    }

    /// Returns the server's time in milliseconds.
    fn now(&self) -> i64 {
        START.as_millis() + i64::try_from(self.started.elapsed().as_millis()).unwrap()
    }
}
