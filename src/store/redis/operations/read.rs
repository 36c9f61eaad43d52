//! Reads of one session from the keys of its user. The caller limits the time.

use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::store::redis::codec;
use crate::store::redis::error::unreadable;
use crate::store::redis::inner::Inner;
use crate::store::{Activity, Record, StoreError};

impl Inner {
    /// Finds a live session. `idle_bound` is as in `SessionStore::load`.
    pub(crate) async fn find(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Result<Option<Record>, StoreError> {
        let Self { requests, prefix, .. } = self;
        let live = prefix.live(user);
        // `idle_bound` is a lower bound of the idle deadline. If this bound has passed, the true
        // idle deadline is needed. In that case, one round trip reads both values.
        let passed = idle_bound.is_some_and(|bound| bound <= self.now());
        let (record, uses) = if passed {
            let seen = prefix.seen(user);
            let both = Box::pin(requests.hget_two([&live, &seen], id.as_str()));
            let [record, uses] = both.await?;
            (record, Some(uses))
        } else {
            (requests.hget(&live, id.as_str()).await?, None)
        };
        self.living(user, id, idle_bound, record, uses).await
    }

    /// Returns the record if its session is live. `record` is the session's value in the hash
    /// `live`. `uses` is the session's value in the hash `seen`, or `None` if the caller has not
    /// read it. If `uses` is `None`, this method reads that value, but only if `record` and
    /// `idle_bound` do not decide whether the session is live.
    pub(crate) async fn living(
        &self,
        user: &UserId,
        id: &SessionId,
        idle_bound: Option<Timestamp>,
        record: Option<Vec<u8>>,
        uses: Option<Option<Vec<u8>>>,
    ) -> Result<Option<Record>, StoreError> {
        let Some(record) = record else { return Ok(None) };
        let mut record = codec::record(record).ok_or_else(unreadable)?;
        // The estimate of the server's clock may be too early. The server wrote `created`, so the
        // server's time is at least `created`.
        let now = self.now().max(record.created);
        if record.absolute_deadline <= now {
            return Ok(None);
        }
        let bound = idle_bound.unwrap_or(record.idle_deadline).min(record.absolute_deadline);
        record.idle_deadline = record.idle_deadline.max(bound);
        if uses.is_none() && record.idle_deadline > now {
            return Ok(Some(record));
        }
        let uses = match uses {
            Some(uses) => uses,
            // Boxed because it is rare.
            None => Box::pin(self.requests.hget(&self.prefix.seen(user), id.as_str())).await?,
        };
        let Some(uses) = uses else { return Ok(None) };
        let uses = codec::activity(&uses).ok_or_else(unreadable)?;
        record.idle_deadline = uses.idle_deadline.min(record.absolute_deadline);
        Ok((record.idle_deadline > now.max(uses.last_activity)).then_some(record))
    }

    /// Returns the true last activity and idle deadline of a live session.
    pub(crate) async fn activity(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Activity>, StoreError> {
        let Self { requests, prefix, .. } = self;
        let (live, seen) = (prefix.live(user), prefix.seen(user));
        let both = requests.hget_two([&live, &seen], id.as_str()).await?;
        let [Some(record), Some(uses)] = both else {
            return Ok(None);
        };
        let (Some(record), Some(uses)) = (codec::record(record), codec::activity(&uses)) else {
            return Err(unreadable());
        };
        let ends = uses.idle_deadline.min(record.absolute_deadline);
        let now = self.now().max(record.created).max(uses.last_activity);
        Ok((ends > now).then_some(uses))
    }
}
