//! How tokens travel between the routes and their clients.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::HeaderMap;
use http::header::SET_COOKIE;

use super::body;
use super::cookie::{AccessCookie, RefreshDelivery, TokenCookie};
use super::given::RefreshBody;
use super::problem::Problem;
use super::table::Access;
use crate::error::ConfigError;
use crate::steps::extract::TokenSource;
use crate::token::RefreshToken;

/// What was configured, whatever the mount.
#[derive(Debug)]
pub(super) struct Ways {
    /// `None` where no refresh tokens are issued.
    pub(super) refresh: Option<RefreshDelivery>,
    pub(super) access: Option<AccessCookie>,
    /// Whether a login sets a device cookie.
    pub(super) device: bool,
}

/// How tokens travel at one mount.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) refresh: Refresh,
    pub(super) access: Option<TokenCookie>,
    pub(super) source: TokenSource,
    /// Whether a login sets a device cookie.
    pub(super) device: bool,
}

/// How refresh tokens travel at one mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refresh {
    /// There are none.
    Never,
    Cookie(TokenCookie),
    Body,
}

impl Ways {
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
            let rule = "must not be the same for both tokens";
            return Err(ConfigError::OutOfRange { setting: "cookie name", rule });
        }
        Ok(Delivery { refresh, access: Some(access), source, device: self.device })
    }

    /// Whether the cookies of tokens are `Secure`; `None` where no token travels in a cookie.
    pub(super) fn secure_cookies(&self) -> Option<bool> {
        match &self.refresh {
            Some(RefreshDelivery::Cookie(cookie)) => Some(cookie.is_secure()),
            _ => self.access.as_ref().map(AccessCookie::is_secure),
        }
    }
}

impl Delivery {
    /// All routes that there can be.
    pub(super) fn widest() -> Self {
        let source = TokenSource::header();
        Self { refresh: Refresh::Body, access: None, source, device: false }
    }

    /// The names of the cookies of tokens.
    pub(super) fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.cookies().map(TokenCookie::name)
    }

    /// Whether a browser may act for its user on such a route without a script of ours: there, other sites are kept out.
    pub(super) fn acts_on_cookies(&self, access: Access) -> bool {
        let refresh = matches!(self.refresh, Refresh::Cookie(_));
        match access {
            // Of the open ones a login sets them.
            Access::Open | Access::Token | Access::Refresh => refresh || self.access.is_some(),
            Access::Session | Access::Admin => self.access.is_some(),
        }
    }

    /// Puts the tokens into the cookies that there are.
    pub(super) fn set_cookies(
        &self,
        response: &mut Response,
        (access_token, expires_in): (&str, Duration),
        refresh_token: Option<&RefreshToken>,
    ) -> Result<(), Problem> {
        if let (Refresh::Cookie(cookie), Some(token)) = (&self.refresh, refresh_token) {
            let cookie = cookie.set(token.as_str(), token.expires_in())?;
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        if let Some(cookie) = &self.access {
            let cookie = cookie.set(access_token, expires_in)?;
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(())
    }

    /// Puts the tokens of a login into the cookies that there are, and takes back what else the browser may hold under
    /// their names. `mount` is where the routes are, as far as that is known.
    pub(super) fn set_login_cookies(
        &self,
        response: &mut Response,
        access_token: (&str, Duration),
        refresh_token: Option<&RefreshToken>,
        mount: Option<&str>,
    ) -> Result<(), Problem> {
        // A login without a session has no refresh token, and nobody's else may stay.
        if let (Refresh::Cookie(cookie), None) = (&self.refresh, refresh_token) {
            response.headers_mut().append(SET_COOKIE, cookie.cleared()?);
        }
        self.set_cookies(response, access_token, refresh_token)?;
        self.clear_elsewhere(response, mount)
    }

    /// Takes back the cookies that there are, and what else the browser may hold under their names.
    pub(super) fn clear_cookies(
        &self,
        response: &mut Response,
        mount: Option<&str>,
    ) -> Result<(), Problem> {
        for cookie in self.cookies() {
            response.headers_mut().append(SET_COOKIE, cookie.cleared()?);
        }
        self.clear_elsewhere(response, mount)
    }

    fn clear_elsewhere(&self, response: &mut Response, mount: Option<&str>) -> Result<(), Problem> {
        for cookie in self.cookies() {
            for field in cookie.cleared_elsewhere(mount)? {
                response.headers_mut().append(SET_COOKIE, field);
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

    /// What a body is to say of a refresh token.
    pub(super) fn in_body(&self, token: Option<&RefreshToken>) -> Option<String> {
        let token = token.filter(|_| self.refresh == Refresh::Body);
        token.map(|token| token.as_str().to_owned())
    }

    /// The refresh tokens that a refresh shows. A body must be a JSON object if there is one, whoever reads it.
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

    /// The refresh tokens that a logout shows. Nothing is malformed here: with delivery in bodies, anything but a text
    /// counts as absent; else the body is not read.
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

    /// The refresh tokens in all cookies that a login takes the place of.
    pub(super) fn shown_to_login(&self, headers: &HeaderMap) -> Vec<String> {
        let cookie = self.refresh_cookie().into_iter();
        cookie.flat_map(|cookie| cookie.read_all_forms(headers)).map(str::to_owned).collect()
    }
}

/// What a request shows of refresh tokens.
pub(super) enum Shown {
    /// One, or several that are in cookies of one name.
    Tokens(Vec<String>),
    Nothing,
    /// A body that has none, where one could be.
    EmptyBody,
}
