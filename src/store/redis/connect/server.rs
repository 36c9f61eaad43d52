//! What the server reports about itself, and whether it is supported.

use redis::Value;

use crate::store::redis::error::fault;
use crate::store::{StoreError, StoreErrorKind};

/// What the server reports about itself: part of a [`Diagnosis`](crate::store::redis::Diagnosis).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The product: `redis` or `valkey`.
    pub name: String,
    /// The version, such as `7.0.15`.
    pub version: String,
    /// The role: `master`. If the server, or a proxy in front of it, does not report its role, the
    /// text is empty or another word.
    pub role: String,
}

/// The role of a server, as far as the server reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    Replica,
    /// The server, or a proxy in front of it, reports no role that this version knows. It may still
    /// be a primary.
    Unknown,
}

/// The oldest versions that support everything that the scripts use.
const OLDEST_REDIS: (u32, u32) = (7, 0);
const OLDEST_VALKEY: (u32, u32) = (7, 2);

impl ServerInfo {
    /// Reads the answer to `HELLO`. Rejects a server that is too old.
    pub(crate) fn from_hello(hello: &Value) -> Result<Self, StoreError> {
        let server = Self::of_any_age(hello)?;
        if server.is_too_old() {
            let what = "the server is older than Redis 7.0 or Valkey 7.2";
            return Err(fault(StoreErrorKind::Unsupported, what));
        }
        Ok(server)
    }

    pub(crate) fn of_any_age(hello: &Value) -> Result<Self, StoreError> {
        let field = |name: &str| {
            let mut fields = hello.as_map_iter()?;
            let (_, value) = fields.find(|(key, _)| text(key) == Some(name))?;
            text(value).map(str::to_owned)
        };
        let (Some(name), Some(version)) = (field("server"), field("version")) else {
            return Err(fault(
                StoreErrorKind::Unsupported,
                "the answer to HELLO holds no server name or version",
            ));
        };
        let role = field("role").unwrap_or_default();
        Ok(Self { name, version, role })
    }

    pub(crate) fn role(&self) -> Role {
        match self.role.as_str() {
            "master" | "primary" => Role::Primary,
            "replica" | "slave" => Role::Replica,
            _ => Role::Unknown,
        }
    }

    pub(crate) fn is_too_old(&self) -> bool {
        let oldest = if self.name == "valkey" { OLDEST_VALKEY } else { OLDEST_REDIS };
        number(&self.version).is_none_or(|version| version < oldest)
    }
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(server: &str, version: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.into());
        Value::Map(vec![
            (text("server"), text(server)),
            (text("version"), text(version)),
            (text("proto"), Value::Int(3)),
            (text("role"), text("master")),
        ])
    }

    #[test]
    fn old_or_unknown_server_version_is_unsupported() {
        for (server, version) in [
            ("redis", "6.2.14"),
            ("redis", "5.0.7"),
            ("valkey", "7.1.9"),
            ("redis", ""),
            ("redis", "seven"),
            ("redis", "7"),
        ] {
            let refused = ServerInfo::from_hello(&hello(server, version)).unwrap_err();
            assert!(ServerInfo::of_any_age(&hello(server, version)).unwrap().is_too_old());
            assert_eq!(refused.kind(), StoreErrorKind::Unsupported, "{server} {version}");
        }
        assert!(ServerInfo::from_hello(&Value::Okay).is_err());
    }

    #[test]
    fn supported_server_version_is_accepted() {
        for (server, version) in [
            ("redis", "7.0.0"),
            ("redis", "7.0.15"),
            ("redis", "10.1.0"),
            ("redis", "255.255.255"),
            ("valkey", "7.2.4"),
            ("valkey", "9.1.2"),
        ] {
            let info = ServerInfo::from_hello(&hello(server, version)).unwrap();
            assert_eq!((&*info.name, &*info.version, &*info.role), (server, version, "master"));
        }
    }
}
