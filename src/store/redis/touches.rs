//! Many touches in one pipeline. Touching twice is touching once, so it may be sent again, as a read may.

use redis::{Cmd, RedisResult, Value, pipe};

use super::error::{is_noscript, store_error};
use super::keys::Prefix;
use super::pool::{Ask, Link, unexpected};
use super::scripts::Script;
use super::text;
use crate::clock::Timestamp;
use crate::store::{StoreError, StoreErrorKind, Touch, Touched};
use crate::trace;

/// One pipeline of touches.
pub(super) struct Touches<'a> {
    prefix: &'a Prefix,
    touches: &'a [Touch],
}

impl<'a> Touches<'a> {
    pub(super) fn new(prefix: &'a Prefix, touches: &'a [Touch]) -> Self {
        Self { prefix, touches }
    }

    /// What the server's answers say, one for each touch.
    pub(super) fn answered(&self, answers: Vec<Value>) -> Result<Vec<Touched>, StoreError> {
        if answers.len() != self.touches.len() {
            return Err(unexpected());
        }
        self.touches.iter().zip(answers).map(|(touch, answer)| touched(touch, answer)).collect()
    }

    fn command(&self, link: &Link, touch: &Touch) -> Cmd {
        let (age, below) = (text(touch.age), text(touch.extend_below));
        let args = [touch.id.as_str().as_bytes(), age.as_bytes(), below.as_bytes()];
        link.command(Script::Touch, &self.prefix.all(&touch.user), &args)
    }
}

impl Ask for Touches<'_> {
    type Answer = Vec<Value>;

    async fn send(&self, link: &mut Link) -> RedisResult<Vec<Value>> {
        let mut all = pipe();
        for touch in self.touches {
            all.add_command(self.command(link, touch));
        }
        let answers = link.send_all(&all).await?;
        if !answers.iter().any(forgotten) {
            return Ok(answers);
        }
        // Those that did run may run again.
        let mut again = pipe();
        again.add_command(Script::Touch.load());
        for touch in self.touches {
            again.add_command(self.command(link, touch));
        }
        Ok(link.send_all(&again).await?.into_iter().skip(1).collect())
    }
}

fn forgotten(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if is_noscript(&error.clone().into()))
}

fn touched(touch: &Touch, answer: Value) -> Result<Touched, StoreError> {
    match answer {
        Value::Int(0) => Ok(Touched::Ended),
        Value::Int(-1) => {
            // The others of its batch are not to suffer from it.
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
