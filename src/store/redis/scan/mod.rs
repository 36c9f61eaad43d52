//! Lists and scans: the sessions of one user, and pages of all sessions. `SCAN` finds the users,
//! and one script call per user finds the sessions.

pub(crate) mod cursor;

use std::time::{Duration, Instant};

use redis::{Value, cmd};

use super::codec;
use super::connect::pool_client::PoolClient;
use super::error::{store_error, unexpected, unreadable};
use super::inner::Inner;
use super::keys::{Part, Prefix};
use super::operations::batch::{Batch, Call};
use super::scan::cursor::CursorParts;
use super::scripts::Script;
use crate::id::{SessionId, UserId};
use crate::store::{Cleaned, Listed, Page, ScanCursor, StoreError, StoreErrorKind};
use crate::trace;

/// The maximum length of a page.
const MAX_PAGE: usize = 1_000;

/// The lowest and the highest `COUNT` of a `SCAN`. The lowest is small, for short pages. The
/// highest, a thousand keys, costs about a millisecond of the server's time.
const LEAST: usize = 10;
const MOST: usize = 1_000;

/// The number of users whose script calls are in one pipeline. The number is limited because the
/// server runs all commands that it has read from one client without a break, while other clients
/// wait.
const AT_ONCE: usize = 32;

/// How long a page searches for sessions. After that time, it returns the sessions found so far.
const LOOKING: Duration = Duration::from_millis(20);

impl Inner {
    pub(super) async fn sessions_of(
        &self,
        user: &UserId,
        payloads: Payloads,
    ) -> Result<Vec<Listed>, StoreError> {
        let scan = Scan { payloads, ..Scan::of(self) };
        let lists = scan.client.limited(scan.list(std::slice::from_ref(user))).await?;
        lists.into_iter().next().flatten().ok_or_else(unreadable)
    }

    /// Sends the smallest request of a scan, to check that the server permits it.
    pub(super) async fn may_scan(&self) -> Result<(), StoreError> {
        let scan = Scan::of(self);
        scan.client.limited(scan.users(0, 1)).await.map(drop)
    }

    /// Returns a page; `None` if `from` is not a cursor of this store.
    pub(super) async fn page_from(
        &self,
        from: Option<&ScanCursor>,
        limit: usize,
        payloads: Payloads,
    ) -> Result<Option<Page>, StoreError> {
        let parts = from.map_or_else(|| Some(CursorParts::start()), CursorParts::parse);
        let Some(parts) = parts else { return Ok(None) };
        let scan = Scan { payloads, ..Scan::of(self) };
        scan.client.limited(scan.page(parts, limit.clamp(1, MAX_PAGE))).await.map(Some)
    }

    pub(super) async fn cleaned(&self, cursor: u64) -> Result<Cleaned, StoreError> {
        let scan = Scan::of(self);
        scan.client.limited(scan.cleanup(cursor)).await
    }
}

/// Which part of each payload is transferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payloads {
    Whole,
    /// Only the part before the application's data.
    Heads,
}

struct Scan<'a> {
    client: &'a PoolClient,
    prefix: &'a Prefix,
    payloads: Payloads,
}

impl<'a> Scan<'a> {
    fn of(store: &'a Inner) -> Self {
        let payloads = Payloads::Whole;
        Self { client: &store.scans, prefix: &store.prefix, payloads }
    }

    async fn page(&self, mut parts: CursorParts, limit: usize) -> Result<Page, StoreError> {
        let started = Instant::now();
        let mut sessions = Vec::new();
        let (mut count, mut looked_at, mut found) = (LEAST, 0, 0);
        loop {
            if parts.users.is_empty() {
                let Some(cursor) = parts.cursor else { break };
                let (next, users) = self.users(cursor, count).await?;
                parts.cursor = (next != 0).then_some(next);
                parts.users = users;
                looked_at += count;
            }
            // Nearly every user that `SCAN` finds has a session. So the number of users in this
            // step is at most the number of sessions that the page still lacks.
            let some = parts.users.len().min(limit - sessions.len());
            let asked: Vec<_> = parts.users.iter().rev().take(some).cloned().collect();
            for list in self.list(&asked).await? {
                let mut list = list.unwrap_or_else(something_else);
                // `found` counts the sessions behind the keys that this page has examined. It does
                // not count the sessions of users from the cursor, because an earlier page examined
                // their keys.
                if looked_at > 0 {
                    found += list.len();
                }
                if let Some(after) = parts.after.take() {
                    list.retain(|session| session.id > after);
                }
                let room = limit - sessions.len();
                let all = list.len() <= room;
                sessions.extend(list.into_iter().take(room));
                if all {
                    parts.users.pop();
                } else {
                    parts.after = sessions.last().map(|session| session.id.clone());
                }
                if sessions.len() == limit {
                    break;
                }
            }
            if sessions.len() == limit || started.elapsed() >= LOOKING {
                break;
            }
            // The next step examines only three quarters of the number of keys that probably fill
            // the page. With more keys, more users would not fit on the page, and these users make
            // the cursor longer.
            let rest = limit - sessions.len();
            let guess = (rest * looked_at * 3 / 4).checked_div(found).unwrap_or(count * 2);
            // The first few keys may not be typical. So the next `COUNT` is at most twice the
            // number of keys examined so far, or twice the last `COUNT` if that is more.
            count = guess.min((looked_at * 2).max(count * 2)).clamp(LEAST, MOST);
        }
        Ok(Page::new(sessions, parts.to_cursor()))
    }

