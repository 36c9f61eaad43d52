//! Many touches in one pipeline. A touch that runs twice has the same effect as a touch that runs
//! once.

use redis::Value;

use super::batch::{Batch, Call};
use crate::clock::Timestamp;
use crate::store::redis::error::{store_error, unexpected};
use crate::store::redis::keys::Prefix;
use crate::store::redis::scripts::{Script, millis_arg};
use crate::store::{StoreError, StoreErrorKind, Touch, Touched};
use crate::trace;

/// Returns one pipeline with these touches.
pub(crate) fn batch(prefix: &Prefix, touches: &[Touch]) -> Batch {
    let calls = touches.iter().map(|touch| Call {
        keys: prefix.all(&touch.user),
        args: vec![
            touch.id.to_string(),
            millis_arg(touch.age),
            millis_arg(touch.extend_below),
            touch.rotation.unwrap_or(0).to_string(),
        ],
    });
    Batch::new(Script::Touch, calls.collect())
}

/// Reads the server's answers. There is one answer for each touch.
pub(crate) fn answered(touches: &[Touch], answers: Vec<Value>) -> Result<Vec<Touched>, StoreError> {
    if answers.len() != touches.len() {
        return Err(unexpected());
    }
    touches.iter().zip(answers).map(|(touch, answer)| touched(touch, answer)).collect()
}

fn touched(touch: &Touch, answer: Value) -> Result<Touched, StoreError> {
    match answer {
        Value::Int(0) => Ok(Touched::Ended),
        Value::Int(-1) => {
            // Log an unreadable record, but do not fail the other touches of the batch.
            trace::warn!("a session record cannot be read", session = touch.id.short());
            Ok(Touched::Ended)
        }
        Value::Int(deadline) => Ok(Touched::Lives(Timestamp::from_millis(deadline))),
        Value::ServerError(error) => {
            let error = store_error(&error.into());
            if error.kind() == StoreErrorKind::Unreadable {
                return touched(touch, Value::Int(-1));
            }
            Err(error)
        }
        _ => Err(unexpected()),
    }
}
