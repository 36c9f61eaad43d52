//! What the fake Redis server stores and sends, as text.

use std::collections::HashMap;

/// Replaces the payload of a session as an update does, and returns the new revision.
pub(crate) fn replaced(
    live: &mut HashMap<String, String>,
    sid: &str,
    expected: &str,
    payload: &str,
) -> u64 {
    let record = live.get_mut(sid).unwrap();
    let header = record.lines().next().unwrap();
    let mut words: Vec<_> = header.split(' ').collect();
    assert_eq!(words[1], expected, "the update expects the current revision");
    let next = expected.parse::<u64>().unwrap() + 1;
    let text = next.to_string();
    words[1] = &text;
    *record = format!("{}\n{payload}", words.join(" "));
    next
}

pub(crate) fn live(user: &str) -> String {
    format!("session:{{{user}}}:live")
}

pub(crate) fn bulk(text: &str) -> Vec<u8> {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

pub(crate) fn news(key: &str) -> Vec<u8> {
    [b">2\r\n$10\r\ninvalidate\r\n*1\r\n".to_vec(), bulk(key)].concat()
}

pub(crate) fn hello(role: &str) -> String {
    format!("%4\r\n+server\r\n+redis\r\n+version\r\n+7.4.0\r\n+proto\r\n:3\r\n+role\r\n+{role}\r\n")
}
