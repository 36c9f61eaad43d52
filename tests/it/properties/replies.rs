//! A fake server that sends arbitrary replies. Every operation of the store must end with an answer
//! or a typed error.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower_session_auth::store::{
    AttemptKey, AttemptRule, CountAttempts, MaintainStore, NewRecord, RedisStore, Replacement,
    Rotate, Salt, ScanCursor, ScanSessions, SessionStore, Settle, StoreError, Target, Touch,
};
use tower_session_auth::{RevokeReason, SessionId};

use crate::support::property::holds;
use crate::support::usable;
use crate::support::user;
use crate::support::wait::PATIENCE;

const PASSWORD: &str = "hunter2-of-redis";

/// A RESP3 value in the form in which a server writes it.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Null,
    Boolean(bool),
    Integer(i64),
    Double(f64),
    BigNumber(u64),
    Text(String),
    Bulk(Vec<u8>),
    Verbatim(String),
    Error(String),
    Array(Vec<Self>),
    Set(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

impl Reply {
    fn write(&self, to: &mut Vec<u8>) {
        let line = |to: &mut Vec<u8>, text: String| to.extend(format!("{text}\r\n").bytes());
        match self {
            Self::Null => line(to, "_".to_owned()),
            Self::Boolean(is) => line(to, format!("#{}", if *is { 't' } else { 'f' })),
            Self::Integer(number) => line(to, format!(":{number}")),
            Self::Double(number) => line(to, format!(",{number}")),
            Self::BigNumber(number) => line(to, format!("({number}00000000000000000000")),
            Self::Text(text) => line(to, format!("+{text}")),
            Self::Error(text) => line(to, format!("-{text}")),
            Self::Bulk(bytes) => {
                line(to, format!("${}", bytes.len()));
                to.extend(bytes);
                to.extend(b"\r\n");
            }
            Self::Verbatim(text) => line(to, format!("={}\r\ntxt:{text}", text.len() + 4)),
            Self::Array(all) => {
                line(to, format!("*{}", all.len()));
                all.iter().for_each(|one| one.write(to));
            }
            Self::Set(all) => {
                line(to, format!("~{}", all.len()));
                all.iter().for_each(|one| one.write(to));
            }
            Self::Map(all) => {
                line(to, format!("%{}", all.len()));
                for (key, value) in all {
                    key.write(to);
                    value.write(to);
                }
            }
        }
    }
}

/// Values that a store receives from Redis, or values that are similar to them.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"1 1 1000 3600000 99999999999999\n{\"role\":\"user\",\"data\":null}".to_vec()),
        Just(b"2 1 1000 3600000 99999999999999 0 1000 Zx-_9\n{}".to_vec()),
        Just(b"99999999999999:1000".to_vec()),
        Just(b"logout:99999999999999".to_vec()),
        Just(b"abcdefghijklmnopqrstuvwx".to_vec()),
        Just(b"session:{jeju}:live".to_vec()),
        Just(b"0".to_vec()),
        Just(b"18446744073709551615".to_vec()),
        "[12] [0-9]{1,20} [0-9]{1,20} [0-9]{1,20} [0-9]{1,20}\n".prop_map(String::into_bytes),
        "-?[0-9]{0,22}:?-?[0-9]{0,22}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..40),
    ]
}

fn leaf() -> impl Strategy<Value = Reply> {
    let integer = prop_oneof![-5..=5_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
    prop_oneof![
        1 => Just(Reply::Null),
        1 => any::<bool>().prop_map(Reply::Boolean),
        4 => integer.prop_map(Reply::Integer),
        1 => (-1e300..1e300).prop_map(Reply::Double),
        1 => any::<u64>().prop_map(Reply::BigNumber),
        2 => "[ -~]{0,20}".prop_map(Reply::Text),
        6 => likely().prop_map(Reply::Bulk),
        1 => "[ -~]{0,20}".prop_map(Reply::Verbatim),
        2 => "(ERR|NOSCRIPT|OOM|WRONGTYPE|READONLY|NOPERM|LOADING|MOVED|[A-Z]{0,8}) [ -~]{0,30}"
            .prop_map(Reply::Error),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    leaf().prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 0..6).prop_map(Reply::Array),
            1 => vec(inner.clone(), 0..4).prop_map(Reply::Set),
            1 => vec((inner.clone(), inner), 0..4).prop_map(Reply::Map),
        ]
    })
}

/// The behavior of the fake server: the replies that it sends one after another, and whether it
/// answers the handshake of a connection as Redis does.
#[derive(Clone, Debug)]
struct Script {
    replies: Vec<Reply>,
    greets_well: bool,
}

fn script() -> impl Strategy<Value = Script> {
    (vec(reply(), 1..5), proptest::bool::weighted(0.8))
        .prop_map(|(replies, greets_well)| Script { replies, greets_well })
}

