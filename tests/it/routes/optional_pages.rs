//! Public pages behind a layer in optional mode. The requests contain tokens that are no longer
//! valid.

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::{HeaderValue, Request};
use tower_session_auth::auth_layer::OptionalMode;
use tower_session_auth::routes::AccessCookie;
use tower_session_auth::store::StoreErrorKind;
use tower_session_auth::{RevokeReason, Session, SessionAuthLayer, Target};

use crate::routes::desk;
use crate::routes::jar::{ACCESS, Ask, REFRESH, ask, login, refreshing};
use crate::routes::site::{Reply, Site, send, site_with};
use crate::support::switch::Mood;
use crate::support::user;

/// A site with access cookies. It asks the user directory on each request.
fn page_site() -> Site {
    site_with(
        |builder, desk| {
            let builder = builder.access_token_ttl(std::time::Duration::from_secs(600));
            let builder = builder.directory(desk.clone());
            refreshing(builder, desk).revalidate_after(std::time::Duration::ZERO)
        },
        |routes| routes.access_cookie(AccessCookie::new()),
    )
}

/// A router with two pages: a public page, and a page that sets the access cookie itself.
fn pages(site: &Site, mode: OptionalMode) -> Router {
    let page = async |session: Option<Session>| {
        session.map_or("nobody".to_owned(), |session| session.user_id().to_string())
    };
    let sets_it = async |_: Option<Session>| {
        let mut response = "set".into_response();
        let cookie = format!("{ACCESS}=new; HttpOnly; Secure; Path=/");
        let mut cookie = HeaderValue::try_from(cookie).unwrap();
        cookie.set_sensitive(true);
        response.headers_mut().insert("set-cookie", cookie);
        response.headers_mut().insert("cache-control", HeaderValue::from_static("private"));
        response
    };
    let source = AccessCookie::new().token_source().unwrap();
    let layer = SessionAuthLayer::new(site.manager.clone()).token_source(source);
    Router::new()
        .route("/", get(page))
        .route("/sets-it", get(sets_it))
        .layer(layer.optional_with(mode))
}

fn page() -> Ask {
    ask("GET", "/")
}

/// Sends a request. Returns the status and a text: the text of the page, or the code of the error.
async fn seen(router: &Router, asked: Ask) -> (u16, String) {
    let reply = send(router, asked.request()).await;
    let text = if reply.status == 200 { reply.text.clone() } else { reply.code().to_owned() };
    (reply.status, text)
}

/// The access tokens of two sessions: a live one and a revoked one.
async fn live_and_revoked(site: &Site) -> (String, String) {
    let ended = login("/auth").to(site).await.cookie(ACCESS).value;
    site.manager.revoke(&user("jeju"), Target::All, RevokeReason::Admin).await.unwrap();
    (login("/auth").to(site).await.cookie(ACCESS).value, ended)
}

#[tokio::test(start_paused = true)]
async fn lenient_mode_treats_an_invalid_cookie_as_an_anonymous_request() {
    let site = page_site();
    let (live, ended) = live_and_revoked(&site).await;
    let [strict, lenient, both] = [
        OptionalMode::strict(),
        OptionalMode::lenient(),
        OptionalMode::lenient().also_for_bearer(),
    ]
    .map(|mode| pages(&site, mode));
    let nobody = (200, "nobody".to_owned());
    let refused = |status: u16, code: &str| (status, code.to_owned());
    for (what, asked, in_strict, in_lenient, in_both) in [
        ("nothing", page as fn() -> Ask, nobody.clone(), nobody.clone(), nobody.clone()),
        (
            "a bad cookie",
            || page().cookie(ACCESS, "a.b.c"),
            refused(401, "invalid_token"),
            nobody.clone(),
            nobody.clone(),
        ),
        (
            "two cookies",
            || page().cookie(ACCESS, "a").cookie(ACCESS, "b"),
            refused(400, "invalid_request"),
            nobody.clone(),
            nobody.clone(),
        ),
        (
            "a bad header",
            || page().bearer("a.b.c"),
            refused(401, "invalid_token"),
            refused(401, "invalid_token"),
            nobody.clone(),
        ),
        (
            "no token in the header",
            || page().header("authorization", "Bearer"),
            refused(401, "invalid_token"),
            refused(401, "invalid_token"),
            nobody.clone(),
        ),
        (
            "two headers",
            || page().bearer("a").bearer("b"),
            refused(400, "invalid_request"),
            refused(400, "invalid_request"),
            refused(400, "invalid_request"),
        ),
    ] {
        assert_eq!(seen(&strict, asked()).await, in_strict, "strict: {what}");
        assert_eq!(seen(&lenient, asked()).await, in_lenient, "lenient: {what}");
        assert_eq!(seen(&both, asked()).await, in_both, "both: {what}");
    }
    let over = refused(401, "session_revoked");
    let by_cookie = || page().cookie(ACCESS, &ended);
    assert_eq!(seen(&strict, by_cookie()).await, over);
    assert_eq!(seen(&lenient, by_cookie()).await, nobody);
    assert_eq!(seen(&both, by_cookie()).await, nobody);
    let by_header = || page().bearer(&ended).cookie(ACCESS, &live);
    assert_eq!(seen(&strict, by_header()).await, over);
    assert_eq!(
        seen(&lenient, by_header()).await,
        over,
        "a client that sends a header must get the error"
    );
    assert_eq!(seen(&both, by_header()).await, nobody);
    for router in [&strict, &lenient, &both] {
        assert_eq!(seen(router, page().cookie(ACCESS, &live)).await, refused(200, "jeju"));
    }
    tokio::time::advance(std::time::Duration::from_secs(700)).await;
    let expired = || page().cookie(ACCESS, &live);
    assert_eq!(seen(&strict, expired()).await, refused(401, "token_expired"));
    assert_eq!(seen(&lenient, expired()).await, nobody);
}

