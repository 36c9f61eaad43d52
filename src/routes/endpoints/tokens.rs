//! The auth routes that read refresh tokens.

use axum::routing::post;
use serde_json::json;
use utoipa::openapi::path::HttpMethod;

use super::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::routes::access::Access;
use crate::routes::delivery::{Delivery, Refresh};
use crate::routes::openapi::About;
use crate::routes::refresh as handlers;
use crate::routes::requests::RefreshRequest;
use crate::routes::responses::{Done, Refreshed};
use crate::session::SessionData;

const TAG: &str = "Auth";

/// The problems of a request body.
const BODY: [ErrorCode; 3] =
    [ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType, ErrorCode::InvalidBody];

pub(super) fn refresh<D: SessionData>(delivery: &Delivery) -> Endpoint<D> {
    let about = About::new(
        TAG,
        "refresh",
        "Exchange a refresh token for the next tokens",
        "Extends the session, up to its absolute deadline. A refresh token that was exchanged \
         before returns the same successor during the grace period of some seconds, because the \
         first answer may have been lost. After that period the token counts as stolen, and the \
         session is revoked. A server can be configured to accept the token for longer while its \
         successor is unused. A failed refresh leaves the cookies unchanged. If the request has \
         several refresh cookies of one user, the server uses that of the latest login. If they \
         belong to different users, the answer is 401 `invalid_token`.",
    );
    let about = cookies(about, delivery, "Sets the cookies that carry the next tokens.");
    let (about, example) = if delivery.refresh == Refresh::Body {
        let about = about.body::<RefreshRequest>(json!({"refresh_token": REFRESH_TOKEN}));
        let example = json!({
            "access_token": ACCESS_TOKEN,
            "token_type": "bearer",
            "expires_in": 3600,
            "refresh_token": REFRESH_TOKEN,
        });
        (about, example)
    } else {
        let example =
            json!({"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 3600});
        (about, example)
    };
    Endpoint {
        method: HttpMethod::Post,
        path: "/refresh",
        access: Access::Refresh,
        handler: post(handlers::refresh::<D>),
        about: about
            .answers::<Refreshed>(200, "The next tokens.", example)
            .problems(&BODY)
            .problems(&[
                ErrorCode::SessionExpired,
                ErrorCode::SessionRevoked,
                ErrorCode::AccountInactive,
                ErrorCode::RateLimited,
            ]),
    }
}

pub(super) fn logout<D: SessionData>(delivery: &Delivery) -> Endpoint<D> {
    let about = About::new(
        TAG,
        "logout",
        "Log out",
        "Revokes the session of each token in the request: of an access token, which may have \
         expired, of a refresh token, or of both. If a session is already over, the answer is 200 \
         as well. The answer clears the cookies, also with 400 and 401, but not while the session \
         store is unavailable. A body without a refresh token counts as no body.",
    );
    let about = cookies(about, delivery, "Clears the cookies.");
    let about = if delivery.refresh == Refresh::Body {
        about.body_if_any::<RefreshRequest>(json!({"refresh_token": REFRESH_TOKEN}))
    } else {
        about
    };
    Endpoint {
        method: HttpMethod::Post,
        path: "/logout",
        access: Access::Token,
        handler: post(handlers::logout::<D>),
        about: about.answers::<Done>(
            200,
            "The session is over.",
            json!({"message": "Successfully logged out"}),
        ),
    }
}

/// Adds the description of the cookies to a route, if tokens travel in cookies.
pub(super) fn cookies(about: About, delivery: &Delivery, description: &'static str) -> About {
    let any = delivery.access.is_some() || matches!(delivery.refresh, Refresh::Cookie(_));
    if any { about.cookies(description) } else { about }
}

pub(super) const ACCESS_TOKEN: &str =
    "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln";

const REFRESH_TOKEN: &str = "REFRESH_TOKEN_EXAMPLE";
