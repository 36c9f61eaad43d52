//! Devices that have logged in to an account before, while an attacker guesses its password.

use tower_session_auth::routes::{DeviceCookie, LoginLimit, RefreshDelivery, RoutesBuilder};
use tower_session_auth::store::{MemoryStore, StoreErrorKind};
use tower_session_auth::testing::TokioClock;
use tower_session_auth::{KeySet, RevokeReason, SigningKey, Target};

use crate::limits::{LIMITED, MINUTE, SECOND, WRONG, by_email, fail, from, pass, whole};
use crate::routes::jar::{DAY, DEVICE, JEJU, Set, login, refreshing};
use crate::routes::site::{From, Reply, Site, site_with};
use crate::support::{START, switch, user};

const HERE: &str = "192.0.2.7";

/// A site that delivers refresh tokens in cookies. Its store counts failed logins.
fn counting(routes: impl FnOnce(RoutesBuilder) -> RoutesBuilder) -> Site {
    let store = MemoryStore::with_clock(TokioClock::new(START));
    site_with(|builder, desk| refreshing(builder.store(store), desk), routes)
}

fn in_store() -> Site {
    counting(|routes| routes)
}

fn in_process() -> Site {
    site_with(refreshing, |routes| routes)
}

/// Runs a scenario two times: with counts in the store, and with counts in the process.
macro_rules! in_both_places {
    ($($name:ident: $scenario:ident),+ $(,)?) => { $(mod $name {
        #[tokio::test(start_paused = true)]
        async fn in_the_store() {
            super::$scenario(super::in_store()).await;
        }

        #[tokio::test(start_paused = true)]
        async fn in_the_process() {
            super::$scenario(super::in_process()).await;
        }
    })+ };
}

in_both_places! {
    known_device_can_log_in_while_an_attacker_guesses: attack,
    known_device_does_not_wait_for_a_pending_login: interleaved,
    known_device_counts_as_unknown_after_five_failures: five,
    device_cookie_has_no_effect_for_another_account: another_account,
    password_change_makes_all_devices_unknown: password,
    login_with_a_device_cookie_renews_the_cookie_and_keeps_the_device: renewed,
}

/// Logs in with a device cookie.
async fn with(site: &Site, cookie: &Set, body: &str) -> Reply {
    login("/api/auth").body(body.to_owned()).cookie(&cookie.name, &cookie.value).to(site).await
}

fn body(user: &str, password: &str) -> String {
    format!(r#"{{"user_id":"{user}","password":"{password}"}}"#)
}

/// Logs in for the first time and returns the device cookie.
async fn known(site: &Site) -> Set {
    login("/api/auth").to(site).await.cookie(DEVICE)
}

/// Guesses the password of `jeju` under all names of the account, up to the account limit.
async fn guess(site: &Site) {
    for _ in 0..12 {
        site.log_in("jeju", "wrong").await;
        by_email(site, "jeju@test.com", "wrong").await;
        by_email(site, "jeju+1@test.com", "wrong").await;
    }
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED, "a new device waits");
}

pub(crate) async fn attack(site: Site) {
    let mut cookie = known(&site).await;
    for round in 0..8 {
        guess(&site).await;
        let reply = with(&site, &cookie, JEJU).await;
        assert_eq!(reply.status, 200, "round {round}: {reply:?}");
        cookie = reply.cookie(DEVICE);
        let by_email = r#"{"email":"jeju+1@test.com","password":"password123"}"#;
        let reply = with(&site, &cookie, by_email).await;
        assert_eq!(reply.status, 200, "round {round}, by another name: {reply:?}");
        // A login of a known device gives the attacker no further attempts.
        assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    }
    // A shared address can reach its own limit. That limit does not apply to a known device.
    for number in 0..100 {
        from(&site, HERE, &format!("user-{number}"), "wrong").await;
    }
    assert_eq!(from(&site, HERE, "user", "password123").await.said(), LIMITED);
    let mut request = login("/api/auth").cookie(&cookie.name, &cookie.value).request();
    request.extensions_mut().insert(From(HERE.parse().unwrap()));
    assert_eq!(site.send(request).await.status, 200);
}

