//! Queues of logins by one name, and of logins from one address.
//!
//! The limits count a login as failed until its outcome is known. A user who knows the password may
//! start many logins at the same time. Without a queue, these logins could reach the limit
//! together, and the limit would refuse some of them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::AttemptKey;

/// The queues by key. Each key with a login in progress has a queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues(Arc<Mutex<HashMap<AttemptKey, Arc<Semaphore>>>>);

/// A login's place in a queue. While `permit` is `Some`, the login has a turn. If a waiting login
/// drops this value, it leaves the queue. If a login with a turn drops this value, the next login
/// gets the turn.
#[derive(Debug)]
pub(super) struct Turn {
    queues: Queues,
    key: AttemptKey,
    /// `None` only while the turn is being dropped.
    queue: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Queues {
    /// Waits until fewer than `at_once` other logins with this key have a turn. First come, first
    /// served.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(super) async fn turn(&self, key: AttemptKey, at_once: NonZeroU32) -> Turn {
        let queue = {
            let at_once = usize::try_from(at_once.get()).unwrap_or(Semaphore::MAX_PERMITS);
            let mut queues = self.lock();
            let queue =
                queues.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(at_once)));
            Arc::clone(queue)
        };
        let permit = Arc::clone(&queue).acquire_owned();
        let mut turn = Turn { queues: self.clone(), key, queue: Some(queue), permit: None };
        // The semaphore is never closed, so this is always a permit.
        turn.permit = permit.await.ok();
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptKey, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        // This function keeps the lock until it returns. If two turns of one queue end at the same
        // time, the second turn therefore sees that the first turn has dropped its reference. So
        // the second turn removes the queue.
        self.permit = None;
        let Some(queue) = self.queue.take() else { return };
        // If only two references are left (in the map and here), no other login uses the queue.
        if Arc::strong_count(&queue) == 2 {
            queues.remove(&self.key);
        }
        drop(queue);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use tokio_test::task::spawn;
    use tokio_test::{assert_pending, assert_ready};

    use super::*;

    fn key(name: &str) -> AttemptKey {
        AttemptKey::parse(name).unwrap()
    }

    #[test]
    fn logins_with_one_key_wait_in_turn_and_the_last_removes_the_queue() {
        let queues = Queues::default();
        let one = NonZeroU32::MIN;
        let first = assert_ready!(spawn(queues.turn(key("a"), one)).poll());
        let mut second = spawn(queues.turn(key("a"), one));
        let mut third = spawn(queues.turn(key("a"), one));
        assert_pending!(second.poll());
        assert_pending!(third.poll());
        let other = assert_ready!(spawn(queues.turn(key("b"), one)).poll());
        drop(other);
        assert_eq!(queues.lock().len(), 1);
        // A login that is dropped while it waits leaves its place to the next one.
        drop(second);
        drop(first);
        let third = assert_ready!(third.poll());
        let mut fourth = spawn(queues.turn(key("a"), one));
        assert_pending!(fourth.poll());
        drop((third, fourth));
        assert!(queues.lock().is_empty());
    }

    #[test]
    fn queue_admits_the_given_number_of_logins_at_once() {
        let queues = Queues::default();
        let two = NonZeroU32::new(2).unwrap();
        let first = assert_ready!(spawn(queues.turn(key("a"), two)).poll());
        let second = assert_ready!(spawn(queues.turn(key("a"), two)).poll());
        let mut third = spawn(queues.turn(key("a"), two));
        assert_pending!(third.poll());
        drop(first);
        let third = assert_ready!(third.poll());
        drop((second, third));
        assert!(queues.lock().is_empty());
    }

    #[test]
    fn queue_is_removed_when_two_logins_end_at_once() {
        const ROUNDS: usize = 2_000;
        let (queues, barrier) = (Queues::default(), Barrier::new(2));
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    let two = NonZeroU32::new(2).unwrap();
                    for _ in 0..ROUNDS {
                        let turn = assert_ready!(spawn(queues.turn(key("a"), two)).poll());
                        barrier.wait();
                        drop(turn);
                        barrier.wait();
                        let left = queues.lock().len();
                        barrier.wait();
                        assert_eq!(left, 0);
                    }
                });
            }
        });
    }
}
