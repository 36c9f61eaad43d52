//! Reads and writes a point in time as its milliseconds.

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

use crate::clock::Timestamp;

pub(super) fn serialize<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::as_millis).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(Timestamp::from_millis))
}
