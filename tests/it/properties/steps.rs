//! The operations of a random sequence.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::prop_oneof;
use tower_session_auth::RevokeReason;

/// One operation. Each number in it selects one of the existing users, sessions or tokens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Login {
        user: u8,
        life: u8,
    },
    /// Reads a user's login fence.
    BeginLogin {
        user: u8,
    },
    /// Finishes the login whose fence was read first.
    FinishLogin {
        life: u8,
    },
    Authenticate {
        token: u8,
    },
    Touch {
        session: u8,
    },
    Refresh {
        token: u8,
    },
    Logout {
        token: u8,
    },
    LogoutRefresh {
        token: u8,
    },
    Revoke {
        session: u8,
        reason: RevokeReason,
    },
    RevokeAll {
        user: u8,
    },
    RevokeAllExcept {
        session: u8,
    },
    PasswordChanged {
        session: u8,
        keep: bool,
    },
    Suspend {
        user: u8,
    },
    Update {
        session: u8,
        role: u8,
    },
    UpdateAll {
        user: u8,
        role: u8,
    },
    List {
        user: u8,
    },
    Pages {
        limit: u8,
    },
    Statistics,
    Cleanup,
    /// From now on, signs tokens with another key. With `keep_old`, tokens of the old key stay
    /// valid.
    SwapKeys {
        keep_old: bool,
    },
    Pass {
        choice: u8,
    },
    /// Lets time pass until just before or just after a session's idle deadline.
    PassToDeadline {
        session: u8,
        after: bool,
    },
    /// The store loses all its data.
    LoseAll,
    /// The store loses one session, as a server that evicts keys does. Only for Redis.
    LoseSession {
        session: u8,
    },
    /// Saves a copy of a session's record. Only for Redis.
    Save {
        session: u8,
    },
    /// Restores the saved record, as a failover does if it loses the latest writes. Only for Redis.
    RollBack,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let n = any::<u8>;
    prop_oneof![
        6 => (n(), n()).prop_map(|(user, life)| Step::Login { user, life }),
        1 => n().prop_map(|user| Step::BeginLogin { user }),
        2 => n().prop_map(|life| Step::FinishLogin { life }),
        6 => n().prop_map(|token| Step::Authenticate { token }),
        3 => n().prop_map(|session| Step::Touch { session }),
        6 => n().prop_map(|token| Step::Refresh { token }),
        2 => n().prop_map(|token| Step::Logout { token }),
        1 => n().prop_map(|token| Step::LogoutRefresh { token }),
        1 => n().prop_map(|session| Step::Revoke { session, reason: RevokeReason::Admin }),
        1 => n().prop_map(|user| Step::RevokeAll { user }),
        1 => n().prop_map(|session| Step::RevokeAllExcept { session }),
        1 => (n(), any::<bool>())
            .prop_map(|(session, keep)| Step::PasswordChanged { session, keep }),
        1 => n().prop_map(|user| Step::Suspend { user }),
        3 => (n(), n()).prop_map(|(session, role)| Step::Update { session, role }),
        2 => (n(), n()).prop_map(|(user, role)| Step::UpdateAll { user, role }),
        2 => n().prop_map(|user| Step::List { user }),
        1 => n().prop_map(|limit| Step::Pages { limit }),
        1 => proptest::strategy::Just(Step::Statistics),
        1 => proptest::strategy::Just(Step::Cleanup),
        1 => any::<bool>().prop_map(|keep_old| Step::SwapKeys { keep_old }),
        4 => n().prop_map(|choice| Step::Pass { choice }),
        3 => (n(), any::<bool>())
            .prop_map(|(session, after)| Step::PassToDeadline { session, after }),
        1 => proptest::strategy::Just(Step::LoseAll),
        1 => n().prop_map(|session| Step::LoseSession { session }),
        2 => n().prop_map(|session| Step::Save { session }),
        2 => proptest::strategy::Just(Step::RollBack),
    ]
}

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..=most)
}
