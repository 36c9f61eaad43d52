//! Text format of a session record.
//!
//! - Without refresh tokens: `1 <revision> <created> <idle TTL> <absolute deadline>\n`, then the
//!   unchanged payload.
//! - With refresh tokens: `2 <revision> <created> <idle TTL> <absolute deadline> <counter> <since>
//!   <salt>\n`, then the unchanged payload.
//!
//! Times are in milliseconds on the server's clock. The scripts in `lua/` read and write the same
//! format.

use std::time::Duration;

use bytes::{Buf as _, Bytes};

use crate::clock::Timestamp;
use crate::reason::RevokeReason;
use crate::store::{Activity, Record, Rotation, Salt};

/// The first bytes of a record without refresh tokens.
const PLAIN: &[u8] = b"1 ";

/// The first bytes of a record with refresh tokens.
const ROTATING: &[u8] = b"2 ";

/// Parses a record. Returns `None` for a record of an unknown version and for any other text.
///
/// The returned idle deadline is the idle deadline at creation. The true idle deadline is this time
/// or later. The payload is a slice of `raw`, not a copy.
pub(super) fn record(raw: Vec<u8>) -> Option<Record> {
    let (mut rest, rotates) = match raw.strip_prefix(PLAIN) {
        Some(rest) => (rest, false),
        None => (raw.strip_prefix(ROTATING)?, true),
    };
    let revision = word(&mut rest, b' ')?;
    let created = point(word(&mut rest, b' ')?)?;
    let idle_ttl = Duration::from_millis(word(&mut rest, b' ')?);
    let absolute_deadline = point(word(&mut rest, if rotates { b' ' } else { b'\n' })?)?;
    let rotation = if rotates { Some(rotation(&mut rest)?) } else { None };
    let header = raw.len() - rest.len();
    let idle_deadline = created.saturating_add(idle_ttl).min(absolute_deadline);
    let mut payload = Bytes::from(raw);
    payload.advance(header);
    let record =
        Record::new(revision, created, idle_ttl, idle_deadline, absolute_deadline, payload);
    Some(Record { rotation, ..record })
}

/// Parses the remaining header of a record with refresh tokens.
fn rotation(rest: &mut &[u8]) -> Option<Rotation> {
    let (counter, since) = (word(rest, b' ')?, point(word(rest, b' ')?)?);
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let salt = Salt::parse(std::str::from_utf8(rest.get(..end)?).ok()?)?;
    *rest = rest.get(end + 1..)?;
    Some(Rotation::new(counter, since, salt))
}

/// Removes a number and the byte `end` after it from the front of `rest`. Accepts only digits, as
/// the patterns of the scripts do. `u64::from_str` is not used, because it also accepts a plus
/// sign.
fn word(rest: &mut &[u8], end: u8) -> Option<u64> {
    let mut number = 0_u64;
    for (at, byte) in rest.iter().enumerate() {
        if byte.is_ascii_digit() {
            number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        } else if *byte == end && at > 0 {
            *rest = rest.get(at + 1..)?;
            return Some(number);
        } else {
            return None;
        }
    }
    None
}

/// Parses a `seen` field: `<idle deadline>:<last activity>`, followed by `:<rotation>` if a touch
/// recorded a rotation counter. This function only checks that `<rotation>` is a number, because
/// only the scripts use its value.
pub(super) fn activity(raw: &[u8]) -> Option<Activity> {
    let mut numbers = raw.split(|byte| *byte == b':');
    let (idle_deadline, last_activity) = (numbers.next()?, numbers.next()?);
    if let Some(rotation) = numbers.next() {
        number(rotation)?;
    }
    if numbers.next().is_some() {
        return None;
    }
    Some(Activity::new(timestamp(last_activity)?, timestamp(idle_deadline)?))
}

/// Parses a tombstone: the reason, and the time until which the tombstone is kept. Returns `None`
/// for an unknown reason, because a newer version may have written it.
pub(super) fn tombstone(raw: &[u8]) -> Option<(RevokeReason, Timestamp)> {
    let colon = raw.iter().position(|b| *b == b':')?;
    let reason = std::str::from_utf8(raw.get(..colon)?).ok()?;
    Some((RevokeReason::parse(reason)?, timestamp(raw.get(colon + 1..)?)?))
}

