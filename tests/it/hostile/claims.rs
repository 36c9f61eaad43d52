//! The payload of a token: the value of each claim, duplicate names, and the JSON syntax. The tests
//! of the time claims are in `times`.

use crate::hostile::{As, GONE, INVALID, No, Outcome, Stage, and, header};
use crate::support::SECRET;
use crate::support::forge::{forge, seal, segment};

#[tokio::test]
async fn payload_with_one_bad_claim_is_rejected() {
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
async fn duplicate_claim_is_rejected_even_with_equal_values() {
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
    stage
        .expect_token(
            "a duplicate in first place",
            &forge(&header(&[]), &first, SECRET),
            No(INVALID),
        )
        .await;
    let renamed = good.replacen("\"sub\"", r#""\u0073ub""#, 1);
    stage.expect_token("escaped once", &forge(&header(&[]), &renamed, SECRET), As("jeju")).await;
}

#[tokio::test]
async fn payload_and_header_must_be_one_json_object_in_utf_8() {
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
