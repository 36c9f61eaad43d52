//! Correctly signed tokens whose session belongs to another user, is revoked or has expired.

use std::time::Duration;

use tower_session_auth::RevokeReason;

use crate::hostile::{Answer, As, GONE, INVALID, NOW, No, Stage};
use crate::support::{login, user};

#[tokio::test]
async fn correctly_signed_token_without_a_live_session_is_rejected() {
    let stage = Stage::new().await;
    let other = login(&stage.manager, "mallory").await;
    let stolen = format!("\"{}\"", other.session.id());
    let token = stage.with_claim("sid", Some(&stolen));
    stage.expect_token("another user's session", &token, No(GONE)).await;
    stage.expect_token("the other user's own token", &other.access_token, As("mallory")).await;

    #[rustfmt::skip]
    let reasons = [
        (RevokeReason::Logout, r#"{"detail":"Session was ended: logout","code":"session_revoked","reason":"logout"}"#),
        (RevokeReason::LogoutAll, r#"{"detail":"Session was ended: logout_all","code":"session_revoked","reason":"logout_all"}"#),
        (RevokeReason::Admin, r#"{"detail":"Session was ended: admin","code":"session_revoked","reason":"admin"}"#),
        (RevokeReason::Evicted, r#"{"detail":"Session was ended: evicted","code":"session_revoked","reason":"evicted"}"#),
        (RevokeReason::RefreshReuse, r#"{"detail":"Session was ended: refresh_reuse","code":"session_revoked","reason":"refresh_reuse"}"#),
        (RevokeReason::PasswordChange, r#"{"detail":"Session was ended: password_change","code":"session_revoked","reason":"password_change"}"#),
        (RevokeReason::Suspended, r#"{"detail":"Session was ended: suspended","code":"session_revoked","reason":"suspended"}"#),
    ];
    assert_eq!(reasons.map(|(reason, _)| reason), RevokeReason::ALL);
    for (reason, body) in reasons {
        let login = login(&stage.manager, "jeju").await;
        stage.expect_token("before the revocation", &login.access_token, As("jeju")).await;
        assert!(
            stage
                .manager
                .revoke(&user("jeju"), login.session.id(), reason)
                .await
                .unwrap()
                .was_live()
        );
        let answer = Answer { body, ..INVALID };
        stage.expect_token(reason.as_str(), &login.access_token, No(answer)).await;
    }
    stage.expect_token("the user's other session", &stage.token, As("jeju")).await;

    // The token outlives the session, which expires after an hour without a request.
    let token = stage.with_claim("exp", Some(&(NOW + 7_200).to_string()));
    stage.clock.advance(Duration::from_secs(3_600));
    stage.expect_token("idle for too long", &token, No(GONE)).await;
}
