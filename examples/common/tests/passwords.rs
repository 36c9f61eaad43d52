//! Passwords, and what becomes of them.

use tower_session_auth::UserId;
use tower_session_auth::directory::UserDirectory as _;

use crate::common::passwords::{Answer, Passwords};
use crate::common::users::{DEMO, Users};

#[tokio::test]
async fn only_the_right_password_of_somebody_is_right() {
    let passwords = Passwords::new();
    let hash = passwords.hash("password123").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let verify = async |password: &str, hash| passwords.verify(password.to_owned(), hash).await;
    assert_eq!(verify("password123", Some(hash.clone())).await, Answer::Right);
    for wrong in ["", "password12", "password1234", "password123\0", "Password123"] {
        assert_eq!(verify(wrong, Some(hash.clone())).await, Answer::Wrong, "{wrong:?}");
    }
    // With nobody the same work is done, and it comes to nothing even where the hash stands in for itself.
    assert_eq!(verify("password123", None).await, Answer::Wrong);
    assert_eq!(verify("password123", Some("not a hash".into())).await, Answer::Wrong);
}

#[tokio::test(start_paused = true)]
async fn logins_that_wait_too_long_for_their_turn_are_told_that_it_is_busy() {
    let passwords = Passwords::new();
    let hash = passwords.hash("password123").await.unwrap();
    let turns = passwords.take_all_turns();
    for hash in [Some(hash.clone()), None] {
        assert_eq!(passwords.verify("password123".to_owned(), hash).await, Answer::TooBusy);
    }
    drop(turns);
    assert_eq!(passwords.verify("password123".to_owned(), Some(hash)).await, Answer::Right);
}

#[tokio::test]
async fn the_directory_knows_who_is_active() {
    let users = Users::demo().await.unwrap();
    let find = async |id: &str| users.find(&UserId::parse(id).unwrap()).await.unwrap();
    for demo in DEMO {
        let user = find(demo.id).await.unwrap();
        assert_eq!((user.active, user.role.as_deref()), (demo.active, Some(demo.role)));
    }
    assert_eq!(find("nobody").await, None);
    assert!(!find("suspended").await.unwrap().active);
}
