//! Rotation of refresh tokens in memory.

use super::state::State;
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{Rotate, Rotated, span};

impl State {
    /// See [`SessionStore::rotate`](crate::store::SessionStore::rotate). The script `rotate.lua`
    /// implements the same rules.
    pub(super) fn rotate(
        &mut self,
        now: Timestamp,
        user: &UserId,
        id: &SessionId,
        rotate: &Rotate,
    ) -> Rotated {
        let Some(entry) = self.living(now, user, id) else { return Rotated::Gone };
        let used = entry.used_rotation;
        let Some(rotation) = &mut entry.rotation else { return Rotated::Unknown };
        let behind = rotation.counter.checked_sub(rotate.counter);
        match behind.filter(|_| rotation.salt == rotate.salt) {
            None => Rotated::Unknown,
            Some(0) => {
                rotation.counter += 1;
                rotation.since = now;
                entry.revision += 1;
                entry.last_activity = entry.last_activity.max(now);
                self.extend(user, id, now);
                self.living(now, user, id)
                    .map_or(Rotated::Gone, |entry| Rotated::Next(entry.record(), entry.activity()))
            }
            Some(1)
                if !rotate.grace.is_zero()
                    && now.saturating_since(rotation.since) <= span(rotate.grace) =>
            {
                Rotated::Again(entry.record(), entry.activity())
            }
            Some(1)
                if !rotate.retry.is_zero()
                    && used < rotation.counter
                    && now.saturating_since(rotation.since) <= span(rotate.retry) =>
            {
                Rotated::Retried(entry.record(), entry.activity())
            }
            Some(_) => {
                self.end(now, user, vec![id.clone()], RevokeReason::RefreshReuse);
                Rotated::Reused
            }
        }
    }
}
