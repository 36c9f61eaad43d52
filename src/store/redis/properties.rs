//! Property tests of records and cursors: the written value is read back, and all other input is
//! refused.

#[path = "../../../tests/support/property.rs"]
mod property;

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};

use self::property::holds;
use super::codec;
use super::scan::cursor::{CursorParts, cleanup, parse_cleanup};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::ScanCursor;

/// Numbers in the range of Redis integers, and the edges of that range.
fn number() -> impl Strategy<Value = u64> {
    let most = i64::MAX.cast_unsigned();
    prop_oneof![0..=most, 0..1_000_u64, Just(0), Just(most)]
}

fn time(millis: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(millis).unwrap())
}

#[test]
fn written_record_is_read_back_unchanged() {
    let rotation = option::of((any::<u64>(), number(), "[A-Za-z0-9_-]{1,32}"));
    let record =
        ((any::<u64>(), number(), any::<u64>(), number()), rotation, vec(any::<u8>(), 0..60));
    holds(2_000, &record, |((revision, created, idle, absolute), rotation, payload)| {
        let version = if rotation.is_some() { 2 } else { 1 };
        let mut header = format!("{version} {revision} {created} {idle} {absolute}");
        if let Some((counter, since, salt)) = &rotation {
            header.push_str(&format!(" {counter} {since} {salt}"));
        }
        let raw = [header.as_bytes(), b"\n", &payload].concat();
        let read = codec::record(raw).unwrap();
        assert_eq!((read.revision, read.created), (revision, time(created)));
        assert_eq!(read.idle_ttl, Duration::from_millis(idle));
        assert_eq!(read.absolute_deadline, time(absolute));
        assert!(read.idle_deadline <= read.absolute_deadline);
        assert_eq!(read.payload, payload);
        let rotated =
            read.rotation.map(|read| (read.counter, read.since, read.salt.as_str().to_owned()));
        assert_eq!(rotated, rotation.map(|(counter, since, salt)| (counter, time(since), salt)));
    });
}

#[test]
fn malformed_stored_values_are_rejected() {
    let header = "[0-9]{1,2}( [-+]?[0-9]{0,22}){0,8}[ \n]{0,2}";
    let raw = prop_oneof![
        header.prop_map(String::into_bytes),
        "[a-z_]{0,12}:[-+]?[0-9]{0,22}".prop_map(String::into_bytes),
        "[0-9]{0,22}:[0-9]{0,22}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..60),
    ];
    holds(4_000, &raw, |raw| {
        // A header has five or eight words that consist of digits. Any other text is not a record.
        let line = raw.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
        let digits = |word: &&[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
        let is_possible = raw.contains(&b'\n')
            && words.iter().take(5).all(digits)
            && matches!((words.first(), words.len()), (Some(&b"1"), 5) | (Some(&b"2"), 8));
        assert!(codec::record(raw.clone()).is_none() || is_possible);
        let text = String::from_utf8_lossy(&raw);
        if let Some(uses) = codec::activity(&raw) {
            let (deadline, last) = text.split_once(':').unwrap();
            assert_eq!(uses.idle_deadline, time(deadline.parse().unwrap()));
            assert_eq!(uses.last_activity, time(last.parse().unwrap()));
        }
        if let Some((reason, until)) = codec::tombstone(&raw) {
            let (word, ends) = text.split_once(':').unwrap();
            assert_eq!(RevokeReason::parse(word), Some(reason));
            assert_eq!(until, time(ends.parse().unwrap()));
        }
    });
}

#[test]
fn cursor_is_read_back_unchanged_for_any_user_names() {
    let user = prop_oneof![any::<String>(), "[a-z,%{}:*]{1,8}"];
    let users = vec(user.prop_filter_map("no user id", |text| UserId::parse(&text).ok()), 0..5);
    let after = option::of("[A-Za-z0-9_-]{1,24}");
    holds(2_000, &(option::of(any::<u64>()), after, users), |(cursor, after, users)| {
        let cursor = cursor.filter(|cursor| *cursor != 0);
        let after = after.filter(|_| !users.is_empty());
        let after = after.and_then(|text| SessionId::parse(&text).ok());
        let parts = CursorParts { cursor, after, users };
        if let Some(cursor) = parts.to_cursor() {
            assert_eq!(CursorParts::parse(&cursor), Some(parts));
            assert_eq!(parse_cleanup(&cursor), None);
        } else {
            assert!(parts.is_end());
        }
    });
}

#[test]
fn parsed_cursor_is_written_back_as_the_same_text() {
    let text = prop_oneof![
        "(r1|c1|m1)?[,.]?[-+]?[0-9]{0,22}(,[A-Za-z0-9%_, -]{0,12}){0,4}",
        any::<String>(),
    ];
    holds(4_000, &text, |text| {
        let cursor = ScanCursor::new(&*text);
        if let Some(parts) = CursorParts::parse(&cursor) {
            assert_eq!(parts.to_cursor(), Some(cursor.clone()));
        }
        if let Some(number) = parse_cleanup(&cursor) {
            assert_eq!(cleanup(number), Some(cursor));
        }
    });
}
