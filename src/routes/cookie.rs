//! The cookies that carry tokens: what they are called, where browsers send them, and how they are taken back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use ::cookie::{Cookie, SameSite, time};
use http::{HeaderMap, HeaderValue};

use super::problem::Problem;
use crate::error::ConfigError;
use crate::steps::cookies::{checked_name, cookies};
use crate::steps::extract::TokenSource;
use crate::trace;

/// How much of a name and a value browsers keep at least (RFC 6265 section 6.1), in bytes.
const KEPT: usize = 4096;

/// Prefixes of names by which browsers hold a cookie to its attributes (RFC 6265bis section 4.1.3).
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";

/// How refresh tokens get to clients and back. Only of a manager that issues them
/// ([`refresh_keys`](crate::SessionManagerBuilder::refresh_keys)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshDelivery {
    /// In a cookie, out of the reach of scripts: for browsers. No body has the token.
    Cookie(RefreshCookie),
    /// In bodies: a login and a refresh answer `refresh_token` too, and a refresh reads `{"refresh_token": …}` and nothing
    /// else. For clients that are no browsers and have a safe place for it; no cookie is set.
    Body,
}

impl Default for RefreshDelivery {
    fn default() -> Self {
        Self::Cookie(RefreshCookie::new())
    }
}

impl From<RefreshCookie> for RefreshDelivery {
    fn from(cookie: RefreshCookie) -> Self {
        Self::Cookie(cookie)
    }
}

/// The cookie that carries the refresh token: `HttpOnly; Secure; SameSite=Strict`, without `Domain`, and gone when the
/// session's absolute lifetime is.
///
/// Its name gets the prefix that its other attributes allow: `__Host-` for a `Secure` cookie of the path `/`, which keeps
/// plain HTTP and other hosts from planting one; `__Secure-` for one of another path, which keeps plain HTTP from it. Where
/// another host of your domain is not to be trusted, choose [`path("/")`](Self::path).
///
/// ```
/// use tower_session_auth::routes::RefreshCookie;
///
/// // Behind a proxy that takes `/shop` away in front of the mount `/auth`:
/// let cookie = RefreshCookie::new().path("/shop/auth");
/// # let _ = cookie;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshCookie {
    name: Cow<'static, str>,
    path: Option<String>,
    secure: bool,
}

impl RefreshCookie {
    /// `refresh_token`, `Secure`, for the path of the mount.
    #[must_use]
    pub fn new() -> Self {
        Self { name: Cow::Borrowed("refresh_token"), path: None, secure: true }
    }

    /// The name, without a prefix. `refresh_token` by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// The path below which browsers send it. By default each mount's cookie has the mount's own prefix
    /// ([`Mounts`](super::Mounts)), so that it travels with no other request, and the mounts are logged in apart from each
    /// other; and [`Routes::auth`](super::Routes::auth), which cannot know where it will be nested, has `/`.
    ///
    /// To be set where browsers see another path than this server does, as behind a proxy that strips a prefix. All
    /// mounts then share the one cookie. A browser that still holds the cookie of an earlier path above or below this one
    /// shows both: the latest login counts, and the next login or logout takes the other one back.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// `false` leaves `Secure` out, and with it the name's prefix: for development over plain HTTP only. `true` by
    /// default. Chromium and curl take `Secure` cookies from `http://localhost` and `http://127.0.0.1` as well; not all
    /// browsers do.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// As it is at a mount.
    pub(super) fn at(&self, mount: &str) -> Result<TokenCookie, ConfigError> {
        let path = self.path.as_deref().unwrap_or(mount);
        TokenCookie::new(&self.name, path, self.secure, SameSite::Strict)
    }
}

impl Default for RefreshCookie {
    fn default() -> Self {
        Self::new()
    }
}

/// A cookie that carries the access token as well: `HttpOnly; Secure; SameSite=Strict; Path=/`, without `Domain`. For pages
/// without scripts; see [`TokenSource`] for what it asks of the rest of an application.
///
/// ```
/// use tower_session_auth::routes::AccessCookie;
/// use tower_session_auth::{ConfigError, SessionAuthLayer, SessionManager};
///
/// fn layer(manager: SessionManager, cookie: &AccessCookie) -> Result<SessionAuthLayer, ConfigError> {
///     Ok(SessionAuthLayer::new(manager).token_source(cookie.token_source()?))
/// }
/// # let _ = layer;
/// # let cookie = AccessCookie::new();
/// # assert_eq!(cookie.token_source().unwrap(), tower_session_auth::TokenSource::header_or_cookie("__Host-access_token").unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessCookie {
    name: Cow<'static, str>,
    secure: bool,
    same_site: SameSite,
}

impl AccessCookie {
    /// `__Host-access_token`, `Secure`, `SameSite=Strict`.
    #[must_use]
    pub fn new() -> Self {
        let (name, same_site) = (Cow::Borrowed("access_token"), SameSite::Strict);
        Self { name, secure: true, same_site }
    }

