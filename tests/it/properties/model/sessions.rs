//! Operations on sessions: revocations, touches, updates and lists.

use std::collections::BTreeSet;

use tower_session_auth::error::SessionError;
use tower_session_auth::session::SessionEdit;
use tower_session_auth::{RevokeReason, SessionId, Target};

use super::{Entry, Ground, Model, USERS, owner};

impl<G: Ground> Model<G> {
    pub(super) fn all_ended(
        &mut self,
        user: u8,
        keep: Option<usize>,
        reason: RevokeReason,
        ended: Vec<SessionId>,
    ) {
        let mut living = self.living(Some(user));
        living.retain(|at| Some(*at) != keep);
        assert_eq!(ended.into_iter().collect::<BTreeSet<_>>(), self.ids(&living), "{reason:?}");
        for at in living {
            self.end(at, reason);
        }
        self.renew_fence(user);
    }

    pub(super) async fn end_others(&mut self, at: usize, reason: RevokeReason) {
        let Entry { user, id, .. } = self.sessions[at].clone();
        let ended = self.manager.revoke(&user, Target::AllExcept(id.clone()), reason).await;
        self.all_ended(self.number(at), Some(at), reason, ended.unwrap().sessions);
    }

    pub(super) async fn touch(&mut self, at: usize) {
        let Entry { user, id, .. } = &self.sessions[at];
        let touched = self.manager.touch(user, id).await;
        if self.sessions[at].lives(self.now) {
            touched.unwrap();
            let now = self.now;
            self.sessions[at].extend(now);
        } else {
            assert!(matches!(touched, Err(SessionError::Gone)), "{touched:?}");
        }
    }

    pub(super) async fn update(&mut self, at: usize, role: u8) {
        let role = Some(format!("r{}", role % 4));
        let Entry { user, id, .. } = &self.sessions[at];
        let updated = self.manager.update(user, id, |edit| edit.role.clone_from(&role)).await;
        if !self.sessions[at].lives(self.now) {
            assert!(matches!(updated, Err(SessionError::Gone)), "{updated:?}");
            return;
        }
        self.sessions[at].content.change(&role);
        self.is_as_long(at, &updated.unwrap());
    }

    pub(super) async fn update_all(&mut self, user: u8, role: u8) {
        let role = Some(format!("r{}", role % 4));
        let change = |_: &SessionId, edit: &mut SessionEdit<()>| {
            edit.role.clone_from(&role);
        };
        let count = self.manager.update_all(&owner(user), change).await.unwrap();
        let mut changed = 0;
        for at in self.living(Some(user)) {
            let content = &mut self.sessions[at].content;
            // `update_all` writes all sessions, including those that it does not change.
            if content.change(&role) {
                changed += 1;
            } else {
                content.revision += 1;
            }
        }
        assert_eq!(count, changed);
        self.renew_fence(user);
    }

    pub(super) async fn list(&self, user: u8) {
        let listed = self.manager.sessions(&owner(user)).await.unwrap();
        let mut living = self.living(Some(user));
        living.sort_by_key(|at| {
            let Entry { last_activity, created, .. } = self.sessions[*at];
            (-last_activity, -created)
        });
        assert_eq!(listed.len(), living.len());
        for (session, at) in listed.iter().zip(living) {
            self.is_as_long(at, session);
        }
    }

    /// Checks that each live session appears on exactly one page.
    pub(super) async fn pages(&self, limit: usize) {
        let (mut seen, mut from) = (BTreeSet::new(), None);
        loop {
            let page = self.manager.all_sessions(from.as_ref(), limit).await.unwrap();
            assert!(page.sessions.len() <= limit);
            for session in page.sessions {
                assert!(seen.insert(session.id().clone()), "a session is on one page");
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(seen, self.ids(&self.living(None)));
    }

    /// Checks the answer of the manager for every access token and every session so far.
    pub(super) async fn check_all(&mut self) {
        for at in 0..self.access.len() {
            self.authenticate(at).await;
        }
        for user in 0..USERS {
            self.list(user).await;
        }
        for at in 0..self.sessions.len() {
            let Entry { user, id, .. } = &self.sessions[at];
            let lives = self.sessions[at].lives(self.now);
            assert_eq!(self.manager.exists(user, id).await.unwrap(), lives);
            assert_eq!(self.manager.get(user, id).await.unwrap().is_some(), lives);
        }
        self.pages(2).await;
    }
}
