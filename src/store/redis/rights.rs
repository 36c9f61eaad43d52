//! The rights that a Redis user needs, and the check for missing rights.

use redis::{Cmd, Pipeline, RedisError, ServerErrorKind, cmd, pipe};
use tokio::time::timeout;

use super::connect::error::ConnectError;
use super::connect::server::{ServerInfo, text};
use super::connect::{Target, plain_config};
use super::error::{fault, fault_owned, unexpected};
use super::inner::Inner;
use super::scripts::Script;
use crate::store::{StoreError, StoreErrorKind};

/// The rights in `docs/redis.md`, in the same order: first the commands that the store sends, then
/// the commands that only scripts call.
const RIGHTS: [&str; 19] = [
    "+time",
    "+hget",
    "+scan",
    "+evalsha",
    "+script|load",
    "+client|tracking",
    "+get",
    "+set",
    "+hset",
    "+hdel",
    "+hmget",
    "+del",
    "+hgetall",
    "+hkeys",
    "+hvals",
    "+hlen",
    "+hexists",
    "+pttl",
    "+pexpireat",
];

/// The right that is needed only with `wait_replicas`.
const WAIT: &str = "+wait";

/// What an ACL refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Command,
    Key,
}

impl Inner {
    /// Tries each command that the store sends and each command that its scripts call. If rights
    /// are missing, returns an error that names all of them. Ignores other error answers to these
    /// commands.
    ///
    /// Uses a separate connection, because a pool's connection needs some of these rights for its
    /// greeting.
    pub(super) async fn check_rights(&self) -> Result<(), StoreError> {
        let target = self.endpoint.target().await?;
        let limit = self.requests.timeout();
        let missing = timeout(limit, self.missing_rights(&target)).await;
        let missing = missing.unwrap_or_else(|_| {
            Err(fault(StoreErrorKind::Unavailable, "no answer in time").into())
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        let rights = missing.join(" ");
        let what = format!(
            "the Redis user lacks rights: grant them with `ACL SETUSER <the user> {rights}`"
        );
        Err(fault_owned(StoreErrorKind::Unsupported, what))
    }

    async fn missing_rights(&self, target: &Target) -> Result<Vec<String>, ConnectError> {
        let mut connection = target.connect(plain_config(self.requests.timeout()), |_| {}).await?;
        let hello = connection.send(&cmd("HELLO")).await?;
        ServerInfo::from_hello(&hello.extract_error()?)?;

        let (mut missing, mut key_is_refused) = (Vec::new(), false);
        let mut note = |right: &str, refusal: Option<Refusal>| match refusal {
            Some(Refusal::Command) if !missing.iter().any(|known| known == right) => {
                missing.push(right.to_owned());
            }
            Some(Refusal::Key) => key_is_refused = true,
            Some(Refusal::Command) | None => {}
        };

        let (rights, commands) = self.commands();
        let answers = connection.send_all(&commands).await?;
        let mut script = String::new();
        for (right, answer) in rights.into_iter().zip(answers) {
            match answer.extract_error() {
                Ok(answer) if right == "+script|load" => {
                    script = text(&answer).unwrap_or_default().to_owned();
                }
                Ok(_) => {}
                Err(error) => note(right, refusal(&error)),
            }
        }

        // Redis checks the right to run scripts before it looks for the script. So this check works
        // even if no script could be loaded.
        let mut run = cmd("EVALSHA");
        run.arg(if script.is_empty() { "0" } else { &script }).arg(1).arg(self.reserved_key());
        match connection.send(&run).await?.extract_error() {
            Ok(failed) => {
                let failed: Vec<String> =
                    redis::from_redis_value(failed).map_err(|_| unexpected())?;
                for call in failed.chunks_exact(2) {
                    let [name, error] = call else { continue };
                    let right = RIGHTS
                        .iter()
                        .find(|right| right.trim_start_matches('+') == name.to_lowercase());
                    note(right.copied().unwrap_or(name), refused_in_words(error));
                }
            }
            Err(error) => note("+evalsha", refusal(&error)),
        }
        if key_is_refused {
            missing.push(format!("~{}:*", self.prefix.as_str()));
        }
        Ok(missing)
    }

    /// Returns each command that the store sends, with the right that it needs. The commands change
    /// nothing permanently.
    fn commands(&self) -> (Vec<&'static str>, Pipeline) {
        let key = self.reserved_key();
        let hash = self.prefix.reserved("hash");
        let command = |words: &[&str]| {
            let mut command = Cmd::new();
            command.arg(words);
            command
        };
        let mut all = vec![
            ("+time", command(&["TIME"])),
            ("+hget", command(&["HGET", &hash, "f"])),
            ("+scan", command(&["SCAN", "0", "MATCH", &key, "COUNT", "1"])),
            ("+script|load", Script::Check.load()),
            ("+client|tracking", command(&["CLIENT", "TRACKING", "ON"])),
            ("+set", command(&["SET", &key, "", "PX", "1000"])),
            ("+get", command(&["GET", &key])),
        ];
        if self.replicas.is_some() {
            // With zero replicas, `WAIT` returns at once.
            all.push((WAIT, command(&["WAIT", "0", "1"])));
        }
        let mut pipeline = pipe();
        for (_, command) in &all {
            pipeline.add_command(command.clone());
        }
        (all.into_iter().map(|(right, _)| right).collect(), pipeline)
    }

    /// Returns a key that belongs to no user.
    fn reserved_key(&self) -> String {
        self.prefix.reserved("check")
    }
}

fn refusal(error: &RedisError) -> Option<Refusal> {
    let detail = error.detail().unwrap_or_default();
    if error.kind() == redis::ErrorKind::Server(ServerErrorKind::NoPerm) {
        return Some(by_words(detail));
    }
    refused_in_words(detail)
}

/// Returns the refusal that an error text describes. For a refusal inside a script, Redis 7.0 has a
/// text of its own. Redis 7.2 reports NOPERM.
fn refused_in_words(error: &str) -> Option<Refusal> {
    let is_refusal =
        ["NOPERM", "The user executing the script can't"].iter().any(|words| error.contains(words));
    is_refusal.then(|| by_words(error))
}

fn by_words(error: &str) -> Refusal {
    if error.contains("access") { Refusal::Key } else { Refusal::Command }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the words that begin with `+`, from the block of `text` that starts with `begin`.
    fn rights_in(text: &'static str, begin: &str) -> BTreeSet<&'static str> {
        let (_, block) = text.split_once(begin).unwrap();
        let end = block.find(['`', '"']).unwrap();
        block[..end].split_whitespace().filter(|word| word.starts_with('+')).collect()
    }

    #[test]
    fn documented_and_test_acl_rule_list_exactly_the_required_rights() {
        let table: BTreeSet<_> = RIGHTS.into_iter().collect();
        assert_eq!(table.len(), RIGHTS.len());
        assert_eq!(
            rights_in(include_str!("../../../docs/redis.md"), "ACL SETUSER sessions"),
            table
        );
        let rule =
            rights_in(include_str!("../../../tests/support/redis.rs"), "ACL_RULE: &str = \"");
        assert_eq!(rule, table);
    }

    /// Returns the names of the commands that a script calls.
    fn called(lua: &str) -> BTreeSet<String> {
        let calls = lua.match_indices("('").filter(|(at, _)| {
            ["call", "pcall", "try"].iter().any(|call| lua[..*at].ends_with(call))
        });
        calls.map(|(at, _)| lua[at + 2..].split('\'').next().unwrap().to_lowercase()).collect()
    }

    #[test]
    fn commands_of_all_scripts_are_in_check_lua_and_in_the_rights_table() {
        let tried = called(include_str!("lua/check.lua"));
        for script in Script::ALL {
            for command in called(script.source()) {
                assert!(
                    tried.contains(&command),
                    "{script:?} calls {command}: add it to check.lua"
                );
            }
        }
        for command in tried {
            assert!(RIGHTS.contains(&&*format!("+{command}")), "{command}");
        }
    }

    #[test]
    fn permission_errors_of_all_server_versions_are_recognized() {
        for (error, refusal) in [
            (
                "ERR The user executing the script can't run this command or subcommand",
                Some(Refusal::Command),
            ),
            (
                "ERR The user executing the script can't access at least one of the keys",
                Some(Refusal::Key),
            ),
            (
                "NOPERM ACL failure in script: User app has no permissions to run",
                Some(Refusal::Command),
            ),
            ("NOPERM No permissions to access a key", Some(Refusal::Key)),
            ("READONLY You can't write against a read only replica.", None),
            ("OOM command not allowed when used memory > 'maxmemory'.", None),
        ] {
            assert_eq!(refused_in_words(error), refusal, "{error}");
        }
    }
}
