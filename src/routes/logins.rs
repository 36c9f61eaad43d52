//! Logins of the application's own: OAuth callbacks, sign-ups, magic links.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::context::Context;
use super::login_error::LoginError;
use super::opened::{Client, Opened};
use crate::id::UserId;
use crate::session::{LoginFence, NewSession, SessionData};

/// Logs users in from a handler of the application, for example an OAuth callback, a sign-up or a
/// magic link. The response has the same body and cookies as `POST /login` of one mount point.
///
/// [`Routes::logins`](super::Routes::logins) returns it. A handler logs a user in with three steps,
/// in this order:
///
/// 1. [`begin`](Self::begin) reads the login fence of the user.
/// 2. The application verifies the identity. For example, it consumes the token of a magic link.
/// 3. [`open`](Self::open) opens the session. The result becomes the response.
///
/// If all sessions of the user are revoked between the first and the third step, for example by a
/// suspension or a password change, the third step fails.
///
/// `Logins` counts no attempts and checks no origin. If a route verifies something that can be
/// guessed, limit its attempts ([`rate_limit`](crate::rate_limit)). Put a
/// [`SameOriginLayer`](crate::same_origin::SameOriginLayer) around a route that reads a form.
/// `Logins` issues no [token without a session](super::RoutesBuilder::token_only_logins). Cheap to
/// clone.
///
/// ```
/// use axum::extract::{Path, State};
/// use axum::{Router, routing::post};
/// use axum::response::Response;
/// use http::request::Parts;
/// use tower_session_auth::error::ConfigError;
/// use tower_session_auth::routes::{LocalPath, LoginError, Logins, Mounts, Routes};
/// use tower_session_auth::{NewSession, UserId};
///
/// # async fn owner_of(_: &str) -> Option<UserId> { None }
/// # async fn spend(_: &str, _: &UserId) -> bool { false }
/// async fn follow_link(
///     State(logins): State<Logins>,
///     Path(token): Path<String>,
///     parts: Parts,
/// ) -> Result<Response, LoginError> {
///     let invalid = || Ok(Response::new("this link is no longer valid".into()));
///     let Some(user) = owner_of(&token).await else { return invalid() };
///     let fence = logins.begin(&user).await?; // before the token is spent
///     if !spend(&token, &user).await {
///         return invalid();
///     }
///     logins.open(&parts, NewSession::new(user), fence).await?.redirect(&LocalPath::default())
/// }
///
/// fn app(routes: &Routes) -> Result<Router, ConfigError> {
///     let logins = routes.logins(&Mounts::standard(), "/api/auth")?;
///     Ok(Router::new().route("/link/{token}", post(follow_link)).with_state(logins))
/// }
/// # let _ = app;
/// ```
pub struct Logins<D = ()> {
    context: Context<D>,
    mount: Arc<str>,
}

impl<D: SessionData> Logins<D> {
    /// Creates the logins of the auth routes that are mounted at `mount`. `context` is that of the
    /// mount point.
    pub(super) fn new(context: Context<D>, mount: &str) -> Self {
        Self { context, mount: mount.into() }
    }

    /// Begins a login: returns the login fence of `user`. Call this method *before* you verify the
    /// identity, and pass the result to [`open`](Self::open).
    ///
    /// Costs one round trip to a remote store. The result does not show whether the user exists.
    ///
    /// # Errors
    ///
    /// [`LoginError`] with 503 `store_unavailable` if the store cannot answer.
    pub async fn begin(&self, user: &UserId) -> Result<LoginFence, LoginError> {
        Ok(self.context.manager.begin_login(user).await?)
    }

    /// Opens a session for a user whose identity the application has verified after it called
    /// [`begin`](Self::begin).
    ///
    /// `parts` are the parts of the request. The session gets the client address
    /// ([`client_address`](super::RoutesBuilder::client_address)) and the user agent of the
    /// request. The call revokes the session of each refresh token in the request's cookies (8
    /// sessions at most), because the response replaces these cookies. A valid [device
    /// cookie](super::DeviceCookie) of the same account is renewed.
    ///
    /// Costs one round trip to a remote store, one call of the user directory if there is one, and
    /// one round trip for each session that is revoked.
    ///
    /// # Errors
    ///
    /// [`LoginError`], which is also the error answer. A refused login emits the event
    /// [`LoginRefused`](crate::telemetry::events::Event::LoginRefused), and revokes no session.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after the call has begun to open the session, the session is opened
    /// anyway. No client then has the tokens of that session, and it expires.
    pub async fn open(
        &self,
        parts: &Parts,
        new: NewSession<D>,
        login_fence: LoginFence,
    ) -> Result<Opened<D>, LoginError> {
        let context = &self.context;
        let client = Client::of(context, parts, Some(&self.mount));
        let user = new.user.clone();
        let is_known = |device: &&_| context.manager.is_device_of(device, &user, &login_fence);
        let known_device = client.device.as_ref().filter(is_known);
        let opened = context.open(new, login_fence.clone(), known_device, &client).await;
        match &opened {
            Ok(_) => context.end_replaced_sessions(&client).await,
            Err(error) => {
                if let Some(refusal) = error.refusal() {
                    context.emit_login_refused(Some(user), refusal, client.address);
                }
            }
        }
        opened
    }
}

// Implemented by hand: a derive would require `D: Clone`.
impl<D> Clone for Logins<D> {
    fn clone(&self) -> Self {
        Self { context: self.context.clone(), mount: Arc::clone(&self.mount) }
    }
}

impl<D> fmt::Debug for Logins<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").field("mount", &self.mount).finish_non_exhaustive()
    }
}
