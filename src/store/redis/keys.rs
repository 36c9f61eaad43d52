//! Names of the keys in Redis.

use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

use crate::id::UserId;
use crate::store::AttemptKey;

/// The characters of a user id that are written as `%XX`: all except letters, digits and `._~-`. So
/// no byte of a user id can act as syntax of a key or of a pattern.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'~').remove(b'-');

/// The prefix of all keys of one application.
#[derive(Clone, Debug)]
pub(super) struct Prefix(String);

impl Prefix {
    const MAX_LEN: usize = 128;

    /// Parses a prefix: 1 to 128 bytes of `[A-Za-z0-9_.:-]`.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        let fits = (1..=Self::MAX_LEN).contains(&raw.len());
        (fits && raw.bytes().all(allowed)).then(|| Self(raw.to_owned()))
    }

    /// The hash of the session records: session id → header and payload.
    pub(super) fn live(&self, user: &UserId) -> String {
        self.key(user, Part::Live.as_str())
    }

    /// The hash of the activity: session id → `<idle deadline>:<last activity>`, followed by
    /// `:<rotation>` if a touch recorded a rotation counter.
    pub(super) fn seen(&self, user: &UserId) -> String {
        self.key(user, Part::Seen.as_str())
    }

    /// The hash of the tombstones: session id → `<reason>:<until>`. Three more fields are not
    /// tombstones. Their names cannot be session ids:
    /// - `#` is the login fence: `<random text>:<until>`.
    /// - `+` counts creations: `<count>:<start of the window>:<until>`.
    /// - `@` is the password epoch: `<random text>:<until>`.
    pub(super) fn gone(&self, user: &UserId) -> String {
        self.key(user, "gone")
    }

    /// The three keys of a user, in the order in which the scripts expect them.
    pub(super) fn all(&self, user: &UserId) -> [String; 3] {
        [self.live(user), self.seen(user), self.gone(user)]
    }

    /// The hash of the attempts that were counted under a pseudonym (see `lua/attempt.lua`). The
    /// key cannot equal a user's key, because a user's key has braces in the place of `limit`.
    pub(super) fn attempts(&self, key: &AttemptKey) -> String {
        format!("{}:limit:{{{}}}", self.0, key.as_str())
    }

    /// The key of a probe: a short-lived value that this store writes for a test. The key cannot
    /// equal a user's key, because a user's key has braces in the place of `canary`.
    pub(super) fn probe_key(&self, name: &str) -> String {
        format!("{}:canary:{name}", self.0)
    }

    /// Returns a key that belongs to no user, because no user id is encoded as `#`.
    pub(super) fn reserved(&self, name: &str) -> String {
        format!("{}:{{#}}:{name}", self.0)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The pattern that matches all `live` keys. It can also match keys of other software. A prefix
    /// contains no pattern characters.
    pub(super) fn live_pattern(&self) -> String {
        format!("{}:{{*}}:live", self.0)
    }

    /// The pattern that matches all `live` and `seen` keys. It can also match other keys.
    pub(super) fn session_pattern(&self) -> String {
        format!("{}:{{*}}:[ls]???", self.0)
    }

    /// Returns the user and the part of a `live` or `seen` key. Returns `None` for any other key.
    pub(super) fn parse_key(&self, key: &str) -> Option<(UserId, Part)> {
        let (user, part) = key.strip_prefix(&self.0)?.strip_prefix(":{")?.split_once("}:")?;
        Some((decoded(user)?, Part::parse(part)?))
    }

    // The braces are the hash tag of Redis Cluster: it puts all three keys on one node.
    fn key(&self, user: &UserId, part: &str) -> String {
        // Avoid `format!`: a key is built for each request to the store, and formatting costs three
        // times as much.
        let mut key = String::with_capacity(self.0.len() + user.as_str().len() + part.len() + 4);
        key.push_str(&self.0);
        key.push_str(":{");
        key.extend(encoded(user));
        key.push_str("}:");
        key.push_str(part);
        key
    }
}

/// The kinds of keys that a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Live,
    Seen,
}

impl Part {
    fn parse(raw: &str) -> Option<Self> {
        [Self::Live, Self::Seen].into_iter().find(|part| part.as_str() == raw)
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Seen => "seen",
        }
    }
}

/// Encodes a user id in letters, digits and `%._~-`.
pub(super) fn encoded(user: &UserId) -> PercentEncode<'_> {
    utf8_percent_encode(user.as_str(), ESCAPED)
}

/// Decodes a user id. Returns `None` for text that [`encoded`] does not produce.
pub(super) fn decoded(raw: &str) -> Option<UserId> {
    let user = UserId::parse(&percent_decode_str(raw).decode_utf8().ok()?).ok()?;
    encoded(&user).to_string().eq(raw).then_some(user)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn live(user: &str) -> String {
        Prefix::parse("session").unwrap().live(&UserId::parse(user).unwrap())
    }

    #[test]
    fn prefix_rejects_patterns_and_braces() {
        for good in ["session", "a.b:c_d-9", &"x".repeat(128)] {
            assert!(Prefix::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a{b", "a*", "a b", "a\n", "ä", "a[b]", "a?", &"x".repeat(129)] {
            assert!(Prefix::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn special_characters_of_a_user_id_are_percent_encoded() {
        assert_eq!(live("jeju"), "session:{jeju}:live");
        assert_eq!(live("A-z.0_9~"), "session:{A-z.0_9~}:live");
        assert_eq!(live("a}{b"), "session:{a%7D%7Bb}:live");
        assert_eq!(live("*?[a]^\\"), "session:{%2A%3F%5Ba%5D%5E%5C}:live");
        assert_eq!(live("a:b\r\n\0%"), "session:{a%3Ab%0D%0A%00%25}:live");
        assert_eq!(live("ä"), "session:{%C3%A4}:live");
    }

    #[test]
    fn parse_key_returns_the_user_and_the_part() {
        let prefix = Prefix::parse("a.b:c").unwrap();
        for name in ["jeju", "a}{b", "}:live", "%41", "ä\r\n", "*", &"x".repeat(256)] {
            let user = UserId::parse(name).unwrap();
            for (key, part) in [(prefix.live(&user), Part::Live), (prefix.seen(&user), Part::Seen)]
            {
                assert_eq!(prefix.parse_key(&key), Some((user.clone(), part)), "{key}");
            }
            assert_eq!(prefix.parse_key(&prefix.gone(&user)), None);
        }
    }

    #[test]
    fn parse_key_rejects_foreign_keys() {
        let prefix = Prefix::parse("session").unwrap();
        for foreign in [
            "",
            "session",
            "session:{}:live",
            "session:{a}",
            "session:{a}:",
            "session:{a}:lived",
            "session:{a}:live:",
            "session:{a}:x:live",
            "session:{a}:b}:live",
            "session:{%41}:live",
            "session:{%}:live",
            "session:{%2a}:live",
            "session:{%FF}:live",
            "session:{a b}:live",
            "session:{ä}:live",
            "session:a:live",
            "session:limit:{a}",
            "other:{a}:live",
            "my-session:{a}:live",
        ] {
            assert_eq!(prefix.parse_key(foreign), None, "{foreign}");
        }
        let long = format!("session:{{{}}}:live", "x".repeat(257));
        assert_eq!(prefix.parse_key(&long), None);
    }

    #[test]
    fn different_users_have_different_keys() {
        let users = ["a", "A", "a:b", "a%3Ab", "a%253Ab", "{a}", "a}:live", "%", "%25", "ä", "a "];
        let keys: HashSet<_> = users.iter().map(|user| live(user)).collect();
        assert_eq!(keys.len(), users.len());
    }
}
