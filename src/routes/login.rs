//! `POST /login`.

use std::hash::BuildHasher as _;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::USER_AGENT;

use super::answer::{self, Answer};
use super::body;
use super::code::Code;
use super::context::Context;
use super::credentials::{LoginName, Verdict};
use super::given::{Login, LoginBody};
use super::limits::{Account, LoginAttempt, Stop};
use super::problem::Problem;
use super::refresh::mount;
use super::shapes::LoggedIn;
use crate::error::SessionError;
use crate::events::LoginRefusal;
use crate::gate::Failure;
use crate::id::UserId;
use crate::manager::TokenLogin;
use crate::session::{LoginGuard, NewSession, SessionData};
use crate::token::Device;

pub(super) async fn login<D: SessionData>(
    State(context): State<Context<D>>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let body = body::json(&parts.headers, body, context.body_timeout).await?;
    let login = body::parse::<LoginBody<'_>>(&body)?.checked()?;
    let devices = context.devices.as_ref();
    let client = Client {
        address: (context.client_address)(&parts),
        agent: user_agent(&parts.headers),
        device: devices.and_then(|devices| devices.shown(&context.manager, &parts.headers)),
        mount: mount(&parts).map(str::to_owned),
    };
    let replaced = context.delivery.shown_to_login(&parts.headers);
    // The password is in `login`, and what else came in is not needed while credentials are checked.
    drop((parts, body));

    let mut counted = LoginAttempt::default();
    let first = attempt(&context, &login, &client, &mut counted).await;
    // What the first attempt has checked may be what was changed: all of it is checked anew, once.
    let outcome = match first {
        Err(Refusal { refusal: Some(LoginRefusal::Superseded), .. }) => {
            attempt(&context, &login, &client, &mut counted).await
        }
        other => other,
    };
    match &outcome {
        Ok(_) => {
            counted.succeeded(&context).await;
            // The new session is the one that this browser has now.
            let replaced: Vec<_> = replaced.iter().map(String::as_str).collect();
            context.manager.end_replaced_sessions(&replaced).await;
        }
        Err(refused) if refused.is_for_credentials() => drop(counted),
        Err(_) => counted.undecided(&context).await,
    }
    outcome.map_err(|Refusal { user, refusal, problem }| {
        if let Some(refusal) = refusal {
            context.manager.tell_login_refused(user, refusal, client.address);
        }
        problem
    })
}

struct Client {
    address: Option<IpAddr>,
    agent: Option<String>,
    /// From its device cookie.
    device: Option<Device>,
    /// Where it sees these routes.
    mount: Option<String>,
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
}

/// A login that did not succeed.
struct Refusal {
    /// Who was meant, where that is a user who exists.
    user: Option<UserId>,
    /// Why; `None` when nobody could tell.
    refusal: Option<LoginRefusal>,
    problem: Problem,
}

impl Refusal {
    fn because(user: Option<UserId>, refusal: LoginRefusal) -> Self {
        let problem = match refusal {
            LoginRefusal::SessionLimit => Code::SessionLimit.into(),
            LoginRefusal::Credentials
            | LoginRefusal::AccountInactive
            | LoginRefusal::Superseded => Code::InvalidCredentials.into(),
            LoginRefusal::RateLimited => Code::RateLimited.into(),
        };
        Self { user, refusal: Some(refusal), problem }
    }

    /// There were too many failures by other names: told like any wrong password, for this name knows of none.
    fn shut(user: UserId) -> Self {
        let problem = Code::InvalidCredentials.into();
        Self { user: Some(user), refusal: Some(LoginRefusal::RateLimited), problem }
    }

    fn stopped(user: Option<UserId>, stop: Stop) -> Self {
        let refusal = matches!(stop, Stop::Limit(_)).then_some(LoginRefusal::RateLimited);
        Self { user, refusal, problem: stop.into() }
    }

