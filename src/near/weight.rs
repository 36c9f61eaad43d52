//! What the entries of the near cache weigh: the bytes that they take in memory, about.

use std::fmt;
use std::sync::Arc;
use std::thread::available_parallelism;

use quick_cache::{Options, OptionsBuilder, Weighter};

use super::entries::Entry;
use super::known::{Ended, Key, Known};
use crate::session::StoredContent;

/// Bytes of an entry beside its token's text and its session: places in the cache's tables, and in that of its content.
const TOKEN: usize = 256;

/// Bytes of a session's content beside the content itself: its place among the contents, and the table of its entries.
pub(super) const CONTENT: usize = 384;

/// An application's data take so many times their JSON, unless the application says otherwise.
const DECODED: usize = 8;

/// The least bytes of one shard. A session whose content is larger than a shard is not cached.
const SHARD: u64 = 1 << 20;

/// The least tokens of one shard, where there is more than one.
const SHARD_TOKENS: usize = 32;

/// How large the near cache may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// How many tokens it holds at most.
    pub(crate) tokens: usize,
    /// How many bytes they and the contents of their sessions take at most.
    pub(crate) bytes: usize,
}

/// How many bytes an application's data take in memory.
pub(crate) struct DataSize<D>(Option<Arc<SizeFn<D>>>);

type SizeFn<D> = dyn Fn(&D, usize) -> usize + Send + Sync;

impl<D> DataSize<D> {
    pub(crate) fn new(size: impl Fn(&D, usize) -> usize + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(size)))
    }

    /// The weight of a content.
    pub(super) fn weigh(&self, stored: &StoredContent<D>) -> u64 {
        /// More than any cache holds, and so little that a sum of weights does not overflow.
        const MOST: u64 = 1 << 40;
        let data = match &self.0 {
            Some(size) => size(&stored.content.data, stored.data_len),
            None => stored.data_len.saturating_mul(DECODED),
        };
        let size = stored.size(data).saturating_add(CONTENT);
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

/// Weighs entries so that both bounds of a [`Capacity`] hold: an entry weighs at least the share of one token in all
/// bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    token_share: u64,
}

impl Weights {
    /// The weights for a capacity, and the options of a cache that holds it.
    pub(super) fn new(capacity: Capacity) -> (Self, Options) {
        let shards = shards(capacity);
        let shard_bytes = capacity.bytes as u64 / shards as u64;
        // One token more than the capacity does not fit; where there are few, the rest is for their contents.
        let token_share = shard_bytes / ((capacity.tokens / shards) as u64 + 1) + 1;
        let options = OptionsBuilder::new()
            .shards(shards)
            .estimated_items_capacity(capacity.tokens)
            .weight_capacity(shard_bytes * shards as u64)
            .build();
        let options = options.unwrap_or_else(|_| unreachable!("all that must be set is set"));
        (Self { token_share }, options)
    }
}

/// As many as [`OptionsBuilder`] would take, but none too small.
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

impl<D> Weighter<Key, Entry<D>> for Weights {
    fn weight(&self, key: &Key, entry: &Entry<D>) -> u64 {
        let token = |size: usize| {
            let size = size.saturating_add(key.len()).saturating_add(TOKEN);
            (size as u64).max(self.token_share)
        };
        match entry {
            Entry::Known(Known::Lives(session)) => token(session.own_size()),
            Entry::Known(Known::Ended(ended)) => {
                token(size_of::<Ended>() + ended.claims.heap_size())
            }
            Entry::Owner(session) => token(session.own_size()) + session.state().stored.weight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_tokens_than_the_capacity_fit_into_its_bytes() {
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
