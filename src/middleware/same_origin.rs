//! Rejects requests that a page of another origin makes with a user's cookies (CSRF protection).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HOST, ORIGIN, UPGRADE};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use pin_project_lite::pin_project;
use tower::Service;
use tower_layer::Layer;

use crate::error::{AuthError, AuthErrorKind, ConfigError};
use crate::middleware::checked::Checked;
use crate::middleware::reject::{Head, JsonRejection, Reject, respond};
use crate::trace;

/// Answers 403 `cross_site` to a browser's request that a page of another origin has caused. Cheap
/// to clone.
///
/// A browser attaches cookies to a request even if a page of another site has caused the request.
/// **Put this layer around every route where a cookie authenticates the caller**, outside of the
/// [`SessionAuthLayer`](crate::SessionAuthLayer). The library's own [routes](crate::routes) already
/// contain it.
///
/// # Requests that pass
///
/// - A `GET`, `HEAD` or `OPTIONS` request, because these methods change nothing. Exception: the
///   layer checks such a request if it upgrades the connection (`Upgrade`, for example to a
///   WebSocket), because `SameSite=Lax` and CORS do not protect an upgrade.
/// - A request whose `Sec-Fetch-Site` is `same-origin` or `none`.
/// - A request whose `Origin` is one of the [trusted origins](Self::trusted_origins).
/// - A request without `Sec-Fetch-Site` whose `Origin` has the same host and port as the request's
///   target. If a port is missing, the default port of the origin's scheme applies. Hosts are
///   compared without regard to case. Schemes are not compared, because the layer does not know the
///   scheme of the request.
/// - A request with neither `Sec-Fetch-Site` nor `Origin`. Such a request does not come from a
///   browser, so a program has set its cookies on purpose.
///
/// All other requests are rejected. For each rejected request, the layer logs a warning with
/// `Origin`, `Host` and `Sec-Fetch-Site`. Each logged value is cut after 200 bytes. A proxy must
/// leave `Host` and `Origin` unchanged.
///
/// The check reads only headers. It does no I/O, and makes no allocation for a request that passes.
///
/// ```
/// use axum::Router;
/// use axum::routing::post;
/// use tower_session_auth::error::ConfigError;
/// use tower_session_auth::same_origin::SameOriginLayer;
/// use tower_session_auth::{Session, SessionAuthLayer, SessionManager, TokenSource};
///
/// async fn order(session: Session) -> String {
///     format!("thank you, {}", session.user_id())
/// }
///
/// fn app(manager: SessionManager) -> Result<Router, ConfigError> {
///     let source = TokenSource::header_or_cookie("__Host-access_token")?;
///     Ok(Router::new()
///         .route("/orders", post(order))
///         .layer(SessionAuthLayer::new(manager).token_source(source))
///         .layer(SameOriginLayer::new().trusted_origins(["https://app.example.com"])?)) // outside
/// }
/// # let _ = app;
/// ```
pub struct SameOriginLayer<R = JsonRejection> {
    trusted: Arc<[String]>,
    reject: Arc<R>,
}

impl SameOriginLayer {
    /// Creates a layer that trusts no other origin.
    #[must_use]
    pub fn new() -> Self {
        Self { trusted: Arc::new([]), reject: Arc::new(JsonRejection) }
    }
}

impl Default for SameOriginLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> SameOriginLayer<R> {
    /// Also lets requests from pages of these origins pass. Write each origin exactly as a browser
    /// writes it in the `Origin` header, for example `https://app.example.com`. Default: none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] for a value that no browser sends, because such a value would
    /// never match. Examples are a wildcard, a scheme other than `http` and `https`, a default
    /// port, upper-case letters, a path, and a trailing slash.
    pub fn trusted_origins<T: Into<String>>(
        mut self,
        origins: impl IntoIterator<Item = T>,
    ) -> Result<Self, ConfigError> {
        let origins: Vec<String> = origins.into_iter().map(Into::into).collect();
        origins.iter().try_for_each(|origin| check_origin(origin))?;
        self.trusted = origins.into();
        Ok(self)
    }

    /// Answers rejected requests with `reject`, as
    /// [`SessionAuthLayer::on_reject`](crate::SessionAuthLayer::on_reject) does. The kind of the
    /// error is [`CrossSite`](AuthErrorKind::CrossSite).
    #[must_use]
    pub fn on_reject<R2>(self, reject: R2) -> SameOriginLayer<R2> {
        SameOriginLayer { trusted: self.trusted, reject: Arc::new(reject) }
    }

    /// Returns whether the request passes. [`SameOriginLayer`] lists the conditions.
    fn allows(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
        const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
        // These methods are safe by definition: a handler for one of them must not change anything.
        // Over HTTP/2, a WebSocket starts with the method `CONNECT`, which is always checked.
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let upgrades = headers.contains_key(UPGRADE)
            || headers.get(&MODE).is_some_and(|mode| mode.as_bytes() == b"websocket");
        if safe && !upgrades {
            return true;
        }
        let site = headers.get(&SITE).map_or(&b""[..], HeaderValue::as_bytes);
        if matches!(site, b"same-origin" | b"none") {
            return true;
        }
        let mut origins = headers.get_all(ORIGIN).iter().map(HeaderValue::as_bytes);
        match (origins.next(), origins.next()) {
            (None | Some(b""), None) => site.is_empty(),
            (Some(origin), None) => {
                self.trusted.iter().any(|trusted| trusted.as_bytes() == origin)
                    || site.is_empty() && is_of_host(origin, uri, headers)
            }
            (_, Some(_)) => false,
        }
    }
}

