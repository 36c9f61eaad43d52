//! What is refused, as a client sees it. Each request is right but for the one thing that its row names.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_session_auth::clock::Timestamp;
use tower_session_auth::testing::ManualClock;
use tower_session_auth::touch::Worker;
use tower_session_auth::{
    EndReason, KeySet, MemoryStore, Session, SessionAuthLayer, SessionId, SessionManager,
    SessionManagerBuilder, SigningKey,
};

use crate::support::forge::{forge, object, parts, seal, segment};
use crate::support::{SECRET, START, anonymous, bearer, builder, login, user};

const OTHER_SECRET: &[u8] = b"Q3kZt6BwVy1JhGnE7rUxMd0CsPi9aFl4";
const RSA: &[u8] = include_bytes!("../keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../keys/rsa.pub.pem");

/// The second at which the clock stands, as it is written in claims.
const NOW: i64 = 1_893_456_000;

/// A refusal, to the letter.
#[derive(Clone, Copy, Debug)]
struct Answer {
    status: u16,
    challenge: &'static str,
    body: &'static str,
}

const MISSING: Answer = Answer {
    status: 401,
    challenge: "Bearer",
    body: r#"{"detail":"Not authenticated","code":"missing_token"}"#,
};
const MALFORMED: Answer = Answer {
    status: 400,
    challenge: r#"Bearer error="invalid_request""#,
    body: r#"{"detail":"Malformed request","code":"invalid_request"}"#,
};
const INVALID: Answer = Answer {
    status: 401,
    challenge: r#"Bearer error="invalid_token""#,
    body: r#"{"detail":"Could not validate credentials","code":"invalid_token"}"#,
};
const EXPIRED: Answer =
    Answer { body: r#"{"detail":"Token expired","code":"token_expired"}"#, ..INVALID };
const GONE: Answer = Answer {
    body: r#"{"detail":"Session expired, please login again","code":"session_expired"}"#,
    ..INVALID
};

/// What becomes of a request: it is refused, or let in as this user (`nobody` without a session).
#[derive(Clone, Copy, Debug)]
enum Outcome {
    As(&'static str),
    No(Answer),
}

use Outcome::{As, No};

/// A layer over a store in which `jeju` has a live session. Clones of the clock move it.
struct Stage {
    manager: SessionManager,
    clock: ManualClock,
    optional: bool,
    token: String,
    session: SessionId,
    calls: Arc<AtomicUsize>,
    _worker: Worker,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(SessionManagerBuilder) -> SessionManagerBuilder) -> Self {
        let clock = ManualClock::new(START);
        let store = MemoryStore::with_clock(clock.clone());
        let configured = change(builder().clock(clock.clone()).store(store));
        let (manager, worker) = configured.build().unwrap();
        let login = login(&manager, "jeju").await;
        Self {
            manager,
            clock,
            optional: false,
            token: login.access_token,
            session: login.session.id().clone(),
            calls: Arc::default(),
            _worker: worker,
        }
    }

    fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Good claims of the live session, with changes.
    fn claims(&self, changes: &[(&str, Option<&str>)]) -> String {
        let (sid, now, exp) =
            (format!("\"{}\"", self.session), NOW.to_string(), (NOW + 600).to_string());
        let good = [
            ("iss", "\"https://issuer.test\""),
            ("aud", "\"test\""),
            ("sub", "\"jeju\""),
            ("sid", sid.as_str()),
            ("jti", "\"token-id-of-a-test\""),
            ("iat", now.as_str()),
            ("nbf", now.as_str()),
            ("exp", exp.as_str()),
        ];
        object(&good, changes)
    }

    /// A correctly signed token of the live session with another header.
    fn with_param(&self, name: &str, value: Option<&str>) -> String {
        forge(&header(&[(name, value)]), &self.claims(&[]), SECRET)
    }

    /// A correctly signed token with another claim.
    fn with_claim(&self, name: &str, value: Option<&str>) -> String {
        forge(&header(&[]), &self.claims(&[(name, value)]), SECRET)
    }

    /// Sends a request through the layer and looks at all of the answer.
    async fn expect(&self, row: &str, request: Request<String>, expected: Outcome) {
        let shown: Vec<Vec<u8>> = request
            .headers()
            .get_all("authorization")
            .iter()
            .filter_map(|value| value.as_bytes().split(|byte| *byte == b' ').next_back())
            .map(<[u8]>::to_vec)
            .collect();
        let layer = SessionAuthLayer::new(self.manager.clone());
        let layer = if self.optional { layer.optional() } else { layer };
        let calls = Arc::clone(&self.calls);
        let service = ServiceBuilder::new().layer(layer).service(service_fn(
            move |request: Request<String>| {
                calls.fetch_add(1, Ordering::SeqCst);
                let session = request.extensions().get::<Session>();
                let who = session.map_or("nobody", |session| session.user_id().as_str()).to_owned();
                std::future::ready(Ok::<_, Infallible>(Response::new(who)))
            },
        ));
        let before = self.calls.load(Ordering::SeqCst);
        let response = service.oneshot(request).await.unwrap();
        let called = self.calls.load(Ordering::SeqCst) - before;
        let answer = match expected {
            As(who) => {
                let seen = (response.status().as_u16(), response.body().as_str(), called);
                return assert_eq!(seen, (200, who, 1), "{row}");
            }
            No(answer) => answer,
        };
        let seen = (response.status().as_u16(), response.body().as_str());
        assert_eq!(seen, (answer.status, answer.body), "{row}");
        let mut headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        headers.sort_unstable();
        let wanted = [
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
            ("www-authenticate", answer.challenge),
        ];
        assert_eq!(headers, wanted, "{row}");
        assert_eq!(called, 0, "{row}: the inner service was called");
        let answered = format!("{}{headers:?}", response.body()).into_bytes();
        let told: HashSet<&[u8]> = answered.windows(8).collect();
        let echoed =
            shown.iter().flat_map(|shown| shown.windows(8)).any(|part| told.contains(part));
        assert!(!echoed, "{row}: a part of the token is in the answer");
    }

    async fn expect_token(&self, row: &str, token: &str, expected: Outcome) {
        self.expect(row, bearer(token), expected).await;
    }
}

/// A good header, with changes.
fn header(changes: &[(&str, Option<&str>)]) -> String {
    object(&[("alg", "\"HS256\""), ("typ", "\"at+jwt\""), ("kid", "\"k1\"")], changes)
}

/// The object with these members after its own.
fn and(object: &str, more: &str) -> String {
    format!("{},{more}}}", object.strip_suffix('}').unwrap())
}

/// The same bytes in another spelling: a spare bit of the last character is set.
fn respelled(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "no spare bits");
    let (kept, last) = part.split_at(part.len() - 1);
    let next = ALPHABET.find(last).unwrap() + 1;
    format!("{kept}{}", &ALPHABET[next..=next])
}

