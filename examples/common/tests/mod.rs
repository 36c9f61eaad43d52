//! Tests that do not depend on the web framework. This file contains what they share.

mod environment;
#[path = "../../../tests/support/log.rs"]
#[expect(unreachable_pub, reason = "the integration tests use the same file")]
mod log;
mod passwords;
mod sockets;

use crate::common::config::Config;

pub(crate) const SECRET: &str = "only-for-tests-Zq3vT8xKpL2mWc7RdYh9";

pub(crate) fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    Config::read(|name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}
