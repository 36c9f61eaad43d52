//! The place of a token in a request. Only one `Authorization` field with the scheme `Bearer` is
//! accepted.

use http::{HeaderValue, Request};

use crate::hostile::{As, INVALID, MALFORMED, MISSING, No, Outcome, Stage};
use crate::support::anonymous;

fn with_authorization(values: &[&[u8]]) -> Request<String> {
    let mut request = anonymous();
    for value in values {
        request.headers_mut().append("authorization", HeaderValue::from_bytes(value).unwrap());
    }
    request
}

#[tokio::test]
async fn token_is_read_only_from_a_single_bearer_authorization_field() {
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
