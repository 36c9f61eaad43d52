//! [`SessionStore`] with boxed futures, for the operations that the manager uses. With this trait,
//! the types of an application do not contain the type of the application's store.

use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;
use super::{
    Activity, Cleaned, Created, FenceValue, Listed, NewRecord, Page, Record, Replacement, Revoked,
    Rotate, Rotated, ScanCursor, SessionStore, StoreHealth, Target, Touch, Touched, Tracking,
    Updated, UpdatedAll,
};
use super::{Attempt, AttemptKey, AttemptRule, CountAttempts, MaintainStore, ScanSessions, Settle};
use crate::clock::Timestamp;
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;

/// [`SessionStore`] as a trait object. [`SessionStore`] documents each operation.
pub(crate) trait ErasedStore: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    fn create<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        new: &'a NewRecord,
    ) -> Answer<'a, Created>;
    fn load<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Option<Record>>;
    fn activity<'a>(&'a self, user: &'a UserId, id: &'a SessionId) -> Answer<'a, Option<Activity>>;
    fn touch<'a>(&'a self, touches: &'a [Touch]) -> Answer<'a, Vec<Touched>>;
    fn login_fence<'a>(&'a self, user: &'a UserId) -> Answer<'a, FenceValue>;
    fn update<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Answer<'a, Updated>;
    fn update_all<'a>(
        &'a self,
        user: &'a UserId,
        replacements: &'a [Replacement],
    ) -> Answer<'a, UpdatedAll>;
    fn rotate<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        rotate: &'a Rotate,
    ) -> Answer<'a, Rotated>;
    fn revoke<'a>(
        &'a self,
        user: &'a UserId,
        target: &'a Target,
        reason: RevokeReason,
    ) -> Answer<'a, Revoked>;
    fn revoke_wait(&self) -> Duration;
    fn list<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<Listed>>;
    fn scan<'a>(&'a self, from: Option<&'a ScanCursor>, limit: usize) -> Answer<'a, Option<Page>>;
    fn list_heads<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<Listed>>;
    fn scan_heads<'a>(
        &'a self,
        from: Option<&'a ScanCursor>,
        limit: usize,
    ) -> Answer<'a, Option<Page>>;
    fn cleanup<'a>(&'a self, from: Option<&'a ScanCursor>) -> Answer<'a, Option<Cleaned>>;
    fn revoke_reason<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
    ) -> Answer<'a, Option<RevokeReason>>;
    fn attempt<'a>(
        &'a self,
        key: &'a AttemptKey,
        rule: &'a AttemptRule,
    ) -> Answer<'a, Option<Attempt>>;
    fn settle<'a>(&'a self, key: &'a AttemptKey, settle: Settle) -> Answer<'a, ()>;
    fn upkeep(&self) -> Answer<'_, ()>;
    fn warnings(&self) -> Answer<'_, Vec<String>>;
    fn health(&self) -> Answer<'_, StoreHealth>;
    fn tracking(&self) -> Option<Tracking>;
    fn used_by(&self, issuer: &str);
    fn kind(&self) -> &'static str;
}

impl<St: SessionStore> ErasedStore for St {
    fn now(&self) -> Timestamp {
        SessionStore::now(self)
    }

    fn create<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        new: &'a NewRecord,
    ) -> Answer<'a, Created> {
        Box::pin(SessionStore::create(self, user, id, new))
    }

    fn load<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        idle_bound: Option<Timestamp>,
    ) -> Answer<'a, Option<Record>> {
        Box::pin(SessionStore::load(self, user, id, idle_bound))
    }

    fn activity<'a>(&'a self, user: &'a UserId, id: &'a SessionId) -> Answer<'a, Option<Activity>> {
        Box::pin(SessionStore::activity(self, user, id))
    }

    fn touch<'a>(&'a self, touches: &'a [Touch]) -> Answer<'a, Vec<Touched>> {
        Box::pin(SessionStore::touch(self, touches))
    }

    fn login_fence<'a>(&'a self, user: &'a UserId) -> Answer<'a, FenceValue> {
        Box::pin(SessionStore::login_fence(self, user))
    }

    fn update<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        expected: u64,
        payload: Bytes,
    ) -> Answer<'a, Updated> {
        Box::pin(SessionStore::update(self, user, id, expected, payload))
    }

    fn update_all<'a>(
        &'a self,
        user: &'a UserId,
        replacements: &'a [Replacement],
    ) -> Answer<'a, UpdatedAll> {
        Box::pin(SessionStore::update_all(self, user, replacements))
    }

    fn rotate<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
        rotate: &'a Rotate,
    ) -> Answer<'a, Rotated> {
        Box::pin(SessionStore::rotate(self, user, id, rotate))
    }

    fn revoke<'a>(
        &'a self,
        user: &'a UserId,
        target: &'a Target,
        reason: RevokeReason,
    ) -> Answer<'a, Revoked> {
        Box::pin(SessionStore::revoke(self, user, target, reason))
    }

    fn revoke_wait(&self) -> Duration {
        SessionStore::revoke_wait(self)
    }

    fn list<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<Listed>> {
        Box::pin(SessionStore::list(self, user))
    }

    fn scan<'a>(&'a self, from: Option<&'a ScanCursor>, limit: usize) -> Answer<'a, Option<Page>> {
        Box::pin(ScanSessions::scan(self, from, limit))
    }

    fn list_heads<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<Listed>> {
        Box::pin(SessionStore::list_heads(self, user))
    }

    fn scan_heads<'a>(
        &'a self,
        from: Option<&'a ScanCursor>,
        limit: usize,
    ) -> Answer<'a, Option<Page>> {
        Box::pin(ScanSessions::scan_heads(self, from, limit))
    }

    fn cleanup<'a>(&'a self, from: Option<&'a ScanCursor>) -> Answer<'a, Option<Cleaned>> {
        Box::pin(ScanSessions::cleanup(self, from))
    }

    fn revoke_reason<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a SessionId,
    ) -> Answer<'a, Option<RevokeReason>> {
        Box::pin(SessionStore::revoke_reason(self, user, id))
    }

    fn attempt<'a>(
        &'a self,
        key: &'a AttemptKey,
        rule: &'a AttemptRule,
    ) -> Answer<'a, Option<Attempt>> {
        Box::pin(CountAttempts::attempt(self, key, rule))
    }

    fn settle<'a>(&'a self, key: &'a AttemptKey, settle: Settle) -> Answer<'a, ()> {
        Box::pin(CountAttempts::settle(self, key, settle))
    }

    fn upkeep(&self) -> Answer<'_, ()> {
        Box::pin(MaintainStore::upkeep(self))
    }

    fn warnings(&self) -> Answer<'_, Vec<String>> {
        Box::pin(MaintainStore::warnings(self))
    }

    fn health(&self) -> Answer<'_, StoreHealth> {
        Box::pin(SessionStore::health(self))
    }

    fn tracking(&self) -> Option<Tracking> {
        MaintainStore::tracking(self)
    }

    fn used_by(&self, issuer: &str) {
        MaintainStore::used_by(self, issuer);
    }

    fn kind(&self) -> &'static str {
        SessionStore::kind(self)
    }
}
