//! Opens the session of a login, and makes the response with its tokens and cookies. Both
//! `POST /login` and the logins of the application use this module.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use super::context::Context;
use super::error_response::Problem;
use super::local_path::LocalPath;
use super::login_error::LoginError;
use super::response::{self, Answer, seal};
use super::responses::LoggedIn;
use crate::cache::Session;
use crate::session::{LoginFence, NewSession, SessionData};
use crate::token::{Device, RefreshToken};

/// The client of a login.
pub(super) struct Client {
    pub(super) address: Option<IpAddr>,
    agent: Option<String>,
    /// The device of its device cookie.
    pub(super) device: Option<Device>,
    /// The refresh tokens in the cookies of the request. The new session replaces their sessions.
    replaced: Vec<String>,
    /// The path at which the client sees the auth routes, if known.
    mount: Option<String>,
}

impl Client {
    /// Reads the client of a request. `mount` is the path at which the client sees the auth routes,
    /// if known.
    pub(super) fn of<D: SessionData>(
        context: &Context<D>,
        parts: &Parts,
        mount: Option<&str>,
    ) -> Self {
        let headers = &parts.headers;
        let agent = headers.get(USER_AGENT);
        let devices = context.devices.as_ref();
        Self {
            address: (context.client_address)(parts),
            agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            device: devices.and_then(|devices| devices.shown(&context.manager, headers)),
            replaced: context.delivery.shown_to_login(headers),
            mount: mount.map(str::to_owned),
        }
    }

    /// Adds the client's address and user agent to a session.
    pub(super) fn seen<D>(&self, new: NewSession<D>) -> NewSession<D> {
        let new = match self.address {
            Some(address) => new.ip_address(address),
            None => new,
        };
        match &self.agent {
            Some(agent) => new.user_agent(agent),
            None => new,
        }
    }
}

impl<D: SessionData> Context<D> {
    /// Opens a session for a user whose identity was verified after `login_fence` was read.
    /// `known_device` is a device that has logged in to the account before.
    pub(super) async fn open(
        &self,
        new: NewSession<D>,
        login_fence: LoginFence,
        known_device: Option<&Device>,
        client: &Client,
    ) -> Result<Opened<D>, LoginError> {
        let device_token = match &self.devices {
            Some(_) => {
                let token = self.manager.device_token(known_device, &login_fence);
                Some(token.map_err(Problem::from)?)
            }
            None => None,
        };
        let login = self.manager.create(client.seen(new).login_fence(login_fence)).await?;
        let refresh_token = login.refresh_token.as_ref();
        let body = LoggedIn::new(
            &login.session,
            login.access_token.clone(),
            login.expires_in.as_secs(),
            self.delivery.in_body(refresh_token),
        );
        let access_token = (login.access_token.as_str(), login.expires_in);
        let mut answer = self.login_answer(body, access_token, refresh_token, client)?;
        if let (Some(devices), Some(token)) = (&self.devices, device_token) {
            devices.set(&mut answer.cookies, &token)?;
        }
        Ok(Opened { session: login.session, answer })
    }

    /// Makes the answer of a login with these tokens, without a device cookie.
    pub(super) fn login_answer(
        &self,
        body: LoggedIn,
        access_token: (&str, Duration),
        refresh_token: Option<&RefreshToken>,
        client: &Client,
    ) -> Result<LoginAnswer, Problem> {
        let mut cookies = HeaderMap::new();
        let mount = client.mount.as_deref();
        self.delivery.set_login_cookies(&mut cookies, access_token, refresh_token, mount)?;
        let token_in_cookie = self.delivery.cookie_names().next().is_some();
        Ok(LoginAnswer { body, cookies, token_in_cookie })
    }

    /// Revokes the sessions of the refresh tokens in the cookies of a login request. The client
    /// gets the new session in their place.
    pub(super) async fn end_replaced_sessions(&self, client: &Client) {
        let replaced: Vec<_> = client.replaced.iter().map(String::as_str).collect();
        self.manager.end_replaced_sessions(&replaced).await;
    }
}

/// The answer of a login before its form is chosen.
pub(super) struct LoginAnswer {
    body: LoggedIn,
    /// The `Set-Cookie` fields.
    cookies: HeaderMap,
    /// Whether a token travels in a cookie.
    token_in_cookie: bool,
}

