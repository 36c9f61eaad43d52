//! Arbitrary input from clients and operators: tokens, headers, cookies, bodies, cursors, keys and
//! origins.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::{prop_oneof, sample};
use tokio::runtime::{Builder, Runtime};
use tower_session_auth::error::SessionError;
use tower_session_auth::manager::Cursor;
use tower_session_auth::routes::AccessCookie;
use tower_session_auth::token::VerifyingKey;
use tower_session_auth::{AuthErrorKind, KeySet, NewSession, SigningKey, TokenSource};

use crate::routes::site::{Site, send, site_with};
use crate::support::property::holds;
use crate::support::{SECRET, manager, user};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// One change of a valid text.
#[derive(Clone, Debug)]
enum Change {
    Flip(sample::Index, u8),
    Cut(sample::Index),
    Insert(sample::Index, char),
    Repeat(sample::Index, sample::Index),
    Swap(sample::Index, sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<sample::Index>;
    let character = prop_oneof![Just('.'), Just('='), Just(' '), Just('A'), any::<char>()];
    prop_oneof![
        (at(), 1..=255_u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        at().prop_map(Change::Cut),
        (at(), character).prop_map(|(at, new)| Change::Insert(at, new)),
        (at(), at()).prop_map(|(from, to)| Change::Repeat(from, to)),
        (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        if chars.is_empty() {
            break;
        }
        let len = chars.len();
        match change {
            Change::Flip(at, bits) => {
                let at = at.index(len);
                let flipped = char::from_u32(u32::from(chars[at]) ^ u32::from(*bits));
                chars[at] = flipped.unwrap_or('?');
            }
            Change::Cut(at) => drop(chars.remove(at.index(len))),
            Change::Insert(at, new) => chars.insert(at.index(len), *new),
            Change::Repeat(from, to) => {
                let (from, to) = (from.index(len), to.index(len));
                let part: Vec<_> = chars[from.min(to)..=from.max(to)].to_vec();
                chars.extend(part);
            }
            Change::Swap(one, other) => chars.swap(one.index(len), other.index(len)),
        }
    }
    chars.into_iter().collect()
}

/// A text that has the form of a token but was not issued here, or any other text.
fn token_like() -> impl Strategy<Value = String> {
    let part = vec(any::<u8>(), 0..60).prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let json =
        "\\{\"(alg|kid|typ|sub|exp|sid)\":(\"[a-zA-Z0-9]{0,8}\"|-?[0-9]{1,30}|null|\\[\\])\\}";
    let json = json.prop_map(|text| URL_SAFE_NO_PAD.encode(text));
    let part = prop_oneof![part, json, ".{0,20}"];
    prop_oneof![any::<String>(), vec(part, 0..6).prop_map(|parts| parts.join("."))]
}

#[test]
fn only_the_unchanged_access_token_is_accepted() {
    let runtime = runtime();
    let (manager, _worker) = manager(tower_session_auth::store::MemoryStore::new());
    let token = runtime.block_on(manager.create(NewSession::new(user("jeju")))).unwrap();
    let token = token.access_token;
    let secret_part = token.split('.').nth(2).unwrap().to_owned();
    let changes = vec(change(), 1..4);
    let text = prop_oneof![
        2 => changes.prop_map({
            let token = token.clone();
            move |changes| changed(&token, &changes)
        }),
        1 => token_like(),
    ];
    holds(3_000, &text, |text| {
        let answer = runtime.block_on(manager.authenticate(&text));
        if text == token {
            assert!(answer.is_ok());
            return;
        }
        let error = answer.unwrap_err();
        let kinds =
            [AuthErrorKind::InvalidToken, AuthErrorKind::MissingToken, AuthErrorKind::TokenExpired];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&secret_part[..20]), "{shown}");
    });
}

#[test]
fn only_the_unchanged_refresh_token_is_rotated() {
    let runtime = runtime();
    let refresh = KeySet::new(SigningKey::hs256("r", SECRET).unwrap());
    let builder = crate::support::builder().store(tower_session_auth::store::MemoryStore::new());
    let (manager, _worker) = builder.refresh_keys(refresh).build().unwrap();
    let login = runtime.block_on(manager.create(NewSession::new(user("jeju")))).unwrap();
    let token = login.refresh_token.unwrap().as_str().to_owned();
    let text = prop_oneof![
        2 => vec(change(), 1..4).prop_map({
            let token = token.clone();
            move |changes| changed(&token, &changes)
        }),
        1 => token_like(),
    ];
    holds(2_000, &text, |text| {
        if text == token {
            return;
        }
        let refused = runtime.block_on(manager.refresh(&text)).unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken, "{refused:?}");
        let refused = runtime.block_on(manager.logout_refresh(&text)).unwrap_err();
        assert_eq!(refused.kind(), AuthErrorKind::InvalidToken, "{refused:?}");
    });
    assert!(
        runtime.block_on(manager.refresh(&token)).is_ok(),
        "the rejected texts did not revoke the session"
    );
}

/// Bytes that a header value may contain.
fn header_bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8, Just(b'\t')], 0..60)
}

