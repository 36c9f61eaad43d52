//! Arguments and results of the scripts that count attempts.

use std::num::NonZeroU32;
use std::time::Duration;

use redis::Value;

use crate::clock::Timestamp;
use crate::store::redis::error::unexpected;
use crate::store::redis::inner::Inner;
use crate::store::redis::scripts::{Script, millis_arg};
use crate::store::{Attempt, AttemptKey, AttemptRule, Settle, StoreError};

impl Inner {
    /// Counts an attempt, or refuses it (`lua/attempt.lua`).
    pub(crate) async fn count_attempt(
        &self,
        key: &AttemptKey,
        rule: &AttemptRule,
    ) -> Result<Attempt, StoreError> {
        let args = [
            rule.attempts.to_string(),
            length(rule.window),
            rule.in_a_row.map_or(0, NonZeroU32::get).to_string(),
            rule.after.to_string(),
            length(rule.longest_wait),
            length(rule.forget_after),
        ];
        let args = args.each_ref().map(String::as_bytes);
        match self.run_on(Script::Attempt, key, &args).await?.as_sequence() {
            Some([Value::Int(1), Value::Int(start)]) => {
                Ok(Attempt::Counted(Timestamp::from_millis(*start)))
            }
            Some([Value::Int(0), Value::Int(left)]) => {
                let left = u64::try_from(*left).map_err(|_| unexpected())?;
                Ok(Attempt::Refused { retry_after: Duration::from_millis(left) })
            }
            _ => Err(unexpected()),
        }
    }

    /// Takes back one counted attempt, or removes the counter of the key (`lua/settle.lua`).
    pub(crate) async fn settle_attempt(
        &self,
        key: &AttemptKey,
        settle: Settle,
    ) -> Result<(), StoreError> {
        let start = match settle {
            Settle::GiveBack(start) => start.as_millis().to_string(),
            Settle::Clear => String::new(),
        };
        match self.run_on(Script::Settle, key, &[start.as_bytes()]).await? {
            Value::Int(_) => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn run_on(
        &self,
        script: Script,
        key: &AttemptKey,
        args: &[&[u8]],
    ) -> Result<Value, StoreError> {
        let key = self.prefix.attempts(key);
        self.requests.run(script, &[key], args).await
    }
}

/// Formats a duration as whole milliseconds, at least 1. With 0 ms the script would have no period.
fn length(duration: Duration) -> String {
    millis_arg(duration.max(Duration::from_millis(1)))
}
