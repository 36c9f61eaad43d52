//! The cookies that carry tokens: their names, their paths, and how to clear them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use ::cookie::{Cookie, SameSite, time};
use http::{HeaderMap, HeaderValue};

use super::error_response::Problem;
use crate::error::ConfigError;
use crate::middleware::cookies::{checked_name, cookies};
use crate::middleware::extract::TokenSource;
use crate::trace;

/// The maximum size of a cookie that every browser accepts (RFC 6265 section 6.1). The size is the
/// number of bytes of the name and the value together.
const KEPT: usize = 4096;

/// Prefixes of cookie names. For a name with such a prefix, browsers enforce certain attributes of
/// the cookie (RFC 6265bis section 4.1.3).
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";

/// How refresh tokens travel between the routes and clients. The setting has an effect only if the
/// manager issues refresh tokens
/// ([`refresh_keys`](crate::manager::SessionManagerBuilder::refresh_keys)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshDelivery {
    /// Refresh tokens travel in a cookie that scripts cannot read, and never in a body. Use this
    /// delivery for browsers.
    Cookie(RefreshCookie),
    /// Refresh tokens travel in bodies. The responses to a login and to a refresh contain the
    /// member `refresh_token`. A refresh reads the token only from the request body
    /// `{"refresh_token": …}`. The routes set no refresh cookie. Use this delivery for clients that
    /// are not browsers and can store the token safely.
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

/// The cookie that carries the refresh token. Its attributes are
/// `HttpOnly; Secure; SameSite=Strict`, without `Domain`. It expires at the end of the session's
/// absolute lifetime.
///
/// The library adds a prefix to the name, according to the other attributes:
///
/// - `Secure` with the path `/`: the prefix `__Host-`. Neither plain HTTP nor another host can set
///   such a cookie.
/// - `Secure` with another path: the prefix `__Secure-`. Plain HTTP cannot set such a cookie, but
///   another host of your domain can.
/// - Without `Secure`: no prefix.
///
/// If you do not trust all hosts of your domain, choose [`path("/")`](Self::path).
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
    /// Creates the cookie `refresh_token`: `Secure`, with the path of the mount point.
    #[must_use]
    pub fn new() -> Self {
        Self { name: Cow::Borrowed("refresh_token"), path: None, secure: true }
    }

    /// Sets the name, without a prefix. Default: `refresh_token`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// Sets the path below which browsers send the cookie.
    ///
    /// By default, the path is the prefix of the mount point
    /// ([`Mounts::auth`](super::Mounts::auth)). Browsers therefore send the cookie only to the
    /// routes of this mount point, so a login at one mount point does not count at another one.
    /// Exception: if an auth mount point lies below other auth mount points, its cookie has the
    /// path of the outermost one. All these mount points then share one cookie.
    /// [`Routes::auth`](super::Routes::auth) does not know its prefix and uses `/`.
    ///
    /// Set the path if the path in the browser differs from the path that this server sees, for
    /// example behind a proxy that strips a prefix. With this setting, all mount points share one
    /// cookie.
    ///
    /// After you change the path, a browser may still have a cookie with the earlier path. If one
    /// of the two paths lies below the other, the browser sends both cookies. If both cookies
    /// belong to one user, a refresh uses the token of the latest login. If they belong to
    /// different users, the routes answer a refresh with 401. The next login or logout clears the
    /// cookie with the earlier path.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the `Secure` attribute. Default: `true`. `false` also removes the prefix of the name.
    /// Use `false` only for development over plain HTTP. Chromium and curl also accept `Secure`
    /// cookies from `http://localhost` and `http://127.0.0.1`, but some other browsers do not.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the cookie for a mount point.
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

/// A cookie that carries the access token. The response body also contains the access token. The
/// attributes of the cookie are `HttpOnly; Secure; SameSite=Strict; Path=/`, without `Domain`. Use
/// this cookie for pages without scripts. [`TokenSource`] describes what the rest of the
/// application must do.
///
/// ```
/// use tower_session_auth::error::ConfigError;
/// use tower_session_auth::routes::AccessCookie;
/// use tower_session_auth::{SessionAuthLayer, SessionManager};
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
    /// Creates the cookie `__Host-access_token` with `Secure` and `SameSite=Strict`.
    #[must_use]
    pub fn new() -> Self {
        let (name, same_site) = (Cow::Borrowed("access_token"), SameSite::Strict);
        Self { name, secure: true, same_site }
    }

    /// Sets the name, without the prefix. Default: `access_token`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// Sets the `Secure` attribute, as [`RefreshCookie::secure`] does.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Sets `SameSite=Lax`. Browsers then also send the cookie when the user follows a link from
    /// another site. With the default `Strict`, browsers do not send the cookie in this case, so
    /// the page shows the user as not logged in until the user reloads the page.
    #[must_use]
    pub fn lax(mut self) -> Self {
        self.same_site = SameSite::Lax;
        self
    }

    /// Returns the token source with which the application's own layers read this cookie.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if the name is not a valid cookie name.
    pub fn token_source(&self) -> Result<TokenSource, ConfigError> {
        TokenSource::header_or_cookie(self.everywhere()?.name)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the cookie for all mount points: its path is always `/`.
    pub(super) fn everywhere(&self) -> Result<TokenCookie, ConfigError> {
        TokenCookie::new(&self.name, "/", self.secure, self.same_site)
    }
}

