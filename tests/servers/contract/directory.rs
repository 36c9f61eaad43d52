//! Sessions that another process opened in the same Redis: of a suspended or unknown user, and of
//! users with unusual ids.

use serde_json::json;
use tower_session_auth::{KeySet, NewSession, SessionManager, SigningKey, UserId};

use crate::contract::World;
use crate::contract::bearer::protected;
use crate::contract::table::{delete, get, post};
use crate::support::redis::RedisServer;
use crate::support::server::SECRET;
use crate::support::{UNHURRIED, patient_store};

fn manager(redis: &RedisServer) -> SessionManager {
    let name = "tower-session-auth-example";
    let key = SigningKey::hs256("1", SECRET.as_bytes()).unwrap();
    let builder = SessionManager::builder().keys(KeySet::new(key)).issuer(name).audience(name);
    builder.store(patient_store(&redis.url())).store_timeout(UNHURRIED).build().unwrap().0
}

pub(crate) async fn check(world: World, redis: &RedisServer) {
    let manager = manager(redis);
    let open = async |id: &str| {
        manager.create(NewSession::new(UserId::parse(id).unwrap()).role("user")).await.unwrap()
    };
    // The session is live, but the account is suspended or unknown to the directory.
    for user in ["suspended", "nobody"] {
        let login = open(user).await;
        for route in protected() {
            world.check([route.token(&login.access_token).refused("account_inactive")]).await;
        }
        let logout = post("/api/auth/logout").token(&login.access_token);
        world
            .check([logout
                .answers(200, json!("<any>"))
                .note("logout works for an inactive account")])
            .await;
    }

    let jeju = world.log_in("jeju").await;
    let admin = world.log_in("admin").await;
    for (path, user) in [
        ("*", "*"),
        ("je*", "je*"),
        ("%5Bj%5Deju", "[j]eju"),
        ("%7Bjeju%7D", "{jeju}"),
        ("jeju%0A", "jeju\n"),
        ("%25", "%"),
    ] {
        let login = open(user).await;
        let path = format!("/api/session/user/{path}");
        let session = json!({
            "session_id": login.session.id().as_str(), "user_id": user, "user_name": null,
            "role": "user", "created_at": "<time>", "last_activity": "<time>",
            "ttl": "<3590..3600>", "ip_address": null, "user_agent": null,
        });
        let one = json!({"user_id": user, "sessions": [session], "total": 1});
        let message = format!("Successfully deleted 1 session(s) for user {user}");
        let rows = [
            get(&*path).token(&admin.token).answers(200, one),
            delete(path)
                .token(&admin.token)
                .answers(200, json!({"message": message, "deleted_count": 1})),
            get("/api/data").token(&login.access_token).revoked("admin"),
            get("/api/data").token(&jeju.token).answers(200, json!("<any>")),
        ];
        world.check(rows).await;
    }
    world.check([post("/auth/logout-all").token(&jeju.token).answers(200, json!("<any>"))]).await;
}
