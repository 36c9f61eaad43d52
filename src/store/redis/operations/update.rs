//! Arguments and results of the scripts that change live sessions.

use redis::Value;

use super::login_fence::next_fence;
use crate::id::{SessionId, UserId};
use crate::store::redis::codec;
use crate::store::redis::error::{unexpected, unreadable};
use crate::store::redis::inner::Inner;
use crate::store::redis::scripts::{Script, millis_arg};
use crate::store::{Replacement, Rotate, Rotated, StoreError, Updated, UpdatedAll};

impl Inner {
    /// Replaces the payload of one session. `lua/update.lua` lists the result codes.
    pub(crate) async fn replace(
        &self,
        user: &UserId,
        id: &SessionId,
        expected: u64,
        payload: &[u8],
    ) -> Result<Updated, StoreError> {
        let expected = expected.to_string();
        let args = [id.as_str().as_bytes(), expected.as_bytes(), payload];
        match self.run(Script::Update, user, &args).await? {
            Value::Int(-2) => Err(unreadable()),
            Value::Int(-1) => Ok(Updated::Gone),
            Value::Int(0) => Ok(Updated::Conflict),
            Value::Int(revision) => {
                u64::try_from(revision).map(Updated::Written).map_err(|_| unexpected())
            }
            _ => Err(unexpected()),
        }
    }

    /// Replaces the payloads of all sessions of a user, and the login fence (`lua/update_all.lua`).
    pub(crate) async fn replace_all(
        &self,
        user: &UserId,
        replacements: &[Replacement],
    ) -> Result<UpdatedAll, StoreError> {
        let login_fence = next_fence()?;
        let expected: Vec<_> = replacements.iter().map(|new| new.expected.to_string()).collect();
        let mut args = vec![login_fence.as_bytes()];
        for (new, expected) in replacements.iter().zip(&expected) {
            args.extend([new.id.as_str().as_bytes(), expected.as_bytes(), &new.payload]);
        }
        match self.run(Script::UpdateAll, user, &args).await? {
            Value::Int(-2) => Err(unreadable()),
            Value::Int(0) => Ok(UpdatedAll::Conflict),
            Value::Int(1) => Ok(UpdatedAll::Written),
            _ => Err(unexpected()),
        }
    }

    /// Rotates the refresh token of a session. `lua/rotate.lua` lists the result codes.
    pub(crate) async fn exchange(
        &self,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Result<Rotated, StoreError> {
        let counter = rotate.counter.to_string();
        let (grace, retry) = (millis_arg(rotate.grace), millis_arg(rotate.retry));
        let args = [id.as_str(), rotate.salt.as_str(), &counter, &grace, &retry];
        let args = args.map(str::as_bytes);
        let answer = match self.run(Script::Rotate, user, &args).await? {
            Value::Int(-3) => return Ok(Rotated::Reused),
            Value::Int(-2) => return Err(unreadable()),
            Value::Int(-1) => return Ok(Rotated::Gone),
            Value::Int(0) => return Ok(Rotated::Unknown),
            answer => answer.into_sequence().map_err(|_| unexpected())?,
        };
        let Ok([Value::BulkString(record), Value::BulkString(uses), Value::Int(moved)]) =
            <[Value; 3]>::try_from(answer)
        else {
            return Err(unexpected());
        };
        let mut record = codec::record(record).ok_or_else(unexpected)?;
        let uses = codec::activity(&uses).ok_or_else(unexpected)?;
        record.idle_deadline = uses.idle_deadline.min(record.absolute_deadline);
        match moved {
            0 => Ok(Rotated::Again(record, uses)),
            1 => Ok(Rotated::Next(record, uses)),
            2 => Ok(Rotated::Retried(record, uses)),
            _ => Err(unexpected()),
        }
    }
}
