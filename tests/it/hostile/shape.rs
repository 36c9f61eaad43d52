//! The form of a token, which is checked before its content: parts, characters and length.

use crate::hostile::{As, INVALID, No, Stage, and, header};
use crate::support::SECRET;
use crate::support::forge::{forge, parts, seal, segment};

/// Returns another encoding of the same bytes: an unused bit of the last character is set.
fn respelled(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "the part has unused bits");
    let (kept, last) = part.split_at(part.len() - 1);
    let next = ALPHABET.find(last).unwrap() + 1;
    format!("{kept}{}", &ALPHABET[next..=next])
}

#[tokio::test]
async fn token_without_exactly_three_parts_is_rejected() {
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
async fn only_canonical_base64url_is_accepted() {
    let stage = Stage::new().await;
    // Creates parts of every length modulo three. Their characters include those that differ
    // between base64 and base64url.
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
    // Tries different claims until the signature contains a character that differs between base64
    // and base64url.
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
async fn token_over_8192_bytes_is_rejected() {
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
async fn any_change_of_one_character_and_any_cut_is_rejected() {
    let stage = Stage::new().await;
    let token = stage.token.as_str();
    stage.expect_token("unchanged", token, As("jeju")).await;
    for at in 0..token.len() {
        let (before, after) = (&token[..at], &token[at + 1..]);
        stage.expect_token(&format!("cut at {at}, first part"), before, No(INVALID)).await;
        stage.expect_token(&format!("cut at {at}, last part"), &token[at + 1..], No(INVALID)).await;
        stage
            .expect_token(&format!("without {at}"), &format!("{before}{after}"), No(INVALID))
            .await;
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{before}{other}{after}");
        stage.expect_token(&format!("{other} at {at}"), &changed, No(INVALID)).await;
    }
}
