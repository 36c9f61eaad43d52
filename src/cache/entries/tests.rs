use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use super::super::contents::SHARED_FROM;
use super::*;
use crate::clock::Timestamp;
use crate::coherence::Tick;
use crate::directory::Role;
use crate::session::State;
use crate::telemetry::events::Events;
use crate::telemetry::metrics::Metrics;

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

/// Returns a payload that is large enough for a shared content, unless `data` is "small".
fn payload(data: &str) -> Bytes {
    let padding = if data == "small" { 0 } else { SHARED_FROM };
    let user_agent = "x".repeat(padding);
    serde_json::json!({ "data": data, "user_agent": user_agent }).to_string().into()
}

fn token(number: usize) -> Key {
    Key::new(0, &format!("header.payload.signature-with-number-{number:08}"))
}

/// Returns the entry that a request loads for session `number` with the data `data`.
fn read(entries: &Entries<String>, number: usize, data: &str) -> CacheEntry<String> {
    let (user, id) = (user(), id(number));
    let stored = entries.content(&user, &id, payload(data), StoredContent::decode).unwrap();
    let now = Timestamp::from_millis(0);
    let state = State {
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
        events: Events::new(Vec::new(), &Metrics::new()).0,
    };
    CacheEntry::Live(Arc::new(Live::for_test(state)))
}

fn stored(known: &CacheEntry<String>) -> &Arc<StoredContent<String>> {
    match known {
        CacheEntry::Live(live) => &live.state.stored,
        CacheEntry::Ended(_) => panic!("the session is not live"),
    }
}

/// Checks that the cache is consistent: each cached session is listed in its content, exactly one
/// entry owns each content, and no other content exists.
fn assert_consistent(entries: &Entries<String>) {
    let mut cached = HashMap::new();
    for (key, entry) in entries.cache.iter() {
        if let Some(live) = entry.live()
            && is_shared(&live.state.stored.payload)
        {
            let place = entries.contents.place(&live.state.user, &live.state.id);
            assert!(place.has(live), "the content is cached");
            let is_owner = matches!(entry, Entry::Owner(_));
            cached.insert(live.address(), (key, is_owner));
        }
    }
    let owners = cached.values().filter(|(_, is_owner)| *is_owner).count();
    let mut contents = 0;
    for content in entries.contents.drain() {
        contents += 1;
        let mut owned = 0;
        for (address, key) in content.into_entries() {
            let (token, is_owner) = cached.remove(&address).expect("each entry is cached");
            assert!(token == key);
            owned += u32::from(is_owner);
        }
        assert_eq!(owned, 1);
    }
    assert_eq!((contents, cached.len()), (owners, 0));
    assert!(entries.weight() <= entries.cache.capacity());
}

