//! Translation of errors of the driver and of the server.

use std::borrow::Cow;
use std::error::Error as StdError;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::error::Fault;
use crate::store::{StoreError, StoreErrorKind};

/// An error text with its cause.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct FaultBecause {
    what: &'static str,
    source: Box<dyn StdError + Send + Sync>,
}

/// Returns the store's error for an error of the driver.
pub(super) fn store_error(error: &RedisError) -> StoreError {
    StoreError::with_source(classify(error), Fault(Cow::Owned(describe(error))))
}

/// Like [`store_error`], but for a write. If the connection was lost, the kind is `Interrupted`,
/// because it is unknown whether the server did the write.
pub(super) fn write_error(error: &RedisError) -> StoreError {
    if !error.is_connection_dropped() {
        return store_error(error);
    }
    StoreError::with_source(StoreErrorKind::Interrupted, Fault(Cow::Owned(describe(error))))
}

/// Returns an error of this library with a fixed text.
pub(super) fn fault(kind: StoreErrorKind, what: &'static str) -> StoreError {
    StoreError::with_source(kind, Fault(Cow::Borrowed(what)))
}

/// Returns an error of this library with a text that is built at run time. The text must contain
/// neither an argument of a command nor an address.
pub(super) fn fault_owned(kind: StoreErrorKind, what: String) -> StoreError {
    StoreError::with_source(kind, Fault(Cow::Owned(what)))
}

/// Returns the error for a failure in the application's code that the store calls in order to
/// connect.
pub(super) fn fault_because(
    what: &'static str,
    source: Box<dyn StdError + Send + Sync>,
) -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, FaultBecause { what, source })
}

/// Returns the error for an answer that no supported server version gives.
pub(super) fn unexpected() -> StoreError {
    fault(StoreErrorKind::Unsupported, "the server's answer has an unexpected form")
}

/// Returns the error for a record that this version cannot read. The record stays unchanged.
pub(super) fn unreadable() -> StoreError {
    fault(
        StoreErrorKind::Unreadable,
        "the record has an unknown version, or another application wrote it",
    )
}

/// The code of this library's own error for a server that is a replica. The error has the driver's
/// error type, like the errors that the server reports.
const NOT_PRIMARY: &str = "NOTPRIMARY";

/// Returns the error, in the driver's form, for a server that reports that it is a replica.
pub(super) fn not_primary() -> RedisError {
    let detail = "the server is a replica, or a primary that was demoted";
    redis::make_extension_error(NOT_PRIMARY.to_owned(), Some(detail.to_owned()))
}

pub(super) fn is_not_primary(error: &RedisError) -> bool {
    error.code() == Some(NOT_PRIMARY)
}

/// Returns whether the error shows that the server refuses writes because it is a replica. Such an
/// error has one of two forms: its code is `READONLY`, or it is a script error whose text quotes
/// this code. Some server versions send the second form.
pub(super) fn is_readonly(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
        || error.detail().is_some_and(|detail| detail.contains("-READONLY "))
}

/// Returns whether the server does not know a script, because it was restarted or `SCRIPT FLUSH`
/// was sent.
pub(super) fn is_noscript(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

fn classify(error: &RedisError) -> StoreErrorKind {
    match error.kind() {
        ErrorKind::RESP3NotSupported | ErrorKind::UnexpectedReturnType => {
            StoreErrorKind::Unsupported
        }
        ErrorKind::Server(kind) => match kind {
            ServerErrorKind::ReadOnly => StoreErrorKind::WriteRefused,
            // `Moved`, `Ask`, `CrossSlot`: the server is a node of a cluster, but the client
            // expects a single server.
            ServerErrorKind::NoPerm
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::CrossSlot => StoreErrorKind::Unsupported,
            // Some versions report an error inside a script as `ERR` and quote its code in the
            // text. Other versions report the code itself.
            ServerErrorKind::ResponseError => by_text(error.detail().unwrap_or_default()),
            _ => StoreErrorKind::Unavailable,
        },
        _ => by_code(error.code().unwrap_or_default()).unwrap_or(StoreErrorKind::Unavailable),
    }
}

fn by_code(code: &str) -> Option<StoreErrorKind> {
    match code {
        "OOM" | "READONLY" | "MISCONF" | "NOREPLICAS" => Some(StoreErrorKind::WriteRefused),
        "WRONGTYPE" => Some(StoreErrorKind::Unreadable),
        NOT_PRIMARY => Some(StoreErrorKind::NotPrimary),
        // NOPROTO: the server does not speak RESP3.
        "NOPERM" | "NOPROTO" => Some(StoreErrorKind::Unsupported),
        "BUSY" | "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "NOAUTH" | "WRONGPASS" => {
            Some(StoreErrorKind::Unavailable)
        }
        _ => None,
    }
}