/// Returns whether `origin` has the host and port of the request's target.
fn is_of_host(origin: &[u8], uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    // The authority in the request target takes precedence over `Host` (RFC 9112 section 3.2.2).
    let asked = match (uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, _) => Some(authority.clone()),
        (None, Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (None, _, _) => None,
    };
    let origin = str::from_utf8(origin).ok().and_then(Origin::parse);
    let (Some(origin), Some(asked)) = (origin, asked) else { return false };
    let port = port(&asked).unwrap_or_else(|| Some(origin.default_port()));
    origin.authority.host().eq_ignore_ascii_case(asked.host()) && port == Some(origin.port())
}

/// Returns the port of an authority. `None` means that the authority has no port. `Some(None)`
/// means that the port is not a number, or that the authority has user information.
fn port(authority: &Authority) -> Option<Option<u16>> {
    let Some(port) = authority.as_str().strip_prefix(authority.host()) else { return Some(None) };
    Some(port.strip_prefix(':')?.parse().ok())
}

/// A parsed `Origin` header. The opaque origin `null` does not parse.
struct Origin {
    secure: bool,
    authority: Authority,
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority: Authority = authority.parse().ok()?;
        let good =
            !authority.host().is_empty() && port(&authority).is_none_or(|port| port.is_some());
        good.then_some(Self { secure, authority })
    }

    fn default_port(&self) -> u16 {
        if self.secure { 443 } else { 80 }
    }

    fn port(&self) -> u16 {
        port(&self.authority).flatten().unwrap_or_else(|| self.default_port())
    }
}

/// Returns an error for an origin that no browser sends.
fn check_origin(text: &str) -> Result<(), ConfigError> {
    let refused = |rule| Err(ConfigError::OutOfRange { setting: "trusted_origins", rule });
    if text.contains('*') {
        return refused("must not hold a wildcard: origins are compared exactly, so name each one");
    }
    let rule = "must be `http://` or `https://`, a host in lower case, and the port unless it is \
                the default one";
    let Some(origin) = Origin::parse(text) else { return refused(rule) };
    let default_port = port(&origin.authority).flatten() == Some(origin.default_port());
    let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let written = origin.authority.as_str();
    let capitals = written.bytes().any(|byte| byte.is_ascii_uppercase());
    if default_port || capitals || !written.bytes().all(of_a_host) {
        return refused(rule);
    }
    Ok(())
}

/// A value of a request, as the log contains it. The value is cut after 200 bytes. It is escaped,
/// so that it cannot forge a log line.
struct Shown<'a>(Option<&'a [u8]>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_LEN: usize = 200;
        let Some(value) = self.0 else { return f.write_str("none") };
        let shown = value.get(..MAX_LEN).unwrap_or(value);
        write!(f, "{}", shown.escape_ascii())?;
        f.write_str(if shown.len() < value.len() { "…" } else { "" })
    }
}

/// Logs a warning with the values that caused the rejection. The values help an operator to find a
/// proxy that changes headers.
fn log_refusal(uri: &Uri, headers: &HeaderMap) {
    let header = |name: &str| Shown(headers.get(name).map(HeaderValue::as_bytes));
    let host = match uri.authority() {
        Some(authority) => Shown(Some(authority.as_str().as_bytes())),
        None => header("host"),
    };
    trace::warn!(
        "a cross-site request was refused",
        origin = header("origin"),
        host = host,
        sec_fetch_site = header("sec-fetch-site"),
    );
}

impl<S, R> Layer<S> for SameOriginLayer<R> {
    type Service = SameOrigin<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        SameOrigin { inner, layer: self.clone() }
    }
}

/// The service that a [`SameOriginLayer`] creates around an inner service.
///
/// The service is ready when the inner service is ready. It returns only errors of the inner
/// service. A rejected request gets a response, not an error.
pub struct SameOrigin<S, R = JsonRejection> {
    inner: S,
    layer: SameOriginLayer<R>,
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for SameOrigin<S, R>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    R: Reject<ResBody>,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = SameOriginFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        if self.layer.allows(request.method(), request.uri(), request.headers()) {
            return SameOriginFuture { checked: Checked::calling(self.inner.call(request)) };
        }
        log_refusal(request.uri(), request.headers());
        let error = AuthError::new(AuthErrorKind::CrossSite);
        let response = respond(&*self.layer.reject, error, Head::of(&request));
        SameOriginFuture { checked: Checked::rejected(response) }
    }
}

pin_project! {
    /// The response to a request behind a [`SameOriginLayer`]: the inner service's response, or the
    /// rejection.
    ///
    /// # Cancel safety
    ///
    /// The same as the inner service's future.
    #[must_use = "futures do nothing unless polled"]
    pub struct SameOriginFuture<F, ResBody> {
        #[pin]
        checked: Checked<F, ResBody>,
    }
}

impl<F, ResBody, E> Future for SameOriginFuture<F, ResBody>
where
    F: Future<Output = Result<Response<ResBody>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().checked.poll(context)
    }
}

// Manual implementation: a derive would require `R: Clone`.
impl<R> Clone for SameOriginLayer<R> {
    fn clone(&self) -> Self {
        Self { trusted: Arc::clone(&self.trusted), reject: Arc::clone(&self.reject) }
    }
}

impl<S: Clone, R> Clone for SameOrigin<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<R> fmt::Debug for SameOriginLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameOriginLayer").field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, R> fmt::Debug for SameOrigin<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameOrigin")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}

impl<F, ResBody> fmt::Debug for SameOriginFuture<F, ResBody> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameOriginFuture").finish_non_exhaustive()
    }
}
