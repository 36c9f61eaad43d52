//! Revocations of sessions. If the store is configured to do so, a revocation waits for replicas.

use redis::Value;

use super::login_fence::next_fence;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::redis::error::unexpected;
use crate::store::redis::inner::Inner;
use crate::store::redis::scripts::Script;
use crate::store::{Replicas, Revoked, StoreError, Target};

impl Inner {
    /// Revokes sessions, and waits for replicas if the store is configured to do so.
    pub(crate) async fn end(
        &self,
        user: &UserId,
        target: &Target,
        reason: RevokeReason,
    ) -> Result<Revoked, StoreError> {
        let keep = match target {
            Target::One(id) => {
                let args = [id.as_str().as_bytes(), reason.as_str().as_bytes()];
                let (answer, replicas) = self.run_and_wait(Script::Delete, user, &args).await?;
                let Value::Int(lived) = answer else { return Err(unexpected()) };
                let sessions = if lived == 1 { vec![id.clone()] } else { Vec::new() };
                return Ok(Revoked::new(sessions, replicas));
            }
            Target::All => "",
            Target::AllExcept(keep) => keep.as_str(),
        };
        let login_fence = next_fence()?;
        let args = [reason.as_str(), &login_fence, keep].map(str::as_bytes);
        let (answer, replicas) = self.run_and_wait(Script::DeleteAll, user, &args).await?;
        let ids: Vec<String> = redis::from_redis_value(answer).map_err(|_| unexpected())?;
        // Another application may have written a field whose name is not a session id. The script
        // has removed this field too, but the field is not a session of this user.
        let sessions = ids.iter().filter_map(|id| SessionId::parse(id).ok()).collect();
        Ok(Revoked::new(sessions, replicas))
    }

    async fn run_and_wait(
        &self,
        script: Script,
        user: &UserId,
        args: &[&[u8]],
    ) -> Result<(Value, Replicas), StoreError> {
        let (plain, keys) = (&self.requests, self.prefix.all(user));
        match &self.replicas {
            Some(replicas) => replicas.run(plain, script, &keys, args).await,
            None => Ok((plain.run(script, &keys, args).await?, Replicas::NotAsked)),
        }
    }
}
