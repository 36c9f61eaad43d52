//! Logs, `Debug` output, errors and rejections contain no secret.

mod debug;
mod logs;
mod routes;

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tower_session_auth::manager::SessionManagerBuilder;
use tower_session_auth::session::SessionData;
use tower_session_auth::token::VerifyingKey;
use tower_session_auth::{KeySet, Login, NewSession, SessionManager};

use crate::support::forge::{decoded, parts};
use crate::support::switch::SwitchStore;
use crate::support::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, key, user};

const PASSWORD: &str = "correct-horse-battery-staple";
const CLAIM: &str = "claim-that-only-the-client-reads";
const EMAIL: &str = "jeju@person.test";
const AGENT: &str = "agent-of-a-person/1.0";
const NAME: &str = "Jeju Samdasoo";

/// Session data that contains a secret of the application. The type does not implement `Debug`.
/// Therefore the test compiles only if the library does not require `Debug`.
#[derive(Deserialize, Serialize)]
struct Vault {
    password: String,
}

/// The texts that no output may contain, each with a description.
#[derive(Default)]
struct Secrets(Vec<(String, String)>);

impl Secrets {
    fn new() -> Self {
        let mut secrets = Self::default();
        for secret in [SECRET, OTHER_SECRET] {
            secrets.add("HMAC secret", str::from_utf8(secret).unwrap());
            secrets.add("HMAC secret in base64", &STANDARD.encode(secret)[..40]);
            secrets.add("HMAC secret as numbers", &format!("{secret:?}")[1..40]);
            secrets.add("HMAC secret in hex", &hex(secret));
        }
        for (what, text) in [
            ("password", PASSWORD),
            ("claim", CLAIM),
            ("e-mail address", EMAIL),
            ("user agent", AGENT),
            ("user's name", NAME),
            ("private key", &private_pem_line()),
        ] {
            secrets.add(what, text);
        }
        secrets
    }

    fn add(&mut self, what: &str, text: &str) {
        assert!(text.len() >= 8, "{what} is too short to search for");
        self.0.push((what.to_owned(), text.to_owned()));
    }

    /// Adds a token, its parts, and the ids in it. A token that was refused is as secret as a token
    /// that was accepted.
    fn add_token(&mut self, what: &str, token: &str) {
        let (_, payload, signature) = parts(token);
        self.add(&format!("{what}: token"), token);
        self.add(&format!("{what}: payload"), &payload[..24]);
        self.add(&format!("{what}: signature"), signature);
        // Also adds the end of the signature, because a log may cut off the start of a token.
        self.add(&format!("{what}: end of the signature"), &signature[signature.len() - 12..]);
        let claims: serde_json::Value = serde_json::from_str(&decoded(payload)).unwrap();
        for name in ["sid", "jti"] {
            if let Some(id) = claims[name].as_str() {
                self.add(&format!("{what}: {name}"), id);
            }
        }
    }

    fn assert_none_in(&self, place: &str, text: &str) {
        for (what, secret) in &self.0 {
            if let Some(at) = text.find(secret) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                panic!("{place} shows {what}: {}", text[line..].lines().next().unwrap());
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn private_pem_line() -> String {
    include_str!("../../keys/rsa.pem").lines().nth(3).unwrap().to_owned()
}

/// Formats an error and all its sources, as an application without special care would log them.
fn everything(error: &(dyn Error + 'static)) -> String {
    let (mut link, mut shown) = (Some(error), String::new());
    while let Some(error) = link {
        shown.push_str(&format!("{error} {error:?} {error:#?}\n"));
        link = error.source();
    }
    shown
}

fn configure<D: SessionData>(store: SwitchStore) -> SessionManagerBuilder<D> {
    let keys = KeySet::new(key()).also_verify(VerifyingKey::hs256("k2", OTHER_SECRET).unwrap());
    let builder = SessionManager::builder().data().keys(keys).issuer(ISSUER).audience(AUDIENCE);
    builder.store(store)
}

async fn log_in(manager: &SessionManager<Vault>) -> Login<Vault> {
    let new = NewSession::new(user("jeju"))
        .user_name(NAME)
        .email(EMAIL)
        .role("user")
        .user_agent(AGENT)
        .claims(&serde_json::json!({ "note": CLAIM }))
        .unwrap()
        .data(Vault { password: PASSWORD.to_owned() });
    manager.create(new).await.unwrap()
}
