//! Hashes and verifies passwords with Argon2id, on blocking threads, a few at a time.
//!
//! Each computation needs a block of memory of 19 MiB. The blocks are kept and reused: one for each
//! computation that may run at the same time. Blocks that are allocated and freed for each login
//! fragment the allocator's memory, which then keeps gigabytes.
//!
//! This file depends on no other file here: you can copy it into your application as it is.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The number of hashes that are computed at the same time. Each needs 19 MiB, which are kept, and
/// a core for about ten milliseconds.
const AT_ONCE: usize = 4;
/// How long a login waits for a permit.
const PATIENCE: Duration = Duration::from_secs(2);

/// The hash of a password as a PHC string.
pub(crate) type Hash = Arc<str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Right,
    Wrong,
    TooBusy,
}

/// Why a password was not hashed.
#[derive(Debug)]
pub(crate) enum HashError {
    /// Other computations held all permits for too long: try again later.
    TooBusy,
    Failed(argon2::password_hash::Error),
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooBusy => f.write_str("too many passwords are being hashed: try again later"),
            Self::Failed(error) => write!(f, "a password could not be hashed: {error}"),
        }
    }
}

impl std::error::Error for HashError {}

/// Hashes and verifies passwords. Use one for the whole process, because it limits the memory.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Memory>>>,
    /// Used in place of the hash of a user who does not exist.
    stand_in: OnceLock<Hash>,
}

/// The memory of one computation. It grows to the size that a hash needs, and never shrinks.
#[derive(Default)]
struct Memory(Vec<Block>);

/// A permit for one computation, with its memory. Both are returned when the computation ends, not
/// when the client disconnects.
struct Permit {
    memory: Memory,
    all: Arc<Mutex<Vec<Memory>>>,
    _permit: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            memory: Arc::default(),
            stand_in: OnceLock::new(),
        }
    }

    #[cfg(test)]
    pub(crate) fn take_all_turns(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.permits).try_acquire_many_owned(AT_ONCE as u32).unwrap()
    }

    #[cfg(test)]
    pub(crate) fn free_turns(&self) -> usize {
        self.permits.available_permits()
    }

    /// Returns the PHC string of a password, with a random salt and Argon2id's default parameters
    /// (19 MiB, 2 passes, as OWASP recommends).
    pub(crate) async fn hash(&self, password: &str) -> Result<Hash, HashError> {
        let mut permit = self.permit().await.ok_or(HashError::TooBusy)?;
        let password = password.to_owned();
        let hashed = spawn_blocking(move || permit.memory.hash(password.as_bytes()));
        let hashed = hashed.await.unwrap_or(Err(argon2::password_hash::Error::Internal));
        let hash: Hash = hashed.map_err(HashError::Failed)?.to_string().into();
        // The first hash also stands in for the hash of a user who does not exist. Any hash is
        // suitable, because `verify` never accepts such a user.
        self.stand_in.get_or_init(|| Arc::clone(&hash));
        Ok(hash)
    }

    /// Compares a password with a hash. For an unknown user there is no hash; the password is then
    /// compared with a stand-in, so that the answer takes equally long.
    pub(crate) async fn verify(&self, password: String, hash: Option<Hash>) -> Answer {
        let Some(mut permit) = self.permit().await else { return Answer::TooBusy };
        let exists = hash.is_some();
        let Some(hash) = hash.or_else(|| self.stand_in.get().cloned()) else {
            return Answer::Wrong;
        };
        let compared = spawn_blocking(move || {
            let hash = PasswordHash::new(&hash)?;
            permit.memory.verify(password.as_bytes(), &hash)
        });
        match compared.await {
            Ok(Ok(true)) if exists => Answer::Right,
            Ok(_) | Err(_) => Answer::Wrong,
        }
    }

    async fn permit(&self) -> Option<Permit> {
        let permit = timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.ok()?.ok()?;
        // Take the block that was used last, so that a server with few logins needs only one.
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let all = Arc::clone(&self.memory);
        Some(Permit { memory: memory.unwrap_or_default(), all, _permit: permit })
    }
}

// Returns the memory before the permit: the fields are dropped after this.
impl Drop for Permit {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }
}

impl Memory {
    fn hash(&mut self, password: &[u8]) -> argon2::password_hash::Result<PasswordHash> {
        let (algorithm, version, params) = <(Algorithm, Version, Params)>::default();
        let salt = Salt::generate();
        let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&params)?,
            hash: Some(self.compute(algorithm, version, params, password, &salt, length)?),
            salt: Some(salt),
        })
    }

    /// Returns whether a hash belongs to this password, with the parameters in the hash.
    fn verify(
        &mut self,
        password: &[u8],
        hash: &PasswordHash,
    ) -> argon2::password_hash::Result<bool> {
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map(Version::try_from).transpose()?.unwrap_or_default();
        let params = Params::try_from(hash)?;
        let length = expected.as_bytes().len();
        let output = self.compute(algorithm, version, params, password, salt, length)?;
        // `Output` compares in constant time.
        Ok(output == *expected)
    }

    fn compute(
        &mut self,
        algorithm: Algorithm,
        version: Version,
        params: Params,
        password: &[u8],
        salt: &[u8],
        length: usize,
    ) -> argon2::password_hash::Result<Output> {
        let blocks = params.block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        let mut output = vec![0; length];
        Argon2::new(algorithm, version, params).hash_password_into_with_memory(
            password,
            salt,
            &mut output,
            self.0.get_mut(..blocks).unwrap_or_default(),
        )?;
        Ok(Output::new(&output)?)
    }
}
