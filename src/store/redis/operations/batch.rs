//! One script, called many times in one pipeline. The store is allowed to send a batch again, as it
//! is allowed to send a read again. So two runs of the script must have the same effect as one run.

use redis::{RedisResult, Value, pipe};

use crate::store::redis::connect::connection::{Ask, Connection};
use crate::store::redis::error::is_noscript;
use crate::store::redis::scripts::Script;

/// Many calls of one script. The answers are in the order of the calls. An error answer stays in
/// its place as [`Value::ServerError`].
pub(crate) struct Batch {
    script: Script,
    calls: Vec<Call>,
}

/// Keys and arguments of one call.
pub(crate) struct Call {
    pub(crate) keys: [String; 3],
    pub(crate) args: Vec<String>,
}

impl Batch {
    pub(crate) fn new(script: Script, calls: Vec<Call>) -> Self {
        Self { script, calls }
    }
}

impl Ask for Batch {
    type Answer = Vec<Value>;

    async fn send(&self, connection: &mut Connection) -> RedisResult<Vec<Value>> {
        let commands: Vec<_> = self
            .calls
            .iter()
            .map(|call| {
                let args: Vec<_> = call.args.iter().map(String::as_bytes).collect();
                connection.command(self.script, &call.keys, &args)
            })
            .collect();
        let mut all = pipe();
        for command in &commands {
            all.add_command(command.clone());
        }
        let answers = connection.send_all(&all).await?;
        if !answers.iter().any(forgotten) {
            return Ok(answers);
        }
        // The script is allowed to run twice, so the whole batch is sent again.
        let mut again = pipe();
        again.add_command(self.script.load());
        for command in commands {
            again.add_command(command);
        }
        Ok(connection.send_all(&again).await?.into_iter().skip(1).collect())
    }
}

/// Returns whether the server does not know the script.
fn forgotten(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if is_noscript(&error.clone().into()))
}
