//! The directory roles that this process has applied to stored sessions.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::directory::Role;
use crate::id::{SessionId, UserId};

/// Number of sessions for which a process remembers the directory role that it has applied.
const REMEMBERED: usize = 65_536;

/// The directory roles that this process has applied to stored sessions.
pub(crate) struct AppliedRoles {
    /// For each session, the directory's role that this process last compared with the stored role.
    /// While the directory names the same role, this process does not write that role again, even
    /// if another process has written another role to the session.
    by_session: Cache<(UserId, SessionId), Role>,
    /// The time of the latest decision to change a user's sessions, on the clock's monotonic time.
    by_user: Cache<UserId, Duration>,
    /// Held while the decision about a user's sessions is made.
    deciding: Mutex<()>,
}

impl Default for AppliedRoles {
    fn default() -> Self {
        let (by_session, by_user) = (Cache::new(REMEMBERED), Cache::new(REMEMBERED));
        Self { by_session, by_user, deciding: Mutex::default() }
    }
}

impl AppliedRoles {
    /// Returns whether the caller must now change the stored sessions of a user to the directory's
    /// role. `differs` states whether the stored role of this session differs from the directory's
    /// role. For one user, the result is `true` at most once within `interval`.
    pub(crate) fn is_due(
        &self,
        session: (&UserId, &SessionId),
        role: &Role,
        differs: bool,
        now: Duration,
        interval: Duration,
    ) -> bool {
        let (user, id) = session;
        let key = (user.clone(), id.clone());
        if self.by_session.get(&key).is_some_and(|applied| applied == *role) {
            return false;
        }
        if differs {
            let _one_at_a_time = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
            if self.by_user.get(user).is_some_and(|last| now.saturating_sub(last) < interval) {
                return false;
            }
            self.by_user.insert(user.clone(), now);
        }
        self.by_session.insert(key, role.clone());
        differs
    }

    /// Records that the change failed, so that a later request tries it again after the interval.
    pub(crate) fn failed(&self, user: &UserId, id: &SessionId) {
        self.by_session.remove(&(user.clone(), id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    fn role(name: &str) -> Role {
        Role::Is(name.to_owned())
    }

    struct Process {
        applied: AppliedRoles,
        user: UserId,
        ids: [SessionId; 2],
    }

    impl Process {
        fn new() -> Self {
            let ids = ["s1", "s2"].map(|id| SessionId::parse(id).unwrap());
            Self { applied: AppliedRoles::default(), user: UserId::parse("jeju").unwrap(), ids }
        }

        /// Reads a session whose stored role is `stored`, while the directory names the role
        /// `says`. Returns whether the user's stored sessions must be changed.
        fn is_due(&self, session: usize, stored: &str, says: &Role, second: u64) -> bool {
            let differs = role(stored) != *says;
            let session = (&self.user, &self.ids[session]);
            self.applied.is_due(session, says, differs, Duration::from_secs(second), INTERVAL)
        }
    }

    #[test]
    fn stored_roles_change_once_per_new_directory_answer_and_once_per_interval() {
        let process = Process::new();
        assert!(!process.is_due(0, "admin", &role("admin"), 0), "the roles are equal");
        assert!(process.is_due(0, "admin", &role("user"), 1));
        assert!(!process.is_due(0, "admin", &role("user"), 2), "the change is in progress");
        assert!(!process.is_due(1, "admin", &role("user"), 3), "the change covers all sessions");
        assert!(!process.is_due(1, "user", &role("user"), 4));
        assert!(!process.is_due(0, "user", &role("guest"), 5), "one change per interval");
        assert!(process.is_due(0, "user", &role("guest"), 31));
    }

    #[test]
    fn processes_with_different_directory_answers_do_not_keep_changing_the_role() {
        let (one, other) = (Process::new(), Process::new());
        assert!(!one.is_due(0, "admin", &role("admin"), 0));
        assert!(other.is_due(0, "admin", &role("user"), 0), "first read of the session");
        for second in [1, 100, 1_000] {
            assert!(!one.is_due(0, "user", &role("admin"), second), "its answer is the same");
            assert!(!other.is_due(0, "user", &role("user"), second));
        }
    }

    #[test]
    fn failed_change_of_stored_roles_is_retried_after_the_interval() {
        let process = Process::new();
        assert!(process.is_due(0, "admin", &role("user"), 0));
        process.applied.failed(&process.user, &process.ids[0]);
        assert!(!process.is_due(0, "admin", &role("user"), 29));
        assert!(process.is_due(0, "admin", &role("user"), 30));
    }
}
