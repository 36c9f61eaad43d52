//! Handlers of the auth routes that read refresh tokens: `POST /refresh` and `POST /logout`.

use axum::extract::{NestedPath, Request, State};
use axum::response::IntoResponse as _;
use http::StatusCode;
use http::request::Parts;

use super::context::Context;
use super::delivery::Shown;
use super::error_response::Problem;
use super::response::{self, Answer};
use super::responses::{Done, Refreshed};
use crate::error::{AuthError, AuthErrorKind};
use crate::session::SessionData;

/// Handles `POST /refresh`. A refresh that fails leaves the cookies unchanged, because a login in
/// another tab may just have set new cookies.
pub(super) async fn refresh<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let delivery = &context.delivery;
    let shown = delivery.shown(&parts.headers, body, context.body_timeout).await;
    let token = match shown.inspect_err(|problem| tell(&context, problem))? {
        Shown::Tokens(tokens) => context.choose(tokens).await?,
        Shown::EmptyBody => return Err(Problem::invalid_body("`refresh_token` is missing")),
        Shown::Nothing => {
            let problem = Problem::auth(AuthErrorKind::MissingToken);
            tell(&context, &problem);
            return Err(problem);
        }
    };
    let login = context.refresh(&token, (context.client_address)(&parts)).await?;
    let refresh_token = login.refresh_token.as_ref();
    let mut response = response::ok(&Refreshed::new(
        login.access_token.clone(),
        login.expires_in.as_secs(),
        delivery.in_body(refresh_token),
    ))?;
    let access_token = (login.access_token.as_str(), login.expires_in);
    delivery.set_cookies(response.headers_mut(), access_token, refresh_token)?;
    Ok(response)
}

/// Handles `POST /logout`: revokes the sessions of the tokens in the request. These are the refresh
/// tokens (8 sessions at most), and all access tokens in the header and in cookies. An expired
/// access token also counts. Idempotent: a logout of a session that is already over succeeds.
///
/// - 200: at least one token verifies. Each of these sessions whose token verifies is revoked now,
///   or was already over.
/// - 401: no token verifies, for example while keys are being replaced. No session is revoked.
/// - 503: a session cannot be revoked. The cookies stay, so that the client can try again.
///
/// The answers 200, 400 and 401 clear the cookies. A cookie is cleared whatever it contains,
/// because no script can clear it.
pub(super) async fn logout<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let (manager, delivery) = (&context.manager, &context.delivery);
    let access_tokens = match delivery.source.every_token(&parts.headers) {
        Ok(tokens) => tokens,
        Err(error) => {
            manager.refused(&error, None);
            let mut response = Problem::from(error).into_response();
            delivery.clear_cookies(response.headers_mut(), mount(&parts))?;
            return Ok(response);
        }
    };
    let refresh_tokens = delivery.shown_to_logout(&parts.headers, body, context.body_timeout).await;
    let mut outcomes = Vec::with_capacity(access_tokens.len() + 1);
    for token in access_tokens {
        outcomes.push(match token {
            Ok(token) => manager.logout(token).await.map(drop),
            Err(error) => {
                manager.refused(&error, None);
                Err(error)
            }
        });
    }
    let refresh_tokens: Vec<_> = refresh_tokens.iter().map(String::as_str).collect();
    outcomes.extend(manager.logout_refresh_all(&refresh_tokens).await);
    let mut response = match logged_out(outcomes) {
        Ok(()) => response::ok(&Done { message: "Successfully logged out".to_owned() })?,
        Err(error) => {
            if error.kind() == AuthErrorKind::MissingToken {
                manager.refused(&error, None);
            }
            let status = error.kind().status();
            let problem = Problem::from(error);
            if status != StatusCode::UNAUTHORIZED {
                return Err(problem);
            }
            problem.into_response()
        }
    };
    delivery.clear_cookies(response.headers_mut(), mount(&parts))?;
    Ok(response)
}

/// Returns the path at which the browser sees these routes, as far as the router knows it. Returns
/// `None` if the routes are nested below a path parameter.
pub(super) fn mount(parts: &Parts) -> Option<&str> {
    let nested = parts.extensions.get::<NestedPath>().map(NestedPath::as_str);
    nested.filter(|path| path.starts_with('/') && !path.contains(['{', '*']))
}

/// Combines the outcomes of a logout. If a session could not be revoked, the logout fails.
/// Otherwise, the logout succeeds if at least one token verifies.
fn logged_out(outcomes: Vec<Result<(), AuthError>>) -> Result<(), AuthError> {
    let mut first = None;
    let mut verified = false;
    for outcome in outcomes {
        match outcome {
            Err(error) if error.kind().status().is_server_error() => return Err(error),
            Ok(()) => verified = true,
            Err(error) => first = first.or(Some(error)),
        }
    }
    if verified {
        return Ok(());
    }
    Err(first.unwrap_or_else(|| AuthErrorKind::MissingToken.into()))
}

impl<D: SessionData> Context<D> {
    /// Chooses the refresh token to exchange from the refresh tokens of a request.
    async fn choose(&self, mut tokens: Vec<String>) -> Result<String, Problem> {
        if tokens.len() > 1 {
            let shown: Vec<_> = tokens.iter().map(String::as_str).collect();
            return Ok(self.manager.choose_refresh_token(&shown).await?.to_owned());
        }
        Ok(tokens.pop().unwrap_or_default())
    }
}

/// Emits the event of a request without a usable token. The manager emits the events of all other
/// refusals.
fn tell<D: SessionData>(context: &Context<D>, problem: &Problem) {
    if let Problem::Auth(error) = problem {
        context.manager.refused(error, None);
    }
}
