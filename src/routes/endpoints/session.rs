//! The session routes.

use axum::routing::{delete, get, post};
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

use super::endpoint::Endpoint;
use crate::error::ErrorCode;
use crate::routes::access::Access;
use crate::routes::input::Paging;
use crate::routes::openapi::About;
use crate::routes::responses::{
    Cleaned, CurrentSession, Deleted, Done, SessionList, SessionStatistics, UserSessions,
};
use crate::routes::{admin, own};
use crate::session::SessionData;

const TAG: &str = "Session Management";

pub(super) fn session<D: SessionData>() -> Vec<Endpoint<D>> {
    vec![
        Endpoint {
            method: HttpMethod::Get,
            path: "/me",
            access: Access::Session,
            handler: get(own::current::<D>),
            about: About::new(
                TAG,
                "me",
                "Get the caller's session",
                "Reads the session from the session store.",
            )
            .answers::<CurrentSession>(
                200,
                "The session.",
                json!({
                    "user_id": "jeju",
                    "user_name": "Jeju",
                    "email": "jeju@test.com",
                    "role": "user",
                    "created_at": "2025-10-17T12:00:00Z",
                    "last_activity": "2025-10-17T12:34:00Z",
                    "ttl": 3000,
                    "ip_address": "192.0.2.7",
                }),
            ),
        },
        Endpoint {
            method: HttpMethod::Post,
            path: "/refresh",
            access: Access::Session,
            handler: post(own::refresh::<D>),
            about: About::new(
                TAG,
                "refresh",
                "Extend the caller's session",
                "Restarts the idle time of the session, up to its absolute deadline.",
            )
            .answers::<Done>(
                200,
                "The idle time has restarted.",
                json!({"message": "Session refreshed successfully"}),
            ),
        },
        all(),
        Endpoint {
            method: HttpMethod::Get,
            path: "/stats",
            access: Access::Admin,
            handler: get(admin::statistics::<D>),
            about: About::new(
                TAG,
                "stats",
                "Get the number of sessions",
                "Returns the result of a count that ended at most 60 seconds ago.",
            )
            .answers::<SessionStatistics>(
                200,
                "The statistics.",
                json!({
                    "total_sessions": 10,
                    "sessions_by_role": {"user": 7, "admin": 2, "super_admin": 1},
                    "average_ttl": 2800,
                    "as_of": "2025-10-17T12:34:00Z",
                }),
            ),
        },
        Endpoint {
            method: HttpMethod::Get,
            path: "/user/{user_id}",
            access: Access::Admin,
            handler: get(admin::user::<D>),
            about: of_user(
                "user_sessions",
                "List the sessions of one user",
                "The most recently used session comes first.",
            )
            .answers::<UserSessions>(200, "The sessions.", user_sessions()),
        },
        Endpoint {
            method: HttpMethod::Delete,
            path: "/user/{user_id}",
            access: Access::Admin,
            handler: delete(admin::end_user::<D>),
            about: of_user(
                "end_user_sessions",
                "Revoke all sessions of one user",
                "Revokes them in one step. A login in progress must verify its password again.",
            )
            .answers::<Deleted>(
                200,
                "The sessions are revoked.",
                json!({
                    "message": "Successfully deleted 2 session(s) for user jeju",
                    "deleted_count": 2,
                }),
            ),
        },
        Endpoint {
            method: HttpMethod::Delete,
            path: "/user/{user_id}/sessions/{session_id}",
            access: Access::Admin,
            handler: delete(admin::end_session::<D>),
            about: session_id(of_user(
                "end_user_session",
                "Revoke one session of one user",
                "Does not revoke the other sessions of the user. Answers 404 if the user has no \
                 live session with this id.",
            ))
            .answers::<Done>(200, "The session is revoked.", json!({"message": "Session ended"}))
            .problems(&[ErrorCode::NotFound]),
        },
        Endpoint {
            method: HttpMethod::Post,
            path: "/cleanup",
            access: Access::Admin,
            handler: post(admin::cleanup::<D>),
            about: About::new(
                TAG,
                "cleanup",
                "Free expired sessions",
                "Optional: an expired session is never accepted, and the session store frees it \
                 over time without this route.",
            )
            .answers::<Cleaned>(
                200,
                "The expired sessions are freed.",
                json!({"message": "Cleaned up 4 expired session(s)", "cleaned_count": 4}),
            ),
        },
    ]
}

fn all<D: SessionData>() -> Endpoint<D> {
    let limit = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(1))
        .maximum(Some(Paging::MAX_LIMIT as f64))
        .default(Some(json!(Paging::DEFAULT_LIMIT)));
    let about = About::new(
        TAG,
        "all",
        "List the sessions of all users",
        "Returns one page. A session that is live from the first page to the last is on at least \
         one page. A page may have fewer sessions than `limit`, or none, although more pages \
         follow.",
    );
    let about = about
        .parameter(ParameterIn::Query, "limit", "The largest number of sessions to return.", limit)
        .parameter(
            ParameterIn::Query,
            "cursor",
            "The `next_cursor` of the previous page.",
            string(),
        )
        .answers::<SessionList>(
            200,
            "One page of sessions.",
            json!({
                "sessions": [{
                    "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
                    "user_id": "jeju",
                    "user_name": "Jeju",
                    "role": "user",
                    "ttl": 3000,
                    "last_activity": "2025-10-17T12:34:00Z",
                }],
                "total": 1,
                "next_cursor": null,
            }),
        )
        .problems(&[ErrorCode::InvalidBody]);
    Endpoint {
        method: HttpMethod::Get,
        path: "/all",
        access: Access::Admin,
        handler: get(admin::all::<D>),
        about,
    }
}

fn of_user(name: &'static str, summary: &'static str, description: &'static str) -> About {
    About::new(TAG, name, summary, description)
        .parameter(
            ParameterIn::Path,
            "user_id",
            "The user's id, percent-decoded once: 1 to 256 bytes of UTF-8. It is never a pattern: \
             every character stands for itself.",
            string_of(1, 256),
        )
        .problems(&[ErrorCode::InvalidBody])
}

/// Adds the path parameter `session_id`.
pub(super) fn session_id(about: About) -> About {
    about.parameter(
        ParameterIn::Path,
        "session_id",
        "The session's public id, as the lists of sessions return it.",
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .pattern(Some("^[A-Za-z0-9_-]{1,64}$")),
    )
}

fn string() -> Object {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).build()
}

fn string_of(min: usize, max: usize) -> Object {
    let string = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    string.min_length(Some(min)).max_length(Some(max)).build()
}

fn user_sessions() -> serde_json::Value {
    json!({
        "user_id": "jeju",
        "sessions": [{
            "session_id": "b3kT9xQ2aLmZ7vWcRr8yHn4s",
            "user_id": "jeju",
            "user_name": "Jeju",
            "role": "user",
            "created_at": "2025-10-17T12:00:00Z",
            "last_activity": "2025-10-17T12:34:00Z",
            "ttl": 3000,
            "ip_address": "192.0.2.7",
            "user_agent": "curl/8.5.0",
        }],
        "total": 1,
    })
}