fn timestamp(digits: &[u8]) -> Option<Timestamp> {
    point(number(digits)?)
}

fn point(millis: u64) -> Option<Timestamp> {
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

// Accepts only digits: `u64::from_str` also accepts a plus sign, which the scripts' patterns
// reject.
fn number(digits: &[u8]) -> Option<u64> {
    let all = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_is_parsed_without_copying_its_payload() {
        let mut raw = b"1 7 1000 200 5000\n{\"a\":[]}\n\xff".to_vec();
        raw.shrink_to_fit();
        let parts = raw.as_ptr();
        let record = record(raw).unwrap();
        assert_eq!(record.revision, 7);
        assert_eq!(record.created, Timestamp::from_millis(1_000));
        assert_eq!(record.idle_ttl, Duration::from_millis(200));
        assert_eq!(record.idle_deadline, Timestamp::from_millis(1_200));
        assert_eq!(record.absolute_deadline, Timestamp::from_millis(5_000));
        assert_eq!(record.payload, &b"{\"a\":[]}\n\xff"[..]);
        assert_eq!(record.payload.as_ptr(), parts.wrapping_add("1 7 1000 200 5000\n".len()));
    }

    #[test]
    fn record_with_a_rotation_is_parsed() {
        let record = record(b"2 7 1000 200 5000 3 1100 Zx-_9\nx".to_vec()).unwrap();
        let rotation = record.rotation.unwrap();
        assert_eq!((rotation.counter, rotation.since), (3, Timestamp::from_millis(1_100)));
        assert_eq!(rotation.salt.as_str(), "Zx-_9");
        assert_eq!((record.revision, &record.payload[..]), (7, &b"x"[..]));
    }

    #[test]
    fn idle_deadline_is_at_most_the_absolute_deadline() {
        let record = record(b"1 1 1000 9000 5000\n".to_vec()).unwrap();
        assert_eq!(record.idle_deadline, Timestamp::from_millis(5_000));
    }

    #[test]
    fn malformed_records_are_rejected() {
        for bad in [
            "",
            "\n",
            "1",
            "{}",
            "1 1 1 1 1",
            "2 1 1 1 1\n",
            "2 1 1 1 1 1 1\n",
            "2 1 1 1 1 1 1 \n",
            "2 1 1 1 1 1 1 a.b\n",
            "2 1 1 1 1 -1 1 a\n",
            "2 1 1 1 1 1 1 a b\n",
            "1 1 1 1 1 1 1 a\n",
            "3 1 1 1 1\n",
            "3 1 1 1 1 1 1 a\n",
            "1 1 1 1\n",
            "1 1 1 1 1 1\n",
            "1  1 1 1 1\n",
            " 1 1 1 1 1\n",
            "1 +1 1 1 1\n",
            "1 -1 1 1 1\n",
            "1 1 1 1 x\n",
            "1 1 1 1 99999999999999999999\n",
            "1 1 1 1 18446744073709551615\n",
            "1 1 1 1 1\r\n",
        ] {
            assert!(record(bad.into()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn activity_and_tombstones_are_parsed() {
        let read = activity(b"20:10").unwrap();
        assert_eq!(read.idle_deadline, Timestamp::from_millis(20));
        assert_eq!(read.last_activity, Timestamp::from_millis(10));
        assert_eq!(activity(b"20:10:3"), Some(read));
        for bad in ["", ":", "1", "1:", ":1", "1:2:", "1:2:+3", "1:2:a", "1:2:3:4", "a:1"] {
            assert!(activity(bad.as_bytes()).is_none(), "{bad:?}");
        }
        let stone = tombstone(b"logout_all:99");
        assert_eq!(stone, Some((RevokeReason::LogoutAll, Timestamp::from_millis(99))));
        assert_eq!(tombstone(b"device_lost:99"), None);
    }
}