impl LoginAnswer {
    /// Returns 200 with the body and the cookies.
    pub(super) fn json(self) -> Answer {
        let response = response::ok(&self.body)?;
        Ok(with_cookies(response, self.cookies))
    }
}

fn with_cookies(mut response: Response, cookies: HeaderMap) -> Response {
    response.headers_mut().extend(cookies);
    response
}

/// A login of the application that has opened a session. [`Logins::open`](super::Logins::open)
/// returns it, and the application makes the response from it.
///
/// Every response has the cookies that `POST /login` of the same mount point sets,
/// `Cache-Control: no-store`, and `X-Content-Type-Options: nosniff`. The response has one of three
/// forms:
///
/// - The value itself (`IntoResponse`): 200 with the JSON body of `POST /login`.
/// - [`answer`](Self::answer): another status, and further members of the JSON body.
/// - [`redirect`](Self::redirect): a redirect, for a browser that followed a link or sent a form.
///
/// If the value is dropped without becoming a response, the session stays open and no client has
/// its tokens.
#[must_use = "the client gets its tokens from the response only"]
pub struct Opened<D = ()> {
    session: Session<D>,
    answer: LoginAnswer,
}

impl<D> Opened<D> {
    /// Returns the session.
    #[must_use]
    pub fn session(&self) -> &Session<D> {
        &self.session
    }

    /// Returns the JSON body of `POST /login` with this status and with further members, for
    /// example 201 and `"new_account": true` for a sign-up. If `members` has a name that the body
    /// of `POST /login` already has, such as `access_token`, the value of the body is kept.
    ///
    /// # Errors
    ///
    /// [`LoginError`] with 500 `internal` if the body cannot be written as JSON.
    pub fn answer(
        self,
        status: StatusCode,
        members: Map<String, Value>,
    ) -> Result<Response, LoginError> {
        let LoginAnswer { body, cookies, .. } = self.answer;
        let body = serde_json::to_value(body).map_err(|error| Problem::internal(&error))?;
        let mut all = members;
        if let Value::Object(body) = body {
            all.extend(body);
        }
        Ok(sealed(with_cookies(response::json(status, &all)?, cookies)))
    }

    /// Returns 303 to a path of the application, without a body. The browser gets the tokens in
    /// cookies only.
    ///
    /// If the navigation began on another site, for example at an identity provider, browsers send
    /// no `SameSite=Strict` cookie with the request that follows the redirect. A page whose script
    /// then calls `POST /refresh` still works. A page that the server renders from the access
    /// cookie needs [`AccessCookie::lax`](super::AccessCookie::lax).
    ///
    /// # Errors
    ///
    /// [`LoginError`] with 500 `internal` if no token travels in a cookie. In this case, the routes
    /// have no [access cookie](super::RoutesBuilder::access_cookie). In addition, the refresh token
    /// is delivered [in bodies](super::RefreshDelivery::Body), or the login issued no refresh
    /// token. The log has the cause. The session stays open until it expires.
    pub fn redirect(self, to: &LocalPath) -> Result<Response, LoginError> {
        let LoginAnswer { cookies, token_in_cookie, .. } = self.answer;
        if !token_in_cookie {
            let what = "a login cannot redirect: no token travels in a cookie; set \
                        `RoutesBuilder::access_cookie`, or `refresh_keys` with delivery in a cookie";
            return Err(Problem::internal_because(what).into());
        }
        let mut response = StatusCode::SEE_OTHER.into_response();
        response.headers_mut().insert(LOCATION, to.location());
        Ok(sealed(with_cookies(response, cookies)))
    }

    pub(super) fn into_answer(self) -> LoginAnswer {
        self.answer
    }
}

fn sealed(mut response: Response) -> Response {
    seal(response.headers_mut());
    response
}

impl<D> IntoResponse for Opened<D> {
    fn into_response(self) -> Response {
        let answer = self.answer.json();
        sealed(answer.unwrap_or_else(IntoResponse::into_response))
    }
}

// The tokens stay out of logs.
impl<D> fmt::Debug for Opened<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("session", &self.session).finish_non_exhaustive()
    }
}
