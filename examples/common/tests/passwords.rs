//! Tests of password hashing, and of the user directory.

use std::sync::mpsc;

use tokio::task::spawn_blocking;
use tower_session_auth::UserId;
use tower_session_auth::directory::UserDirectory as _;

use crate::common::passwords::{Answer, HashError, Passwords};
use crate::common::users::{DEMO, Users};

#[tokio::test]
async fn only_the_right_password_of_a_known_user_is_accepted() {
    let passwords = Passwords::new();
    let hash = passwords.hash("password123").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let verify = async |password: &str, hash| passwords.verify(password.to_owned(), hash).await;
    assert_eq!(verify("password123", Some(hash.clone())).await, Answer::Right);
    for wrong in ["", "password12", "password1234", "password123\0", "Password123"] {
        assert_eq!(verify(wrong, Some(hash.clone())).await, Answer::Wrong, "{wrong:?}");
    }
    // For an unknown user the same work is done. The result is wrong, even though this password is
    // that of the stand-in hash.
    assert_eq!(verify("password123", None).await, Answer::Wrong);
    assert_eq!(verify("password123", Some("not a hash".into())).await, Answer::Wrong);
}

#[tokio::test(start_paused = true)]
async fn login_that_waits_too_long_for_a_permit_gets_too_busy() {
    let passwords = Passwords::new();
    let hash = passwords.hash("password123").await.unwrap();
    let turns = passwords.take_all_turns();
    for hash in [Some(hash.clone()), None] {
        assert_eq!(passwords.verify("password123".to_owned(), hash).await, Answer::TooBusy);
    }
    assert!(matches!(passwords.hash("password123").await, Err(HashError::TooBusy)));
    drop(turns);
    assert_eq!(passwords.verify("password123".to_owned(), Some(hash)).await, Answer::Right);
    assert!(passwords.hash("password123").await.is_ok());
}

#[test]
fn permit_is_kept_until_the_work_is_done_even_if_the_client_disconnects() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // One blocking thread does all such work, in sequence.
    let runtime = runtime.enable_time().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let passwords = Passwords::new();
        let hash = passwords.hash("password123").await.unwrap();
        let all = passwords.free_turns();
        let (go_on, held_up) = mpsc::channel::<()>();
        let thread = spawn_blocking(move || held_up.recv().is_err());
        let mut verify = tokio_test::task::spawn(async {
            passwords.verify("password123".to_owned(), Some(hash)).await
        });
        let mut hash = tokio_test::task::spawn(passwords.hash("password123"));
        assert!(verify.poll().is_pending() && hash.poll().is_pending());
        drop((verify, hash));
        assert_eq!(passwords.free_turns(), all - 2, "both are still to be done");
        drop(go_on);
        assert!(thread.await.unwrap());
        // The only blocking thread runs this after both computations.
        spawn_blocking(|| ()).await.unwrap();
        assert_eq!(passwords.free_turns(), all);
    });
}

#[tokio::test]
async fn directory_knows_which_users_are_active() {
    let users = Users::demo().await.unwrap();
    let find = async |id: &str| users.find(&UserId::parse(id).unwrap()).await.unwrap();
    for demo in DEMO {
        let user = find(demo.id).await.unwrap();
        assert_eq!((user.active, user.role.name()), (demo.active, Some(demo.role)));
    }
    assert_eq!(find("nobody").await, None);
    assert!(!find("suspended").await.unwrap().active);
}

#[tokio::test]
async fn password_is_compared_with_the_parameters_of_its_hash() {
    let passwords = Passwords::new();
    passwords.hash("password123").await.unwrap();
    // Computed by the reference implementation of RFC 9106 from "password" and "somesalt", with
    // m=65536 and m=256 (KiB), t=2, p=1.
    for hash in [
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    ] {
        let verify =
            async |password: &str| passwords.verify(password.to_owned(), Some(hash.into())).await;
        assert_eq!(verify("password").await, Answer::Right, "{hash}");
        assert_eq!(verify("Password").await, Answer::Wrong, "{hash}");
    }
}

/// The logins run in a separate process, because other tests use memory too.
#[cfg(target_os = "linux")]
#[test]
fn burst_of_logins_keeps_less_than_120_mb() {
    let (_, module) = module_path!().split_once("::").unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::a_storm"), "--ignored", "--nocapture"])
        .env("STORM", "1")
        .status();
    assert!(status.unwrap().success(), "see above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "no test, but what another test starts as a process"]
async fn a_storm() {
    const LOGINS: usize = 200;
    const AT_ONCE: usize = 24;
    if std::env::var_os("STORM").is_none() {
        return;
    }
    let passwords = std::sync::Arc::new(Passwords::new());
    let before = resident();
    let hash = passwords.hash("password123").await.unwrap();
    let mut logins = tokio::task::JoinSet::new();
    for client in 0..AT_ONCE {
        let (passwords, hash) = (std::sync::Arc::clone(&passwords), hash.clone());
        logins.spawn(async move {
            for _ in (client..LOGINS).step_by(AT_ONCE) {
                // On a busy machine some of them get `TooBusy` and try again.
                let verify = || passwords.verify("password123".to_owned(), Some(hash.clone()));
                while verify().await != Answer::Right {}
            }
        });
    }
    logins.join_all().await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 120_000_000, "{grown} bytes more");
}

/// Returns the resident memory of this process in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) * 1024
}
