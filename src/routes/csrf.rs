//! Keeps other sites from acting with a user's cookies.

use axum::response::{IntoResponse as _, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::code::Code;
use super::problem::Problem;
use crate::error::ConfigError;
use crate::trace;

/// tower-http's, with the contract's words. By what browsers say of a request: `Sec-Fetch-Site`, or `Origin` held against
/// `Host` where that is missing. What says neither comes from no browser, and brings no cookies that it does not mean.
pub(super) type SameOrigin = CsrfLayer<fn(ProtectionError) -> Response>;

/// A layer that lets these other origins through as well.
pub(super) fn same_origin(trusted: &[String]) -> Result<SameOrigin, ConfigError> {
    let refused = |_| {
        let rule = "must be `http://` or `https://`, a host and a port, as browsers write it";
        ConfigError::OutOfRange { setting: "trusted_origins", rule }
    };
    let layer = trusted.iter().try_fold(CsrfLayer::new(), |layer, origin| {
        // tower-http takes what parses. What no browser sends would never match.
        let default_port = match origin.split_once("://") {
            Some(("https", host)) => host.ends_with(":443"),
            Some((_, host)) => host.ends_with(":80"),
            None => false,
        };
        if default_port || origin.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(refused(()));
        }
        layer.add_trusted_origin(origin).map_err(|_| refused(()))
    })?;
    Ok(layer.with_rejection_response(refuse as fn(ProtectionError) -> Response))
}

#[expect(clippy::needless_pass_by_value, reason = "tower-http's signature")]
fn refuse(error: ProtectionError) -> Response {
    trace::warn!("a cross-site request was refused", error = error);
    Problem::from(Code::CrossSite).into_response()
}