async fn serve(listener: TcpListener, script: Script) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(converse(stream, script.clone()));
    }
}

async fn converse(stream: TcpStream, script: Script) {
    stream.set_nodelay(true).unwrap();
    let (reader, mut writer) = stream.into_split();
    let (mut reader, mut turn) = (BufReader::new(reader), 0);
    while let Some(words) = command(&mut reader).await {
        let mut answer = Vec::new();
        let first = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match &first[..] {
            b"HELLO" if script.greets_well => {
                answer.extend(b"%3\r\n+server\r\n+redis\r\n+version\r\n+7.4.0\r\n");
                answer.extend(b"+role\r\n+master\r\n");
            }
            b"TIME" if script.greets_well => answer.extend(b"*2\r\n:1700000000\r\n:1\r\n"),
            b"SCRIPT" if script.greets_well => answer.extend(b"+0123456789abcdef\r\n"),
            _ => {
                script.replies[turn % script.replies.len()].write(&mut answer);
                turn += 1;
            }
        }
        if writer.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn command(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<Vec<Vec<u8>>> {
    let words = number(reader, '*').await?;
    let mut command = Vec::with_capacity(words);
    for _ in 0..words {
        let mut word = vec![0; number(reader, '$').await? + 2];
        reader.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        command.push(word);
    }
    Some(command)
}

async fn number(reader: &mut (impl tokio::io::AsyncBufRead + Unpin), mark: char) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).await.ok()?;
    line.strip_prefix(mark)?.trim_end().parse().ok()
}

/// Checks that neither the password nor the address of the server is in the text of an error or of
/// its sources.
fn check_error_text<T>(answer: Result<T, StoreError>) {
    let Err(error) = answer else { return };
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        shown.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    assert!(!shown.contains(PASSWORD) && !shown.contains("127.0.0.1"), "{shown}");
}

async fn call_every_operation(store: &RedisStore) {
    let (owner, id) = (user("jeju"), SessionId::parse("abcdefghijklmnopqrstuvwx").unwrap());
    let hour = Duration::from_secs(3_600);
    let new = NewRecord::new(hour, hour, Bytes::from_static(b"{}"));
    check_error_text(store.create(&owner, &id, &new).await);
    check_error_text(store.load(&owner, &id, None).await);
    check_error_text(store.load(&owner, &id, Some(store.now())).await);
    check_error_text(store.activity(&owner, &id).await);
    let touch = || Touch::new(owner.clone(), id.clone(), Duration::ZERO, Duration::MAX);
    check_error_text(store.touch(&[touch(), touch()]).await);
    check_error_text(store.update(&owner, &id, 1, Bytes::new()).await);
    let replacement = Replacement::new(id.clone(), 1, Bytes::new());
    check_error_text(store.update_all(&owner, &[replacement]).await);
    let rotate = Rotate::new(Salt::parse("Zx-_9").unwrap(), 0, hour);
    check_error_text(store.rotate(&owner, &id, &rotate).await);
    check_error_text(store.revoke(&owner, &Target::from(&id), RevokeReason::Logout).await);
    check_error_text(
        store.revoke(&owner, &Target::AllExcept(id.clone()), RevokeReason::Admin).await,
    );
    check_error_text(store.revoke(&owner, &Target::All, RevokeReason::Admin).await);
    check_error_text(store.login_fence(&owner).await);
    check_error_text(store.revoke_reason(&owner, &id).await);
    check_error_text(store.list(&owner).await);
    check_error_text(store.scan(None, 5).await);
    check_error_text(store.scan(Some(&ScanCursor::new("r1,7,,jeju")), 5).await);
    check_error_text(store.cleanup(None).await);
    let key = AttemptKey::parse("key").unwrap();
    let rule = AttemptRule::new(NonZeroU32::MIN, hour);
    check_error_text(store.attempt(&key, &rule).await);
    check_error_text(store.settle(&key, Settle::Clear).await);
    check_error_text(store.upkeep().await);
    check_error_text(store.health().await);
    check_error_text(store.warnings().await);
    check_error_text(usable(store).await);
    check_error_text(store.diagnose().await);
}

#[test]
fn every_operation_ends_with_an_answer_or_a_typed_error_for_arbitrary_replies() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    holds(300, &script(), |script| {
        runtime.block_on(async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let url =
                format!("redis://:{PASSWORD}@127.0.0.1:{}/", listener.local_addr().unwrap().port());
            let mut server = JoinSet::new();
            server.spawn(serve(listener, script));
            let limit = Duration::from_millis(500);
            let store = RedisStore::builder(url.as_str()).timeout(limit).scan_timeout(limit);
            let store = store.build().unwrap();
            let all = tokio::time::timeout(PATIENCE, call_every_operation(&store));
            all.await.expect("every operation ends");
        });
    });
}