fn authorization() -> impl Strategy<Value = Vec<u8>> {
    let scheme = "([Bb]earer|BEARER|Basic|Digest|Bearer\t|)[ ,=]{0,3}";
    (scheme, prop_oneof![token_like().prop_map(String::into_bytes), header_bytes()])
        .prop_map(|(scheme, rest)| [scheme.into_bytes(), rest].concat())
}

#[test]
fn arbitrary_headers_yield_a_token_or_a_400_or_401_error() {
    let sources = [TokenSource::header(), TokenSource::header_or_cookie("token").unwrap()];
    let cookies = prop_oneof![
        "(token|other|__Host-token)=[ -~]{0,20}(; ?(token|x)=[ -~]{0,20}){0,3}"
            .prop_map(String::into_bytes),
        header_bytes(),
    ];
    let headers = (vec(authorization(), 0..3), vec(cookies, 0..3));
    holds(3_000, &headers, |(authorization, cookies)| {
        let mut headers = HeaderMap::new();
        let named = |name: &'static str, values: Vec<Vec<u8>>| {
            values.into_iter().map(move |value| (HeaderName::from_static(name), value))
        };
        for (name, value) in named("authorization", authorization).chain(named("cookie", cookies)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        for source in &sources {
            match source.token(&headers) {
                // Only the manager decides whether the text is a valid token.
                Ok(_) => {}
                Err(error) => {
                    let status = error.kind().status();
                    assert!([400, 401].contains(&status.as_u16()), "{error:?}");
                }
            }
        }
    });
}

#[test]
fn token_cookie_is_found_among_arbitrary_other_cookies() {
    let source = TokenSource::header_or_cookie("token").unwrap();
    let other = "[a-su-z]{1,8}=[!#-+--:<-\\[\\]-~]{0,20}";
    let others = (vec(other, 0..4), vec(other, 0..4), any::<bool>());
    holds(1_000, &others, |(before, after, in_one)| {
        let mut all = before;
        all.push("token=abc.def.ghi".to_owned());
        all.extend(after);
        let mut headers = HeaderMap::new();
        if in_one {
            headers.append("cookie", all.join("; ").parse().unwrap());
        } else {
            for one in &all {
                headers.append("cookie", one.parse().unwrap());
            }
        }
        assert_eq!(source.token(&headers).unwrap(), "abc.def.ghi");
    });
}

fn site() -> Site {
    site_with(
        |builder, _| builder.refresh_keys(KeySet::new(SigningKey::hs256("r", SECRET).unwrap())),
        |routes| routes.access_cookie(AccessCookie::new()).trusted_origins(["https://app.example"]),
    )
}

#[test]
fn routes_answer_arbitrary_requests_with_200_or_a_4xx_error_code() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let site = site();
    let path = prop_oneof![
        Just("/api/auth/login".to_owned()),
        Just("/api/auth/refresh".to_owned()),
        Just("/api/auth/logout".to_owned()),
        Just("/api/auth/sessions".to_owned()),
        Just("/api/session/me".to_owned()),
        Just("/api/session/all".to_owned()),
        "/api/(auth/sessions|session|session/all)/[!-~]{0,20}",
        "/api/session/all\\?(cursor|limit)=[!-~]{0,30}",
    ];
    let method = sample::select(vec!["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"]);
    let value = "(\"[ -~]{0,12}\"|-?[0-9]{1,25}|null|true|\\[\\]|\\{\\}|\\{\"a\":\\[\\]\\})";
    let json = format!(
        "\\{{\"(user_id|email|password|refresh_token|x)\":{value}(,\"(user_id|email|password)\":{value})?\\}}"
    );
    let body = prop_oneof![json.as_str().prop_map(String::into_bytes), vec(any::<u8>(), 0..80)];
    let media = sample::select(vec![
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "",
        "application/x-www-form-urlencoded",
    ]);
    let cookie = prop_oneof![
        "(__Host-access_token|__Secure-refresh_token|refresh_token)=[!-~]{0,30}",
        "[ -~]{0,30}",
    ];
    let request = (method, path, body, media, authorization(), cookie);
    holds(1_500, &request, |(method, path, body, media, authorization, cookie)| {
        let mut request =
            Request::builder().method(method).uri(&path).header("content-type", media);
        if let Ok(value) = HeaderValue::from_bytes(&authorization) {
            request = request.header("authorization", value);
        }
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            request = request.header("cookie", value);
        }
        let Ok(request) = request.body(Body::from(body)) else { return };
        let reply = runtime.block_on(send(&site.router, request));
        assert!((400..500).contains(&reply.status) || reply.status == 200, "{path}: {reply:?}");
        if reply.status >= 400 && method != "HEAD" {
            assert!(!reply.code().is_empty(), "{path}: {reply:?}");
        }
    });
}

