//! The weight of near-cache entries: an estimate of the bytes that they take in memory.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use quick_cache::{Options, OptionsBuilder};

use super::contents::is_shared;
use super::entry::Key;
use crate::session::StoredContent;

/// Bytes that an entry takes in addition to the token's text and the session. They are the entry's
/// slots in the tables of the cache and in the table of its content.
const TOKEN: usize = 256;

/// Bytes that a shared content takes in addition to the content itself: its slot in the table of
/// contents, and the table of its entries.
const CONTENT: usize = 384;

/// Estimated size of the application's data in memory, as a multiple of the size of their JSON. It
/// is used unless the application supplies a size function.
const DECODED: usize = 8;

/// The minimum size of one shard, in bytes. A session whose content is larger than a shard is not
/// cached.
const SHARD: u64 = 1 << 20;

/// The minimum number of tokens of one shard, unless there is only one shard.
const SHARD_TOKENS: usize = 32;

/// The limits of the near cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// The maximum number of tokens.
    pub(crate) tokens: usize,
    /// The maximum weight of the entries and of their sessions' contents, in bytes.
    pub(crate) bytes: usize,
}

/// Estimates how many bytes the application's data take in memory.
pub(crate) struct DataSize<D>(Option<Arc<SizeFn<D>>>);

type SizeFn<D> = dyn Fn(&D, usize) -> usize + Send + Sync;

impl<D> DataSize<D> {
    pub(crate) fn new(size: impl Fn(&D, usize) -> usize + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(size)))
    }

    /// Returns the weight of a content, in bytes.
    pub(super) fn weigh(&self, stored: &StoredContent<D>) -> u64 {
        /// The maximum weight of one content, in bytes. A greater weight is reduced to this value.
        /// No cache is large enough for an entry with this content. The sum of several such weights
        /// does not overflow.
        const MOST: u64 = 1 << 40;
        let data = match &self.0 {
            Some(size) => size(&stored.content.data, stored.data_len),
            None => stored.data_len.saturating_mul(DECODED),
        };
        let table = if is_shared(&stored.payload) { CONTENT } else { 0 };
        let size = stored.size(data).saturating_add(table);
        u64::try_from(size).map_or(MOST, |size| size.min(MOST))
    }
}

impl<D> Default for DataSize<D> {
    fn default() -> Self {
        Self(None)
    }
}

impl<D> fmt::Debug for DataSize<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DataSize").field(&self.0.is_some()).finish()
    }
}

/// Computes the weights of entries so that one weight limit of the cache enforces both limits of a
/// [`Capacity`]: bytes and tokens. Each entry has a minimum weight, which is slightly more than
/// `bytes / (tokens + 1)` of its shard. The minimum weight keeps a shard from holding more entries
/// than its share of `tokens`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    token_share: u64,
}

impl Weights {
    /// Returns the weigher for a capacity, and the options of a cache with that capacity.
    pub(super) fn new(capacity: Capacity) -> (Self, Options) {
        let shards = shards(capacity);
        let shard_bytes = capacity.bytes as u64 / shards as u64;
        // The minimum weight of an entry is large enough that a shard cannot hold more tokens than
        // its share. If a shard holds fewer tokens, their contents can use the rest of the weight.
        let token_share = shard_bytes / ((capacity.tokens / shards) as u64 + 1) + 1;
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(capacity.tokens)
            .weight_capacity(shard_bytes * shards as u64)
            .build();
        let options = options.unwrap_or_else(|_| unreachable!("every required option is set"));
        (Self { token_share }, options)
    }

    /// Returns the weight of an entry with this key and these other parts, in bytes.
    pub(super) fn entry(self, key: &Key, size: usize) -> u64 {
        let size = size.saturating_add(key.len()).saturating_add(TOKEN);
        (size as u64).max(self.token_share)
    }
}

/// Returns the number of shards. It starts with the number that [`OptionsBuilder`] would choose,
/// and halves that number until no shard is too small.
fn shards(capacity: Capacity) -> usize {
    let processors = available_parallelism().map_or(1, usize::from);
    let mut shards = processors.saturating_mul(4).next_power_of_two();
    let is_small = |shards: usize| {
        capacity.tokens / shards < SHARD_TOKENS || capacity.bytes as u64 / (shards as u64) < SHARD
    };
    while shards > 1 && is_small(shards) {
        shards /= 2;
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_shards_is_halved_only_until_no_shard_is_too_small() {
        let most = shards(Capacity { tokens: 1 << 24, bytes: 1 << 36 });
        assert!(most >= 4, "{most}");
        let (tokens, bytes) = (most * SHARD_TOKENS, most << 20);
        assert_eq!(shards(Capacity { tokens, bytes }), most);
        assert_eq!(shards(Capacity { tokens: tokens - 1, bytes }), most / 2);
        assert_eq!(shards(Capacity { tokens, bytes: bytes - 1 }), most / 2);
        assert_eq!(shards(Capacity { tokens: 1, bytes: 1 }), 1);
    }

    #[test]
    fn token_share_leaves_room_for_at_least_one_and_at_most_capacity_tokens() {
        for tokens in [1, 2, 31, 32, 100, 1_000, 65_536, 1 << 24] {
            for bytes in [1 << 16, 1 << 20, 64 << 20, 1 << 36] {
                let capacity = Capacity { tokens, bytes };
                let (Weights { token_share }, _) = Weights::new(capacity);
                let shards = shards(capacity) as u64;
                let room = bytes as u64 / shards / token_share * shards;
                assert!((1..=tokens as u64).contains(&room), "{tokens} {bytes} {token_share}");
            }
        }
    }
}
