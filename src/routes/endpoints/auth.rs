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
                "Ends all sessions of the caller",
                "In one step. A login that is under way does not survive it.",
            )
            .answers::<Deleted>(
                200,
                "They have ended.",
                json!({"message": "Successfully logged out of 3 session(s)", "deleted_count": 3}),
            ),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: "/me",
            access: Access::Session,
            handler: get(own::account::<D>),
            about: About::new(TAG, "me", "Who the caller is", "As the user directory has them now.")
                .answers::<Account>(
                    200,
                    "The caller.",
                    json!({"user_id": "jeju", "user_name": "Jeju", "email": "jeju@test.com", "role": "user"}),
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
                "The caller's sessions",
                "One for each device that is logged in, the latest used first.",
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
                "Ends one of the caller's sessions",
                "Another user's session is not found.",
            ))
            .answers::<Done>(200, "It has ended.", json!({"message": "Session ended"}))
            .problems(&[ErrorCode::NotFound]),
        },
        super::health::ready("/health"),
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
        "Opens a session",
        "By user id or by e-mail address. A user who is unknown, has another password, or is not active is one answer. \
         After too many of those, for a user or from an address, nobody looks at passwords for a while. \
         Where the server is set up so, a login while the session store is away gets a token that no session stands \
         behind, good for some routes until the store answers.",
    );
    let about = if delivery.device {
        about.cookies("Set the cookies that carry tokens, and the device cookie.")
    } else {
        super::tokens::cookies(about, delivery, "Set the cookies that carry the tokens.")
    };
    about
        .body::<LoginRequest>(json!({"user_id": "jeju", "password": "password123"}))
        .answers::<LoggedIn>(
            200,
            "The session is open.",
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
