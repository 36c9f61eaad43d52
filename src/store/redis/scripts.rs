//! The scripts: the operations that need more than one command. Each script is one atomic step on
//! the server.

use std::time::Duration;

use redis::{Cmd, Pipeline, Value, cmd};

use crate::clock::millis;
use crate::store::span;

/// A script on the server. All scripts for a user's sessions take the same three keys: `live`,
/// `seen` and `gone` (see [`Prefix`](super::keys::Prefix)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Create,
    Touch,
    Update,
    UpdateAll,
    Rotate,
    Delete,
    DeleteAll,
    List,
    Prune,
    Attempt,
    Settle,
    Probe,
    Check,
    Mark,
}

/// The hashes by which one server knows the scripts, in the order of [`Script::ALL`].
pub(super) type Hashes = Vec<String>;

macro_rules! source {
    ($file:literal) => {
        concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $file)))
    };
}

impl Script {
    /// The scripts that each connection loads in its greeting. [`Check`](Self::Check) is not among
    /// them, because it runs on a separate connection.
    pub(super) const ALL: [Self; 13] = [
        Self::Create,
        Self::Touch,
        Self::Update,
        Self::UpdateAll,
        Self::Rotate,
        Self::Delete,
        Self::DeleteAll,
        Self::List,
        Self::Prune,
        Self::Attempt,
        Self::Settle,
        Self::Probe,
        Self::Mark,
    ];

    pub(super) const fn source(self) -> &'static str {
        match self {
            Self::Create => source!("create.lua"),
            Self::Touch => source!("touch.lua"),
            Self::Update => source!("update.lua"),
            Self::UpdateAll => source!("update_all.lua"),
            Self::Rotate => source!("rotate.lua"),
            Self::Delete => source!("delete.lua"),
            Self::DeleteAll => source!("delete_all.lua"),
            Self::List => source!("list.lua"),
            Self::Prune => source!("prune.lua"),
            Self::Attempt => source!("attempt.lua"),
            Self::Settle => source!("settle.lua"),
            // Without the prelude, because it concerns no session.
            Self::Probe => include_str!("lua/probe.lua"),
            Self::Check => source!("check.lua"),
            Self::Mark => source!("mark.lua"),
        }
    }

    /// Returns whether this answer shows that the server accepts writes. A server refuses `HSET`
    /// when its memory is full, when it cannot save, or when it has too few replicas. So the answer
    /// shows that the server accepts writes if the first write of the script was an `HSET`. The
    /// answer does not show this if the script removes data first, or if the script can give the
    /// same answer without a write.
    pub(super) fn proves_writable(self, answer: &Value) -> bool {
        match (self, answer) {
            (Self::Create, Value::Array(_)) => true,
            (Self::Update, Value::Int(revision)) => *revision > 0,
            (Self::UpdateAll, Value::Int(written)) => *written == 1,
            (Self::Rotate, Value::Array(parts)) => matches!(parts[..], [_, _, Value::Int(1)]),
            (Self::Attempt, Value::Array(parts)) => matches!(parts[..], [Value::Int(1), _]),
            _ => false,
        }
    }

    /// Returns the command that loads this script.
    pub(super) fn load(self) -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(self.source());
        load
    }

    /// Returns the hashes for a server on which only this script is loaded.
    pub(super) fn alone(self, hash: &str) -> Hashes {
        let name = |script| if script == self { hash.to_owned() } else { String::new() };
        Self::ALL.map(name).to_vec()
    }

    /// Adds the commands that load all scripts, in the order of [`ALL`](Self::ALL).
    pub(super) fn load_all(pipeline: &mut Pipeline) {
        for script in Self::ALL {
            pipeline.add_command(script.load());
        }
    }

    /// Returns the command that runs this script on a server that has loaded it.
    pub(super) fn run(self, hashes: &Hashes, keys: &[String], args: &[&[u8]]) -> Cmd {
        let hash = Self::ALL.iter().position(|script| *script == self).and_then(|i| hashes.get(i));
        let mut run = cmd("EVALSHA");
        // Without a hash, the server answers NOSCRIPT, and the caller then loads the script.
        run.arg(hash.map_or("", String::as_str)).arg(keys.len()).arg(keys).arg(args);
        run
    }
}

/// Formats a duration as whole milliseconds, for a script.
pub(super) fn millis_arg(duration: Duration) -> String {
    millis(span(duration)).to_string()
}
