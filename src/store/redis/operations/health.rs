//! The health check: whether the server is a primary, and whether it accepts writes.

use redis::{Value, cmd, pipe};

use crate::store::redis::connect::server::{Role, ServerInfo};
use crate::store::redis::error::{not_primary, store_error, unexpected};
use crate::store::redis::inner::Inner;
use crate::store::{StoreError, StoreErrorKind, StoreHealth};

/// How long the written key is kept, in milliseconds.
const LIFE_MILLIS: u32 = 1;

impl Inner {
    /// Asks for the server's role and version, and writes a short-lived key. A server that is out
    /// of memory or cannot save refuses this write, as it refuses a login. If the server is a
    /// replica, the result is an error, and the era of the connections ends.
    pub(crate) async fn state(&self) -> Result<StoreHealth, StoreError> {
        let Self { requests, prefix, eras, .. } = self;
        let mut set = cmd("SET");
        set.arg(prefix.probe_key("health")).arg("").arg("PX").arg(LIFE_MILLIS);
        let mut both = pipe();
        both.add_command(cmd("HELLO")).add_command(set);
        let answers = requests.ask(&both).await?;
        let [hello, written] = <[Value; 2]>::try_from(answers).map_err(|_| unexpected())?;
        let hello = hello.extract_error().map_err(|error| store_error(&error))?;
        let server = ServerInfo::from_hello(&hello)?;
        if server.role() == Role::Replica {
            eras.end();
            return Err(store_error(&not_primary()));
        }
        let writable = match written.extract_error().map_err(|error| store_error(&error).kind()) {
            Ok(_) => true,
            Err(StoreErrorKind::WriteRefused) => false,
            // The write failed for another reason: for example, the Redis user may lack the right
            // to write this key. In that case, the results of the latest scripts decide.
            Err(_) => !requests.last_write_was_refused(),
        };
        Ok(StoreHealth::new(Some(server.version)).writable(writable))
    }
}
