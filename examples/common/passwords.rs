//! Passwords by Argon2id, off the async threads, a few at a time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Hashes computed at the same time. Each takes 19 MiB and a core for some ten milliseconds.
const AT_ONCE: usize = 4;
/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) type Hash = Arc<str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Right,
    Wrong,
    TooBusy,
}

pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Stands in for the hash of a user who does not exist.
    nobody: OnceLock<Hash>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_ONCE)), nobody: OnceLock::new() }
    }

    #[cfg(test)]
    pub(crate) fn take_all_turns(&self) -> tokio::sync::OwnedSemaphorePermit {
        Arc::clone(&self.turns).try_acquire_many_owned(AT_ONCE as u32).unwrap()
    }

    /// The PHC string of a password, with Argon2id's default parameters (19 MiB, 2 passes: OWASP's).
    pub(crate) async fn hash(&self, password: &str) -> Result<Hash, String> {
        let password = password.to_owned();
        let hash: Hash = spawn_blocking(move || {
            Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string())
        })
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| format!("a password could not be hashed: {error}"))?
        .into();
        // Any hash will do for nobody: what is compared with it is wrong whatever comes of it.
        self.nobody.get_or_init(|| Arc::clone(&hash));
        Ok(hash)
    }

    /// Compares a password; against a hash of nobody's when there is no user, so that it takes as long.
    pub(crate) async fn verify(&self, password: String, hash: Option<Hash>) -> Answer {
        let Ok(Ok(turn)) = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await else {
            return Answer::TooBusy;
        };
        let exists = hash.is_some();
        let Some(hash) = hash.or_else(|| self.nobody.get().cloned()) else {
            return Answer::Wrong;
        };
        let compared = spawn_blocking(move || {
            // The permit goes back when the work is done, not when the client hangs up.
            let _turn = turn;
            let verify = |hash: PasswordHash| {
                Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
            };
            PasswordHash::new(&hash).is_ok_and(verify)
        });
        match compared.await {
            Ok(true) if exists => Answer::Right,
            Ok(_) | Err(_) => Answer::Wrong,
        }
    }
}
