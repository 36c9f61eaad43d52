//! One of several concurrent participants. It changes the sessions of some users, and sends
//! requests with the tokens of all users.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use tower_session_auth::{Login, RevokeReason, Target, UserId};

use crate::board::{Board, Line, Opened};
use crate::instance::{Answer, Instance};
use crate::late::now;
use crate::support::wait::{PATIENCE, until};
use crate::support::{ms, user};
use crate::{BOUND, seconds};

pub(crate) const PARTICIPANTS: usize = 6;
const SLOTS: usize = 64;
/// Number of slots per user. With two, the revocation of one session must not affect the other, and
/// a revocation of all revokes both.
const EACH: usize = 2;
/// Number of latest tokens of a slot that a client uses.
const LATEST: usize = 3;
/// Number of latest tokens of a slot that are checked at the end.
const AT_THE_END: usize = 8;
/// How long a client stays with one user. This is long compared with a round trip, so that changes
/// happen meanwhile.
pub(crate) const WATCH: Duration = Duration::from_millis(10);

/// Minimum number of cache hits of each participant, however slow the machine is.
pub(crate) const HITS: u64 = 500;

/// The state of a session between two changes: slot, epoch, and the number of its role.
pub(crate) type State = (usize, u64, u64);

fn user_of(slot: usize) -> UserId {
    user(&format!("u{}", slot / EACH))
}

/// Pseudorandom numbers, which are the same in each run.
struct Dice(u64);

impl Dice {
    fn new(number: usize) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ number as u64)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What a participant records for the test to compare.
#[derive(Default)]
struct Notes {
    /// When the store acknowledged the end of a state to the participant that caused it.
    ended: BTreeMap<State, u64>,
    /// When the last request that was admitted with this state began.
    served: BTreeMap<State, u64>,
    requests: u64,
}

/// What a participant has read from the board so far.
#[derive(Default)]
pub(crate) struct Known {
    ready: usize,
    done: usize,
    /// The sessions of each slot, in order.
    opened: BTreeMap<usize, Vec<Opened>>,
}

impl Known {
    pub(crate) fn learn(&mut self, board: &mut Board) {
        for line in board.news() {
            match line {
                Line::Ready => self.ready += 1,
                Line::Done => self.done += 1,
                Line::Opened(opened) => self.opened.entry(opened.slot).or_default().push(opened),
            }
        }
    }

    fn latest(&self, slot: usize) -> &[Opened] {
        self.opened.get(&slot).map_or(&[], |all| &all[all.len().saturating_sub(LATEST)..])
    }

    pub(crate) fn at_the_end(&self) -> impl Iterator<Item = &Opened> {
        self.opened.values().flat_map(|all| &all[all.len().saturating_sub(AT_THE_END)..])
    }
}

/// Takes part until all participants are done, and writes its report to the folder.
pub(crate) async fn run(redis: &str, folder: &Path, number: usize) {
    let here = Instance::patient(redis);
    let (mut board, mut known) = (Board::open(folder), Known::default());
    here.coherent().await;
    board.tell(&Line::Ready);
    until("all participants are ready", async || {
        known.learn(&mut board);
        known.ready == PARTICIPANTS
    })
    .await;
    let notes = RefCell::new(Notes::default());
    let writer = Writer {
        here: &here,
        board: Board::open(folder),
        notes: &notes,
        dice: Dice::new(number),
        living: BTreeMap::new(),
    };
    tokio::join!(
        writer.write(number),
        read(&here, (&mut board, &mut known), &notes, Dice::new(PARTICIPANTS + number))
    );
    // From here on each answer must be correct, even if messages were lost before.
    sleep(BOUND).await;
    report(&here, folder, number, &notes.into_inner(), &known).await;
}

/// Changes the sessions of some of the users.
struct Writer<'a> {
    here: &'a Instance,
    board: Board,
    notes: &'a RefCell<Notes>,
    dice: Dice,
    living: BTreeMap<usize, Living>,
}

struct Living {
    epoch: u64,
    role: u64,
    login: Login,
}

