//! The auth routes.

use axum::routing::{delete, get, post};
use serde_json::json;
use utoipa::openapi::path::HttpMethod;

use super::endpoint::Endpoint;
use super::session::session_id;
use crate::error::ErrorCode;
use crate::routes::access::Access;
use crate::routes::delivery::{Delivery, Refresh};
use crate::routes::openapi::About;
use crate::routes::requests::LoginRequest;
use crate::routes::responses::{Account, Deleted, Done, LoggedIn, OwnSessions};
use crate::routes::{login, own};
use crate::session::SessionData;

const TAG: &str = "Auth";

pub(super) fn auth<D: SessionData>(delivery: &Delivery) -> Vec<Endpoint<D>> {
    let mut endpoints = vec![
        Endpoint {
            method: HttpMethod::Post,
            path: "/login",
            access: Access::Open,
            handler: post(login::login::<D>),
            about: about_login(delivery),
        },
        super::tokens::logout(delivery),
        Endpoint {
            method: HttpMethod::Post,
            path: "/logout-all",
            access: Access::Session,
            handler: post(own::logout_all::<D>),
            about: About::new(
                TAG,
                "logout_all",
                "Revoke all sessions of the caller",
                "Revokes them in one step. A login in progress must verify its password again.",
            )
            .answers::<Deleted>(
                200,
                "The sessions are revoked.",
                json!({"message": "Successfully logged out of 3 session(s)", "deleted_count": 3}),
            ),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: "/me",
            access: Access::Session,
            handler: get(own::account::<D>),
            about: About::new(
                TAG,
                "me",
                "Get the caller's user data",
                "Asks the user directory at each request. Without a user directory, returns the \
                 data of the session.",
            )
            .answers::<Account>(
                200,
                "The user data.",
                json!({
                    "user_id": "jeju",
                    "user_name": "Jeju",
                    "email": "jeju@test.com",
                    "role": "user",
                }),
            ),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: "/sessions",
            access: Access::Session,
            handler: get(own::sessions::<D>),
            about: About::new(
                TAG,
                "sessions",
                "List the caller's sessions",
                "Returns one session for each login, for example on another device. The most \
                 recently used session comes first.",
            )
            .answers::<OwnSessions>(200, "The sessions.", devices()),
        },
        Endpoint {
            method: HttpMethod::Delete,
            path: "/sessions/{session_id}",
            access: Access::Session,
            handler: delete(own::end_session::<D>),
            about: session_id(About::new(
                TAG,
                "end_session",
                "Revoke one of the caller's sessions",
                "Answers 404 if the caller has no live session with this id.",
            ))
            .answers::<Done>(200, "The session is revoked.", json!({"message": "Session ended"}))
            .problems(&[ErrorCode::NotFound]),
        },
        super::health::health("/health"),
    ];
    if delivery.refresh != Refresh::Never {
        endpoints.push(super::tokens::refresh(delivery));
    }
    endpoints
}

fn about_login(delivery: &Delivery) -> About {
    let about = About::new(
        TAG,
        "login",
        "Log in",
        "Opens a session for the user with this id or e-mail address. An unknown user, a wrong \
         password and an account that is not active get the same answer: 401 \
         `invalid_credentials`. After too many failed logins with one name or from one address, \
         the server verifies no password for a while and answers 429 `rate_limited`. After too \
         many failed logins to one account, the server answers 401 `invalid_credentials` for a \
         while. A server can be configured to issue an access token without a session while the \
         session store is unavailable. Some routes accept such a token until the store answers \
         again.",
    );
    let about = if delivery.device {
        about.cookies("Sets the cookies that carry tokens, and the device cookie.")
    } else {
        super::tokens::cookies(about, delivery, "Sets the cookies that carry the tokens.")
    };
    about
        .body::<LoginRequest>(json!({"user_id": "jeju", "password": "password123"}))
        .answers::<LoggedIn>(
            200,
            "The login succeeded.",
            json!({
                "user_id": "jeju",
                "user_name": "Jeju",
                "email": "jeju@test.com",
                "role": "user",
                "access_token": super::tokens::ACCESS_TOKEN,
                "token_type": "bearer",
                "expires_in": 3600,
            }),
        )
        .problems(&[
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidCredentials,
            ErrorCode::RequestTimeout,
            ErrorCode::SessionLimit,
            ErrorCode::PayloadTooLarge,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::InvalidBody,
            ErrorCode::RateLimited,
            ErrorCode::Overloaded,
            ErrorCode::StoreUnavailable,
            ErrorCode::Internal,
        ])
}

fn devices() -> serde_json::Value {
    json!({
        "sessions": [{
            "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
            "created_at": "2025-10-17T12:00:00Z",
            "last_activity": "2025-10-17T12:34:00Z",
            "ttl": 3000,
            "ip_address": "192.0.2.7",
            "user_agent": "curl/8.5.0",
            "current": true,
        }],
        "total": 1,
    })
}
