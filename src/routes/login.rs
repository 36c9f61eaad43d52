//! Handler of `POST /login`.

use std::hash::BuildHasher as _;

use axum::extract::{Request, State};

use super::body;
use super::context::Context;
use super::credentials::{LoginName, Verdict};
use super::error_response::Problem;
use super::limits::{Account, LoginAttempt, Stop};
use super::login_error::LoginError;
use super::opened::{Client, LoginAnswer, Opened};
use super::refresh::mount;
use super::requests::{Login, LoginBody};
use super::response::Answer;
use super::responses::LoggedIn;
use crate::authenticate::token_only::TokenLogin;
use crate::error::ErrorCode;
use crate::error::SessionError;
use crate::id::UserId;
use crate::resilience::CallError;
use crate::session::{LoginFence, NewSession, SessionData};
use crate::telemetry::events::LoginRefusal;

/// Handles `POST /login`. Makes a second attempt if the login fence changed during the first
/// attempt. The login limits count the two attempts as one login.
pub(super) async fn login<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let body = body::json(&parts.headers, body, context.body_timeout).await?;
    let login = body::parse::<LoginBody<'_>>(&body)?.checked()?;
    let client = Client::of(&context, &parts, mount(&parts));
    // `login` holds the password. The rest of the request is not needed during the verification.
    drop((parts, body));

    let mut counted = LoginAttempt::default();
    let first = attempt(&context, &login, &client, &mut counted).await;
    // The login fence changed, for example because of a password change. The first attempt may have
    // verified the old password, so the second attempt verifies the credentials again.
    let outcome = match first {
        Err(refused) if refused.error.refusal() == Some(LoginRefusal::Superseded) => {
            attempt(&context, &login, &client, &mut counted).await
        }
        other => other,
    };
    match &outcome {
        Ok(_) => {
            counted.succeeded(&context).await;
            context.end_replaced_sessions(&client).await;
        }
        Err(refused) if refused.is_for_credentials() => drop(counted),
        Err(_) => counted.undecided(&context).await,
    }
    let answer = outcome.map_err(|Refusal { user, error }| {
        if let Some(refusal) = error.refusal() {
            context.emit_login_refused(user, refusal, client.address);
        }
        error.into_problem()
    })?;
    answer.json()
}

/// A login that did not succeed.
struct Refusal {
    /// The user with this name, if the user exists.
    user: Option<UserId>,
    error: LoginError,
}

impl Refusal {
    fn because(user: Option<UserId>, refusal: LoginRefusal) -> Self {
        Self { user, error: LoginError::refused(refusal) }
    }

    /// Returns the refusal of a login whose account has reached its limit, for example through
    /// another name. The answer is that of a wrong password, because a 429 would reveal that two
    /// names belong to one user.
    fn shut(user: UserId) -> Self {
        let problem = ErrorCode::InvalidCredentials.into();
        let error = LoginError::new(Some(LoginRefusal::RateLimited), problem);
        Self { user: Some(user), error }
    }

    fn stopped(user: Option<UserId>, stop: Stop) -> Self {
        let refusal = matches!(stop, Stop::Limit(_)).then_some(LoginRefusal::RateLimited);
        Self { user, error: LoginError::new(refusal, stop.into()) }
    }

