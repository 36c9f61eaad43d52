//! Turns an [`AuthError`] into a response.

use http::{Extensions, HeaderMap, Method, Request, Response, Uri, Version};

use crate::error::AuthError;

/// Turns a rejection into a response. Default: [`JsonRejection`].
///
/// A closure `Fn(&AuthError, Head<'_>) -> Response<B>` implements this trait. The layer then adds
/// the error to the extensions of the response.
///
/// Implementations must not panic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot answer a rejected request with the body type `{ResBody}`",
    label = "the inner service answers with `{ResBody}`",
    note = "`JsonRejection`, the default, needs a body type that implements `From<String>`; for any \
            other call `.on_reject(|error: &AuthError, head: Head<'_>| …)` with a closure that \
            returns `Response<{ResBody}>`",
    note = "`error.to_response::<String>().map(…)` converts the body of the default response"
)]
pub trait Reject<ResBody> {
    /// Returns the response to a rejected request.
    fn reject(&self, error: &AuthError, head: Head<'_>) -> Response<ResBody>;
}

#[diagnostic::do_not_recommend]
impl<F, ResBody> Reject<ResBody> for F
where
    F: Fn(&AuthError, Head<'_>) -> Response<ResBody>,
{
    fn reject(&self, error: &AuthError, head: Head<'_>) -> Response<ResBody> {
        self(error, head)
    }
}

/// A request without its body.
///
/// A `Head` includes the `Authorization` header, so do not log all of its headers. Its `Debug`
/// output contains neither the headers nor the extensions.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Head<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's target.
    pub uri: &'a Uri,
    /// The HTTP version.
    pub version: Version,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The request's extensions, including the values that outer layers have put there.
    pub extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            extensions: request.extensions(),
        }
    }
}

impl std::fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("method", self.method).finish_non_exhaustive()
    }
}

/// The default response: `{"detail": …, "code": …}` as JSON, with `reason` for a revoked session.
///
/// - Every response has `Cache-Control: no-store`.
/// - Every 401, every 400, and the 403 of a role guard have `WWW-Authenticate: Bearer` (RFC 6750
///   section 3, RFC 9470 section 3).
/// - A 503 has `Retry-After`.
/// - A 500 has a `request_id`, which is also in the log.
///
/// Works for every body type that implements `From<String>`, for example axum's body, `Full<Bytes>`
/// and `String`. For another body type (tonic's, a `BoxBody`), pass a closure to
/// [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to configure")]
pub struct JsonRejection;

#[diagnostic::do_not_recommend]
impl<ResBody: From<String>> Reject<ResBody> for JsonRejection {
    fn reject(&self, error: &AuthError, _: Head<'_>) -> Response<ResBody> {
        error.to_response()
    }
}

/// Returns the response of `reject`, with the error in its extensions.
pub(crate) fn respond<R, ResBody>(reject: &R, error: AuthError, head: Head<'_>) -> Response<ResBody>
where
    R: Reject<ResBody> + ?Sized,
{
    let mut response = reject.reject(&error, head);
    response.extensions_mut().insert(error);
    response
}
