//! Arguments and result of the script that creates a session (`lua/create.lua`).

use std::borrow::Cow;
use std::time::Duration;

use redis::Value;

use crate::clock::Timestamp;
use crate::id::SessionId;
use crate::store::redis::error::unexpected;
use crate::store::redis::scripts::millis_arg;
use crate::store::{Created, FenceValue, NewRecord, Opened, StoreError, WhenFull};

/// Returns the script's arguments, in the order that the script expects.
pub(crate) fn args<'a>(id: &'a SessionId, new: &'a NewRecord) -> [Cow<'a, [u8]>; 10] {
    let text = |duration| Cow::Owned(millis_arg(duration).into_bytes());
    let (max, when_full, room) = match new.limit {
        None => (0, WhenFull::Refuse, 1),
        Some(limit) => (limit.max.get(), limit.when_full, limit.room.get()),
    };
    let when_full = match when_full {
        WhenFull::EvictLeastRecentlyActive => "evict",
        WhenFull::Refuse => "refuse",
    };
    let login_fence = match new.login_fence.as_ref().map(FenceValue::value) {
        None => Cow::Borrowed(&b""[..]),
        Some(None) => Cow::Borrowed(&b"-"[..]),
        Some(Some(value)) => Cow::Owned(format!("={value}").into_bytes()),
    };
    [
        Cow::Borrowed(id.as_str().as_bytes()),
        text(new.idle_ttl),
        text(new.lifetime),
        Cow::Borrowed(&new.payload[..]),
        Cow::Owned(max.to_string().into_bytes()),
        Cow::Borrowed(when_full.as_bytes()),
        login_fence,
        // At least 1 ms, because the script reads 0 as "do not count".
        new.count_within
            .map_or(Cow::Borrowed(&b"0"[..]), |window| text(window.max(Duration::from_millis(1)))),
        Cow::Borrowed(new.salt.as_ref().map_or(b"", |salt| salt.as_str().as_bytes())),
        Cow::Owned(room.to_string().into_bytes()),
    ]
}

/// Parses the script's result.
pub(crate) fn answered(answer: Value) -> Result<Created, StoreError> {
    let answer = match answer {
        Value::Int(0) => return Ok(Created::AlreadyExists),
        Value::Int(-1) => return Ok(Created::Superseded),
        Value::Int(-2) => return Ok(Created::LimitReached),
        answer => answer.into_sequence().map_err(|_| unexpected())?,
    };
    let mut answer = answer.into_iter();
    let (Some(Value::Int(now)), Some(Value::Int(recent))) = (answer.next(), answer.next()) else {
        return Err(unexpected());
    };
    let mut opened = Opened::new(Timestamp::from_millis(now));
    opened.recent = u32::try_from(recent).unwrap_or(u32::MAX);
    for evicted in answer {
        let id: String = redis::from_redis_value(evicted).map_err(|_| unexpected())?;
        // Other software may have written a field whose name is not a session id. The script has
        // counted that field as a session and removed it.
        opened.evicted.extend(SessionId::parse(&id));
    }
    Ok(Created::Created(opened))
}