    /// Returns whether the login must be counted as failed. This is the case if the answer tells
    /// the client that the credentials are wrong, because the client may have guessed a password.
    fn is_for_credentials(&self) -> bool {
        match self.error.refusal() {
            Some(LoginRefusal::Credentials | LoginRefusal::AccountInactive) => true,
            Some(LoginRefusal::RateLimited) => !self.error.problem().is_rate_limited(),
            Some(LoginRefusal::SessionLimit | LoginRefusal::Superseded) | None => false,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { user: None, error: problem.into() }
    }
}

/// Makes one attempt to log in: finds the user, verifies the password, and opens the session.
///
/// The limit of a device applies before the lookup of the user. If the request has no usable
/// device, the limits of its address also apply before the lookup. All other limits apply after it.
/// The login fence is read before the verification, so that a password change during the
/// verification makes the attempt fail.
async fn attempt<D: SessionData>(
    context: &Context<D>,
    login: &Login,
    client: &Client,
    counted: &mut LoginAttempt,
) -> Result<LoginAnswer, Refusal> {
    let stopped = |stop| Refusal::stopped(None, stop);
    let device = counted.with(context, client.device.as_ref()).await.map_err(stopped)?;
    if device.is_none() {
        counted.from(context, client.address).await.map_err(stopped)?;
    }
    let user = find(context, login.name.as_ref()).await?;
    let stopped = |stop| Refusal::stopped(user.clone(), stop);
    // If no user has the name, the login reads the fence of a placeholder. So logins with and
    // without a user take equally long.
    let guarded = match &user {
        Some(user) => user.clone(),
        None => nobody(context, login)?,
    };
    let mut login_fence = None;
    let mut known_device = None;
    if let Some(device) = device {
        login_fence = begin(context, &guarded).await?;
        let is_of = |login_fence| context.manager.is_device_of(device, &guarded, login_fence);
        known_device = login_fence
            .as_ref()
            .filter(|login_fence| user.is_some() && is_of(login_fence))
            .map(|_| device);
    }
    counted.set_known_device(known_device.is_some());
    // The attempts of a known device are counted only for the device.
    let account = if known_device.is_some() {
        Account::Open
    } else {
        counted.from(context, client.address).await.map_err(stopped)?;
        counted.by(context, login).await.map_err(stopped)?;
        counted.of(context, user.as_ref(), &guarded).await.map_err(stopped)?
    };
    let login_fence = match login_fence {
        Some(login_fence) => Some(login_fence),
        None => begin(context, &guarded).await?,
    };
    // While the account is over its limit, `verify` gets no user, so no password can succeed. The
    // verification takes as long as for an unknown user.
    let known = user.as_ref().filter(|_| account == Account::Open);
    let verdict = context.credentials.verify(known, &login.password).await;
    let verdict = verdict.map_err(|error| Problem::unavailable(&*error))?;
    let (user, new) = match (user, verdict) {
        (_, Verdict::Busy) => return Err(Problem::from(ErrorCode::Overloaded).into()),
        (Some(user), _) if account == Account::Shut => return Err(Refusal::shut(user)),
        (Some(user), Verdict::Accepted(new)) => (user, new),
        (user, Verdict::Refused(refusal)) => return Err(Refusal::because(user, refusal)),
        (None, Verdict::Accepted(_)) => {
            return Err(Refusal::because(None, LoginRefusal::Credentials));
        }
    };
    if new.user != user {
        let what = "`Credentials` accepted one user, but requested a session for another user";
        return Err(Problem::internal_because(what).into());
    }
    let outcome = match login_fence {
        Some(login_fence) => {
            let opened = context.open(new, login_fence, known_device, client).await;
            opened.map(Opened::into_answer)
        }
        None => without_session(context, client.seen(new), client).await,
    };
    outcome.map_err(|error| Refusal { user: error.refusal().and(Some(user)), error })
}

/// Reads the login fence of a user. Returns `None` if the store is unavailable and the
/// configuration allows logins without a session.
async fn begin<D: SessionData>(
    context: &Context<D>,
    user: &UserId,
) -> Result<Option<LoginFence>, Problem> {
    match context.manager.try_begin_login(user).await {
        Ok(login_fence) => Ok(Some(login_fence)),
        // Without the fence, the login cannot notice a revocation during the verification, so it
        // opens no session.
        Err(CallError::Unavailable(_)) if context.token_only_logins => Ok(None),
        Err(failure) => Err(SessionError::Store(failure.into()).into()),
    }
}

/// Makes the answer of a login while the store is unavailable. Its access token has no session.
async fn without_session<D: SessionData>(
    context: &Context<D>,
    new: NewSession<D>,
    client: &Client,
) -> Result<LoginAnswer, LoginError> {
    let TokenLogin { access_token, expires_in, .. } =
        context.manager.token_without_session(&new).await?;
    let body = LoggedIn::without_session(new, access_token.clone(), expires_in.as_secs());
    Ok(context.login_answer(body, (&access_token, expires_in), None, client)?)
}

/// Finds the user with this name. Returns `None` if no such user exists, or if no user can have
/// this name.
async fn find<D: SessionData>(
    context: &Context<D>,
    name: Option<&LoginName>,
) -> Result<Option<UserId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    context.credentials.find(name).await.map_err(|error| Problem::unavailable(&*error))
}

/// Returns a placeholder id for the typed name of an unknown user.
fn nobody<D>(context: &Context<D>, login: &Login) -> Result<UserId, Problem> {
    let id = format!("nobody-{:016x}", context.nobody.hash_one(&login.typed));
    UserId::parse(&id).map_err(|_| Problem::internal_because("a stand-in is no user id"))
}