#[test]
fn tokens_of_one_session_share_its_content_which_is_weighed_once() {
    let entries = entries(ROOMY);
    let data = "x".repeat(10_000);
    let first = read(&entries, 0, &data);
    entries.insert(token(0), first.clone());
    let one = entries.weight();
    assert!(one > 90_000, "payload plus eight times the data: {one}");
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
fn size_function_of_the_application_determines_the_weight_of_its_data() {
    let size = DataSize::new(|data: &String, json| {
        assert_eq!(json, data.len() + 2);
        1_000_000
    });
    let entries = Entries::new(ROOMY, size);
    entries.insert(token(0), read(&entries, 0, "data"));
    assert!(entries.weight() > 1_000_000);
}

#[test]
fn changed_content_of_the_owner_removes_the_entries_that_share_the_old_content() {
    let entries = entries(ROOMY);
    for number in 0..5 {
        entries.insert(token(number), read(&entries, 0, "old"));
    }
    entries.insert(token(0), read(&entries, 0, "new"));
    assert_eq!(entries.len(), 1, "the entries of the old content are removed");
    assert!(entries.get(&token(0)).is_some());
    assert_consistent(&entries);
}

#[test]
fn second_copy_of_a_payload_is_not_cached_and_later_loads_share_the_first() {
    let entries = entries(ROOMY);
    let [first, other] = [0; 2].map(|number| read(&entries, number, "data"));
    assert!(!Arc::ptr_eq(stored(&first), stored(&other)), "neither content is cached yet");
    entries.insert(token(0), first.clone());
    entries.insert(token(1), other);
    assert!(entries.get(&token(1)).is_none());
    let again = read(&entries, 0, "data");
    assert!(Arc::ptr_eq(stored(&first), stored(&again)));
    entries.insert(token(1), again);
    assert!(entries.get(&token(1)).is_some());
    assert_consistent(&entries);
}

#[test]
fn eviction_of_the_owner_removes_the_content_and_all_entries_that_share_it() {
    // One shard, with room for one session of this size but not for two.
    let entries = entries(Capacity { tokens: 31, bytes: 1 << 20 });
    let data = "x".repeat(70_000);
    for number in 0..3 {
        entries.insert(token(number), read(&entries, 0, &data));
    }
    assert_eq!(entries.len(), 3);
    for number in 3..40 {
        entries.insert(token(number), read(&entries, number, &data));
    }
    let left = [0, 1, 2].map(|number| entries.get(&token(number)).is_some());
    assert_eq!(left, [false; 3]);
    assert_consistent(&entries);
}

#[test]
fn removal_of_a_token_that_shares_the_content_keeps_the_other_tokens() {
    let entries = entries(ROOMY);
    for number in 0..3 {
        entries.insert(token(number), read(&entries, 0, "data"));
    }
    let Some(CacheEntry::Live(live)) = entries.get(&token(2)) else { panic!("not cached") };
    assert!(entries.contents.take(&token(2), &live).is_none());
    entries.remove(&token(2), live.address());
    assert_eq!(entries.len(), 2);
    assert_consistent(&entries);
}

#[test]
fn small_content_is_copied_for_each_token() {
    let entries = entries(ROOMY);
    for number in 0..3 {
        entries.insert(token(number), read(&entries, 0, "small"));
    }
    let [first, second] = [0, 1].map(|number| entries.get(&token(number)).unwrap());
    assert!(!Arc::ptr_eq(stored(&first), stored(&second)));
    assert_eq!((entries.len(), entries.contents.drain().count()), (3, 0));
}

#[test]
fn content_that_shrinks_or_grows_replaces_the_entry_of_its_token() {
    let entries = entries(ROOMY);
    let mut weights = Vec::new();
    for data in ["small", "large", "small", "large"] {
        entries.insert(token(0), read(&entries, 0, data));
        weights.push(entries.weight());
        let known = entries.get(&token(0)).unwrap();
        assert_eq!(stored(&known).content.data, data);
    }
    assert_eq!(entries.len(), 1);
    assert_eq!(weights[0], weights[2]);
    assert_eq!(weights[1], weights[3]);
    assert_consistent(&entries);
}

#[test]
fn content_that_shrinks_removes_the_entries_that_share_the_old_content() {
    let entries = entries(ROOMY);
    for number in 0..4 {
        entries.insert(token(number), read(&entries, 0, "large"));
    }
    entries.insert(token(0), read(&entries, 0, "small"));
    assert_eq!((entries.len(), entries.contents.drain().count()), (1, 0));
}

#[test]
fn token_that_is_cached_again_is_counted_once() {
    let entries = entries(ROOMY);
    for _ in 0..3 {
        entries.insert(token(0), read(&entries, 0, "data"));
    }
    assert_eq!(entries.len(), 1);
    assert_consistent(&entries);
}

#[test]
fn content_larger_than_a_shard_is_not_cached() {
    let entries = entries(Capacity { tokens: 1_000, bytes: 1 << 20 });
    let large = read(&entries, 0, &"x".repeat(200_000));
    entries.insert(token(0), large);
    assert_eq!((entries.len(), entries.weight()), (0, 0));
    assert_consistent(&entries);
}

#[test]
fn entries_stay_within_the_token_and_byte_capacity() {
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
fn concurrent_insertions_leave_entries_and_contents_consistent() {
    const THREADS: usize = 4;
    let entries = entries(Capacity { tokens: 1_000, bytes: 1 << 17 });
    let entries = &entries;
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                // The number of sessions is small, so that the threads work on the same sessions.
                // But there are more sessions than fit into the cache, so that sessions are evicted
                // during the test.
                let mut random = thread * 7_919 + 1;
                for _ in 0..1_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let draw = random >> 33;
                    let (session, version) = (draw % 20, draw / 20 % 2);
                    let data = match draw / 320 % 4 {
                        0 => "small".to_owned(),
                        _ => format!("{version}{}", "x".repeat(500)),
                    };
                    let known = read(entries, session, &data);
                    entries.insert(token(session * 8 + draw / 40 % 8), known);
                }
            });
        }
    });
    assert_consistent(entries);
}