/// Returns the kind of an error with the code `ERR`. The text of such an error may quote the code
/// of the original error. In that case, the quoted code decides the kind.
fn by_text(text: &str) -> StoreErrorKind {
    let code = |word: &str| by_code(word.trim_matches(|c: char| !c.is_ascii_uppercase()));
    if let Some(kind) = text.split_ascii_whitespace().find_map(code) {
        return kind;
    }
    let unknown = ["unknown command", "unknown subcommand", "Unknown Redis command"];
    if unknown.iter().any(|known| text.contains(known)) {
        return StoreErrorKind::Unsupported;
    }
    // The texts of two ACL refusals without the code NOPERM. Redis 7.0 writes the first text for a
    // command inside a script, where Redis 7.2 reports NOPERM. The second text is part of the
    // driver's error for a refused `SELECT` on a new connection.
    if text.starts_with("The user executing the script can't")
        || text.contains("has no permissions")
    {
        return StoreErrorKind::Unsupported;
    }
    StoreErrorKind::Unavailable
}

/// Returns the error as text, without the arguments that the server quotes in its errors. Such an
/// argument may be secret, for example the password of a refused `HELLO`.
fn describe(error: &RedisError) -> String {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return "authentication failed".to_owned();
    }
    let Some(code) = error.code() else { return error.to_string() };
    let detail = error.detail().unwrap_or_default();
    if code == NOT_PRIMARY {
        return detail.to_owned();
    }
    let detail = detail.split(", with args beginning with").next().unwrap_or_default();
    if detail.is_empty() { code.to_owned() } else { format!("{code} {detail}") }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn server(line: &str) -> RedisError {
        let (code, detail) = line.split_once(' ').unwrap();
        let kind = match code {
            "ERR" => Some(ServerErrorKind::ResponseError),
            "READONLY" => Some(ServerErrorKind::ReadOnly),
            "LOADING" => Some(ServerErrorKind::BusyLoading),
            "MASTERDOWN" => Some(ServerErrorKind::MasterDown),
            "CLUSTERDOWN" => Some(ServerErrorKind::ClusterDown),
            "TRYAGAIN" => Some(ServerErrorKind::TryAgain),
            "NOPERM" => Some(ServerErrorKind::NoPerm),
            "MOVED" => Some(ServerErrorKind::Moved),
            _ => None,
        };
        match kind {
            Some(kind) => (ErrorKind::Server(kind), "server", detail.to_owned()).into(),
            None => redis::make_extension_error(code.to_owned(), Some(detail.to_owned())),
        }
    }

    #[test]
    fn server_errors_map_to_their_store_error_kind() {
        use StoreErrorKind::{Unavailable, Unreadable, Unsupported, WriteRefused};
        for (line, kind) in [
            ("LOADING Redis is loading the dataset in memory", Unavailable),
            ("BUSY Redis is busy running a script", Unavailable),
            ("MASTERDOWN Link with MASTER is down", Unavailable),
            ("CLUSTERDOWN The cluster is down", Unavailable),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Unavailable),
            ("NOAUTH Authentication required.", Unavailable),
            ("WRONGPASS invalid username-password pair or user is disabled.", Unavailable),
            ("ERR max number of clients reached", Unavailable),
            ("OOM command not allowed when used memory > 'maxmemory'.", WriteRefused),
            ("READONLY You can't write against a read only replica.", WriteRefused),
            ("MISCONF Redis is configured to save RDB snapshots", WriteRefused),
            ("NOREPLICAS Not enough good replicas to write.", WriteRefused),
            (
                "ERR Error running script (call to f_0): @user_script:1: OOM command not",
                WriteRefused,
            ),
            ("ERR Error running script: @user_script: 9: -READONLY You can't", WriteRefused),
            ("NOPERM this user has no permissions to run the 'hget' command", Unsupported),
            ("ERR unknown command 'EVALSHA', with args beginning with: 'x'", Unsupported),
            (
                "ERR The user executing the script can't run this command or subcommand script: 0",
                Unsupported,
            ),
            ("MOVED 3999 127.0.0.1:6381", Unsupported),
            ("NOPROTO unsupported protocol version", Unsupported),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Unreadable),
        ] {
            assert_eq!(store_error(&server(line)).kind(), kind, "{line}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(store_error(&refused.into()).kind(), Unavailable);
    }

    #[test]
    fn answer_of_a_replica_is_a_not_primary_error() {
        let error = store_error(&not_primary());
        assert_eq!(error.kind(), StoreErrorKind::NotPrimary);
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "the server is a replica, or a primary that was demoted");
        assert!(is_readonly(&server("READONLY You can't write against a read only replica.")));
        assert!(is_readonly(&server("ERR Error running script: @user_script: 9: -READONLY You")));
        assert!(!is_readonly(&server("ERR no such thing as READONLY")));
    }

    #[test]
    fn errors_omit_command_arguments() {
        let line =
            "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'hunter2'";
        let error = store_error(&server(line));
        let shown = format!("{error} {error:?} {}", error.source().unwrap());
        assert!(shown.contains("unknown command 'HELLO'"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