    /// Whether somebody may have guessed wrong. What is one to a client is one to its limits.
    fn is_for_credentials(&self) -> bool {
        match self.refusal {
            Some(LoginRefusal::Credentials | LoginRefusal::AccountInactive) => true,
            Some(LoginRefusal::RateLimited) => !self.problem.is_rate_limited(),
            Some(LoginRefusal::SessionLimit | LoginRefusal::Superseded) | None => false,
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { user: None, refusal: None, problem }
    }
}

async fn attempt<D: SessionData>(
    context: &Context<D>,
    login: &Login,
    client: &Client,
    counted: &mut LoginAttempt,
) -> Result<Response, Refusal> {
    let stopped = |stop| Refusal::stopped(None, stop);
    let device = counted.with(context, client.device.as_ref()).await.map_err(stopped)?;
    if device.is_none() {
        counted.from(context, client.address).await.map_err(stopped)?;
    }
    let user = find(context, login.name.as_ref()).await?;
    let stopped = |stop| Refusal::stopped(user.clone(), stop);
    // Nobody's guard is read as well, so that it takes as long.
    let guarded = match &user {
        Some(user) => user.clone(),
        None => nobody(context, login)?,
    };
    let mut guard = None;
    let mut known_device = None;
    if let Some(device) = device {
        guard = begin(context, &guarded).await?;
        let is_of = |guard| context.manager.is_device_of(device, &guarded, guard);
        known_device =
            guard.as_ref().filter(|guard| user.is_some() && is_of(guard)).map(|_| device);
    }
    counted.is_of_known_device(known_device.is_some());
    // A known device is counted under nothing else.
    let account = if known_device.is_some() {
        Account::Open
    } else {
        counted.from(context, client.address).await.map_err(stopped)?;
        counted.by(context, login).await.map_err(stopped)?;
        counted.of(context, user.as_ref(), &guarded).await.map_err(stopped)?
    };
    let guard = match guard {
        Some(guard) => Some(guard),
        None => begin(context, &guarded).await?,
    };
    let known = user.as_ref().filter(|_| account == Account::Open);
    let verdict = context.credentials.verify(known, &login.password).await;
    let verdict = verdict.map_err(|error| Problem::unavailable(&*error))?;
    let (user, new) = match (user, verdict) {
        (_, Verdict::Busy) => return Err(Problem::from(Code::Overloaded).into()),
        (Some(user), _) if account == Account::Shut => return Err(Refusal::shut(user)),
        (Some(user), Verdict::Accepted(new)) => (user, new),
        (user, Verdict::Refused(refusal)) => return Err(Refusal::because(user, refusal)),
        (None, Verdict::Accepted(_)) => {
            return Err(Refusal::because(None, LoginRefusal::Credentials));
        }
    };
    if new.user != user {
        let what = "the credentials are one user's, and the session that they ask for another's";
        return Err(Problem::internal_because(what).into());
    }
    let new = seen_from(new, client);
    let mount = client.mount.as_deref();
    let Some(guard) = guard else { return without_session(context, new, mount).await };
    let device_token = match &context.devices {
        Some(_) => Some(context.manager.device_token(known_device, &guard).map_err(Problem::from)?),
        None => None,
    };
    match context.manager.create(new.guard(guard)).await {
        Ok(login) => {
            let delivery = &context.delivery;
            let refresh_token = login.refresh_token.as_ref();
            let mut response = answer::ok(&LoggedIn::new(
                &login.session,
                login.access_token.clone(),
                login.expires_in.as_secs(),
                delivery.in_body(refresh_token),
            ))?;
            let access_token = (login.access_token.as_str(), login.expires_in);
            delivery.set_login_cookies(&mut response, access_token, refresh_token, mount)?;
            if let (Some(devices), Some(token)) = (&context.devices, device_token) {
                devices.set(&mut response, &token)?;
            }
            Ok(response)
        }
        Err(error) => Err(match refusal(&error) {
            Some(refusal) => Refusal::because(Some(user), refusal),
            None => Problem::from(error).into(),
        }),
    }
}

/// Reads the login guard of a user; `None` while the store is away and logins do without it.
async fn begin<D: SessionData>(
    context: &Context<D>,
    user: &UserId,
) -> Result<Option<LoginGuard>, Problem> {
    match context.manager.try_begin_login(user).await {
        Ok(guard) => Ok(Some(guard)),
        // What ends while the credentials are checked goes unseen: no session is opened with this login, then.
        Err(Failure::Away(_)) if context.token_only_logins => Ok(None),
        Err(failure) => Err(SessionError::Store(failure.into()).into()),
    }
}

/// The store cannot be asked: a token, and nothing behind it.
async fn without_session<D: SessionData>(
    context: &Context<D>,
    new: NewSession<D>,
    mount: Option<&str>,
) -> Result<Response, Refusal> {
    match context.manager.token_without_session(&new).await {
        Ok(TokenLogin { access_token, expires_in, .. }) => {
            let seconds = expires_in.as_secs();
            let answer = LoggedIn::without_session(new, access_token.clone(), seconds);
            let mut response = answer::ok(&answer)?;
            let access_token = (access_token.as_str(), expires_in);
            context.delivery.set_login_cookies(&mut response, access_token, None, mount)?;
            Ok(response)
        }
        Err(error) => Err(match refusal(&error) {
            Some(refusal) => Refusal::because(Some(new.user), refusal),
            None => Problem::from(error).into(),
        }),
    }
}

async fn find<D: SessionData>(
    context: &Context<D>,
    name: Option<&LoginName>,
) -> Result<Option<UserId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    context.credentials.find(name).await.map_err(|error| Problem::unavailable(&*error))
}

/// A user id that stands for whatever was typed.
fn nobody<D>(context: &Context<D>, login: &Login) -> Result<UserId, Problem> {
    let id = format!("nobody-{:016x}", context.nobody.hash_one(&login.typed));
    UserId::parse(&id).ok_or_else(|| Problem::internal_because("a stand-in is no user id"))
}

fn seen_from<D>(new: NewSession<D>, client: &Client) -> NewSession<D> {
    let new = match client.address {
        Some(address) => new.ip_address(address),
        None => new,
    };
    match &client.agent {
        Some(agent) => new.user_agent(agent),
        None => new,
    }
}

/// What of the manager's refusals is one of the login.
fn refusal(error: &SessionError) -> Option<LoginRefusal> {
    match error {
        SessionError::LimitReached => Some(LoginRefusal::SessionLimit),
        SessionError::LoginSuperseded => Some(LoginRefusal::Superseded),
        SessionError::AccountInactive => Some(LoginRefusal::AccountInactive),
        _ => None,
    }
}
