//! A simple model of the manager and its store: plain lists and one number for the time. Each operation is done on both,
//! and both must answer alike.

use std::collections::BTreeSet;
use std::time::Duration;

use tower_session_auth::session::{LoginGuard, SessionEdit};
use tower_session_auth::testing::ManualClock;
use tower_session_auth::{
    AuthError, AuthErrorKind, EndReason, KeySet, Login, NewSession, Session, SessionError,
    SessionId, SessionManager, SessionManagerBuilder, SigningKey, UserId,
};

use crate::steps::Step;
use crate::support::{AUDIENCE, ISSUER, SECRET, START, user};

/// Milliseconds since the model began.
type Time = i64;

const SECOND: Time = 1_000;
const MINUTE: Time = 60 * SECOND;
const HOUR: Time = 60 * MINUTE;
const DAY: Time = 24 * HOUR;

const USERS: u8 = 3;
/// How many living sessions a user may have.
const LIMIT: usize = 3;
/// The grace window, and the life of an access token.
const GRACE: Time = 30 * SECOND;
const ACCESS: Time = 15 * MINUTE + 30 * SECOND;
/// Idle TTL and lifetime of a login. No sum of steps of whole minutes ends near one of them.
const LIVES: [(Time, Time); 4] = [
    (90 * SECOND, 20 * MINUTE + 30 * SECOND),
    (10 * MINUTE + 30 * SECOND, 40 * MINUTE + 30 * SECOND),
    (HOUR + 30 * SECOND, 3 * HOUR + 30 * SECOND),
    (30 * HOUR + 30 * SECOND, 40 * HOUR + 30 * SECOND),
];
const STEPS_IN_TIME: [Time; 6] = [MINUTE, 2 * MINUTE, 5 * MINUTE, 31 * MINUTE, HOUR, 25 * HOUR];

/// Where a sequence of operations is done.
pub(crate) trait Ground {
    /// Whether its clock moves only with [`pass`](Self::pass).
    const IS_EXACT: bool;
    /// Whether time that passes also passes for login fences.
    const FENCES_AGE: bool;

    /// A manager with these settings over the store.
    fn manager(&self, settings: SessionManagerBuilder) -> SessionManager;

    /// Lets time pass for all that the store has. `true` if the manager has to be made anew: it knows times that were
    /// not moved.
    async fn pass(&self, time: Duration) -> bool;

    /// Makes sure that the next operation is later than the last one, on a clock that moves by itself.
    async fn tick(&self);

    /// Loses everything. `true` if the manager has to be made anew.
    async fn lose_all(&mut self) -> bool;

    /// Loses a session, or does nothing and returns `false`.
    async fn lose_session(&self, _user: &UserId, _id: &SessionId) -> bool {
        false
    }

    /// The record of a session, where it can be read.
    async fn save(&self, _user: &UserId, _id: &SessionId) -> Option<String> {
        None
    }

    async fn put_back(&self, _user: &UserId, _id: &SessionId, _record: &str) {}
}

/// A session of the model.
#[derive(Clone)]
struct Entry {
    user: UserId,
    id: SessionId,
    idle_ttl: Time,
    created: Time,
    last_activity: Time,
    idle_deadline: Time,
    absolute_deadline: Time,
    content: Content,
    /// Why it was ended, and until when the store knows.
    end: Option<(EndReason, Time)>,
    is_lost: bool,
}

/// What a failover can lose the latest state of.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Content {
    revision: u64,
    role: Option<String>,
    rotation: u64,
    rotated: Time,
}

struct AccessToken {
    session: usize,
    rotation: u64,
    key: usize,
    expires: Time,
    text: String,
}

struct RefreshToken {
    session: usize,
    counter: u64,
    text: String,
}

/// The login fence of a user: its number, and until when it counts.
type Fence = Option<(u64, Time)>;

struct Model<G> {
    ground: G,
    clock: ManualClock,
    manager: SessionManager,
    now: Time,
    sessions: Vec<Entry>,
    access: Vec<AccessToken>,
    refresh: Vec<RefreshToken>,
    fences: [Fence; USERS as usize],
    fence_number: u64,
    under_way: Vec<(u8, Fence, LoginGuard)>,
    /// The number of the signing key, and of those whose tokens are good.
    key: usize,
    good_keys: BTreeSet<usize>,
    saved: Option<(usize, Content, String)>,
}

