//! How tokens travel between the routes and their clients: in bodies or in cookies.

use std::time::Duration;

use axum::body::Body;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::access::Access;
use super::body;
use super::cookie::{AccessCookie, RefreshDelivery, TokenCookie};
use super::error_response::Problem;
use super::requests::RefreshBody;
use crate::error::ConfigError;
use crate::middleware::extract::TokenSource;
use crate::token::RefreshToken;

/// The configured delivery, which is independent of the mount point.
#[derive(Debug)]
pub(super) struct Ways {
    /// `None` if the manager issues no refresh tokens.
    pub(super) refresh: Option<RefreshDelivery>,
    pub(super) access: Option<AccessCookie>,
    /// Whether a login sets a device cookie.
    pub(super) device: bool,
}

/// How tokens travel at one mount point.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) refresh: Refresh,
    pub(super) access: Option<TokenCookie>,
    pub(super) source: TokenSource,
    /// Whether a login sets a device cookie.
    pub(super) device: bool,
}

/// How refresh tokens travel at one mount point.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// The manager issues no refresh tokens.
    Never,
    Cookie(TokenCookie),
    Body,
}

impl Ways {
    /// Returns the delivery of a mount point. Fails if a cookie is invalid, or if both token
    /// cookies have the same name.
    pub(super) fn at(&self, mount: &str) -> Result<Delivery, ConfigError> {
        let refresh = match &self.refresh {
            None => Refresh::Never,
            Some(RefreshDelivery::Body) => Refresh::Body,
            Some(RefreshDelivery::Cookie(cookie)) => Refresh::Cookie(cookie.at(mount)?),
        };
        let Some(access) = &self.access else {
            let source = TokenSource::header();
            return Ok(Delivery { refresh, access: None, source, device: self.device });
        };
        let (source, access) = (access.token_source()?, access.everywhere()?);
        if let Refresh::Cookie(refresh) = &refresh
            && refresh.name() == access.name()
        {
            let rule = "must differ between the access token and the refresh token";
            return Err(ConfigError::OutOfRange { setting: "cookie name", rule });
        }
        Ok(Delivery { refresh, access: Some(access), source, device: self.device })
    }

    /// Returns whether the token cookies are `Secure`. Returns `None` if no token travels in a
    /// cookie.
    pub(super) fn secure_cookies(&self) -> Option<bool> {
        match &self.refresh {
            Some(RefreshDelivery::Cookie(cookie)) => Some(cookie.is_secure()),
            _ => self.access.as_ref().map(AccessCookie::is_secure),
        }
    }
}

impl Delivery {
    /// Returns a delivery with which all routes exist.
    pub(super) fn widest() -> Self {
        let source = TokenSource::header();
        Self { refresh: Refresh::Body, access: None, source, device: false }
    }

