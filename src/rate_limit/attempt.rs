//! Attempts that an application counts.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::count::{Counted, Tried};
use crate::error::SessionError;
use crate::manager::SessionManager;
use crate::session::SessionData;
use crate::store::AttemptRule;

/// A counted attempt. [`SessionManager::attempt`] returns it. If you drop this value, the attempt
/// stays counted as failed.
#[must_use = "an attempt that did not fail must be given back or cleared"]
pub struct CountedAttempt<D = ()> {
    manager: SessionManager<D>,
    counted: Counted,
}

/// Why [`SessionManager::attempt`] did not count an attempt. The attempt must not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// The limit is reached. Respond with 429 and `Retry-After`.
    #[error("too many attempts: try again after {} s", retry_after.as_secs_f64().ceil())]
    RateLimited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The attempt cannot be counted, for example because the store is unavailable.
    #[error("the attempt cannot be counted")]
    NotCounted(#[from] SessionError),
}

impl<D: SessionData> SessionManager<D> {
    /// Counts an attempt before it is made, for a rate limit of the application.
    ///
    /// `purpose` names the kind of attempt, for example `"totp"`. `who` is the user id, the address
    /// or another text of any length for which attempts are counted. Attempts with the same
    /// `purpose` and the same `who` share one counter. All processes with the same signing key,
    /// issuer, audience and key prefix of the store share the counters. The store receives only a
    /// pseudonym of the two texts. Always use the same rule for the same `purpose`.
    ///
    /// Costs one round trip.
    ///
    /// # Errors
    ///
    /// - [`AttemptError::RateLimited`]: the limit is reached. The attempt was not counted.
    /// - [`AttemptError::NotCounted`]: the store cannot answer, or the pseudonym cannot be computed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the attempt may stay counted.
    pub async fn attempt(
        &self,
        purpose: &str,
        who: &str,
        rule: &AttemptRule,
    ) -> Result<CountedAttempt<D>, AttemptError> {
        // The prefix keeps the counters apart from the counters of the routes.
        let key = self.attempt_key(&format!("application:{purpose}"), who)?;
        match self.count_attempt(key, rule, false).await? {
            Tried::Counted(counted) => Ok(CountedAttempt { manager: self.clone(), counted }),
            Tried::Refused { retry_after } => Err(AttemptError::RateLimited { retry_after }),
        }
    }
}

impl<D: SessionData> CountedAttempt<D> {
    /// Takes the attempt back, as if it had not been made. Also cancels a wait that this attempt
    /// started.
    ///
    /// Runs to completion even if the caller is dropped. If the store cannot answer, the attempt
    /// stays counted, and a warning is logged.
    pub async fn give_back(self) {
        let Self { manager, counted } = self;
        manager.settle_attempts(vec![counted.give_back()], ()).await;
    }

    /// Clears the counter: removes all its attempts and cancels its wait. Call this method only
    /// after a success that shows that the same user made the earlier failed attempts.
    ///
    /// Runs to completion even if the caller is dropped. If the store cannot answer, the attempts
    /// stay counted, and a warning is logged.
    pub async fn clear(self) {
        let Self { manager, counted } = self;
        manager.settle_attempts(vec![counted.clear()], ()).await;
    }
}

// Hides the key, so that a log does not show which user or address it stands for.
impl<D> fmt::Debug for CountedAttempt<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedAttempt").finish_non_exhaustive()
    }
}
