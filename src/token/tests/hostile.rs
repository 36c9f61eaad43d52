//! Tests that hostile tokens are rejected, with one table row per defect. Most of the tokens have a
//! correct signature, so that only the defect can cause the rejection.

use super::forge::{
    OTHER_SECRET, at, claims, forge, header, key, now, policy, seal, settings, signed,
};
use crate::error::AuthErrorKind::{self, InvalidToken, TokenExpired};
use crate::token::MAX_TOKEN_LEN;
use crate::token::jwt::compact;
use crate::token::jwt::policy::{Policy, TokenSettings};
use crate::token::keys::SigningKey;

fn kind(policy: &Policy, token: &str) -> Result<(), AuthErrorKind> {
    policy.verify(token, now()).map(drop).map_err(|error| error.kind())
}

#[test]
fn valid_token_variants_are_accepted() {
    let policy = policy();
    assert_eq!(kind(&policy, &signed(&policy, None)), Ok(()));
    let long = format!("\"{}\"", "t".repeat(128));
    let claim = |name, value| forge(&key(), header(&[]), claims(&[(name, Some(value))]));
    let param = |name, value| forge(&key(), header(&[(name, Some(value))]), claims(&[]));
    for (name, token) in [
        ("unchanged", forge(&key(), header(&[]), claims(&[]))),
        ("typ with the application/ prefix", param("typ", r#""application/at+jwt""#)),
        ("unknown header parameter", param("x5t", r#""abc""#)),
        ("escaped header", param("kid", r#""\u006b1""#)),
        (
            "white space",
            forge(&key(), format!(" {}\n", header(&[])), format!("\t{} ", claims(&[]))),
        ),
        ("aud as array", claim("aud", r#"["other","shop"]"#)),
        ("no nbf", forge(&key(), header(&[]), claims(&[("nbf", None)]))),
        ("fraction in exp", claim("exp", "1700000000.5")),
        ("exponent in exp", claim("exp", "1.7000006e9")),
        ("exp in the year 9999", claim("exp", "253402300799")),
        ("iat long ago", claim("iat", "0")),
        ("longest jti", claim("jti", &long)),
        ("events", claim("events", r#"{"a":{}}"#)),
    ] {
        assert_eq!(kind(&policy, &token), Ok(()), "{name}");
    }
}

#[test]
fn invalid_headers_are_rejected() {
    let policy = policy();
    let good = claims(&[]);
    let long_kid = format!("\"{}\"", "k".repeat(65));
    #[rustfmt::skip]
    let changed: &[(&str, &str, Option<&str>)] = &[
        ("alg none", "alg", Some(r#""none""#)),
        ("alg None", "alg", Some(r#""None""#)),
        ("alg NONE", "alg", Some(r#""NONE""#)),
        ("alg noNE", "alg", Some(r#""noNE""#)),
        ("alg empty", "alg", Some(r#""""#)),
        ("alg missing", "alg", None),
        ("alg null", "alg", Some("null")),
        ("alg number", "alg", Some("256")),
        ("alg array", "alg", Some(r#"["HS256"]"#)),
        ("alg lower case", "alg", Some(r#""hs256""#)),
        ("alg with a blank", "alg", Some(r#""HS256 ""#)),
        ("alg HS384", "alg", Some(r#""HS384""#)),
        ("alg HS512", "alg", Some(r#""HS512""#)),
        ("alg RS256", "alg", Some(r#""RS256""#)),
        ("alg ES256", "alg", Some(r#""ES256""#)),
        ("kid missing", "kid", None),
        ("kid null", "kid", Some("null")),
        ("kid number", "kid", Some("1")),
        ("kid array", "kid", Some(r#"["k1"]"#)),
        ("kid empty", "kid", Some(r#""""#)),
        ("kid unknown", "kid", Some(r#""k2""#)),
        ("kid other case", "kid", Some(r#""K1""#)),
        ("kid with a NUL", "kid", Some(r#""k1\u0000""#)),
        ("kid is a path", "kid", Some(r#""../../dev/null""#)),
        ("kid is SQL", "kid", Some(r#""x' UNION SELECT 'k""#)),
        ("kid too long", "kid", Some(&long_kid)),
        ("typ missing", "typ", None),
        ("typ null", "typ", Some("null")),
        ("typ number", "typ", Some("1")),
        ("typ JWT", "typ", Some(r#""JWT""#)),
        ("typ other case", "typ", Some(r#""AT+JWT""#)),
        ("typ logout+jwt", "typ", Some(r#""logout+jwt""#)),
        ("typ of another token", "typ", Some(r#""refresh+jwt""#)),
        ("typ with a parameter", "typ", Some(r#""at+jwt; v=1""#)),
        ("crit", "crit", Some(r#"["x"]"#)),
        ("crit empty", "crit", Some("[]")),
        ("crit is not an array", "crit", Some("null")),
        ("crit names a registered parameter", "crit", Some(r#"["alg"]"#)),
        ("b64", "b64", Some("false")),
        ("b64 true", "b64", Some("true")),
        ("zip", "zip", Some(r#""DEF""#)),
        ("enc", "enc", Some(r#""A256GCM""#)),
        ("cty", "cty", Some(r#""JWT""#)),
        ("jwk", "jwk", Some(r#"{"kty":"oct","k":"AAAA"}"#)),
        ("jku", "jku", Some(r#""https://evil.example/jwks""#)),
        ("x5u", "x5u", Some(r#""https://evil.example/x""#)),
        ("x5c", "x5c", Some(r#"["MII"]"#)),
        ("number out of range", "x", Some("1e999")),
        ("value is not JSON", "x", Some("{a}")),
        ("nested duplicate name", "x", Some(r#"{"a":1,"a":2}"#)),
        ("lone surrogate", "x", Some(r#""\ud800""#)),
    ];
    for (row, name, value) in changed {
        let token = forge(&key(), header(&[(name, *value)]), &good);
        assert_eq!(kind(&policy, &token), Err(InvalidToken), "{row}");
    }

    let base = header(&[]);
    let inside = base.trim_end_matches('}');
    let twice = |more: &str| format!("{inside},{more}}}").into_bytes();
    let bytes = |parts: &[&[u8]]| parts.concat();
    let (head, base) = (inside.as_bytes(), base.as_bytes());
    #[rustfmt::skip]
    let whole: Vec<(&str, Vec<u8>)> = vec![
        ("crit with b64", twice(r#""crit":["b64"],"b64":false"#)),
        ("alg twice, same", twice(r#""alg":"HS256""#)),
        ("alg twice, none last", twice(r#""alg":"none""#)),
        ("kid twice", twice(r#""kid":"k1""#)),
        ("typ twice", twice(r#""typ":"at+jwt""#)),
        ("unknown twice", twice(r#""x":1,"x":1"#)),
        ("twice through an escape", twice(r#""\u0061lg":"HS256""#)),
        ("BOM", bytes(&[b"\xef\xbb\xbf", base])),
        ("trailing object", bytes(&[base, b"{}"])),
        ("trailing byte", bytes(&[base, b"x"])),
        ("trailing NUL", bytes(&[base, b"\0"])),
        ("trailing comma", bytes(&[head, b",}"])),
        ("cut off", head.to_vec()),
        ("array", b"[]".to_vec()),
        ("array of values", br#"["HS256","at+jwt","k1"]"#.to_vec()),
        ("string", br#""HS256""#.to_vec()),
        ("null", b"null".to_vec()),
        ("empty object", b"{}".to_vec()),
        ("bad UTF-8 in an ignored value", bytes(&[head, b",\"x\":\"\xff\"}"])),
        ("overlong UTF-8", bytes(&[head, b",\"x\":\"\xc0\xaf\"}"])),
        ("UTF-16", b"{\0}\0".to_vec()),
        ("deep", bytes(&[head, b",\"x\":", &[b'['; 2_000], &[b']'; 2_000], b"}"])),
    ];
    for (row, header) in whole {
        assert_eq!(kind(&policy, &forge(&key(), header, &good)), Err(InvalidToken), "{row}");
    }
}

#[test]
fn invalid_claims_are_rejected() {
    let policy = policy();
    let (long_id, long_user) =
        (format!("\"{}\"", "t".repeat(129)), format!("\"{}\"", "u".repeat(257)));
    #[rustfmt::skip]
    let changed: &[(&str, &str, Option<&str>, AuthErrorKind)] = &[
        ("iss missing", "iss", None, InvalidToken),
        ("iss null", "iss", Some("null"), InvalidToken),
        ("iss number", "iss", Some("7"), InvalidToken),
        ("iss array with ours", "iss", Some(r#"["evil","https://issuer.example"]"#), InvalidToken),
        ("iss other", "iss", Some(r#""https://evil.example""#), InvalidToken),
        ("iss with an extra slash", "iss", Some(r#""https://issuer.example/""#), InvalidToken),
        ("iss other case", "iss", Some(r#""https://Issuer.example""#), InvalidToken),
        ("aud missing", "aud", None, InvalidToken),
        ("aud null", "aud", Some("null"), InvalidToken),
        ("aud object", "aud", Some("{}"), InvalidToken),
        ("aud other", "aud", Some(r#""other""#), InvalidToken),
        ("aud empty array", "aud", Some("[]"), InvalidToken),
        ("aud mixed array", "aud", Some(r#"["shop",7]"#), InvalidToken),
        ("aud nested array", "aud", Some(r#"[["shop"]]"#), InvalidToken),
        ("aud that starts with ours", "aud", Some(r#""shop.example""#), InvalidToken),
        ("sub missing", "sub", None, InvalidToken),
        ("sub null", "sub", Some("null"), InvalidToken),
        ("sub number", "sub", Some("1"), InvalidToken),
        ("sub empty", "sub", Some(r#""""#), InvalidToken),
        ("sub too long", "sub", Some(&long_user), InvalidToken),
        ("sid missing", "sid", None, InvalidToken),
        ("sid number", "sid", Some("1"), InvalidToken),
        ("sid with a separator", "sid", Some(r#""a:b""#), InvalidToken),
        ("sid is a glob", "sid", Some(r#""*""#), InvalidToken),
        ("sid empty", "sid", Some(r#""""#), InvalidToken),
        ("jti missing", "jti", None, InvalidToken),
        ("jti number", "jti", Some("1"), InvalidToken),
        ("jti empty", "jti", Some(r#""""#), InvalidToken),
        ("jti too long", "jti", Some(&long_id), InvalidToken),
        ("cnf", "cnf", Some(r#"{"jkt":"x"}"#), InvalidToken),
        ("cnf null", "cnf", Some("null"), InvalidToken),
        ("exp missing", "exp", None, InvalidToken),
        ("exp null", "exp", Some("null"), InvalidToken),
        ("exp string", "exp", Some(r#""1700000600""#), InvalidToken),
        ("exp string of nines", "exp", Some(r#""9999999999""#), InvalidToken),
        ("exp array", "exp", Some("[1700000600]"), InvalidToken),
        ("exp true", "exp", Some("true"), InvalidToken),
        ("exp negative", "exp", Some("-1"), InvalidToken),
        ("exp 1e999", "exp", Some("1e999"), InvalidToken),
        ("exp -1e999", "exp", Some("-1e999"), InvalidToken),
        ("exp 1e18", "exp", Some("1e18"), InvalidToken),
        ("exp NaN", "exp", Some("NaN"), InvalidToken),
        ("exp Infinity", "exp", Some("Infinity"), InvalidToken),
        ("exp in the year 10000", "exp", Some("253402300800"), InvalidToken),
        ("exp of 20 digits", "exp", Some("99999999999999999999"), InvalidToken),
        ("exp as hex", "exp", Some("0x7fffffff"), InvalidToken),
        ("exp passed 30 s ago", "exp", Some("1699999970"), TokenExpired),
        ("exp zero", "exp", Some("0"), TokenExpired),
        ("nbf null", "nbf", Some("null"), InvalidToken),
        ("nbf string", "nbf", Some(r#""x""#), InvalidToken),
        ("nbf negative", "nbf", Some("-1"), InvalidToken),
        ("nbf in an hour", "nbf", Some("1700003600"), InvalidToken),
        ("iat missing", "iat", None, InvalidToken),
        ("iat null", "iat", Some("null"), InvalidToken),
        ("iat string", "iat", Some(r#""1700000000""#), InvalidToken),
        ("iat in 28 h", "iat", Some("1700100800"), InvalidToken),
        ("iat in milliseconds", "iat", Some("1700000000000"), InvalidToken),
        ("custom, twice nested", "x", Some(r#"{"role":"user","role":"admin"}"#), InvalidToken),
        ("custom, out of range", "x", Some("1e999"), InvalidToken),
        ("custom, lone surrogate", "x", Some(r#""\ud800""#), InvalidToken),
        ("custom, not JSON", "x", Some("undefined"), InvalidToken),
        ("custom, control byte", "x", Some("\"\n\""), InvalidToken),
    ];
    for (row, name, value, expected) in changed {
        let token = forge(&key(), header(&[]), claims(&[(name, *value)]));
        assert_eq!(kind(&policy, &token), Err(*expected), "{row}");
    }

    let base = claims(&[]);
    let inside = base.trim_end_matches('}');
    let twice = |more: &str| format!("{inside},{more}}}").into_bytes();
    let bytes = |parts: &[&[u8]]| parts.concat();
    let (head, base) = (inside.as_bytes(), base.as_bytes());
    #[rustfmt::skip]
    let whole: Vec<(&str, Vec<u8>)> = vec![
        ("sub twice", twice(r#""sub":"admin""#)),
        ("sub twice, same", twice(r#""sub":"ada""#)),
        ("sid twice", twice(r#""sid":"s2""#)),
        ("exp twice", twice(r#""exp":9999999999"#)),
        ("exp twice, null first", twice(r#""exp":null"#)),
        ("iss twice", twice(r#""iss":"https://issuer.example""#)),
        ("aud twice", twice(r#""aud":"shop""#)),
        ("custom twice", twice(r#""role":"user","role":"admin""#)),
        ("twice through an escape", twice(r#""\u0073ub":"admin""#)),
        ("BOM", bytes(&[b"\xef\xbb\xbf", base])),
        ("trailing object", bytes(&[base, b"{}"])),
        ("trailing byte", bytes(&[base, b"\0"])),
        ("cut off", head.to_vec()),
        ("array", bytes(&[b"[", base, b"]"])),
        ("string", br#""ada""#.to_vec()),
        ("number", b"7".to_vec()),
        ("empty object", b"{}".to_vec()),
        ("bad UTF-8 in a custom claim", bytes(&[head, b",\"x\":\"\xff\"}"])),
        ("bad UTF-8 in a name", bytes(&[head, b",\"\xff\":1}"])),
        ("surrogates in UTF-8", bytes(&[head, b",\"x\":\"\xed\xa0\x80\"}"])),
        ("comment", bytes(&[head, b"/* */}"])),
        ("deep", bytes(&[head, b",\"x\":", &[b'['; 2_000], &[b']'; 2_000], b"}"])),
    ];
    for (row, payload) in whole {
        assert_eq!(kind(&policy, &forge(&key(), header(&[]), payload)), Err(InvalidToken), "{row}");
    }
}

#[test]
fn malformed_tokens_are_rejected() {
    let policy = policy();
    let good = signed(&policy, None);
    let parts = compact::split(&good).unwrap();
    let (head, payload, signature) = (parts.header, parts.payload, parts.signature);
    let other = SigningKey::hs256("k1", OTHER_SECRET).unwrap();
    let json =
        format!(r#"{{"payload":"{payload}","protected":"{head}","signature":"{signature}"}}"#);
    // The last character of the base64url payload has spare bits, which a lenient decoder ignores.
    // The test replaces this character by the next one of the base64url alphabet. The two
    // characters differ only in the spare bits, so the payload decodes to the same bytes. The
    // signature is made over the changed text, so it is correct.
    let spare = compact::encode(claims(&[("x", Some("1"))]));
    assert_ne!(spare.len() % 4, 0);
    let last = spare.chars().last().unwrap() as u8;
    let spelled = format!("{}{}", &spare[..spare.len() - 1], (last + 1) as char);
    for (row, token) in [
        ("empty", String::new()),
        ("only dots", "..".to_owned()),
        ("no signature", format!("{head}.{payload}.")),
        ("two parts", format!("{head}.{payload}")),
        ("four parts", format!("{good}.{signature}")),
        ("JWE", format!("{head}.{payload}.{signature}.{payload}.{signature}")),
        ("JSON form", json),
        ("padding", format!("{good}=")),
        ("padding inside", seal(&key(), &format!("{head}=="), payload)),
        ("spare bits", seal(&key(), head, &spelled)),
        ("standard alphabet", seal(&key(), head, &format!("{payload}+/"))),
        ("length of 4n+1", seal(&key(), head, &"A".repeat(5))),
        ("leading blank", format!(" {good}")),
        ("trailing line break", format!("{good}\n")),
        ("NUL", format!("{good}\0")),
        ("not ASCII", format!("{good}é")),
        ("quotes", format!("\"{good}\"")),
        ("8 KiB and a byte", format!("{}{good}", "A".repeat(MAX_TOKEN_LEN + 1 - good.len()))),
        ("signature cut off", good[..good.len() - 4].to_owned()),
        ("signature longer", format!("{good}AAAA")),
        ("signature of zeros", format!("{head}.{payload}.{}", compact::encode([0; 32]))),
        ("signature of another key", seal(&other, head, payload)),
        (
            "payload of another token",
            format!("{head}.{}.{signature}", compact::encode(claims(&[]))),
        ),
        ("header and payload swapped", seal(&key(), payload, head)),
    ] {
        assert_eq!(kind(&policy, &token), Err(InvalidToken), "{row}");
    }
}

#[test]
fn longest_allowed_token_is_accepted() {
    // Each further byte of the payload makes the base64 text one or two characters longer. So the
    // longest token that fits can be one character shorter than the limit.
    let policy = policy();
    let sized = |pad: usize| {
        let pad = format!("\"{}\"", "p".repeat(pad));
        forge(&key(), header(&[]), claims(&[("pad", Some(&pad))]))
    };
    let longest = (5_000..6_200).rev().map(sized).find(|t| t.len() <= MAX_TOKEN_LEN).unwrap();
    assert!(longest.len() > MAX_TOKEN_LEN - 2);
    assert_eq!(kind(&policy, &longest), Ok(()));
}

#[test]
fn token_with_one_changed_character_is_rejected() {
    let policy = policy();
    let good = signed(&policy, None);
    for at in 0..good.len() {
        for with in ["A", "b", ".", "-"] {
            let mut token = good.clone();
            token.replace_range(at..=at, with);
            let expected = if token == good { Ok(()) } else { Err(InvalidToken) };
            assert_eq!(kind(&policy, &token), expected, "{at} {with}");
        }
    }
}

#[test]
fn expired_error_is_returned_only_if_all_other_checks_pass() {
    let policy = policy();
    let expired = ("exp", Some("1699999000"));
    for (row, change) in [
        ("issuer", ("iss", Some("\"x\""))),
        ("audience", ("aud", Some("\"x\""))),
        ("user", ("sub", None)),
        ("start", ("nbf", Some("1700003600"))),
        ("bound", ("cnf", Some("{}"))),
    ] {
        let token = forge(&key(), header(&[]), claims(&[expired, change]));
        assert_eq!(kind(&policy, &token), Err(InvalidToken), "{row}");
    }
    let stranger = SigningKey::hs256("k1", OTHER_SECRET).unwrap();
    let token = forge(&stranger, header(&[]), claims(&[expired]));
    assert_eq!(kind(&policy, &token), Err(InvalidToken));
}

#[test]
fn unchecked_claims_must_still_be_well_formed() {
    let open = Policy::new(TokenSettings {
        issuer: None,
        audience: None,
        accept_typ_jwt: true,
        ..settings(key())
    })
    .unwrap();
    for (row, name, value, expected) in [
        ("no iss", "iss", None, Ok(())),
        ("any iss", "iss", Some("\"x\""), Ok(())),
        ("iss array", "iss", Some("[]"), Err(InvalidToken)),
        ("no aud", "aud", None, Ok(())),
        ("any aud", "aud", Some("[\"x\"]"), Ok(())),
        ("aud object", "aud", Some("{}"), Err(InvalidToken)),
        ("aud null", "aud", Some("null"), Err(InvalidToken)),
    ] {
        let token = forge(&key(), header(&[("typ", Some("\"JWT\""))]), claims(&[(name, value)]));
        assert_eq!(kind(&open, &token), expected, "{row}");
    }
    for typ in ["\"jwt\"", "\"id_token\"", "null"] {
        let token = forge(&key(), header(&[("typ", Some(typ))]), claims(&[]));
        assert_eq!(kind(&open, &token), Err(InvalidToken), "{typ}");
    }
}

#[test]
fn errors_contain_no_part_of_the_token() {
    let policy = policy();
    let token = forge(&key(), header(&[]), claims(&[("exp", Some("\"leaked-value\""))]));
    let error = policy.verify(&token, at(0.0)).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    let text = format!("{error} {error:?} {source} {source:?}");
    assert!(!text.contains("leaked") && !text.contains(&token[..20]), "{text}");
}