    /// Returns the names of the token cookies.
    pub(super) fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.cookies().map(TokenCookie::name)
    }

    /// Returns whether routes with this access set or read token cookies. A browser adds cookies
    /// even to a request that another site has caused. These routes therefore reject such requests.
    pub(super) fn acts_on_cookies(&self, access: Access) -> bool {
        let refresh = matches!(self.refresh, Refresh::Cookie(_));
        match access {
            // The login is an open route, and it sets cookies.
            Access::Open | Access::Token | Access::Refresh => refresh || self.access.is_some(),
            Access::Session | Access::Admin => self.access.is_some(),
        }
    }

    /// Sets the configured cookies to these tokens.
    pub(super) fn set_cookies(
        &self,
        headers: &mut HeaderMap,
        (access_token, expires_in): (&str, Duration),
        refresh_token: Option<&RefreshToken>,
    ) -> Result<(), Problem> {
        if let (Refresh::Cookie(cookie), Some(token)) = (&self.refresh, refresh_token) {
            let cookie = cookie.set(token.as_str(), token.expires_in())?;
            headers.append(SET_COOKIE, cookie);
        }
        if let Some(cookie) = &self.access {
            let cookie = cookie.set(access_token, expires_in)?;
            headers.append(SET_COOKIE, cookie);
        }
        Ok(())
    }

    /// Sets the configured cookies to the tokens of a login. Also clears other cookies that the
    /// browser may have under the same names. `mount` is the path of the routes; `None` if it is
    /// not known.
    pub(super) fn set_login_cookies(
        &self,
        headers: &mut HeaderMap,
        access_token: (&str, Duration),
        refresh_token: Option<&RefreshToken>,
        mount: Option<&str>,
    ) -> Result<(), Problem> {
        // A login without a session issues no refresh token. The browser must not keep the refresh
        // cookie of an earlier login, so the response clears this cookie.
        if let (Refresh::Cookie(cookie), None) = (&self.refresh, refresh_token) {
            headers.append(SET_COOKIE, cookie.cleared()?);
        }
        self.set_cookies(headers, access_token, refresh_token)?;
        self.clear_elsewhere(headers, mount)
    }

    /// Clears the configured cookies, and other cookies that the browser may have under the same
    /// names.
    pub(super) fn clear_cookies(
        &self,
        headers: &mut HeaderMap,
        mount: Option<&str>,
    ) -> Result<(), Problem> {
        for cookie in self.cookies() {
            headers.append(SET_COOKIE, cookie.cleared()?);
        }
        self.clear_elsewhere(headers, mount)
    }

    fn clear_elsewhere(&self, headers: &mut HeaderMap, mount: Option<&str>) -> Result<(), Problem> {
        for cookie in self.cookies() {
            for field in cookie.cleared_elsewhere(mount)? {
                headers.append(SET_COOKIE, field);
            }
        }
        Ok(())
    }

    fn cookies(&self) -> impl Iterator<Item = &TokenCookie> {
        self.refresh_cookie().into_iter().chain(&self.access)
    }

    fn refresh_cookie(&self) -> Option<&TokenCookie> {
        match &self.refresh {
            Refresh::Cookie(cookie) => Some(cookie),
            Refresh::Never | Refresh::Body => None,
        }
    }

    /// Returns the refresh token for a response body. Returns `None` if refresh tokens do not
    /// travel in bodies.
    pub(super) fn in_body(&self, token: Option<&RefreshToken>) -> Option<String> {
        let token = token.filter(|_| self.refresh == Refresh::Body);
        token.map(|token| token.as_str().to_owned())
    }

    /// Reads the refresh tokens from a refresh request. If the request has a body, the body must be
    /// a JSON object. This also holds if refresh tokens travel in cookies.
    pub(super) async fn shown(
        &self,
        headers: &HeaderMap,
        body: Body,
        patience: Duration,
    ) -> Result<Shown, Problem> {
        let from_cookies = || {
            let read = self.refresh_cookie().into_iter().flat_map(|cookie| cookie.read(headers));
            let tokens: Vec<_> = read.map(str::to_owned).collect();
            if tokens.is_empty() { Shown::Nothing } else { Shown::Tokens(tokens) }
        };
        let Some(body) = body::json_if_any(headers, body, patience).await? else {
            return Ok(from_cookies());
        };
        let body = body::parse::<RefreshBody<'_>>(&body)?;
        if self.refresh != Refresh::Body {
            return Ok(from_cookies());
        }
        let token = body.checked()?;
        Ok(token.map_or(Shown::EmptyBody, |token| Shown::Tokens(vec![token])))
    }

    /// Reads the refresh tokens from a logout request. If refresh tokens travel in bodies, this
    /// method reads the token from the body. An invalid body, or a body without a `refresh_token`
    /// string, is treated as an absent body, so it causes no error. If refresh tokens do not travel
    /// in bodies, this method does not read the body.
    pub(super) async fn shown_to_logout(
        &self,
        headers: &HeaderMap,
        body: Body,
        patience: Duration,
    ) -> Vec<String> {
        if self.refresh != Refresh::Body {
            return self.shown_to_login(headers);
        }
        let Some(body) = body::any(body, patience).await else { return Vec::new() };
        let body = body::parse::<RefreshBody<'_>>(&body).ok();
        body.and_then(|body| body.checked().ok().flatten()).into_iter().collect()
    }

    /// Reads the refresh tokens from all cookies that a login replaces.
    pub(super) fn shown_to_login(&self, headers: &HeaderMap) -> Vec<String> {
        let cookie = self.refresh_cookie().into_iter();
        cookie.flat_map(|cookie| cookie.read_all_forms(headers)).map(str::to_owned).collect()
    }
}

/// The refresh tokens of a request.
pub(super) enum Shown {
    /// One token, or several tokens from cookies of one name.
    Tokens(Vec<String>),
    /// No token in a cookie, and no body.
    Nothing,
    /// A body without a token, although refresh tokens travel in bodies.
    EmptyBody,
}
