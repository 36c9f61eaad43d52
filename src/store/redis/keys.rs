//! Where a user's sessions lie.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::id::UserId;

/// Bytes of a user id that are written as they are; all others are `%XX`, so none is syntax or pattern.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'~').remove(b'-');

/// What all keys of one application begin with.
#[derive(Clone, Debug)]
pub(super) struct Prefix(String);

impl Prefix {
    const MAX_LEN: usize = 128;

    /// 1 to 128 bytes of `[A-Za-z0-9_.:-]`.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        let fits = (1..=Self::MAX_LEN).contains(&raw.len());
        (fits && raw.bytes().all(allowed)).then(|| Self(raw.to_owned()))
    }

    /// Hash of the records: session id → header and payload.
    pub(super) fn live(&self, user: &UserId) -> String {
        self.key(user, "live")
    }

    /// Hash of the uses: session id → `<idle deadline>:<last activity>`.
    pub(super) fn seen(&self, user: &UserId) -> String {
        self.key(user, "seen")
    }

    /// Hash of the tombstones: session id → `<reason>:<until>`. The field `#` is the login guard's.
    pub(super) fn gone(&self, user: &UserId) -> String {
        self.key(user, "gone")
    }

    /// The three, in the order in which the scripts take them.
    pub(super) fn all(&self, user: &UserId) -> [String; 3] {
        [self.live(user), self.seen(user), self.gone(user)]
    }

    // The braces are the cluster's hash tag: all three lie on one node.
    fn key(&self, user: &UserId, part: &str) -> String {
        let user = utf8_percent_encode(user.as_str(), ESCAPED);
        format!("{}:{{{user}}}:{part}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn live(user: &str) -> String {
        Prefix::parse("session").unwrap().live(&UserId::parse(user).unwrap())
    }

    #[test]
    fn a_prefix_holds_no_pattern_and_no_brace() {
        for good in ["session", "a.b:c_d-9", &"x".repeat(128)] {
            assert!(Prefix::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a{b", "a*", "a b", "a\n", "ä", "a[b]", "a?", &"x".repeat(129)] {
            assert!(Prefix::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn no_byte_of_a_user_id_is_syntax() {
        assert_eq!(live("jeju"), "session:{jeju}:live");
        assert_eq!(live("A-z.0_9~"), "session:{A-z.0_9~}:live");
        assert_eq!(live("a}{b"), "session:{a%7D%7Bb}:live");
        assert_eq!(live("*?[a]^\\"), "session:{%2A%3F%5Ba%5D%5E%5C}:live");
        assert_eq!(live("a:b\r\n\0%"), "session:{a%3Ab%0D%0A%00%25}:live");
        assert_eq!(live("ä"), "session:{%C3%A4}:live");
    }

    #[test]
    fn two_users_never_share_a_key() {
        let users = ["a", "A", "a:b", "a%3Ab", "a%253Ab", "{a}", "a}:live", "%", "%25", "ä", "a "];
        let keys: HashSet<_> = users.iter().map(|user| live(user)).collect();
        assert_eq!(keys.len(), users.len());
    }
}
