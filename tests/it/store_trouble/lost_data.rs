//! A server that has lost its data, or whose data was not written by the store.

use crate::store_trouble::{Traffic, ask, login, logins, patient};
use crate::support::redis::RedisServer;

#[tokio::test]
async fn sessions_are_401_and_new_logins_work_after_a_flush_under_traffic() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let old = logins(&manager, 4).await;
    let traffic = Traffic::start(&manager, &old);
    traffic.answers(40).await;
    server.command(&["FLUSHALL"]).await;
    traffic.answers(40).await;
    for (i, old) in old.iter().enumerate() {
        let new = login(&manager, &format!("u{i}")).await.unwrap();
        assert!(ask(&manager, &new).await.is_ok());
        assert!(ask(&manager, old).await.is_expired());
    }
    traffic.answers(40).await;
    let answers = traffic.stop().await;
    for answer in &answers {
        assert!(answer.is_ok() || answer.is_expired(), "{answer:?}");
    }
    assert!(answers.iter().filter(|answer| answer.is_expired()).count() >= 72);
}

#[tokio::test]
async fn invalid_record_or_key_is_401_and_other_sessions_are_not_affected() {
    let server = RedisServer::start().await;
    let (manager, worker, _) = patient(&server.url());
    let _background = worker.start();
    let others = logins(&manager, 3).await;
    let traffic = Traffic::start(&manager, &others);
    let header = "1 1 1700000000000 3600000 9999999999999";
    let payload = format!("{header}\n{{\"data\":");
    let newer = format!("2{}\n{{}}", &header[1..]);
    for garbage in ["", "garbage", "\n\n", &newer, &payload] {
        let bad = login(&manager, "jeju").await.unwrap();
        let good = login(&manager, "jeju").await.unwrap();
        let sid = bad.session.id().as_str();
        server.command(&["HSET", "session:{jeju}:live", sid, garbage]).await;
        for _ in 0..3 {
            let answer = ask(&manager, &bad).await;
            assert!(answer.is_expired(), "{garbage:?}: {answer:?}");
            assert!(
                ask(&manager, &good).await.is_ok(),
                "{garbage:?}: the same user's other session"
            );
        }
    }
    for key in ["session:{jeju}:live", "session:{jeju}:seen", "session:{jeju}:gone"] {
        server.command(&["DEL", key]).await;
        let bad = login(&manager, "jeju").await.unwrap();
        server.command(&["DEL", "session:{jeju}:live"]).await;
        server.command(&["SET", key, "text"]).await;
        for _ in 0..3 {
            let answer = ask(&manager, &bad).await;
            assert!(answer.is_expired(), "{key}: {answer:?}");
        }
        server.command(&["DEL", key]).await;
        let again = login(&manager, "jeju").await.unwrap();
        assert!(ask(&manager, &again).await.is_ok(), "{key}");
    }
    traffic.answers(30).await;
    let answers = traffic.stop().await;
    let not_ok: Vec<_> = answers.iter().filter(|answer| !answer.is_ok()).collect();
    assert!(not_ok.is_empty(), "{} of {}: {:?}", not_ok.len(), answers.len(), not_ok.first());
}