fn with_authorization(values: &[&[u8]]) -> Request<String> {
    let mut request = anonymous();
    for value in values {
        request.headers_mut().append("authorization", HeaderValue::from_bytes(value).unwrap());
    }
    request
}

#[tokio::test]
async fn a_header_that_is_right_in_all_but_one_parameter_is_refused() {
    let stage = Stage::new().await;
    stage.expect_token("as the manager signs it", &stage.token, As("jeju")).await;
    stage.expect_token("as the forger signs it", &stage.with_param("x", None), As("jeju")).await;
    let long_kid = format!("\"{}\"", "k".repeat(65));
    let huge_kid = format!("\"{}\"", "k".repeat(4_000));
    #[rustfmt::skip]
    let rows: &[(&str, Option<&str>, Outcome)] = &[
        ("alg", Some(r#""none""#), No(INVALID)),
        ("alg", Some(r#""None""#), No(INVALID)),
        ("alg", Some(r#""NONE""#), No(INVALID)),
        ("alg", Some(r#""nOnE""#), No(INVALID)),
        ("alg", Some(r#""hs256""#), No(INVALID)),
        ("alg", Some(r#"" HS256""#), No(INVALID)),
        ("alg", Some(r#""HS256\u0000""#), No(INVALID)),
        ("alg", Some(r#""HS384""#), No(INVALID)),
        ("alg", Some(r#""HS512""#), No(INVALID)),
        ("alg", Some(r#""RS256""#), No(INVALID)),
        ("alg", Some(r#""ES256""#), No(INVALID)),
        ("alg", Some(r#""PS256""#), No(INVALID)),
        ("alg", Some(r#""EdDSA""#), No(INVALID)),
        ("alg", Some(r#""dir""#), No(INVALID)),
        ("alg", Some(r#""""#), No(INVALID)),
        ("alg", Some("256"), No(INVALID)),
        ("alg", Some("null"), No(INVALID)),
        ("alg", Some(r#"["HS256"]"#), No(INVALID)),
        ("alg", Some(r#"{"HS256":1}"#), No(INVALID)),
        ("alg", None, No(INVALID)),
        ("kid", None, No(INVALID)),
        ("kid", Some("null"), No(INVALID)),
        ("kid", Some("1"), No(INVALID)),
        ("kid", Some(r#"["k1"]"#), No(INVALID)),
        ("kid", Some(r#""""#), No(INVALID)),
        ("kid", Some(r#""k2""#), No(INVALID)),
        ("kid", Some(r#""K1""#), No(INVALID)),
        ("kid", Some(r#""k1 ""#), No(INVALID)),
        ("kid", Some(r#""k1\u0000""#), No(INVALID)),
        ("kid", Some(r#""../../etc/passwd""#), No(INVALID)),
        ("kid", Some(r#""file:///dev/null""#), No(INVALID)),
        ("kid", Some(r#""k1' OR '1'='1""#), No(INVALID)),
        ("kid", Some(r#""x' UNION SELECT 'secret' --""#), No(INVALID)),
        ("kid", Some(r#""*""#), No(INVALID)),
        ("kid", Some(&long_kid), No(INVALID)),
        ("kid", Some(&huge_kid), No(INVALID)),
        ("kid", Some(r#""\u006b1""#), As("jeju")),
        ("typ", None, No(INVALID)),
        ("typ", Some("null"), No(INVALID)),
        ("typ", Some("1"), No(INVALID)),
        ("typ", Some(r#""JWT""#), No(INVALID)),
        ("typ", Some(r#""jwt""#), No(INVALID)),
        ("typ", Some(r#""logout+jwt""#), No(INVALID)),
        ("typ", Some(r#""refresh+jwt""#), No(INVALID)),
        ("typ", Some(r#""AT+JWT""#), No(INVALID)),
        ("typ", Some(r#""at+JWT""#), No(INVALID)),
        ("typ", Some(r#""application/jwt""#), No(INVALID)),
        ("typ", Some(r#""application/at+jwt""#), As("jeju")),
        ("crit", Some(r#"["exp"]"#), No(INVALID)),
        ("crit", Some("[]"), No(INVALID)),
        ("crit", Some(r#"["x"],"x":true"#), No(INVALID)),
        ("crit", Some(r#"["b64"],"b64":false"#), No(INVALID)),
        ("b64", Some("false"), No(INVALID)),
        ("b64", Some("true"), No(INVALID)),
        ("zip", Some(r#""DEF""#), No(INVALID)),
        ("enc", Some(r#""A256GCM""#), No(INVALID)),
        ("cty", Some(r#""JWT""#), No(INVALID)),
        ("jwk", Some(r#"{"kty":"oct","k":"b25seS1mb3ItdGVzdHM"}"#), No(INVALID)),
        ("jku", Some(r#""https://evil.example/jwks.json""#), No(INVALID)),
        ("jku", Some(r#""http://127.0.0.1:6379/""#), No(INVALID)),
        ("x5u", Some(r#""https://evil.example/cert.pem""#), No(INVALID)),
        ("x5c", Some(r#"["MIIB"]"#), No(INVALID)),
        ("x", Some("1e999"), No(INVALID)),
        ("x", Some(r#"{"a":1,"a":2}"#), No(INVALID)),
        ("x", Some(r#"{"a":[1,2.5,null,true]}"#), As("jeju")),
    ];
    for (name, value, expected) in rows {
        let row = format!("{name}: {}", value.unwrap_or("missing"));
        stage.expect_token(&row, &stage.with_param(name, *value), *expected).await;
    }
    for more in [
        r#""alg":"HS256""#,
        r#""alg":"none""#,
        r#""kid":"k1""#,
        r#""typ":"at+jwt""#,
        r#""\u0061lg":"HS256""#,
        r#""x":1,"x":1"#,
    ] {
        let token = forge(&and(&header(&[]), more), &stage.claims(&[]), SECRET);
        stage.expect_token(&format!("also {more}"), &token, No(INVALID)).await;
    }
}

#[tokio::test]
async fn without_an_algorithm_a_token_is_refused_with_any_signature() {
    let stage = Stage::new().await;
    let (_, _, good) = parts(&stage.token);
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = segment(header(&[("alg", Some(&format!("\"{alg}\"")))]));
        let payload = segment(stage.claims(&[]));
        for (how, token) in [
            ("no signature", format!("{header}.{payload}.")),
            ("no third part", format!("{header}.{payload}")),
            ("a good signature", seal(&header, &payload, SECRET)),
            ("another token's signature", format!("{header}.{payload}.{good}")),
        ] {
            stage.expect_token(&format!("{alg}, {how}"), &token, No(INVALID)).await;
        }
    }
}

#[tokio::test]
async fn a_public_key_is_never_a_secret() {
    let key = SigningKey::rs256_pem("k1", RSA).unwrap();
    let stage = Stage::with(|builder| builder.keys(KeySet::new(key))).await;
    stage.expect_token("the manager's own", &stage.token, As("jeju")).await;
    let pem = str::from_utf8(RSA_PUBLIC).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&base64).unwrap();
    for (form, secret) in [
        ("the file", RSA_PUBLIC),
        ("without the last line break", pem.trim().as_bytes()),
        ("with CRLF", pem.replace('\n', "\r\n").as_bytes()),
        ("the text between the lines", base64.as_bytes()),
        ("the DER", der.as_slice()),
        ("the DER without the algorithm", &der[24..]),
    ] {
        for alg in ["HS256", "HS384", "RS256"] {
            let header = header(&[("alg", Some(&format!("\"{alg}\"")))]);
            let token = forge(&header, &stage.claims(&[]), secret);
            stage.expect_token(&format!("{alg} with {form}"), &token, No(INVALID)).await;
        }
    }
}

#[tokio::test]
async fn a_key_that_was_taken_out_is_dead_at_once() {
    let stage = Stage::new().await;
    let next = SigningKey::hs256("k2", OTHER_SECRET).unwrap();
    let old = support::key().verifying_key();
    stage.manager.replace_keys(KeySet::new(next.clone()).also_verify(old)).unwrap();
    stage.expect_token("retired, but still known", &stage.token, As("jeju")).await;
    stage.manager.replace_keys(KeySet::new(next)).unwrap();
    stage.expect_token("taken out", &stage.token, No(INVALID)).await;
    let renamed = stage.with_param("kid", Some("\"k2\""));
    stage.expect_token("under the new key's name", &renamed, No(INVALID)).await;
    let good = forge(&header(&[("kid", Some("\"k2\""))]), &stage.claims(&[]), OTHER_SECRET);
    stage.expect_token("signed by the new key", &good, As("jeju")).await;
}

#[tokio::test]
async fn a_signature_is_the_whole_one_of_this_very_token() {
    let stage = Stage::new().await;
    let (header, payload, signature) = parts(&stage.token);
    let signed = format!("{header}.{payload}");
    let another = login(&stage.manager, "jeju").await.access_token;
    let (_, others_payload, others) = parts(&another);
    let mac = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let long: Vec<u8> = [mac.as_slice(), &[0]].concat();
    for (row, token) in [
        ("empty", format!("{signed}.")),
        ("missing", signed.clone()),
        ("half of it", format!("{signed}.{}", segment(&mac[..16]))),
        ("all but a byte", format!("{signed}.{}", segment(&mac[..31]))),
        ("one byte", format!("{signed}.{}", segment(&mac[..1]))),
        ("a byte more", format!("{signed}.{}", segment(&long))),
        ("twice", format!("{signed}.{}", segment([mac.clone(), mac.clone()].concat()))),
        ("zeros", format!("{signed}.{}", segment([0; 32]))),
        ("of another token", format!("{signed}.{others}")),
        ("under another payload", format!("{header}.{others_payload}.{signature}")),
        ("with another secret", seal(header, payload, OTHER_SECRET)),
        ("with an empty secret", seal(header, payload, b"")),
        ("with a secret of NULs", seal(header, payload, &[0; 32])),
    ] {
        stage.expect_token(row, &token, No(INVALID)).await;
    }
    for bit in 0..mac.len() * 8 {
        let mut flipped = mac.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let token = format!("{signed}.{}", segment(&flipped));
        stage.expect_token(&format!("bit {bit} flipped"), &token, No(INVALID)).await;
    }
}

#[tokio::test]
async fn a_token_is_three_parts_and_nothing_else() {
    let stage = Stage::new().await;
    let good = &stage.token;
    let (head, payload, signature) = parts(good);
    let json = format!(
        r#"{{"payload":"{payload}","signatures":[{{"protected":"{head}","signature":"{signature}"}}]}}"#
    );
    let flat =
        format!(r#"{{"payload":"{payload}","protected":"{head}","signature":"{signature}"}}"#);
    let jwe = segment(r#"{"alg":"dir","enc":"A256GCM","typ":"at+jwt","kid":"k1"}"#);
    for (row, token) in [
        ("one part", head.to_owned()),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{good}.{payload}.{signature}")),
        ("five parts, as a JWE", format!("{jwe}..{payload}.{signature}.{signature}")),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", seal(head, "", SECRET)),
        ("no header, signed", seal("", payload, SECRET)),
        ("only dots", "..".to_owned()),
        ("a dot in front", format!(".{good}")),
        ("a dot behind", format!("{good}.")),
        ("two dots for one", good.replacen('.', "..", 1)),
        ("parts swapped, signed", seal(payload, head, SECRET)),
        ("the payload as header, signed", seal(payload, payload, SECRET)),
        ("JSON serialization", json),
        ("flattened JSON serialization", flat),
        ("in quotes", format!("\"{good}\"")),
        ("twice", format!("{good}{good}")),
        ("percent-encoded dot", good.replacen('.', "%2E", 1)),
        ("a blank behind", format!("{good} ")),
        ("a tab behind", format!("{good}\t")),
        ("a tab in front", format!("\t{good}")),
        ("a blank inside", good.replacen('.', ". ", 1)),
        ("a session id", stage.session.as_str().to_owned()),
        ("undefined", "undefined".to_owned()),
    ] {
        stage.expect_token(row, &token, No(INVALID)).await;
    }
}

#[tokio::test]
async fn base64url_has_one_spelling() {
    let stage = Stage::new().await;
    // Parts of every length modulo three, and with characters in which the two alphabets differ.
    let padded = |name, pad: usize| format!(r#""{name}":"{}""#, "?>~".repeat(9) + &"x".repeat(pad));
    let spelled = |object: &str, wanted: usize| {
        let mut parts = (0..3).map(|pad| segment(and(object, &padded("x", pad))));
        parts.find(|part| part.len() % 4 == wanted).unwrap()
    };
    for wanted in [2, 3] {
        let (head, payload) = (spelled(&header(&[]), wanted), spelled(&stage.claims(&[]), wanted));
        let good = seal(&head, &payload, SECRET);
        stage.expect_token("canonical", &good, As("jeju")).await;
        let (_, _, signature) = parts(&good);
        let pad = "=".repeat(4 - wanted);
        let standard = |part: &str| {
            let standard = part.replace('-', "+").replace('_', "/");
            assert_ne!(standard, part);
            standard
        };
        for (row, token) in [
            ("spare bits in the header", seal(&respelled(&head), &payload, SECRET)),
            ("spare bits in the payload", seal(&head, &respelled(&payload), SECRET)),
            ("spare bits in the signature", format!("{head}.{payload}.{}", respelled(signature))),
            ("padded header", seal(&format!("{head}{pad}"), &payload, SECRET)),
            ("padded payload", seal(&head, &format!("{payload}{pad}"), SECRET)),
            ("padded signature", format!("{good}=")),
            ("standard alphabet in the header", seal(&standard(&head), &payload, SECRET)),
            ("standard alphabet in the payload", seal(&head, &standard(&payload), SECRET)),
            ("line break in the payload", {
                seal(&head, &format!("{}%0A{}", &payload[..8], &payload[8..]), SECRET)
            }),
            ("a character too many", seal(&head, &format!("{payload}AAA"), SECRET)),
        ] {
            stage.expect_token(&format!("{row}, {wanted}"), &token, No(INVALID)).await;
        }
    }
    // A signature with such characters, found by trying.
    let (token, standard) = (0..)
        .map(|n| stage.with_claim("n", Some(&n.to_string())))
        .find_map(|token| {
            let (_, _, signature) = parts(&token);
            let standard = signature.replace('-', "+").replace('_', "/");
            (standard != signature).then(|| {
                let signed = token.strip_suffix(signature).unwrap();
                (token.clone(), format!("{signed}{standard}"))
            })
        })
        .unwrap();
    stage.expect_token("url alphabet in the signature", &token, As("jeju")).await;
    stage.expect_token("standard alphabet in the signature", &standard, No(INVALID)).await;
}

#[tokio::test]
async fn claims_that_are_right_in_all_but_one_are_refused() {
    let stage = Stage::new().await;
    let text = |len: usize| format!("\"{}\"", "x".repeat(len));
    let (id64, id65, text128, text129) = (text(64), text(65), text(128), text(129));
    let (user256, user257, deep) =
        (text(256), text(257), format!("{}{}", "[".repeat(100), "]".repeat(100)));
    let too_deep = format!("{}{}", "[".repeat(1_500), "]".repeat(1_500));
    #[rustfmt::skip]
    let rows: &[(&str, Option<&str>, Outcome)] = &[
        ("iss", None, No(INVALID)),
        ("iss", Some("null"), No(INVALID)),
        ("iss", Some("7"), No(INVALID)),
        ("iss", Some("{}"), No(INVALID)),
        ("iss", Some(r#""""#), No(INVALID)),
        ("iss", Some(r#"["https://issuer.test"]"#), No(INVALID)),
        ("iss", Some(r#"["https://evil.test","https://issuer.test"]"#), No(INVALID)),
        ("iss", Some(r#""https://evil.test""#), No(INVALID)),
        ("iss", Some(r#""https://issuer.test/""#), No(INVALID)),
        ("iss", Some(r#""https://issuer.test.evil.example""#), No(INVALID)),
        ("iss", Some(r#""HTTPS://ISSUER.TEST""#), No(INVALID)),
        ("aud", None, No(INVALID)),
        ("aud", Some("null"), No(INVALID)),
        ("aud", Some("7"), No(INVALID)),
        ("aud", Some("{}"), No(INVALID)),
        ("aud", Some(r#"{"test":true}"#), No(INVALID)),
        ("aud", Some(r#""""#), No(INVALID)),
        ("aud", Some("[]"), No(INVALID)),
        ("aud", Some(r#""other""#), No(INVALID)),
        ("aud", Some(r#"["other"]"#), No(INVALID)),
        ("aud", Some(r#""test other""#), No(INVALID)),
        ("aud", Some(r#""TEST""#), No(INVALID)),
        ("aud", Some(r#"["test",7]"#), No(INVALID)),
        ("aud", Some(r#"["test",null]"#), No(INVALID)),
        ("aud", Some(r#"[["test"]]"#), No(INVALID)),
        ("aud", Some(r#"["other","test"]"#), As("jeju")),
        ("aud", Some(r#""t\u0065st""#), As("jeju")),
        ("sub", None, No(INVALID)),
        ("sub", Some("null"), No(INVALID)),
        ("sub", Some(r#""""#), No(INVALID)),
        ("sub", Some("1"), No(INVALID)),
        ("sub", Some(r#"["jeju"]"#), No(INVALID)),
        ("sub", Some(&user257), No(INVALID)),
        ("sub", Some(&user256), No(GONE)),
        ("sub", Some(r#""Jeju""#), No(GONE)),
        ("sub", Some(r#""jeju ""#), No(GONE)),
        ("sub", Some(r#""jeju\u0000""#), No(GONE)),
        ("sub", Some(r#""*""#), No(GONE)),
        ("sub", Some(r#""{jeju}:x""#), No(GONE)),
        ("sub", Some(r#""je\u006au""#), As("jeju")),
        ("sid", None, No(INVALID)),
        ("sid", Some("null"), No(INVALID)),
        ("sid", Some(r#""""#), No(INVALID)),
        ("sid", Some("7"), No(INVALID)),
        ("sid", Some(r#""a:b""#), No(INVALID)),
        ("sid", Some(r#""a{b}""#), No(INVALID)),
        ("sid", Some(r#""*""#), No(INVALID)),
        ("sid", Some(r#""a\nb""#), No(INVALID)),
        ("sid", Some(r#""ä""#), No(INVALID)),
        ("sid", Some(&id65), No(INVALID)),
        ("sid", Some(&id64), No(GONE)),
        ("sid", Some(r#""nobody-has-this-session""#), No(GONE)),
        ("jti", None, No(INVALID)),
        ("jti", Some("null"), No(INVALID)),
        ("jti", Some(r#""""#), No(INVALID)),
        ("jti", Some("7"), No(INVALID)),
        ("jti", Some(&text129), No(INVALID)),
        ("jti", Some(&text128), As("jeju")),
        ("cnf", Some(r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#), No(INVALID)),
        ("cnf", Some("null"), No(INVALID)),
        ("role", Some(r#""admin""#), As("jeju")),
        ("x", Some(&deep), As("jeju")),
        ("x", Some(&too_deep), No(INVALID)),
        ("x", Some("1e999"), No(INVALID)),
        ("x", Some(r#""\ud800""#), No(INVALID)),
        ("x", Some(r#"{"a":{"b":1,"b":2}}"#), No(INVALID)),
        ("x", Some("undefined"), No(INVALID)),
        ("x", Some("'x'"), No(INVALID)),
    ];
    for (name, value, expected) in rows {
        let row = format!("{name}: {}", value.unwrap_or("missing"));
        stage.expect_token(&row, &stage.with_claim(name, *value), *expected).await;
    }
}

#[tokio::test]
async fn a_name_that_stands_twice_is_refused_even_with_one_value() {
    let stage = Stage::new().await;
    let good = stage.claims(&[]);
    let parsed: serde_json::Value = serde_json::from_str(&good).unwrap();
    for (name, value) in parsed.as_object().unwrap() {
        let token = forge(&header(&[]), &and(&good, &format!("\"{name}\":{value}")), SECRET);
        stage.expect_token(&format!("{name}, the same"), &token, No(INVALID)).await;
    }
    for more in [
        r#""sub":"admin""#,
        r#""\u0073ub":"jeju""#,
        r#""\u0073ub":"admin""#,
        r#""si\u0064":"nobody-has-this""#,
        r#""exp":null"#,
        r#""exp":9999999999"#,
        r#""role":"user","role":"user""#,
        r#""role":"user","rol\u0065":"admin""#,
        r#""":1,"":1"#,
    ] {
        let token = forge(&header(&[]), &and(&good, more), SECRET);
        stage.expect_token(&format!("also {more}"), &token, No(INVALID)).await;
    }
    let first = format!(r#"{{"sub":"admin",{}"#, good.strip_prefix('{').unwrap());
    stage.expect_token("first", &forge(&header(&[]), &first, SECRET), No(INVALID)).await;
    let renamed = good.replacen("\"sub\"", r#""\u0073ub""#, 1);
    stage.expect_token("escaped once", &forge(&header(&[]), &renamed, SECRET), As("jeju")).await;
}

#[tokio::test]
async fn a_payload_is_one_json_object_in_utf_8() {
    let stage = Stage::new().await;
    let good = stage.claims(&[]);
    let head = good.strip_suffix('}').unwrap().as_bytes();
    let whole = good.as_bytes();
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let rows: Vec<(&str, Vec<u8>, Outcome)> = vec![
        ("white space around", [b" \n", whole, b"\t\r\n"].concat(), As("jeju")),
        ("array", [b"[", whole, b"]"].concat(), No(INVALID)),
        ("string", serde_json::to_vec(&good).unwrap(), No(INVALID)),
        ("number", b"7".to_vec(), No(INVALID)),
        ("null", b"null".to_vec(), No(INVALID)),
        ("empty object", b"{}".to_vec(), No(INVALID)),
        ("BOM", [b"\xef\xbb\xbf", whole].concat(), No(INVALID)),
        ("UTF-16", utf_16, No(INVALID)),
        ("trailing object", [whole, b"{}"].concat(), No(INVALID)),
        ("trailing byte", [whole, b"x"].concat(), No(INVALID)),
        ("trailing NUL", [whole, b"\0"].concat(), No(INVALID)),
        ("trailing comma", [head, b",}"].concat(), No(INVALID)),
        ("cut off", head.to_vec(), No(INVALID)),
        ("a comment", [head, b"/* */}"].concat(), No(INVALID)),
        ("UTF-8 in an ignored claim", [head, ",\"x\":\"ü\"}".as_bytes()].concat(), As("jeju")),
        ("bad UTF-8 in an ignored claim", [head, b",\"x\":\"\xff\"}"].concat(), No(INVALID)),
        ("overlong UTF-8", [head, b",\"x\":\"\xc0\xaf\"}"].concat(), No(INVALID)),
        ("a surrogate in UTF-8", [head, b",\"x\":\"\xed\xa0\x80\"}"].concat(), No(INVALID)),
        ("bad UTF-8 in a name", [head, b",\"\xff\":1}"].concat(), No(INVALID)),
        ("a raw line break", [head, b",\"x\":\"\n\"}"].concat(), No(INVALID)),
    ];
    for (row, payload, expected) in &rows {
        let token = seal(&segment(header(&[])), &segment(payload), SECRET);
        stage.expect_token(row, &token, *expected).await;
    }
    for (row, header) in [
        ("array", br#"["HS256","at+jwt","k1"]"#.to_vec()),
        ("null", b"null".to_vec()),
        ("BOM", [b"\xef\xbb\xbf", header(&[]).as_bytes()].concat()),
        ("trailing byte", format!("{}x", header(&[])).into_bytes()),
        ("bad UTF-8", {
            let good = header(&[]);
            [good.strip_suffix('}').unwrap().as_bytes(), b",\"x\":\"\xff\"}"].concat()
        }),
    ] {
        let token = seal(&segment(header), &segment(&good), SECRET);
        stage.expect_token(&format!("header: {row}"), &token, No(INVALID)).await;
    }
}

#[tokio::test]
async fn a_time_is_a_finite_number_of_seconds() {
    let stage = Stage::with(|builder| builder.leeway(Duration::ZERO)).await;
    for name in ["exp", "nbf", "iat"] {
        for bad in [
            "null",
            "true",
            "\"1893456000\"",
            "\"\"",
            "\"x\"",
            "[1893456000]",
            "{}",
            "-1",
            "-0.5",
            "NaN",
            "Infinity",
            "1e999",
            "-1e999",
            "1e18",
            "99999999999999999999",
            "253402300800",
            "0x7fffffff",
            "01893456000",
            "1893456000.",
            "+1893456000",
        ] {
            let token = stage.with_claim(name, Some(bad));
            stage.expect_token(&format!("{name}: {bad}"), &token, No(INVALID)).await;
        }
    }
    #[rustfmt::skip]
    let rows: &[(&str, Option<&str>, Outcome)] = &[
        ("exp", None, No(INVALID)),
        ("iat", None, No(INVALID)),
        ("nbf", None, As("jeju")),
        ("exp", Some("1893456000.5"), As("jeju")),
        ("exp", Some("1.8934560005e9"), As("jeju")),
        ("exp", Some("253402300799"), As("jeju")),
        ("nbf", Some("1893455999.5"), As("jeju")),
        ("iat", Some("1893455999.999"), As("jeju")),
        ("iat", Some("0"), As("jeju")),
        ("exp", Some("1893456000"), No(EXPIRED)),
        ("exp", Some("1893455999.999"), No(EXPIRED)),
        ("exp", Some("0"), No(EXPIRED)),
        ("exp", Some("-0"), No(EXPIRED)),
        ("nbf", Some("1893456001"), No(INVALID)),
        ("nbf", Some("1893456000.5"), No(INVALID)),
        ("iat", Some("1893456000.001"), No(INVALID)),
        ("iat", Some("1893542400"), No(INVALID)),
        ("iat", Some("1893456000000"), No(INVALID)),
    ];
    for (name, value, expected) in rows {
        let row = format!("{name}: {}", value.unwrap_or("missing"));
        stage.expect_token(&row, &stage.with_claim(name, *value), *expected).await;
    }
}

#[tokio::test]
async fn a_token_ends_in_the_very_millisecond_of_exp_and_leeway() {
    for (leeway, rows) in [
        (0, [(-1, As("jeju")), (0, No(EXPIRED)), (1, No(EXPIRED)), (60_000, No(EXPIRED))]),
        (5, [(0, As("jeju")), (4_999, As("jeju")), (5_000, No(EXPIRED)), (6_000, No(EXPIRED))]),
    ] {
        let stage = Stage::with(|builder| builder.leeway(Duration::from_secs(leeway))).await;
        let token = stage.with_claim("exp", Some(&(NOW + 100).to_string()));
        let bad = forge(
            &header(&[]),
            &stage.claims(&[("exp", Some(&(NOW + 100).to_string())), ("aud", Some("\"x\""))]),
            SECRET,
        );
        for (after, expected) in rows {
            stage.clock.set(Timestamp::from_millis((NOW + 100) * 1_000 + after));
            let row = format!("leeway {leeway} s, {after} ms after exp");
            stage.expect_token(&row, &token, expected).await;
            // Only a token that is right in all else is told that it has expired.
            stage.expect_token(&format!("{row}, another audience"), &bad, No(INVALID)).await;
        }
        for (claim, ahead, expected) in [
            ("nbf", leeway as i64, As("jeju")),
            ("nbf", leeway as i64 + 1, No(INVALID)),
            ("iat", leeway as i64, As("jeju")),
            ("iat", leeway as i64 + 1, No(INVALID)),
        ] {
            stage.clock.set(START);
            let token = stage.with_claim(claim, Some(&(NOW + ahead).to_string()));
            let row = format!("leeway {leeway} s, {claim} {ahead} s ahead");
            stage.expect_token(&row, &token, expected).await;
        }
    }
}

#[tokio::test]
async fn the_type_jwt_is_taken_only_where_it_was_asked_for() {
    let stage = Stage::with(SessionManagerBuilder::accept_typ_jwt).await;
    for (typ, expected) in [
        (Some(r#""JWT""#), As("jeju")),
        (Some(r#""at+jwt""#), As("jeju")),
        (Some(r#""jwt""#), No(INVALID)),
        (Some(r#""logout+jwt""#), No(INVALID)),
        (Some("null"), No(INVALID)),
        (None, No(INVALID)),
    ] {
        stage.expect_token(&format!("{typ:?}"), &stage.with_param("typ", typ), expected).await;
    }
}

#[tokio::test]
async fn a_good_signature_without_a_living_session_is_refused() {
    let stage = Stage::new().await;
    let other = login(&stage.manager, "mallory").await;
    let stolen = format!("\"{}\"", other.session.id());
    let token = stage.with_claim("sid", Some(&stolen));
    stage.expect_token("another user's session", &token, No(GONE)).await;
    stage.expect_token("who lives on", &other.access_token, As("mallory")).await;

    #[rustfmt::skip]
    let reasons = [
        (EndReason::Logout, r#"{"detail":"Session was ended: logout","code":"session_revoked","reason":"logout"}"#),
        (EndReason::LogoutAll, r#"{"detail":"Session was ended: logout_all","code":"session_revoked","reason":"logout_all"}"#),
        (EndReason::Admin, r#"{"detail":"Session was ended: admin","code":"session_revoked","reason":"admin"}"#),
        (EndReason::Evicted, r#"{"detail":"Session was ended: evicted","code":"session_revoked","reason":"evicted"}"#),
        (EndReason::RefreshReuse, r#"{"detail":"Session was ended: refresh_reuse","code":"session_revoked","reason":"refresh_reuse"}"#),
        (EndReason::PasswordChange, r#"{"detail":"Session was ended: password_change","code":"session_revoked","reason":"password_change"}"#),
        (EndReason::Suspended, r#"{"detail":"Session was ended: suspended","code":"session_revoked","reason":"suspended"}"#),
    ];
    assert_eq!(reasons.map(|(reason, _)| reason), EndReason::ALL);
    for (reason, body) in reasons {
        let login = login(&stage.manager, "jeju").await;
        stage.expect_token("before", &login.access_token, As("jeju")).await;
        assert!(stage.manager.delete(&user("jeju"), login.session.id(), reason).await.unwrap());
        let answer = Answer { body, ..INVALID };
        stage.expect_token(reason.as_str(), &login.access_token, No(answer)).await;
    }
    stage.expect_token("the user's other session", &stage.token, As("jeju")).await;

    // With a token that outlives it: an hour unused, and the session is gone.
    let token = stage.with_claim("exp", Some(&(NOW + 7_200).to_string()));
    stage.clock.set(Timestamp::from_millis((NOW + 3_600) * 1_000));
    stage.expect_token("idle for too long", &token, No(GONE)).await;
}

#[tokio::test]
async fn a_token_is_at_most_8192_bytes_long() {
    let stage = Stage::new().await;
    let of = |len: usize| {
        let sizes = (0..4).flat_map(|head| (5_700..6_100).map(move |body| (head, body)));
        let mut tokens = sizes.map(|(head, body)| {
            let head = and(&header(&[]), &format!("\"x\":\"{}\"", "x".repeat(head)));
            let body = stage.claims(&[("x", Some(&format!("\"{}\"", "x".repeat(body))))]);
            (head, body)
        });
        let sized = |(head, body): (String, String)| {
            let encoded = |len: usize| (len * 4).div_ceil(3);
            let total = encoded(head.len()) + 1 + encoded(body.len()) + 1 + 43;
            (total == len).then(|| forge(&head, &body, SECRET))
        };
        let token = tokens.find_map(sized).unwrap();
        assert_eq!(token.len(), len);
        token
    };
    stage.expect_token("8191", &of(8_191), As("jeju")).await;
    stage.expect_token("8192", &of(8_192), As("jeju")).await;
    stage.expect_token("8193", &of(8_193), No(INVALID)).await;
    let huge = "A".repeat(1 << 20);
    stage.expect_token("a megabyte", &huge, No(INVALID)).await;
}

#[tokio::test]
async fn only_one_authorization_field_with_a_bearer_token_counts() {
    let required = Stage::new().await;
    let optional = Stage::new().await.optional();
    for stage in [&required, &optional] {
        let none = if stage.optional { As("nobody") } else { No(MISSING) };
        let token = stage.token.as_str();
        #[rustfmt::skip]
        let rows: &[(&str, Vec<u8>, Outcome)] = &[
            ("as it should be", format!("Bearer {token}").into(), As("jeju")),
            ("lower case", format!("bearer {token}").into(), As("jeju")),
            ("upper case", format!("BEARER {token}").into(), As("jeju")),
            ("mixed case", format!("bEaReR {token}").into(), As("jeju")),
            ("two blanks", format!("Bearer  {token}").into(), As("jeju")),
            ("many blanks", format!("Bearer{}{token}", " ".repeat(50)).into(), As("jeju")),
            ("empty", "".into(), none),
            ("another scheme", "Basic amVqdTpwYXNzd29yZDEyMw==".into(), none),
            ("DPoP", format!("DPoP {token}").into(), none),
            ("Token", format!("Token {token}").into(), none),
            ("a longer scheme", format!("Bearerx {token}").into(), none),
            ("a scheme with a dash", format!("Bearer-x {token}").into(), none),
            ("no scheme", token.into(), none),
            ("a blank in front", format!(" Bearer {token}").into(), none),
            ("another scheme in front", format!("Basic x, Bearer {token}").into(), none),
            ("a fullwidth B", format!("\u{ff22}earer {token}").into(), none),
            ("scheme only", "Bearer".into(), No(INVALID)),
            ("scheme and a blank", "Bearer ".into(), No(INVALID)),
            ("scheme and blanks", "Bearer    ".into(), No(INVALID)),
            ("a tab for a blank", format!("Bearer\t{token}").into(), No(INVALID)),
            ("a blank and a tab", format!("Bearer \t{token}").into(), No(INVALID)),
            ("a colon", format!("Bearer: {token}").into(), No(INVALID)),
            ("a comma", format!("Bearer,{token}").into(), No(INVALID)),
            ("an equals sign", format!("Bearer={token}").into(), No(INVALID)),
            ("the scheme twice", format!("Bearer Bearer {token}").into(), No(INVALID)),
            ("a blank behind", format!("Bearer {token} ").into(), No(INVALID)),
            ("a tab behind", format!("Bearer {token}\t").into(), No(INVALID)),
            ("two joined by a comma", format!("Bearer {token}, Bearer {token}").into(), No(INVALID)),
            ("joined, without a blank", format!("Bearer {token},Bearer {token}").into(), No(INVALID)),
            ("a parameter", format!("Bearer {token}, realm=\"x\"").into(), No(INVALID)),
            ("UTF-8", format!("Bearer {token}é").into(), No(INVALID)),
            ("a no-break space", format!("Bearer\u{a0}{token}").into(), No(INVALID)),
            ("obs-text in front", [b"Bearer \xff", token.as_bytes()].concat(), No(INVALID)),
            ("obs-text behind", [b"Bearer ", token.as_bytes(), b"\x80"].concat(), No(INVALID)),
            ("a fullwidth dot", format!("Bearer {}", token.replacen('.', "\u{ff0e}", 1)).into(), No(INVALID)),
        ];
        for (row, value, expected) in rows {
            let row = format!("{row}, optional: {}", stage.optional);
            stage.expect(&row, with_authorization(&[value]), *expected).await;
        }
        stage.expect("none", anonymous(), none).await;

        let good = format!("Bearer {token}").into_bytes();
        let rows: [(&str, &[&[u8]]); 5] = [
            ("two that agree", &[&good, &good]),
            ("a good one and a bad one", &[&good, b"Bearer a.b.c"]),
            ("a good one and an empty one", &[&good, b""]),
            ("two schemes", &[b"Basic x", &good]),
            ("three", &[&good, &good, &good]),
        ];
        for (row, values) in rows {
            stage.expect(row, with_authorization(values), No(MALFORMED)).await;
        }

        let elsewhere = |request: http::request::Builder, body: String| request.body(body).unwrap();
        for (row, request) in [
            (
                "in the query",
                elsewhere(Request::builder().uri(format!("/?access_token={token}")), String::new()),
            ),
            (
                "in the body",
                elsewhere(
                    Request::post("/").header("content-type", "application/x-www-form-urlencoded"),
                    format!("access_token={token}"),
                ),
            ),
            (
                "in a cookie",
                elsewhere(
                    Request::builder().header("cookie", format!("access_token={token}")),
                    String::new(),
                ),
            ),
            (
                "for a proxy",
                elsewhere(
                    Request::builder().header("proxy-authorization", format!("Bearer {token}")),
                    String::new(),
                ),
            ),
            (
                "as forwarded",
                elsewhere(
                    Request::builder()
                        .header("x-forwarded-authorization", format!("Bearer {token}")),
                    String::new(),
                ),
            ),
        ] {
            stage.expect(row, request, none).await;
        }
    }
}

#[tokio::test]
async fn every_single_change_of_a_good_token_is_refused() {
    let stage = Stage::new().await;
    let token = stage.token.as_str();
    stage.expect_token("unchanged", token, As("jeju")).await;
    for at in 0..token.len() {
        let (before, after) = (&token[..at], &token[at + 1..]);
        stage.expect_token(&format!("cut before {at}"), before, No(INVALID)).await;
        stage.expect_token(&format!("cut to {at}"), &token[at + 1..], No(INVALID)).await;
        stage
            .expect_token(&format!("without {at}"), &format!("{before}{after}"), No(INVALID))
            .await;
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{before}{other}{after}");
        stage.expect_token(&format!("{other} at {at}"), &changed, No(INVALID)).await;
    }
}
