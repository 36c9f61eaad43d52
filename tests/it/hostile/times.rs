//! The time claims of a token: the valid values, and the exact millisecond at which a token
//! expires.

use std::time::Duration;

use tower_session_auth::clock::Timestamp;

use crate::hostile::{As, EXPIRED, INVALID, NOW, No, Outcome, Stage, header};
use crate::support::forge::forge;
use crate::support::{SECRET, START};

#[tokio::test]
async fn time_claim_must_be_a_finite_number_of_seconds() {
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
async fn token_expires_exactly_at_exp_plus_leeway() {
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
            // The response reports an expired token only if all other claims are valid.
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
