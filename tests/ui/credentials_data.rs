//! The credentials are for sessions without data. The manager's sessions have data.

use tower_session_auth::directory::BoxError;
use tower_session_auth::routes::{Credentials, LoginName, Password, Routes, Verdict};
use tower_session_auth::{SessionManager, UserId};

struct Accounts;

impl Credentials for Accounts {
    async fn find(&self, _: &LoginName) -> Result<Option<UserId>, BoxError> {
        Ok(None)
    }

    async fn verify(&self, _: Option<&UserId>, _: &Password) -> Result<Verdict, BoxError> {
        Ok(Verdict::Busy)
    }
}

pub fn main(manager: SessionManager<Vec<u64>>) {
    let _ = Routes::builder(manager, Accounts);
}
