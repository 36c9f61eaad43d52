//! A server that refuses commands: it is read-only, is out of memory, or requires another password.

use tower_session_auth::store::StoreErrorKind;

use crate::store_trouble::{
    Answer, Traffic, ask, login, login_error, logins, logout_fails, logout_works, patient, until,
};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn primary_that_refuses_writes_serves_sessions_but_no_logins_or_logouts() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(20).await;
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    for _ in 0..3 {
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::WriteRefused);
        logout_fails(&manager, &logins[0]).await;
        assert!(
            ask(&manager, &logins[0]).await.is_ok(),
            "the session is still alive after the failed logout"
        );
        traffic.answers(20).await;
    }
    server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    traffic.answers(20).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
    logout_works(&manager, &logins[0]).await;
    login(&manager, "new").await.unwrap();
}

#[tokio::test]
async fn server_out_of_memory_serves_sessions_and_logouts_but_no_logins() {
    let server = RedisServer::start_with(&["--maxmemory-policy", "noeviction"]).await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let leaving = login(&manager, "leaving").await.unwrap();
    let logins = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &logins);
    traffic.answers(20).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    for _ in 0..3 {
        assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::WriteRefused);
        traffic.answers(20).await;
    }
    logout_works(&manager, &leaving).await;
    traffic.answers(20).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
    login(&manager, "new").await.unwrap();
}

#[tokio::test]
async fn wrong_password_is_503_until_the_server_accepts_it() {
    for repair in [
        &["CONFIG", "SET", "requirepass", ""][..],
        &["ACL", "SETUSER", "default", ">wrong"],
        &["CONFIG", "SET", "requirepass", "wrong"],
    ] {
        let server = RedisServer::start_with(&["--requirepass", "right"]).await;
        let url = format!("redis://:wrong@127.0.0.1:{}/", server.port());
        let (right, _worker, _) = patient(&server.url());
        let (manager, _worker, _) = patient(&url);
        let session = login(&right, "jeju").await.unwrap();
        for _ in 0..3 {
            let answer = ask(&manager, &session).await;
            assert!(answer.is_unavailable(), "{answer:?}");
            assert_eq!(login_error(login(&manager, "new").await), StoreErrorKind::Unavailable);
            logout_fails(&manager, &session).await;
        }
        server.command(repair).await;
        let back = until(&manager, &session, Answer::is_ok).await;
        println!("{repair:?}: 200 after {back:?}");
        assert!(ask(&right, &session).await.is_ok());
        logout_works(&manager, &session).await;
    }
}