fn signing_key(number: usize) -> SigningKey {
    let secret = format!("{}-{number}", String::from_utf8_lossy(SECRET));
    SigningKey::hs256(&format!("k{number}"), secret.as_bytes()).unwrap()
}

/// Signs with this key, and takes the tokens of all of these.
fn keys(key: usize, good_keys: &BTreeSet<usize>) -> KeySet {
    let others = good_keys.iter().filter(|other| **other != key);
    others.fold(KeySet::new(signing_key(key)), |keys, other| {
        keys.also_verify(signing_key(*other).verifying_key())
    })
}

fn settings(keys: KeySet, clock: &ManualClock) -> SessionManagerBuilder {
    SessionManager::builder()
        .keys(keys)
        .refresh_keys(KeySet::new(SigningKey::hs256("r", SECRET).unwrap()))
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .clock(clock.clone())
        .leeway(Duration::ZERO)
        .session_limit(LIMIT.try_into().unwrap())
        .access_token_ttl(duration(ACCESS))
        .refresh_grace(duration(GRACE))
        .store_timeout(Duration::from_secs(10))
        .without_near_cache()
}

fn duration(time: Time) -> Duration {
    Duration::from_millis(u64::try_from(time).unwrap())
}

/// Does all of these steps on a ground and on the model.
pub(crate) async fn run<G: Ground>(ground: G, clock: ManualClock, steps: Vec<Step>) {
    let good_keys = BTreeSet::from([0]);
    let manager = ground.manager(settings(keys(0, &good_keys), &clock));
    let mut model = Model {
        ground,
        clock,
        manager,
        now: 0,
        sessions: Vec::new(),
        access: Vec::new(),
        refresh: Vec::new(),
        fences: [None; USERS as usize],
        fence_number: 0,
        under_way: Vec::new(),
        key: 0,
        good_keys,
        saved: None,
    };
    for step in steps {
        model.step(step).await;
        // The next operation is later than this one.
        model.ground.tick().await;
        if G::IS_EXACT {
            model.pass(1).await;
        } else {
            model.now += 1;
        }
    }
    model.check_all().await;
}

fn owner(number: u8) -> UserId {
    user(["jeju", "a:b}{c", "ä *"][usize::from(number % USERS)])
}

/// Any of so many, or `None` if there are none.
fn any_of(number: u8, count: usize) -> Option<usize> {
    (count > 0).then(|| usize::from(number) % count)
}

impl Entry {
    fn lives(&self, now: Time) -> bool {
        !self.is_lost && self.end.is_none() && now < self.idle_deadline
    }

    fn extend(&mut self, now: Time) {
        self.last_activity = now;
        let deadline = (now + self.idle_ttl).min(self.absolute_deadline);
        self.idle_deadline = self.idle_deadline.max(deadline);
    }
}