#[tokio::test(start_paused = true)]
async fn lenient_mode_returns_errors_for_inactive_accounts_and_outages() {
    let site = page_site();
    let (live, _) = live_and_revoked(&site).await;
    let everything = OptionalMode::lenient().also_for_bearer().clear_ended_cookie();
    let router = pages(&site, everything);
    let navigation = || page().cookie(ACCESS, &live).header("sec-fetch-mode", "navigate");
    site.desk.change("jeju", |person| person.active = false);
    let reply = send(&router, navigation().request()).await;
    assert_eq!(reply.said(), (403, "account_inactive"));
    assert!(reply.sets_nothing());
    site.desk.change("jeju", |person| person.active = true);
    site.desk.set(desk::Mood::FailDirectory);
    let reply = send(&router, navigation().request()).await;
    assert_eq!(reply.said(), (503, "store_unavailable"), "the directory fails");
    assert!(reply.sets_nothing());
    site.desk.set(desk::Mood::Answer);
    site.store.set(Mood::Fail(StoreErrorKind::Unavailable));
    let reply = send(&router, navigation().request()).await;
    assert_eq!(reply.said(), (503, "store_unavailable"));
    assert!(reply.sets_nothing());
}

fn is_cleared(reply: &Reply) -> bool {
    if reply.sets_nothing() {
        return false;
    }
    let cookie = reply.cookie(ACCESS);
    assert_eq!(cookie.value, "");
    assert_eq!(cookie.attributes, ["HttpOnly", "Max-Age=0", "Path=/", "SameSite=Strict", "Secure"]);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    true
}

#[tokio::test(start_paused = true)]
async fn clear_ended_cookie_clears_only_cookies_of_revoked_sessions_on_navigation() {
    let site = page_site();
    let (live, ended) = live_and_revoked(&site).await;
    let to = async |mode: OptionalMode, asked: Ask| {
        let request: Request<Body> = asked.request();
        let reply = send(&pages(&site, mode), request).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply
    };
    let clearing = OptionalMode::lenient().clear_ended_cookie();
    let navigation =
        |token: &str| page().cookie(ACCESS, token).header("sec-fetch-mode", "navigate");
    assert!(is_cleared(&to(clearing, navigation(&ended)).await));
    assert!(
        !is_cleared(&to(OptionalMode::lenient(), navigation(&ended)).await),
        "the setting is off"
    );
    assert!(!is_cleared(&to(clearing, navigation(&live)).await), "the session is live");
    assert!(
        !is_cleared(&to(clearing, navigation("a.b.c")).await),
        "an invalid token proves no revocation"
    );
    for mode in ["cors", "no-cors", "same-origin", "Navigate", ""] {
        let asked = page().cookie(ACCESS, &ended).header("sec-fetch-mode", mode);
        assert!(
            !is_cleared(&to(clearing, asked).await),
            "{mode}: another tab may have set a newer cookie"
        );
    }
    assert!(
        !is_cleared(&to(clearing, page().cookie(ACCESS, &ended)).await),
        "no `Sec-Fetch-Mode` header"
    );
    let both = OptionalMode::lenient().also_for_bearer().clear_ended_cookie();
    let asked = page().bearer(&ended).header("sec-fetch-mode", "navigate");
    assert!(!is_cleared(&to(both, asked).await), "the request has no cookie");
    let asked = navigation("x").cookie(REFRESH, "y").bearer(&ended);
    assert!(!is_cleared(&to(both, asked).await), "the layer read the header, not the cookie");
    let asked = ask("GET", "/sets-it").cookie(ACCESS, &ended).header("sec-fetch-mode", "navigate");
    let reply = to(clearing, asked).await;
    assert_eq!(reply.cookies().len(), 1, "only the page's own cookie may be set: {reply:?}");
    assert_eq!(reply.cookie(ACCESS).value, "new");
    assert_eq!(reply.header("cache-control"), Some("private"));
    tokio::time::advance(std::time::Duration::from_secs(700)).await;
    let expired = to(clearing, navigation(&live)).await;
    assert!(!is_cleared(&expired), "the token has expired, but its session is live");
    assert_eq!(site.count("jeju").await, 1);
}
