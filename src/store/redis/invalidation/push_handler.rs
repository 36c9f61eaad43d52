//! Handles the push messages of an invalidation connection, in the task that reads the socket. So
//! nothing here may wait, allocate or take a lock.

use std::sync::Arc;

use redis::{PushInfo, PushKind, Value};

use super::probe::Probes;
use crate::coherence::{Figures, Lease, one_more};

/// Handles the push messages of one invalidation connection.
pub(super) struct Listener {
    pub(super) lease: Arc<Lease>,
    pub(super) probes: Arc<Probes>,
    pub(super) figures: Arc<Figures>,
}

impl Listener {
    pub(super) fn hear(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Invalidate => match push.data.as_slice() {
                [Value::Array(keys)] => keys.iter().for_each(|key| self.changed(key)),
                // Without keys it is `FLUSHALL` or `FLUSHDB`. A message of unknown form may mean
                // any change.
                _ => self.everything_changed(),
            },
            PushKind::Disconnection => {
                self.lease.end();
                self.probes.link_is_lost();
            }
            _ => {}
        }
    }

    /// Handles the invalidation of one key.
    fn changed(&self, key: &Value) {
        match key {
            Value::BulkString(key) if self.probes.told(key) => {}
            Value::BulkString(key) => {
                let generations = self.lease.generations();
                generations.bump(generations.slot(key));
                one_more(&self.figures.invalidations);
            }
            _ => self.everything_changed(),
        }
    }

    /// Invalidates all cache entries.
    fn everything_changed(&self) {
        self.lease.generations().flush();
        one_more(&self.figures.invalidations);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::coherence::{Generations, Stamp, Tick};

    const LEASE: Duration = Duration::from_millis(500);

    fn listener() -> Listener {
        let lease = Arc::new(Lease::new(Arc::new(Generations::new(16))));
        Listener { lease, probes: Arc::new(Probes::new("probe")), figures: Arc::default() }
    }

    fn told(data: Vec<Value>) -> PushInfo {
        PushInfo { kind: PushKind::Invalidate, data }
    }

    fn keys(keys: &[&str]) -> PushInfo {
        let keys = keys.iter().map(|key| Value::BulkString((*key).into())).collect();
        told(vec![Value::Array(keys)])
    }

    fn hold(listener: &Listener, key: &str) -> impl Fn() -> bool {
        let now = Tick::now();
        listener.lease.renew(now);
        let stamp = Stamp::take(&listener.lease, key.as_bytes());
        move || stamp.holds(now, LEASE)
    }

    #[test]
    fn a_key_that_is_told_ends_what_was_read_under_it_and_no_other() {
        let listener = listener();
        let (a, b) = (hold(&listener, "a"), hold(&listener, "b"));
        listener.hear(&keys(&["a", "c"]));
        assert!(!a() && b());
        assert!(hold(&listener, "a")(), "what is read after it counts");
    }

    #[test]
    fn a_flush_and_whatever_is_not_understood_end_everything() {
        for push in [
            told(vec![Value::Nil]),
            told(vec![]),
            told(vec![Value::Int(1)]),
            told(vec![Value::Array(vec![Value::Int(1)])]),
        ] {
            let listener = listener();
            let a = hold(&listener, "a");
            listener.hear(&push);
            assert!(!a(), "{push:?}");
            assert!(hold(&listener, "a")(), "{push:?}: what is read after it counts");
        }
    }

    #[test]
    fn a_lost_connection_ends_everything_for_good() {
        let listener = listener();
        let a = hold(&listener, "a");
        listener.hear(&PushInfo { kind: PushKind::Disconnection, data: vec![] });
        assert!(!a());
        assert!(!hold(&listener, "a")(), "a beat that comes late revives nothing");
    }

    #[test]
    fn other_messages_change_nothing() {
        let listener = listener();
        let a = hold(&listener, "a");
        for kind in [PushKind::Message, PushKind::Other("x".to_owned())] {
            listener.hear(&PushInfo { kind, data: vec![Value::Nil] });
        }
        assert!(a());
    }
}
