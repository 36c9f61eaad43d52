//! Sites that issue refresh tokens, requests with cookies, and the cookies in responses.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Request};
use serde_json::Value;
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::routes::{RefreshCookie, RefreshDelivery, RoutesBuilder};
use tower_session_auth::{KeySet, SigningKey};

use crate::routes::desk::Desk;
use crate::routes::site::{Reply, Site, send, site_with};
use crate::support::OTHER_SECRET;

/// Name of the refresh cookie of a mount.
pub(crate) const REFRESH: &str = "__Secure-refresh_token";
/// Name of the access cookie.
pub(crate) const ACCESS: &str = "__Host-access_token";
/// Name of the device cookie.
pub(crate) const DEVICE: &str = "__Host-login_device";

pub(crate) const JEJU: &str = r#"{"user_id":"jeju","password":"password123"}"#;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn refreshing(builder: SessionManagerBuilder, _: &Desk) -> SessionManagerBuilder {
    builder.refresh_keys(KeySet::new(SigningKey::hs256("r1", OTHER_SECRET).unwrap()))
}

/// A site with refresh tokens in cookies and default routes.
pub(crate) fn browser_site() -> Site {
    site_with(refreshing, |routes| routes)
}

/// A site with refresh tokens in bodies.
pub(crate) fn body_site() -> Site {
    site_with(refreshing, |routes| routes.refresh_delivery(RefreshDelivery::Body))
}

pub(crate) fn cookie_site(cookie: RefreshCookie) -> Site {
    site_with(refreshing, |routes| routes.refresh_delivery(cookie))
}

pub(crate) fn routes_site(routes: impl FnOnce(RoutesBuilder) -> RoutesBuilder) -> Site {
    site_with(refreshing, routes)
}

/// A request builder.
pub(crate) struct Ask(Request<Body>);

pub(crate) fn post(path: &str) -> Ask {
    ask("POST", path)
}

pub(crate) fn ask(method: &str, path: &str) -> Ask {
    Ask(crate::routes::site::request(method, path, None, Body::empty()))
}

/// A login of the user `jeju`, without headers that only browsers send.
pub(crate) fn login(mount: &str) -> Ask {
    post(&format!("{mount}/login")).json(JEJU)
}

impl Ask {
    pub(crate) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.0.headers_mut().append(name, HeaderValue::from_bytes(value.as_ref()).unwrap());
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds a cookie in a new `cookie` header field.
    pub(crate) fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", format!("{name}={value}"))
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        *self.0.body_mut() = body.into();
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers pass both `json!` values and text")]
    pub(crate) fn json(self, body: impl ToString) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) fn request(self) -> Request<Body> {
        self.0
    }

    pub(crate) async fn to(self, site: &Site) -> Reply {
        send(&site.router, self.0).await
    }
}

/// A cookie of a response, with its attributes sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set {
    pub name: String,
    pub value: String,
    pub attributes: Vec<String>,
}

impl Reply {
    pub(crate) fn cookies(&self) -> Vec<Set> {
        let fields = self.headers.get_all("set-cookie").iter();
        let cookies = fields.map(|field| {
            assert!(field.is_sensitive(), "`Set-Cookie` must be marked as sensitive");
            let mut parts = field.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let mut attributes: Vec<_> = parts.map(str::to_owned).collect();
            attributes.sort_unstable();
            Set { name: name.to_owned(), value: value.to_owned(), attributes }
        });
        cookies.collect()
    }

    /// Returns the cookie with this name that the response sets. If the response sets none, returns
    /// the first cookie with this name that it clears. Panics if the response sets two such
    /// cookies, or if it contains none.
    pub(crate) fn cookie(&self, name: &str) -> Set {
        let named: Vec<_> =
            self.cookies().into_iter().filter(|cookie| cookie.name == name).collect();
        let set: Vec<_> = named.iter().filter(|cookie| !cookie.value.is_empty()).collect();
        assert!(set.len() <= 1 && !named.is_empty(), "{name} in {:?}", self.cookies());
        set.first().copied().unwrap_or(&named[0]).clone()
    }

    /// Returns the refresh token that a browser would send next.
    pub(crate) fn refresh_token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.cookie(REFRESH).value
    }

    pub(crate) fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{self:?}");
        self.body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn sets_nothing(&self) -> bool {
        !self.headers.contains_key("set-cookie")
    }
}

/// The names of an object's members.
pub(crate) fn members(body: &Value) -> Vec<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}
