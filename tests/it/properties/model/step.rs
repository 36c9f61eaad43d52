//! One step consists of the call to the manager and the effect of the call on the model.

use tower_session_auth::{RevokeReason, Target};

use super::{Entry, Ground, Model, STEPS_IN_TIME, USERS, any_of, owner};
use crate::properties::steps::Step;

impl<G: Ground> Model<G> {
    pub(super) async fn step(&mut self, step: Step) {
        let (sessions, access, refresh) =
            (self.sessions.len(), self.access.len(), self.refresh.len());
        let number = |user: u8| user % USERS;
        match step {
            Step::Login { user, life } => self.login(number(user), life, None).await,
            Step::BeginLogin { user } => {
                let user = number(user);
                let login_fence = self.manager.begin_login(&owner(user)).await.unwrap();
                self.under_way.push((user, self.fence(user), login_fence));
            }
            Step::FinishLogin { life } if !self.under_way.is_empty() => {
                let (user, fence, login_fence) = self.under_way.remove(0);
                self.login(user, life, Some((fence, login_fence))).await;
            }
            Step::Authenticate { token } => {
                if let Some(at) = any_of(token, access) {
                    self.authenticate(at).await;
                }
            }
            Step::Touch { session } => {
                if let Some(at) = any_of(session, sessions) {
                    self.touch(at).await;
                }
            }
            Step::Refresh { token } => {
                if let Some(at) = any_of(token, refresh) {
                    self.refresh(at).await;
                }
            }
            Step::Logout { token } => {
                if let Some(at) = any_of(token, access) {
                    self.logout(at).await;
                }
            }
            Step::LogoutRefresh { token } => {
                if let Some(at) = any_of(token, refresh) {
                    self.logout_refresh(at).await;
                }
            }
            Step::Revoke { session, reason } => {
                if let Some(at) = any_of(session, sessions) {
                    let Entry { user, id, .. } = &self.sessions[at];
                    let ended = self.manager.revoke(user, id, reason).await.unwrap().was_live();
                    assert_eq!(ended, self.end(at, reason));
                }
            }
            Step::RevokeAll { user } => {
                let reason = RevokeReason::LogoutAll;
                let ended =
                    self.manager.revoke(&owner(user), Target::All, reason).await.unwrap().sessions;
                self.all_ended(number(user), None, reason, ended);
            }
            Step::RevokeAllExcept { session } => {
                if let Some(at) = any_of(session, sessions) {
                    self.end_others(at, RevokeReason::LogoutAll).await;
                }
            }
            Step::PasswordChanged { session, keep } => match any_of(session, sessions) {
                Some(at) if keep => self.end_others(at, RevokeReason::PasswordChange).await,
                Some(at) => {
                    let user = self.sessions[at].user.clone();
                    let ended = self
                        .manager
                        .revoke(&user, Target::All, RevokeReason::PasswordChange)
                        .await
                        .unwrap()
                        .sessions;
                    self.all_ended(self.number(at), None, RevokeReason::PasswordChange, ended);
                }
                None => {}
            },
            Step::Suspend { user } => {
                let ended = self.manager.suspend(&owner(user)).await.unwrap();
                self.all_ended(number(user), None, RevokeReason::Suspended, ended);
            }
            Step::Update { session, role } => {
                if let Some(at) = any_of(session, sessions) {
                    self.update(at, role).await;
                }
            }
            Step::UpdateAll { user, role } => self.update_all(number(user), role).await,
            Step::List { user } => self.list(number(user)).await,
            Step::Pages { limit } => self.pages(usize::from(limit % 4) + 1).await,
            Step::Statistics => {
                let total = self.manager.statistics(|_| {}).await.unwrap().total;
                assert_eq!(total, self.living(None).len() as u64);
            }
            Step::Cleanup => drop(self.manager.cleanup(|_| {}).await.unwrap()),
            Step::SwapKeys { keep_old } => self.swap_keys(keep_old),
            Step::Pass { choice } => {
                let choice = usize::from(choice) % STEPS_IN_TIME.len();
                self.pass(STEPS_IN_TIME[choice]).await;
            }
            Step::PassToDeadline { session, after } => {
                if let Some(at) = any_of(session, sessions) {
                    self.pass_to_deadline(at, after).await;
                }
            }
            Step::LoseAll => {
                if self.ground.lose_all().await {
                    self.restart();
                }
                self.sessions.iter_mut().for_each(|entry| entry.is_lost = true);
                self.fences = [None; USERS as usize];
                self.under_way.clear();
                self.saved = None;
            }
            Step::LoseSession { session } => {
                if let Some(at) = any_of(session, sessions) {
                    let Entry { user, id, .. } = &self.sessions[at];
                    if self.sessions[at].lives(self.now) && self.ground.lose_session(user, id).await
                    {
                        self.sessions[at].is_lost = true;
                        self.saved = None;
                    }
                }
            }
            Step::Save { session } => match any_of(session, sessions) {
                Some(at) if self.sessions[at].lives(self.now) => {
                    let Entry { user, id, content, .. } = &self.sessions[at];
                    let record = self.ground.save(user, id).await;
                    self.saved = record.map(|record| (at, content.clone(), record));
                }
                _ => {}
            },
            Step::RollBack => {
                if let Some((at, content, record)) = self.saved.take()
                    && self.sessions[at].lives(self.now)
                {
                    let Entry { user, id, .. } = &self.sessions[at];
                    self.ground.put_back(user, id, &record).await;
                    self.sessions[at].content = content;
                }
            }
            Step::FinishLogin { .. } => {}
        }
    }
}
