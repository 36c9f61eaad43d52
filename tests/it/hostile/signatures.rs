//! The signature of a token, for four faults: the algorithm `none`, the wrong kind of key, a
//! removed key, and a wrong signature.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tower_session_auth::{KeySet, SigningKey};

use crate::hostile::{As, INVALID, No, Stage, header};
use crate::support::forge::{forge, parts, seal, segment};
use crate::support::{OTHER_SECRET, SECRET, login};

const RSA: &[u8] = include_bytes!("../../keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("../../keys/rsa.pub.pem");

#[tokio::test]
async fn alg_none_is_rejected_with_any_signature() {
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
async fn public_key_is_not_accepted_as_an_hmac_secret() {
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
async fn removed_key_is_rejected_at_once() {
    let stage = Stage::new().await;
    let next = SigningKey::hs256("k2", OTHER_SECRET).unwrap();
    let old = crate::support::key().verifying_key();
    stage.manager.replace_keys(KeySet::new(next.clone()).also_verify(old)).unwrap();
    stage.expect_token("retired, but still used to verify", &stage.token, As("jeju")).await;
    stage.manager.replace_keys(KeySet::new(next)).unwrap();
    stage.expect_token("removed", &stage.token, No(INVALID)).await;
    let renamed = stage.with_param("kid", Some("\"k2\""));
    stage.expect_token("under the new key's name", &renamed, No(INVALID)).await;
    let good = forge(&header(&[("kid", Some("\"k2\""))]), &stage.claims(&[]), OTHER_SECRET);
    stage.expect_token("signed by the new key", &good, As("jeju")).await;
}

#[tokio::test]
async fn partial_changed_or_foreign_signature_is_rejected() {
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
