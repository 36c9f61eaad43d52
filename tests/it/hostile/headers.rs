//! The header of a token: algorithm, key id, type and all other parameters.

use tower_session_auth::manager::SessionManagerBuilder;

use crate::hostile::{As, INVALID, No, Outcome, Stage, and, header};
use crate::support::SECRET;
use crate::support::forge::forge;

#[tokio::test]
async fn header_with_one_bad_parameter_is_rejected() {
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
async fn typ_jwt_is_accepted_only_with_accept_typ_jwt() {
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