async fn interleaved(site: Site) {
    let cookie = known(&site).await;
    let pause = site.desk.pause();
    let guess = tokio::spawn({
        let router = site.router.clone();
        let request = login("/api/auth").body(body("jeju", "wrong")).request();
        async move { crate::routes::site::send(&router, request).await.status }
    });
    pause.reached().await;
    // Logins with the same name wait for each other. A login of a known device does not wait.
    assert_eq!(with(&site, &cookie, JEJU).await.status, 200);
    pause.go();
    assert_eq!(guess.await.unwrap(), 401);
}

async fn five(site: Site) {
    let cookie = known(&site).await;
    guess(&site).await;
    let verified = site.desk.verifies().len();
    for attempt in 1..=5 {
        let reply = with(&site, &cookie, &body("jeju", "wrong")).await;
        assert_eq!(reply.said(), WRONG, "the {attempt}th");
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    assert_eq!(with(&site, &cookie, JEJU).await.said(), LIMITED, "it waits like a new device");
    assert_eq!(site.desk.verifies().len() - verified, 5);
    // If an account has no failures, it accepts a login from a new device.
    site.token("user").await;
    pass(MINUTE).await;
    site.token("jeju").await;
    guess(&site).await;
    assert_eq!(with(&site, &cookie, JEJU).await.status, 200, "the wait is over");
    for attempt in 1..=5 {
        let reply = with(&site, &cookie, &body("jeju", "wrong")).await;
        assert_eq!(reply.said(), WRONG, "the failures are forgotten, the {attempt}th");
    }
    assert_eq!(with(&site, &cookie, JEJU).await.said(), LIMITED);
}

async fn another_account(site: Site) {
    let cookie = known(&site).await;
    // For existing and for unknown users, each response is the same as without the cookie.
    let mut all = Vec::new();
    for name in ["user", "unknown", "suspended"] {
        let mut told = Vec::new();
        for _ in 0..12 {
            told.push(whole(&with(&site, &cookie, &body(name, "wrong")).await));
        }
        told.push(whole(&with(&site, &cookie, &body(name, "password123")).await));
        all.push(told);
        pass(MINUTE).await;
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
    assert!(all[0][9].starts_with("401") && all[0][10].starts_with("429"), "{all:?}");

    // On a browser that several users share, the login of the next user replaces the cookie.
    let reply = with(&site, &cookie, &body("user", "password123")).await;
    let other = reply.cookie(DEVICE);
    fail(&site, "user", 10).await;
    assert_eq!(with(&site, &cookie, &body("user", "password123")).await.said(), LIMITED);
    assert_eq!(with(&site, &other, &body("user", "password123")).await.status, 200);
}

pub(crate) async fn password(site: Site) {
    let jeju = user("jeju");
    let old = known(&site).await;
    guess(&site).await;
    for reason in [RevokeReason::LogoutAll, RevokeReason::Admin] {
        site.manager.revoke(&jeju, Target::All, reason).await.unwrap();
        assert_eq!(with(&site, &old, JEJU).await.status, 200, "after {reason}");
    }
    let other = with(&site, &old, JEJU).await;
    let kept = site.manager.authenticate(&other.access_token()).await.unwrap();
    site.desk.change("jeju", |person| person.password = "another1");
    site.manager
        .revoke(&jeju, Target::AllExcept(kept.id().clone()), RevokeReason::PasswordChange)
        .await
        .unwrap();
    for cookie in [&old, &other.cookie(DEVICE)] {
        let reply = with(&site, cookie, &body("jeju", "another1")).await;
        assert_eq!(reply.said(), LIMITED, "the device counts as new");
    }
}

#[tokio::test(start_paused = true)]
async fn device_is_known_again_after_a_login_with_the_new_password() {
    let site = in_store();
    let old = known(&site).await;
    site.desk.change("jeju", |person| person.password = "another1");
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange).await.unwrap();
    let new = with(&site, &old, &body("jeju", "another1")).await.cookie(DEVICE);
    guess(&site).await;
    assert_eq!(with(&site, &old, &body("jeju", "another1")).await.said(), LIMITED);
    // The old cookie stays invalid after the store has forgotten the revoked sessions.
    pass(2 * DAY).await;
    guess(&site).await;
    assert_eq!(with(&site, &old, &body("jeju", "another1")).await.said(), LIMITED);
    assert_eq!(with(&site, &new, &body("jeju", "another1")).await.status, 200);
    // If the password changes during a login, the login accepts no device cookie that is older than
    // the change.
    let pause = site.desk.pause();
    let login = tokio::spawn({
        let router = site.router.clone();
        let request = login("/api/auth").body(body("jeju", "another1"));
        let request = request.cookie(&new.name, &new.value).request();
        async move { crate::routes::site::send(&router, request).await }
    });
    pause.reached().await;
    site.desk.change("jeju", |person| person.password = "a third one");
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::PasswordChange).await.unwrap();
    pause.go();
    assert_eq!(login.await.unwrap().said(), LIMITED);
}

