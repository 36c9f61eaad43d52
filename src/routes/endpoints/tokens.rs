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
        "Exchanges a refresh token for the next tokens",
        "Never beyond the session's absolute lifetime. A token that was exchanged before gets the same successor \
         for some seconds, as after a lost answer; afterwards it is taken for stolen, and ends the session. A \
         refusal leaves the cookie alone. Of several cookies of the name the latest login counts; of different users none.",
    );
    let about = cookies(about, delivery, "The next cookies.");
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
        "Ends the session of the token",
        "Of an access token, also one that has expired, of a refresh token, or of both. A session that is gone is \
         logged out: 200. It takes the cookies back, also with 400 and 401, unless the session store is \
         away. A body that holds no refresh token is as good as none.",
    );
    let about = cookies(about, delivery, "Take the cookies back.");
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
            "The session has ended.",
            json!({"message": "Successfully logged out"}),
        ),
    }
}

/// Describes the cookies of the answer, if it sets token cookies.
pub(super) fn cookies(about: About, delivery: &Delivery, description: &'static str) -> About {
    let any = delivery.access.is_some() || matches!(delivery.refresh, Refresh::Cookie(_));
    if any { about.cookies(description) } else { about }
}

pub(super) const ACCESS_TOKEN: &str =
    "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30.c2ln";

const REFRESH_TOKEN: &str = "REFRESH_TOKEN_EXAMPLE";