impl Default for AccessCookie {
    fn default() -> Self {
        Self::new()
    }
}

/// A cookie that carries a token, with its name and attributes.
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
            return refused("cookie name", "must not start with `__`: the library adds the prefix");
        }
        let visible = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        if !(path.starts_with('/') && path.bytes().all(visible)) {
            return refused(
                "cookie path",
                "must start with `/` and hold only visible ASCII without `;`",
            );
        }
        let prefix = match (secure, path) {
            (true, "/") => HOST,
            (true, _) => SECURE,
            (false, _) => "",
        };
        let (bare, path) = (name.to_owned(), path.to_owned());
        Ok(Self { name: format!("{prefix}{name}"), bare, path, secure, same_site })
    }

    /// Returns the name with its prefix.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the `Set-Cookie` value for this token.
    pub(super) fn set(&self, token: &str, max_age: Duration) -> Result<HeaderValue, Problem> {
        if self.name.len() + token.len() > KEPT {
            trace::warn!(
                "a token is too long for a cookie: browsers discard it",
                cookie = self.name,
                bytes = token.len(),
            );
        }
        self.field(&self.name, &self.path, token, max_age)
    }

    /// Returns the `Set-Cookie` value that clears the cookie. The value has the name and path of
    /// the cookie, because browsers identify a cookie by name, path and host.
    pub(super) fn cleared(&self) -> Result<HeaderValue, Problem> {
        self.field(&self.name, &self.path, "", Duration::ZERO)
    }

    /// Returns the `Set-Cookie` values that clear the browser's other cookies of this name. An
    /// earlier configuration or another application of the domain may have set such cookies.
    ///
    /// The values cover each form of the name: with the prefix `__Host-`, with the prefix
    /// `__Secure-`, and without a prefix. They cover each prefix of two paths: the cookie's own
    /// path, and `mount`, which is the path of the routes.
    pub(super) fn cleared_elsewhere(
        &self,
        mount: Option<&str>,
    ) -> Result<Vec<HeaderValue>, Problem> {
        let paths: BTreeSet<_> =
            [Some(self.path.as_str()), mount].into_iter().flatten().flat_map(prefixes).collect();
        let mut fields = Vec::new();
        for path in paths {
            for name in self.names() {
                // Browsers accept a `__Host-` name for the path `/` only.
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
            // Without `Secure`, browsers reject a name that has a prefix.
            .secure(self.secure || name != self.bare)
            .same_site(self.same_site)
            .path(path)
            .max_age(time::Duration::seconds(seconds));
        let header = HeaderValue::try_from(cookie.to_string());
        let mut header = header.map_err(|error| Problem::internal(&error))?;
        // Sensitive: `Debug` of a response hides the value, and HTTP/2 does not compress it.
        header.set_sensitive(true);
        Ok(header)
    }

    /// Returns each form of the name that a browser may hold.
    fn names(&self) -> [String; 3] {
        [HOST, SECURE, ""].map(|prefix| format!("{prefix}{}", self.bare))
    }

    /// Reads the tokens from the cookies of this name. A value that is not UTF-8 cannot be a token
    /// of this crate, so it is read as an empty text.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        read(headers, &self.name)
    }

    /// Reads the tokens from the cookies of each form of the name: with each prefix, and without a
    /// prefix. Use these tokens only to revoke sessions. Another host or application of the domain
    /// can set some of these cookies.
    pub(super) fn read_all_forms<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        self.names().iter().flat_map(|name| read(headers, name)).collect()
    }
}

fn read<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    cookies(headers, name).map(|value| str::from_utf8(value).unwrap_or_default())
}

/// Returns the prefixes of a path. For `/a/b` these are `/`, `/a` and `/a/b`.
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