#[test]
fn logout_with_a_cookie_from_another_origin_is_refused() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let site = site();
    let origin = prop_oneof![
        4 => "(https?|ftp|null|HTTPS|)(://)?(app|App|evil)?(\\.example|\\.test|\\.)?(:[0-9]{0,6})?/?",
        1 => "[ -~]{0,30}",
    ];
    let host = "(app|evil|site)(\\.example|\\.test)(:[0-9]{1,5})?";
    holds(2_000, &(origin, host), |(origin, host)| {
        let Ok(value) = HeaderValue::from_str(&origin) else { return };
        let request = Request::post("/api/auth/logout")
            .header("host", &host)
            .header("origin", value)
            .header("cookie", "__Host-access_token=a.b.c")
            .body(Body::empty())
            .unwrap();
        let reply = runtime.block_on(send(&site.router, request));
        assert!((200..500).contains(&reply.status), "{reply:?}");
        let is_same = origin.split_once("://").is_some_and(|(_, authority)| {
            let bare = |text: &str| {
                let text = text.trim().to_ascii_lowercase();
                let text = text.trim_end_matches('/');
                text.split(':').next().unwrap_or_default().to_owned()
            };
            bare(authority) == bare(&host)
        });
        let is_trusted = origin.trim().eq_ignore_ascii_case("https://app.example");
        let is_trusted = is_trusted || origin.starts_with("https://app.example");
        if !is_same && !is_trusted && !origin.trim().is_empty() {
            assert_eq!(reply.said(), (403, "cross_site"), "{origin:?} at {host:?}");
        }
    });
}

#[test]
fn arbitrary_trusted_origins_are_accepted_or_rejected() {
    let (manager, _worker) = manager(tower_session_auth::store::MemoryStore::new());
    let origin = prop_oneof!["(https?|ws)://[a-zA-Z0-9.*:/@-]{0,20}", any::<String>()];
    holds(1_000, &origin, |origin| {
        let desk = crate::routes::desk::Desk::new();
        let routes = tower_session_auth::routes::Routes::builder(manager.clone(), desk);
        if let Err(error) = routes.trusted_origins([origin]).build() {
            assert!(error.to_string().contains("trusted_origins"), "{error}");
        }
    });
}

#[test]
fn changed_cursors_are_rejected_and_valid_ones_page_through_all_sessions() {
    let runtime = runtime();
    let (manager, _worker) = manager(tower_session_auth::store::MemoryStore::new());
    runtime.block_on(async {
        for number in 0..7 {
            manager.create(NewSession::new(user(&format!("u{number}")))).await.unwrap();
        }
    });
    let first = runtime.block_on(manager.all_sessions(None, 3)).unwrap().next.unwrap();
    let good = first.as_str().to_owned();
    let text = prop_oneof![
        vec(change(), 1..4).prop_map({
            let good = good.clone();
            move |changes| changed(&good, &changes)
        }),
        token_like(),
    ];
    holds(1_500, &text, |text| {
        let page = runtime.block_on(manager.all_sessions(Some(&Cursor::new(&*text)), 3));
        if text == good {
            assert_eq!(page.unwrap().sessions.len(), 3);
        } else {
            assert!(matches!(page, Err(SessionError::Cursor)), "{text:?}: {page:?}");
        }
    });
    let ids = 1..=8_usize;
    holds(20, &ids, |limit| {
        let (mut seen, mut from) = (std::collections::BTreeSet::new(), None);
        loop {
            let page = runtime.block_on(manager.all_sessions(from.as_ref(), limit)).unwrap();
            for session in page.sessions {
                assert!(seen.insert(session.id().clone()), "each session is listed once");
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 7);
    });
}

#[test]
fn errors_of_arbitrary_key_files_never_show_the_keys() {
    let files: [&'static str; 6] = [
        include_str!("../../keys/rsa.pem"),
        include_str!("../../keys/p256.pem"),
        include_str!("../../keys/p256-sec1.pem"),
        include_str!("../../keys/ed25519.pem"),
        include_str!("../../keys/rsa-pkcs1.pem"),
        include_str!("../../keys/p256.pub.pem"),
    ];
    let framed = "(-----(BEGIN|END) (RSA |EC |ENCRYPTED |)(PRIVATE|PUBLIC) KEY-----[\r\n ]{0,2}|[A-Za-z0-9+/=]{0,64}\n){0,6}";
    let text = prop_oneof![
        4 => (sample::select(files.to_vec()), vec(change(), 1..4))
            .prop_map(|(file, changes)| changed(file, &changes)),
        1 => framed,
        1 => any::<String>(),
    ];
    holds(600, &text, |text| {
        let pem = text.as_bytes();
        let private = [
            SigningKey::rs256_pem("k", pem).map(drop),
            SigningKey::es256_pem("k", pem).map(drop),
            SigningKey::eddsa_pem("k", pem).map(drop),
        ];
        let public = [
            VerifyingKey::rs256_pem("k", pem).map(drop),
            VerifyingKey::es256_pem("k", pem).map(drop),
            VerifyingKey::eddsa_pem("k", pem).map(drop),
        ];
        for error in private.into_iter().chain(public).filter_map(Result::err) {
            let shown = format!("{error} {error:?}");
            let lines = text.lines().filter(|line| line.len() >= 32 && !line.starts_with('-'));
            for line in lines {
                assert!(!shown.contains(line), "{shown}");
            }
        }
    });
}