    async fn cleanup(&self, cursor: u64) -> Result<Cleaned, StoreError> {
        let (next, keys) = self.keys(cursor, MOST, &self.prefix.session_pattern()).await?;
        let calls = keys.iter().map(|(user, part)| Call {
            keys: self.prefix.all(user),
            args: vec![part.as_str().to_owned()],
        });
        let mut count = 0;
        for answer in self.run(Script::Prune, calls.collect()).await? {
            match answer {
                Some(Value::Int(freed)) => count += u64::try_from(freed).unwrap_or(0),
                Some(_) => return Err(unexpected()),
                None => something_else(),
            }
        }
        Ok(Cleaned::new(count, cursor::cleanup(next)))
    }

    /// Returns the live sessions of each of these users, in the order of the users. Returns `None`
    /// for a user whose keys hold another type of value.
    async fn list(&self, users: &[UserId]) -> Result<Vec<Option<Vec<Listed>>>, StoreError> {
        let args = match self.payloads {
            Payloads::Whole => Vec::new(),
            Payloads::Heads => vec!["heads".to_owned()],
        };
        let calls = users
            .iter()
            .map(|user| Call { keys: self.prefix.all(user), args: args.clone() })
            .collect();
        let answers = self.run(Script::List, calls).await?;
        let mut unreadable = Unreadable::default();
        let lists = users
            .iter()
            .zip(answers)
            .map(|(user, answer)| {
                answer.map(|answer| listed(user, answer, &mut unreadable)).transpose()
            })
            .collect();
        // One log line covers all unreadable records.
        if let Unreadable { count, first: Some(first) } = unreadable {
            trace::warn!("session records cannot be read", count = count, first = first.short());
        }
        lists
    }

    /// Runs a script for many users. Returns `None` for a user whose keys hold another type of
    /// value.
    async fn run(
        &self,
        script: Script,
        calls: Vec<Call>,
    ) -> Result<Vec<Option<Value>>, StoreError> {
        let mut calls = calls.into_iter();
        let mut answers = Vec::with_capacity(calls.len());
        while calls.len() > 0 {
            let some: Vec<_> = calls.by_ref().take(AT_ONCE).collect();
            let expected = answers.len() + some.len();
            answers.append(&mut self.client.repeat(&Batch::new(script, some)).await?);
            if answers.len() != expected {
                return Err(unexpected());
            }
        }
        let readable = |answer: Value| match answer.extract_error() {
            Ok(answer) => Ok(Some(answer)),
            Err(error) => {
                let error = store_error(&error);
                if error.kind() != StoreErrorKind::Unreadable {
                    return Err(error);
                }
                Ok(None)
            }
        };
        answers.into_iter().map(readable).collect()
    }

    /// Searches one part of the server's keys. Returns the users with sessions, and the cursor
    /// after that part.
    async fn users(&self, cursor: u64, count: usize) -> Result<(u64, Vec<UserId>), StoreError> {
        let (next, keys) = self.keys(cursor, count, &self.prefix.live_pattern()).await?;
        Ok((next, keys.into_iter().map(|(user, _)| user).collect()))
    }

    async fn keys(
        &self,
        cursor: u64,
        count: usize,
        pattern: &str,
    ) -> Result<(u64, Vec<(UserId, Part)>), StoreError> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count).arg("TYPE").arg("hash");
        let answer = self.client.repeat(&scan).await?;
        let (next, keys): (u64, Vec<Vec<u8>>) =
            redis::from_redis_value(answer).map_err(|_| unexpected())?;
        let ours = |key: &Vec<u8>| self.prefix.parse_key(std::str::from_utf8(key).ok()?);
        Ok((next, keys.iter().filter_map(ours).collect()))
    }
}

/// Skips a key that belongs to another application, and logs a warning.
fn something_else<T: Default>() -> T {
    trace::warn!(
        "skipped a user whose keys hold another type of value: check that no other application \
         uses the key prefix"
    );
    T::default()
}

/// Records that this version cannot read.
#[derive(Default)]
struct Unreadable {
    count: usize,
    first: Option<SessionId>,
}

/// Reads the script's answer for one user. Sorts the sessions by id.
fn listed(
    user: &UserId,
    answer: Value,
    unreadable: &mut Unreadable,
) -> Result<Vec<Listed>, StoreError> {
    let fields: Vec<Vec<u8>> = redis::from_redis_value(answer).map_err(|_| unexpected())?;
    let mut sessions = Vec::with_capacity(fields.len() / 3);
    let mut fields = fields.into_iter();
    while let (Some(id), Some(record), Some(uses)) = (fields.next(), fields.next(), fields.next()) {
        // Another application may have written a field whose name is not a session id.
        let id = std::str::from_utf8(&id).ok().and_then(|id| SessionId::parse(id).ok());
        let Some(id) = id else { continue };
        let (Some(mut record), Some(uses)) = (codec::record(record), codec::activity(&uses)) else {
            unreadable.count += 1;
            unreadable.first.get_or_insert(id);
            continue;
        };
        record.idle_deadline = uses.idle_deadline.min(record.absolute_deadline);
        sessions.push(Listed::new(user.clone(), id, record, uses.last_activity));
    }
    sessions.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(sessions)
}
