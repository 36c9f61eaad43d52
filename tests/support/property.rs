//! Property tests: random input, a minimal failing input, and a seed to repeat a run.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// Environment variable: the seed of the run, as a failed run printed it.
const SEED: &str = "PROPERTY_SEED";
/// Environment variable: the number of cases of every property, in place of its own number. For
/// long runs.
const CASES: &str = "PROPERTY_CASES";

/// Checks that `property` does not panic for `cases` random values.
///
/// # Panics
///
/// Panics with the smallest failing value found, and with the seed of this run.
pub(crate) fn holds<S>(cases: u32, values: &S, property: impl Fn(S::Value))
where
    S: Strategy,
    S::Value: Debug,
{
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
    };
    let seed = number(SEED).unwrap_or_else(random_seed);
    let cases = number(CASES).map_or(cases, |cases| u32::try_from(cases).unwrap_or(u32::MAX));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 4_096, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let outcome = TestRunner::new_with_rng(config, rng).run(values, |value| {
        property(value);
        Ok::<_, TestCaseError>(())
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, smallest)) => panic!(
            "{why}\nthe smallest input found: {smallest:#?}\nto repeat this run, set {SEED}={seed}"
        ),
        Err(TestError::Abort(why)) => panic!("{why}\nto repeat this run, set {SEED}={seed}"),
    }
}

fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap_or_else(|error| panic!("no random bytes: {error}"));
    u64::from_le_bytes(bytes)
}
