//! Handles the push messages of an invalidation connection, in the task that reads the socket. So
//! nothing here may wait, allocate or take a lock.

use std::sync::Arc;

use redis::{PushInfo, PushKind, Value};

use super::probe::Probes;
use crate::coherence::{CacheCounters, Lease, increment};

/// Handles the push messages of one invalidation connection.
pub(super) struct PushHandler {
    pub(super) lease: Arc<Lease>,
    pub(super) probes: Arc<Probes>,
    pub(super) counters: Arc<CacheCounters>,
}

impl PushHandler {
    pub(super) fn hear(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Invalidate => match push.data.as_slice() {
                [Value::Array(keys)] => keys.iter().for_each(|key| self.invalidate(key)),
                // Without keys it is `FLUSHALL` or `FLUSHDB`. A message of unknown form may mean
                // any change.
                _ => self.invalidate_all(),
            },
            PushKind::Disconnection => {
                self.lease.end();
                self.probes.mark_connection_lost();
            }
            _ => {}
        }
    }

    /// Handles the invalidation of one key.
    fn invalidate(&self, key: &Value) {
        match key {
            Value::BulkString(key) if self.probes.told(key) => {}
            Value::BulkString(key) => {
                let generations = self.lease.generations();
                generations.bump(generations.slot(key));
                increment(&self.counters.invalidations);
            }
            _ => self.invalidate_all(),
        }
    }

    /// Invalidates all cache entries.
    fn invalidate_all(&self) {
        self.lease.generations().flush();
        increment(&self.counters.invalidations);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::coherence::{Generations, Stamp, Tick};

    const LEASE: Duration = Duration::from_millis(500);

    fn push_handler() -> PushHandler {
        let lease = Arc::new(Lease::new(Arc::new(Generations::new(16))));
        PushHandler { lease, probes: Arc::new(Probes::new("probe")), counters: Arc::default() }
    }

    fn told(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    fn keys(keys: &[&str]) -> PushInfo {
        let keys = keys.iter().map(|key| Value::BulkString((*key).into())).collect();
        told(vec![Value::Array(keys)])
    }

    fn hold(push_handler: &PushHandler, key: &str) -> impl Fn() -> bool {
        let now = Tick::now();
        push_handler.lease.renew(now);
        let stamp = Stamp::take(&push_handler.lease, key.as_bytes());
        move || stamp.holds(now, LEASE)
    }

    #[test]
    fn a_key_that_is_told_ends_what_was_read_under_it_and_no_other() {
        let push_handler = push_handler();
        let (a, b) = (hold(&push_handler, "a"), hold(&push_handler, "b"));
        push_handler.hear(&keys(&["a", "c"]));
        assert!(!a() && b());
        assert!(hold(&push_handler, "a")(), "what is read after it counts");
    }

    #[test]
    fn a_flush_and_whatever_is_not_understood_end_everything() {
        for push in [
            told(vec![Value::Nil]),
            told(vec![]),
            told(vec![Value::Int(1)]),
            told(vec![Value::Array(vec![Value::Int(1)])]),
        ] {
            let push_handler = push_handler();
            let a = hold(&push_handler, "a");
            push_handler.hear(&push);
            assert!(!a(), "{push:?}");
            assert!(hold(&push_handler, "a")(), "{push:?}: what is read after it counts");
        }
    }

    #[test]
    fn a_lost_connection_ends_everything_for_good() {
        let push_handler = push_handler();
        let a = hold(&push_handler, "a");
        push_handler.hear(&PushInfo { kind: PushKind::Disconnection, data: vec![] });
        assert!(!a());
        assert!(!hold(&push_handler, "a")(), "a beat that comes late revives nothing");
    }

    #[test]
    fn other_messages_change_nothing() {
        let push_handler = push_handler();
        let a = hold(&push_handler, "a");
        for kind in [PushKind::Message, PushKind::Other("x".to_owned())] {
            push_handler.hear(&PushInfo { kind, data: vec![Value::Nil] });
        }
        assert!(a());
    }
}