impl Writer<'_> {
    async fn write(mut self, number: usize) {
        let slots: Vec<_> =
            (0..SLOTS).filter(|slot| slot / EACH % PARTICIPANTS == number).collect();
        for slot in &slots {
            self.open(*slot, 0).await;
        }
        let start = Instant::now();
        let is_enough = || self.here.near().hits >= HITS;
        while start.elapsed() < Duration::from_secs(seconds())
            || (!is_enough() && start.elapsed() < PATIENCE)
        {
            let slot = slots[self.dice.below(slots.len())];
            match self.dice.below(8) {
                0 | 1 => self.update(slot).await,
                2 => self.update_all(slot).await,
                3 => self.logout(slot).await,
                4 => self.revoke(slot).await,
                5 => self.revoke_all(slot).await,
                6 => self.revoke_others(slot).await,
                _ => sleep(ms(40)).await,
            }
            sleep(ms(5 + self.dice.below(16) as u64)).await;
        }
        self.board.tell(&Line::Done);
    }

    async fn open(&mut self, slot: usize, epoch: u64) {
        let login = self.here.login(user_of(slot).as_str()).await;
        let token = login.access_token.clone();
        self.living.insert(slot, Living { epoch, role: 0, login });
        self.board.tell(&Line::Opened(Opened { slot, epoch, token }));
    }

    /// Records that the store has just acknowledged the end of the current states of these slots.
    fn record_end(&self, slots: &[usize]) {
        let now = now();
        let mut notes = self.notes.borrow_mut();
        for slot in slots {
            let Living { epoch, role, .. } = &self.living[slot];
            notes.ended.insert((*slot, *epoch, *role), now);
        }
    }

    async fn reopen(&mut self, slots: &[usize]) {
        self.record_end(slots);
        for slot in slots {
            self.open(*slot, self.living[slot].epoch + 1).await;
        }
    }

    async fn update(&mut self, slot: usize) {
        let Living { role, login, .. } = &self.living[&slot];
        let next = role + 1;
        let (owner, id) = (login.session.user_id(), login.session.id());
        let update = self.here.manager.update(owner, id, |session| session.role = Some(name(next)));
        update.await.unwrap();
        self.record_end(&[slot]);
        self.living.get_mut(&slot).unwrap().role = next;
    }

    async fn update_all(&mut self, slot: usize) {
        let (owner, both) = (user_of(slot), both(slot));
        let update = self.here.manager.update_all(&owner, |_, session| {
            let role = session.role.as_deref().map(number).unwrap();
            session.role = Some(name(role + 1));
        });
        assert_eq!(update.await.unwrap(), EACH);
        self.record_end(&both);
        for slot in both {
            self.living.get_mut(&slot).unwrap().role += 1;
        }
    }

    async fn logout(&mut self, slot: usize) {
        assert!(self.here.manager.logout(&self.living[&slot].login.access_token).await.unwrap());
        self.reopen(&[slot]).await;
    }

    async fn revoke(&mut self, slot: usize) {
        let session = &self.living[&slot].login.session;
        let revoked =
            self.here.manager.revoke(session.user_id(), session.id(), RevokeReason::Admin);
        assert!(revoked.await.unwrap().was_live());
        self.reopen(&[slot]).await;
    }

    async fn revoke_all(&mut self, slot: usize) {
        let owner = user_of(slot);
        let ended = self.here.manager.revoke(&owner, Target::All, RevokeReason::LogoutAll);
        assert_eq!(ended.await.unwrap().sessions.len(), EACH);
        self.reopen(&both(slot)).await;
    }

    async fn revoke_others(&mut self, slot: usize) {
        let session = &self.living[&slot].login.session;
        let reason = RevokeReason::LogoutAll;
        let ended = self.here.manager.revoke(
            session.user_id(),
            Target::AllExcept(session.id().clone()),
            reason,
        );
        assert_eq!(ended.await.unwrap().sessions.len(), EACH - 1);
        let others: Vec<_> = both(slot).into_iter().filter(|other| *other != slot).collect();
        self.reopen(&others).await;
    }
}

fn both(slot: usize) -> [usize; EACH] {
    let first = slot / EACH * EACH;
    std::array::from_fn(|at| first + at)
}

fn name(role: u64) -> String {
    format!("v{role}")
}

fn number(role: &str) -> u64 {
    role.strip_prefix('v').unwrap().parse().unwrap()
}

/// Returns the number of the role in the answer, or `None` for a rejection. Asserts that the
/// session belongs to the expected user.
fn role_of(answer: &Answer, opened: &Opened) -> Option<u64> {
    let Answer::In(text) = answer else {
        assert!(answer.is_out(), "{answer:?}");
        return None;
    };
    let (who, role) = text.split_once(' ').unwrap();
    assert_eq!(who, user_of(opened.slot).as_str(), "the answer is for another user");
    Some(number(role))
}

/// Sends requests for a while with the latest tokens of one user, live or revoked, and then with
/// those of another user. Ends when all participants are done.
async fn read(
    here: &Instance,
    (board, known): (&mut Board, &mut Known),
    notes: &RefCell<Notes>,
    mut dice: Dice,
) {
    while known.done < PARTICIPANTS {
        known.learn(board);
        let first = dice.below(SLOTS / EACH) * EACH;
        let opened: Vec<_> = both(first).iter().flat_map(|slot| known.latest(*slot)).collect();
        let start = Instant::now();
        while start.elapsed() < WATCH {
            for opened in &opened {
                let asked = now();
                let role = role_of(&here.ask(&opened.token).await, opened);
                notes.borrow_mut().requests += 1;
                if let Some(role) = role {
                    let state = (opened.slot, opened.epoch, role);
                    notes.borrow_mut().served.insert(state, asked);
                }
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
        }
        sleep(ms(1)).await;
    }
}

async fn report(here: &Instance, folder: &Path, number: usize, notes: &Notes, known: &Known) {
    let mut text = String::new();
    let near = here.near();
    writeln!(text, "figures {} {} {}", notes.requests, near.hits, near.lost_links).unwrap();
    for (what, states) in [("ended", &notes.ended), ("served", &notes.served)] {
        for ((slot, epoch, role), time) in states {
            writeln!(text, "{what} {slot} {epoch} {role} {time}").unwrap();
        }
    }
    // The second answer comes from the near cache.
    for _ in 0..2 {
        for opened in known.at_the_end() {
            let role = role_of(&here.ask(&opened.token).await, opened);
            let role = role.map_or("none".to_owned(), |role| role.to_string());
            writeln!(text, "last {} {} {role}", opened.slot, opened.epoch).unwrap();
        }
    }
    std::fs::write(folder.join(format!("report-{number}")), text).unwrap();
}