impl<G: Ground> Model<G> {
    async fn step(&mut self, step: Step) {
        let (sessions, access, refresh) =
            (self.sessions.len(), self.access.len(), self.refresh.len());
        let number = |user: u8| user % USERS;
        match step {
            Step::Login { user, life } => self.login(number(user), life, None).await,
            Step::BeginLogin { user } => {
                let user = number(user);
                let guard = self.manager.begin_login(&owner(user)).await.unwrap();
                self.under_way.push((user, self.fence(user), guard));
            }
            Step::FinishLogin { life } if !self.under_way.is_empty() => {
                let (user, fence, guard) = self.under_way.remove(0);
                self.login(user, life, Some((fence, guard))).await;
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
            Step::Delete { session, reason } => {
                if let Some(at) = any_of(session, sessions) {
                    let Entry { user, id, .. } = &self.sessions[at];
                    let ended = self.manager.delete(user, id, reason).await.unwrap();
                    assert_eq!(ended, self.end(at, reason));
                }
            }
            Step::DeleteAll { user } => {
                let reason = EndReason::LogoutAll;
                let ended = self.manager.delete_all(&owner(user), reason).await.unwrap();
                self.all_ended(number(user), None, reason, ended);
            }
            Step::DeleteAllBut { session } => {
                if let Some(at) = any_of(session, sessions) {
                    self.end_others(at, EndReason::LogoutAll).await;
                }
            }
            Step::PasswordChanged { session, keep } => match any_of(session, sessions) {
                Some(at) if keep => self.end_others(at, EndReason::PasswordChange).await,
                Some(at) => {
                    let user = self.sessions[at].user.clone();
                    let ended = self.manager.password_changed(&user, None).await.unwrap();
                    self.all_ended(self.number(at), None, EndReason::PasswordChange, ended);
                }
                None => {}
            },
            Step::Suspend { user } => {
                let ended = self.manager.suspend(&owner(user)).await.unwrap();
                self.all_ended(number(user), None, EndReason::Suspended, ended);
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

    fn number(&self, session: usize) -> u8 {
        (0..USERS).find(|number| owner(*number) == self.sessions[session].user).unwrap()
    }

    /// The fence that counts now.
    fn fence(&self, user: u8) -> Fence {
        self.as_it_counts(self.fences[usize::from(user)])
    }

    /// A fence that has served its time is as good as none.
    fn as_it_counts(&self, fence: Fence) -> Fence {
        fence.filter(|(_, until)| !G::FENCES_AGE || *until > self.now)
    }

    fn renew_fence(&mut self, user: u8) {
        self.fence_number += 1;
        self.fences[usize::from(user)] = Some((self.fence_number, self.now + DAY));
    }

    /// The living sessions of a user, or of all.
    fn living(&self, user: Option<u8>) -> Vec<usize> {
        let is_one = |entry: &Entry| user.is_none_or(|user| entry.user == owner(user));
        let all = self.sessions.iter().enumerate();
        all.filter(|(_, entry)| is_one(entry) && entry.lives(self.now)).map(|(at, _)| at).collect()
    }

    fn ids(&self, sessions: &[usize]) -> BTreeSet<SessionId> {
        sessions.iter().map(|at| self.sessions[*at].id.clone()).collect()
    }

    /// Ends a session of the model; whether it lived.
    fn end(&mut self, at: usize, reason: EndReason) -> bool {
        let lived = self.sessions[at].lives(self.now);
        if lived {
            let until = (self.now + DAY).min(self.sessions[at].absolute_deadline);
            self.sessions[at].end = Some((reason, until));
        }
        lived
    }

    fn all_ended(
        &mut self,
        user: u8,
        keep: Option<usize>,
        reason: EndReason,
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

    async fn end_others(&mut self, at: usize, reason: EndReason) {
        let Entry { user, id, .. } = self.sessions[at].clone();
        let ended = match reason {
            EndReason::PasswordChange => self.manager.password_changed(&user, Some(&id)).await,
            reason => self.manager.delete_all_but(&user, &id, reason).await,
        };
        self.all_ended(self.number(at), Some(at), reason, ended.unwrap());
    }

    async fn login(&mut self, number: u8, life: u8, fence: Option<(Fence, LoginGuard)>) {
        let (idle_ttl, lifetime) = LIVES[usize::from(life) % LIVES.len()];
        let mut new = NewSession::new(owner(number))
            .idle_ttl(duration(idle_ttl))
            .lifetime(duration(lifetime));
        let mut is_superseded = false;
        if let Some((fence, guard)) = fence {
            new = new.guard(guard);
            is_superseded = self.as_it_counts(fence) != self.fence(number);
        }
        let made = self.manager.create(new).await;
        if is_superseded {
            assert!(matches!(made, Err(SessionError::LoginSuperseded)), "{made:?}");
            return;
        }
        let login = made.unwrap();
        let mut living = self.living(Some(number));
        // Those that were used least recently make room.
        living.sort_by_key(|at| (self.sessions[*at].last_activity, self.sessions[*at].created));
        for at in living.iter().take((living.len() + 1).saturating_sub(LIMIT)) {
            self.end(*at, EndReason::Evicted);
        }
        let now = self.now;
        self.sessions.push(Entry {
            user: owner(number),
            id: login.session.id().clone(),
            idle_ttl,
            created: now,
            last_activity: now,
            idle_deadline: (now + idle_ttl).min(now + lifetime),
            absolute_deadline: now + lifetime,
            content: Content { revision: 1, role: None, rotation: 0, rotated: now },
            end: None,
            is_lost: false,
        });
        let at = self.sessions.len() - 1;
        self.shown(at, 0, &login);
        self.is_alike(at, &login.session);
    }

    /// Keeps the tokens of a login or of an exchange.
    fn shown(&mut self, session: usize, counter: u64, login: &Login) {
        let lifetime = i64::try_from(login.expires_in.as_millis()).unwrap();
        self.access.push(AccessToken {
            session,
            rotation: counter,
            key: self.key,
            expires: self.now + lifetime,
            text: login.access_token.clone(),
        });
        let text = login.refresh_token.as_ref().unwrap().as_str().to_owned();
        self.refresh.push(RefreshToken { session, counter, text });
    }

    /// What the manager says of a session is what the model says.
    fn is_alike(&self, at: usize, session: &Session) {
        let entry = &self.sessions[at];
        assert_eq!((session.user_id(), session.id()), (&entry.user, &entry.id));
        assert_eq!(session.role(), entry.content.role.as_deref());
        assert_eq!(session.revision(), entry.content.revision);
    }

    /// The same, and how long it is until its idle deadline.
    fn is_as_long(&self, at: usize, session: &Session) {
        self.is_alike(at, session);
        let left = self.sessions[at].idle_deadline - self.now;
        let told = i64::try_from(session.ttl().as_millis()).unwrap();
        let tolerance = if G::IS_EXACT { 0 } else { 29 * SECOND };
        assert!((told - left).abs() <= tolerance, "{told} ms left, not {left}");
    }

    /// A refusal says why the session does not live.
    fn is_over(&self, at: usize, error: &AuthError) {
        let slack = if G::IS_EXACT { 0 } else { 30 * SECOND };
        let expired = (AuthErrorKind::SessionExpired, None);
        let told = (error.kind(), error.reason());
        match self.sessions[at].end {
            Some((reason, until)) if !self.sessions[at].is_lost => {
                let revoked = (AuthErrorKind::SessionRevoked, Some(reason));
                let is_known = self.now < until - slack;
                let is_forgotten = self.now >= until + slack;
                assert!(
                    told == revoked && !is_forgotten || told == expired && !is_known,
                    "{told:?}, not {reason:?}, {} ms before it is forgotten",
                    until - self.now
                );
            }
            _ => assert_eq!(told, expired),
        }
    }

    async fn authenticate(&self, at: usize) {
        let token = &self.access[at];
        let answer = self.manager.authenticate(&token.text).await;
        if !self.good_keys.contains(&token.key) {
            assert_eq!(answer.unwrap_err().kind(), AuthErrorKind::InvalidToken);
            return;
        }
        // `exp` is a whole second.
        let left = token.expires - self.now;
        if let Err(error) = &answer
            && error.kind() == AuthErrorKind::TokenExpired
        {
            assert!(left <= SECOND, "{left} ms before its end");
            return;
        }
        assert!(left >= -SECOND, "{} ms after its end: {answer:?}", -left);
        let entry = &self.sessions[token.session];
        match answer {
            Ok(session) => {
                assert!(entry.lives(self.now), "{:?} {}", entry.end, entry.is_lost);
                assert!(token.rotation <= entry.content.rotation, "the session lost this exchange");
                self.is_alike(token.session, &session);
            }
            Err(error) if error.kind() == AuthErrorKind::InvalidToken => {
                assert!(entry.lives(self.now) && token.rotation > entry.content.rotation);
            }
            Err(error) => {
                assert!(!entry.lives(self.now), "{error:?}");
                self.is_over(token.session, &error);
            }
        }
    }

    async fn touch(&mut self, at: usize) {
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

    async fn refresh(&mut self, at: usize) {
        let RefreshToken { session, counter, text } = &self.refresh[at];
        let (at, counter, text) = (*session, *counter, text.clone());
        let answer = self.manager.refresh(&text).await;
        let now = self.now;
        if !self.sessions[at].lives(now) {
            return self.is_over(at, &answer.unwrap_err());
        }
        let content = &mut self.sessions[at].content;
        if counter > content.rotation {
            assert_eq!(answer.unwrap_err().kind(), AuthErrorKind::InvalidToken);
        } else if counter == content.rotation {
            content.rotation += 1;
            content.rotated = now;
            content.revision += 1;
            self.sessions[at].extend(now);
            let login = answer.unwrap();
            self.is_as_long(at, &login.session);
            self.shown(at, counter + 1, &login);
        } else if counter + 1 == content.rotation && now - content.rotated <= GRACE {
            let login = answer.unwrap();
            self.is_as_long(at, &login.session);
            let successor = login.refresh_token.as_ref().unwrap().as_str();
            let mut all = self.refresh.iter();
            let known = all.find(|other| other.session == at && other.counter == counter + 1);
            assert_eq!(known.map(|token| &*token.text), Some(successor), "the same successor");
            self.shown(at, counter + 1, &login);
        } else {
            let refused = answer.unwrap_err();
            let reused = (AuthErrorKind::SessionRevoked, Some(EndReason::RefreshReuse));
            assert_eq!((refused.kind(), refused.reason()), reused);
            assert!(self.end(at, EndReason::RefreshReuse));
        }
    }

    async fn logout(&mut self, at: usize) {
        let AccessToken { session, key, text, .. } = &self.access[at];
        let (session, is_good) = (*session, self.good_keys.contains(key));
        match self.manager.logout(text).await {
            Ok(ended) => {
                assert!(is_good, "a key that was removed logs nobody out");
                assert_eq!(ended, self.end(session, EndReason::Logout));
            }
            Err(error) => {
                assert_eq!((error.kind(), is_good), (AuthErrorKind::InvalidToken, false));
            }
        }
    }

    async fn logout_refresh(&mut self, at: usize) {
        let RefreshToken { session, text, .. } = &self.refresh[at];
        let session = *session;
        let ended = self.manager.logout_refresh(text).await.unwrap();
        assert_eq!(ended, self.end(session, EndReason::Logout));
    }

    async fn update(&mut self, at: usize, role: u8) {
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

    async fn update_all(&mut self, user: u8, role: u8) {
        let role = Some(format!("r{}", role % 4));
        let change = |_: &SessionId, edit: &mut SessionEdit<()>| {
            edit.role.clone_from(&role);
        };
        let count = self.manager.update_all(&owner(user), change).await.unwrap();
        let mut changed = 0;
        for at in self.living(Some(user)) {
            let content = &mut self.sessions[at].content;
            // All are written, also those that are as they were.
            if content.change(&role) {
                changed += 1;
            } else {
                content.revision += 1;
            }
        }
        assert_eq!(count, changed);
        self.renew_fence(user);
    }

    async fn list(&self, user: u8) {
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

    /// Each living session is on one page.
    async fn pages(&self, limit: usize) {
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

    fn swap_keys(&mut self, keep_old: bool) {
        let old = self.key;
        self.key += 1;
        self.good_keys = BTreeSet::from([self.key]);
        if keep_old {
            self.good_keys.insert(old);
        }
        self.manager.replace_keys(keys(self.key, &self.good_keys)).unwrap();
    }

    /// Another process over the same store goes on.
    fn restart(&mut self) {
        let keys = keys(self.key, &self.good_keys);
        self.manager = self.ground.manager(settings(keys, &self.clock));
    }

    async fn pass(&mut self, time: Time) {
        if self.ground.pass(duration(time)).await {
            self.restart();
        }
        self.clock.advance(duration(time));
        self.now += time;
        if time > 1 {
            // A record that was kept aside would have to pass time too.
            self.saved = None;
        }
    }

    async fn pass_to_deadline(&mut self, at: usize, after: bool) {
        let left = self.sessions[at].idle_deadline - self.now;
        let time = match (G::IS_EXACT, after) {
            (true, true) => left,
            (true, false) => left - 1,
            // Whole minutes, so that the clock stays away from all other deadlines.
            (false, true) => (left + 30 * SECOND).div_euclid(MINUTE) * MINUTE,
            (false, false) => (left - 30 * SECOND).div_euclid(MINUTE) * MINUTE,
        };
        if time > 0 {
            self.pass(time).await;
        }
    }

    /// All that was ever given out gets the answer that it should.
    async fn check_all(&mut self) {
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

impl Content {
    /// Changes the role; whether it is another one now.
    fn change(&mut self, role: &Option<String>) -> bool {
        let is_new = self.role != *role;
        if is_new {
            self.role.clone_from(role);
            self.revision += 1;
        }
        is_new
    }
}

/// A clock for the manager, away from any full second.
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(START.saturating_add(Duration::from_millis(250)))
}
