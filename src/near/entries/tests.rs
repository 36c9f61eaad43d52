use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::directory::Role;
use crate::events::Events;
use crate::meter::Meter;
use crate::session::State;

const ROOMY: Capacity = Capacity { tokens: 1_000, bytes: 8 << 20 };

fn entries(capacity: Capacity) -> Entries<String> {
    Entries::new(capacity, DataSize::default())
}

fn user() -> UserId {
    UserId::parse("jeju").unwrap()
}

fn id(number: usize) -> SessionId {
    SessionId::parse(&format!("session-with-number-{number:04}")).unwrap()
}

fn payload(data: &str) -> Bytes {
    serde_json::json!({ "data": data }).to_string().into()
}

fn token(number: usize) -> Key {
    Key::new(0, &format!("header.payload.signature-with-number-{number:08}"))
}

/// What a request learns of session `number`, whose data are `data`.
fn read(entries: &Entries<String>, number: usize, data: &str) -> Known<String> {
    let (user, id) = (user(), id(number));
    let stored = entries.content(&user, &id, payload(data), StoredContent::decode).unwrap();
    let now = Timestamp::from_millis(0);
    Known::Lives(Session::new(State {
        user,
        id,
        revision: 1,
        created: now,
        last_activity: now,
        idle_ttl: Duration::from_secs(60),
        idle_deadline: now,
        absolute_deadline: now,
        read: now,
        read_at: Tick::now(),
        stored,
        directory_role: Role::Unchanged,
        events: Events::new(Vec::new(), &Meter::new()).0,
    }))
}

fn stored(known: &Known<String>) -> &Arc<StoredContent<String>> {
    match known {
        Known::Lives(session) => &session.state().stored,
        Known::Ended(_) => panic!("no test ends a session"),
    }
}

/// Each token shares a content that is cached and that knows the token; and nothing else is counted.
fn assert_consistent(entries: &Entries<String>) {
    let (mut tokens, mut contents, mut counted) = (HashSet::new(), 0, HashSet::new());
    for (key, entry) in entries.cache.iter() {
        match entry {
            Entry::Token(Known::Lives(session)) => {
                let content = entries.content_of(&session).expect("the content is cached");
                let known = content.lock().as_ref().and_then(|tokens| tokens.get(&key).copied());
                assert_eq!(known, Some(1));
                assert!(tokens.insert(key));
            }
            Entry::Token(Known::Ended(_)) => {}
            Entry::Content(content) => {
                contents += 1;
                let tokens = content.lock();
                counted.extend(tokens.as_ref().expect("it is cached").keys().cloned());
            }
        }
    }
    assert!(tokens == counted, "{} tokens, {} counted", tokens.len(), counted.len());
    assert_eq!(entries.contents.load(Ordering::Relaxed), contents);
    assert!(entries.weight() <= entries.cache.capacity());
}

#[test]
fn tokens_of_one_session_share_its_content_and_it_is_weighed_once() {
    let entries = entries(ROOMY);
    let data = "x".repeat(10_000);
    let first = read(&entries, 0, &data);
    entries.insert(token(0), first.clone());
    let one = entries.weight();
    assert!(one > 90_000, "the payload, and eight times the data: {one}");
    for number in 1..11 {
        let known = read(&entries, 0, &data);
        assert!(Arc::ptr_eq(stored(&known), stored(&first)));
        entries.insert(token(number), known);
    }
    assert_eq!(entries.len(), 11);
    let per_token = (entries.weight() - one) / 10;
    let share = ROOMY.bytes as u64 / ROOMY.tokens as u64;
    assert!((500..=share).contains(&per_token), "{per_token}");
    assert_consistent(&entries);
}

#[test]
fn the_application_says_how_large_its_data_are() {
    let size = DataSize::new(|data: &String, json| {
        assert_eq!(json, data.len() + 2);
        1_000_000
    });
    let entries = Entries::new(ROOMY, size);
    entries.insert(token(0), read(&entries, 0, "data"));
    assert!(entries.weight() > 1_000_000);
}

#[test]
fn a_changed_content_takes_the_place_of_the_old_one_and_of_its_tokens() {
    let entries = entries(ROOMY);
    for number in 0..5 {
        entries.insert(token(number), read(&entries, 0, "old"));
    }
    let new = read(&entries, 0, "new");
    assert_eq!(entries.len(), 0, "nothing holds the old content");
    entries.insert(token(0), new);
    assert!(entries.get(&token(0)).is_some() && entries.get(&token(1)).is_none());
    assert_consistent(&entries);
}

#[test]
fn a_session_whose_content_was_evicted_meanwhile_is_not_cached() {
    let entries = entries(ROOMY);
    let late = read(&entries, 0, "old");
    read(&entries, 0, "new");
    entries.insert(token(0), late);
    assert!(entries.get(&token(0)).is_none());
    assert_consistent(&entries);
}

#[test]
fn a_content_goes_with_its_last_token() {
    // Room for many contents, and for two tokens.
    let entries = entries(Capacity { tokens: 2, ..ROOMY });
    for number in 0..20 {
        entries.insert(token(number), read(&entries, number, "data"));
        assert!(entries.contents.load(Ordering::Relaxed) <= entries.len());
        assert_consistent(&entries);
    }
    assert!(entries.len() > 0);
}

#[test]
fn a_token_that_is_read_again_is_counted_once() {
    let entries = entries(ROOMY);
    for _ in 0..3 {
        entries.insert(token(0), read(&entries, 0, "data"));
    }
    assert_eq!(entries.len(), 1);
    assert_consistent(&entries);
}

#[test]
fn a_content_that_fits_into_no_shard_is_not_cached() {
    let entries = entries(Capacity { tokens: 1_000, bytes: 1 << 20 });
    let large = read(&entries, 0, &"x".repeat(200_000));
    entries.insert(token(0), large);
    assert_eq!((entries.len(), entries.weight()), (0, 0));
    assert_consistent(&entries);
}

#[test]
fn no_bytes_are_kept_over_the_capacity_whatever_comes_and_goes() {
    for capacity in [
        Capacity { tokens: 1_000_000, bytes: 1 << 20 },
        Capacity { tokens: 50, bytes: 1 << 20 },
        Capacity { tokens: 1, bytes: 1 << 20 },
    ] {
        let entries = entries(capacity);
        for number in 0..2_000 {
            let data = "x".repeat(number * 7 % 5_000);
            entries.insert(token(number), read(&entries, number / 3 % 500, &data));
            assert!(entries.len() <= capacity.tokens);
        }
        assert!(entries.len() > 0);
        assert_consistent(&entries);
    }
}

#[test]
fn what_many_threads_cache_at_once_is_consistent() {
    const THREADS: usize = 4;
    let entries = entries(Capacity { tokens: 1_000, bytes: 1 << 17 });
    let entries = &entries;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                // Few sessions, so that threads meet, and more than fit, so that all of them are evicted at times.
                let mut random = thread * 7_919 + 1;
                for _ in 0..1_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let draw = random >> 33;
                    let (session, version) = (draw % 20, draw / 20 % 2);
                    let data = format!("{version}{}", "x".repeat(500));
                    let known = read(entries, session, &data);
                    entries.insert(token(session * 8 + draw / 40 % 8), known);
                }
            });
        }
    });
    assert_consistent(entries);
}
