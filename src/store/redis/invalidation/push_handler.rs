//! Handles the push messages of an invalidation connection. This runs in the task that reads the
//! socket, so the code must not wait, allocate or take a lock.

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
                // A message without keys reports `FLUSHALL` or `FLUSHDB`. A message in an unknown
                // form may report any change.
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

    fn invalidation(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    fn invalidation_of(keys: &[&str]) -> PushInfo {
        let keys = keys.iter().map(|key| Value::BulkString((*key).into())).collect();
        invalidation(vec![Value::Array(keys)])
    }

    /// Reads a key. Returns a function that returns whether that read is still valid.
    fn read_key(push_handler: &PushHandler, key: &str) -> impl Fn() -> bool {
        let now = Tick::now();
        push_handler.lease.renew(now);
        let stamp = Stamp::take(&push_handler.lease, key.as_bytes());
        move || stamp.holds(now, LEASE)
    }

    #[test]
    fn invalidation_of_a_key_voids_only_reads_of_that_key() {
        let push_handler = push_handler();
        let (a, b) = (read_key(&push_handler, "a"), read_key(&push_handler, "b"));
        push_handler.hear(&invalidation_of(&["a", "c"]));
        assert!(!a() && b());
        assert!(read_key(&push_handler, "a")(), "a read after the invalidation is valid");
    }

    #[test]
    fn flush_or_unknown_invalidation_voids_all_reads() {
        for push in [
            invalidation(vec![Value::Nil]),
            invalidation(vec![]),
            invalidation(vec![Value::Int(1)]),
            invalidation(vec![Value::Array(vec![Value::Int(1)])]),
        ] {
            let push_handler = push_handler();
            let a = read_key(&push_handler, "a");
            push_handler.hear(&push);
            assert!(!a(), "{push:?}");
            assert!(
                read_key(&push_handler, "a")(),
                "{push:?}: a read after the invalidation is valid"
            );
        }
    }

    #[test]
    fn lost_connection_voids_all_reads_permanently() {
        let push_handler = push_handler();
        let a = read_key(&push_handler, "a");
        push_handler.hear(&PushInfo { kind: PushKind::Disconnection, data: vec![] });
        assert!(!a());
        assert!(!read_key(&push_handler, "a")(), "a late heartbeat does not restore validity");
    }

    #[test]
    fn other_push_messages_void_no_reads() {
        let push_handler = push_handler();
        let a = read_key(&push_handler, "a");
        for kind in [PushKind::Message, PushKind::Other("x".to_owned())] {
            push_handler.hear(&PushInfo { kind, data: vec![Value::Nil] });
        }
        assert!(a());
    }
}