    /// The name, without the prefix. `access_token` by default.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// As [`RefreshCookie::secure`].
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// `SameSite=Lax`: sent as well when somebody follows a link from another site. With `Strict`, the default, that page
    /// is shown as to somebody who is not logged in, until it is loaded again.
    #[must_use]
    pub fn lax(mut self) -> Self {
        self.same_site = SameSite::Lax;
        self
    }

    /// What the application's own layers read it with.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if the name is none.
    pub fn token_source(&self) -> Result<TokenSource, ConfigError> {
        TokenSource::header_or_cookie(self.everywhere()?.name)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) fn everywhere(&self) -> Result<TokenCookie, ConfigError> {
        TokenCookie::new(&self.name, "/", self.secure, self.same_site)
    }
}

impl Default for AccessCookie {
    fn default() -> Self {
        Self::new()
    }
}

/// One of these cookies, with everything known about it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TokenCookie {
    name: String,
    /// The name without a prefix.
    bare: String,
    path: String,
    secure: bool,
    same_site: SameSite,
}

impl TokenCookie {
    pub(super) fn new(
        name: &str,
        path: &str,
        secure: bool,
        same_site: SameSite,
    ) -> Result<Self, ConfigError> {
        let refused = |setting, rule| Err(ConfigError::OutOfRange { setting, rule });
        let name = checked_name(name)?;
        if name.starts_with("__") {
            return refused("cookie name", "must not bring its prefix: it is added");
        }
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        if !(path.starts_with('/') && path.bytes().all(visible)) {
            return refused("cookie path", "must be `/` and more of visible ASCII but `;`");
        }
        let prefix = match (secure, path) {
            (true, "/") => HOST,
            (true, _) => SECURE,
            (false, _) => "",
        };
        let (bare, path) = (name.to_owned(), path.to_owned());
        Ok(Self { name: format!("{prefix}{name}"), bare, path, secure, same_site })
    }

    /// With its prefix.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `Set-Cookie` for this token.
    pub(super) fn set(&self, token: &str, max_age: Duration) -> Result<HeaderValue, Problem> {
        if self.name.len() + token.len() > KEPT {
            trace::warn!(
                "a token is too long for a cookie: browsers will not keep it",
                cookie = self.name,
                bytes = token.len(),
            );
        }
        self.field(&self.name, &self.path, token, max_age)
    }

    /// `Set-Cookie` that takes it back: browsers go by name, path and host.
    pub(super) fn cleared(&self) -> Result<HeaderValue, Problem> {
        self.field(&self.name, &self.path, "", Duration::ZERO)
    }

    /// The `Set-Cookie` fields that take back whatever else a browser may hold under this name: each form of it, at each
    /// prefix of the cookie's own path and of `mount`, where the routes are. An earlier configuration has left it there,
    /// or a neighbor.
    pub(super) fn cleared_elsewhere(
        &self,
        mount: Option<&str>,
    ) -> Result<Vec<HeaderValue>, Problem> {
        let paths: BTreeSet<_> =
            [Some(self.path.as_str()), mount].into_iter().flatten().flat_map(prefixes).collect();
        let mut fields = Vec::new();
        for path in paths {
            for name in self.names() {
                // A browser holds `__Host-` at no other path.
                let possible = path == "/" || !name.starts_with(HOST);
                if possible && (name.as_str(), path) != (self.name.as_str(), self.path.as_str()) {
                    fields.push(self.field(&name, path, "", Duration::ZERO)?);
                }
            }
        }
        Ok(fields)
    }

    fn field(
        &self,
        name: &str,
        path: &str,
        value: &str,
        max_age: Duration,
    ) -> Result<HeaderValue, Problem> {
        let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        let cookie = Cookie::build((name, value))
            .http_only(true)
            // No browser takes a name with a prefix without it.
            .secure(self.secure || name != self.bare)
            .same_site(self.same_site)
            .path(path)
            .max_age(time::Duration::seconds(seconds));
        let header = HeaderValue::try_from(cookie.to_string());
        let mut header = header.map_err(|error| Problem::internal(&error))?;
        // `Debug` of a response does not show it, and HTTP/2 does not compress it.
        header.set_sensitive(true);
        Ok(header)
    }

    /// The name in each form that a browser may hold it in.
    fn names(&self) -> [String; 3] {
        [HOST, SECURE, ""].map(|prefix| format!("{prefix}{}", self.bare))
    }

    /// The tokens that a request shows in cookies of this name. What is no text is no token of ours: it is read as an empty
    /// one.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        read(headers, &self.name)
    }

    /// The same, in each form of the name: only to end sessions, because a neighbor can plant some of them.
    pub(super) fn read_all_forms<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        self.names().iter().flat_map(|name| read(headers, name)).collect()
    }
}

fn read<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    cookies(headers, name).map(|value| str::from_utf8(value).unwrap_or_default())
}

/// `/a/b`: `/`, `/a` and `/a/b`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').skip(1);
    let between = slashes.filter_map(|(at, _)| path.get(..at));
    ["/"].into_iter().chain(between).chain([path])
}

impl fmt::Debug for TokenCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.path)
    }
}
