//! `POST /refresh` and `POST /logout` of the auth routes: what a refresh token is good for.

use axum::extract::{Request, State};

use super::answer::{self, Answer};
use super::context::Context;
use super::delivery::Shown;
use super::problem::Problem;
use super::shapes::{Done, Refreshed};
use crate::error::{AuthError, AuthErrorKind};
use crate::session::SessionData;

/// `POST /refresh`. One that fails leaves the cookies alone: a newer login, in another tab, may have just set them.
pub(super) async fn refresh<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let delivery = &context.delivery;
    let shown = delivery.shown(&parts.headers, body, context.body_timeout).await;
    let token = match shown.inspect_err(|problem| tell(&context, problem))? {
        Shown::Token(token) => token,
        Shown::EmptyBody => return Err(Problem::invalid_body("`refresh_token` is missing")),
        Shown::Nothing => {
            let problem = Problem::auth(AuthErrorKind::MissingToken);
            tell(&context, &problem);
            return Err(problem);
        }
    };
    let login = context.refresh(&token, (context.client_address)(&parts)).await?;
    let refresh_token = login.refresh_token.as_ref();
    let mut response = answer::ok(&Refreshed::new(
        login.access_token.clone(),
        login.expires_in.as_secs(),
        delivery.in_body(refresh_token),
    ))?;
    let access_token = (login.access_token.as_str(), login.expires_in);
    delivery.set_cookies(&mut response, access_token, refresh_token)?;
    Ok(response)
}

/// `POST /logout`. Works with an access token that has expired, with the refresh token alone, and with both, which need
/// not be of one session. Idempotent: a session that is gone is logged out.
pub(super) async fn logout<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let (manager, delivery) = (&context.manager, &context.delivery);
    // What is malformed is refused before anything is ended.
    let access_token = match delivery.source.token(&parts.headers) {
        Err(error) if error.kind() == AuthErrorKind::InvalidRequest => {
            manager.refused(&error, None);
            return Err(error.into());
        }
        shown => shown,
    };
    let shown = delivery.shown(&parts.headers, body, context.body_timeout).await;
    let refresh_token = match shown.inspect_err(|problem| tell(&context, problem))? {
        Shown::Token(token) => Some(token),
        Shown::Nothing | Shown::EmptyBody => None,
    };
    let by_access_token = match access_token {
        Ok(token) => Some(manager.logout(token).await),
        Err(error) if error.kind() == AuthErrorKind::MissingToken => None,
        Err(error) => {
            manager.refused(&error, None);
            Some(Err(error))
        }
    };
    let by_refresh_token = match &refresh_token {
        Some(token) => Some(manager.logout_refresh(token).await),
        None => None,
    };
    if let Err(error) = logged_out(by_access_token, by_refresh_token) {
        if error.kind() == AuthErrorKind::MissingToken {
            manager.refused(&error, None);
        }
        return Err(error.into());
    }
    let mut response = answer::ok(&Done { message: "Successfully logged out".to_owned() })?;
    delivery.clear_cookies(&mut response)?;
    Ok(response)
}

type Ended = Result<bool, AuthError>;

/// A token that is good for nothing does not undo what the other one has done; a session that could not be ended does.
fn logged_out(
    by_access_token: Option<Ended>,
    by_refresh_token: Option<Ended>,
) -> Result<(), AuthError> {
    let mut outcome = Err(AuthError::from(AuthErrorKind::MissingToken));
    for ended in [by_access_token, by_refresh_token].into_iter().flatten() {
        match (&outcome, ended) {
            (_, Err(error)) if error.kind().status().is_server_error() => return Err(error),
            (_, Ok(_)) => outcome = Ok(()),
            (Err(earlier), Err(error)) if earlier.kind() == AuthErrorKind::MissingToken => {
                outcome = Err(error);
            }
            (_, Err(_)) => {}
        }
    }
    outcome
}

/// What was not even a token is told as an event here, and the manager tells of all else.
fn tell<D: SessionData>(context: &Context<D>, problem: &Problem) {
    if let Problem::Auth(error) = problem {
        context.manager.refused(error, None);
    }
}