async fn renewed(site: Site) {
    let old = known(&site).await;
    pass(SECOND).await;
    let new = with(&site, &old, JEJU).await.cookie(DEVICE);
    assert_ne!(old.value, new.value, "the new cookie expires later");
    let device = |cookie: &Set| cookie.value.split('.').next().unwrap().to_owned();
    assert_eq!(device(&old), device(&new));
    guess(&site).await;
    for cookie in [&old, &new, &old, &new, &old] {
        assert_eq!(with(&site, cookie, &body("jeju", "wrong")).await.said(), WRONG);
    }
    for cookie in [&old, &new] {
        assert_eq!(with(&site, cookie, JEJU).await.said(), LIMITED, "the attempts are shared");
    }
    assert_ne!(device(&known(&in_store()).await), device(&known(&in_store()).await));
}

#[tokio::test(start_paused = true)]
async fn device_cookie_has_safe_attributes_and_names_no_user() {
    let site = in_store();
    let cookie = known(&site).await;
    let max_age = format!("Max-Age={}", 90 * DAY.as_secs());
    assert_eq!(
        cookie.attributes,
        ["HttpOnly", &max_age, "Path=/", "SameSite=Strict", "Secure"].map(str::to_owned)
    );
    assert!(!cookie.value.contains("jeju") && cookie.value.len() < 160, "{}", cookie.value);
    for changed in [cookie.value.replace('.', "-"), cookie.value[1..].to_owned(), String::new()] {
        guess(&site).await;
        let changed = Set { value: changed, ..cookie.clone() };
        assert_eq!(with(&site, &changed, JEJU).await.said(), LIMITED, "{changed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn device_cookie_expires_after_its_lifetime() {
    let hour = 60 * MINUTE;
    for (cookie, lifetime) in
        [(DeviceCookie::new(), 90 * DAY), (DeviceCookie::new().lifetime(hour), hour)]
    {
        let site = counting(|routes| routes.device_cookie(cookie));
        let cookie = known(&site).await;
        pass(lifetime - SECOND).await;
        guess(&site).await;
        assert_eq!(with(&site, &cookie, JEJU).await.status, 200);
        pass(SECOND).await;
        guess(&site).await;
        assert_eq!(with(&site, &cookie, JEJU).await.said(), LIMITED);
    }
}

#[tokio::test(start_paused = true)]
async fn device_cookie_is_set_for_cookie_delivery_or_on_request() {
    let names = async |routes: fn(RoutesBuilder) -> RoutesBuilder| {
        let reply = login("/api/auth").to(&counting(routes)).await;
        // A login also clears cookies on other paths.
        let set = reply.cookies().into_iter().filter(|cookie| !cookie.value.is_empty());
        let names: Vec<_> = set.map(|cookie| cookie.name).collect();
        names
    };
    let refresh = "__Secure-refresh_token";
    assert_eq!(names(|routes| routes).await, [refresh, DEVICE]);
    assert_eq!(names(RoutesBuilder::without_device_cookie).await, [refresh]);
    assert_eq!(names(|routes| routes.login_limit(LoginLimit::off())).await, [refresh]);
    let named = |routes: RoutesBuilder| routes.device_cookie(DeviceCookie::new().name("device"));
    assert_eq!(names(named).await, [refresh, "__Host-device"]);
    let bodies = |routes: RoutesBuilder| routes.refresh_delivery(RefreshDelivery::Body);
    assert!(names(bodies).await.is_empty());
    let asked_for = |routes: RoutesBuilder| {
        routes.refresh_delivery(RefreshDelivery::Body).device_cookie(DeviceCookie::new())
    };
    assert_eq!(names(asked_for).await, [DEVICE]);
}

#[tokio::test(start_paused = true)]
async fn account_limit_applies_to_all_devices_without_device_cookies() {
    let site = counting(RoutesBuilder::without_device_cookie);
    let cookie = known(&in_store()).await;
    guess(&site).await;
    assert_eq!(with(&site, &cookie, JEJU).await.said(), LIMITED);
}

#[tokio::test(start_paused = true)]
async fn token_only_login_neither_accepts_nor_sets_a_device_cookie() {
    let site = site_with(refreshing, RoutesBuilder::token_only_logins);
    let cookie = known(&site).await;
    site.store.set(switch::Mood::Fail(StoreErrorKind::Unavailable));
    let reply = with(&site, &cookie, JEJU).await;
    assert_eq!(reply.status, 200);
    assert!(reply.cookies().iter().all(|cookie| cookie.name != DEVICE), "{reply:?}");
    guess(&site).await;
    assert_eq!(with(&site, &cookie, JEJU).await.said(), LIMITED);
    site.store.set(switch::Mood::Answer);
    pass(2 * SECOND).await;
    assert_eq!(site.log_in("jeju", "password123").await.said(), LIMITED);
    assert_eq!(with(&site, &cookie, JEJU).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn device_cookie_works_with_asymmetric_keys_and_without_refresh_tokens() {
    let pem = include_bytes!("../../keys/ed25519.pem");
    let keys = KeySet::new(SigningKey::eddsa_pem("1", pem).unwrap());
    let store = MemoryStore::with_clock(TokioClock::new(START));
    let site = site_with(
        |builder, _| builder.store(store).keys(keys),
        |routes| routes.device_cookie(DeviceCookie::new()),
    );
    let cookie = known(&site).await;
    guess(&site).await;
    assert_eq!(with(&site, &cookie, JEJU).await.status, 200);
    let other = known(&in_store()).await;
    assert_eq!(with(&site, &other, JEJU).await.said(), LIMITED, "another site's key");
}

#[cfg(feature = "redis")]
mod over_redis {
    use tower_session_auth::RedisStore;

    use super::*;
    use crate::support::commands::Commands;
    use crate::support::redis::RedisServer;

    fn instance(server: &RedisServer) -> Site {
        let store = RedisStore::builder(server.url()).timeout(10 * SECOND).build().unwrap();
        let builder = |builder: tower_session_auth::manager::SessionManagerBuilder, desk: &_| {
            refreshing(builder.store(store).store_timeout(10 * SECOND), desk)
        };
        site_with(builder, |routes| routes)
    }

    #[tokio::test]
    async fn known_device_can_log_in_while_an_attacker_guesses() {
        let server = RedisServer::start().await;
        attack(instance(&server)).await;
    }

    #[tokio::test]
    async fn password_change_makes_all_devices_unknown() {
        let server = RedisServer::start().await;
        password(instance(&server)).await;
        let left = server.number(&["PTTL", "session:{jeju}:gone"]).await;
        let days = left / (24 * 60 * 60 * 1000);
        assert!((180..=181).contains(&days), "the store remembers the change for {days} days");
    }

    #[tokio::test]
    async fn device_cookie_of_one_instance_is_accepted_by_another() {
        let server = RedisServer::start().await;
        let (one, other) = (instance(&server), instance(&server));
        let cookie = known(&one).await;
        guess(&one).await;
        assert_eq!(with(&other, &cookie, JEJU).await.status, 200);
        assert_eq!(other.log_in("jeju", "password123").await.said(), LIMITED);
    }

    #[tokio::test]
    async fn known_device_needs_fewer_store_calls_than_a_new_one() {
        let server = RedisServer::start().await;
        let site = instance(&server);
        let cookie = known(&site).await;
        let asked = async |cookie: Option<&Set>| {
            let before = Commands::of(&server).await;
            let request = login("/api/auth");
            let mut request = match cookie {
                Some(cookie) => request.cookie(&cookie.name, &cookie.value).request(),
                None => request.request(),
            };
            request.extensions_mut().insert(From(HERE.parse().unwrap()));
            assert_eq!(site.send(request).await.status, 200);
            before.since(&server).await.calls("hmget")
        };
        // The worker also reads from the server at times. The lowest count is that of the login.
        let least = async |cookie: Option<&Set>| {
            let mut least = u64::MAX;
            for _ in 0..5 {
                least = least.min(asked(cookie).await);
            }
            least
        };
        // One call for the count, one for the login fence, and one for the new session.
        assert_eq!(least(Some(&cookie)).await, 1 + 1 + 1);
        // Three counts, one fence, one session, and one call to undo the count of the address.
        assert_eq!(least(None).await, 3 + 1 + 1 + 1);
    }
}
