//! One script for many in one pipeline. Only what may run twice: it may be sent again, as a read may.

use redis::{RedisResult, Value, pipe};

use super::connection::{Ask, Connection};
use super::error::is_noscript;
use super::scripts::Script;

/// One script for many. Its answers come in order; those that are errors stay [`Value::ServerError`] in their place.
pub(super) struct Batch {
    script: Script,
    calls: Vec<Call>,
}

/// The keys and the arguments of one of them.
pub(super) struct Call {
    pub(super) keys: [String; 3],
    pub(super) args: Vec<String>,
}

impl Batch {
    pub(super) fn new(script: Script, calls: Vec<Call>) -> Self {
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
        // Those that did run may run again.
        let mut again = pipe();
        again.add_command(self.script.load());
        for command in commands {
            again.add_command(command);
        }
        Ok(connection.send_all(&again).await?.into_iter().skip(1).collect())
    }
}

fn forgotten(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if is_noscript(&error.clone().into()))
}
