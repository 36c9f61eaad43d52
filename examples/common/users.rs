//! The demo users, and the two queries of the library about users: is this login correct
//! ([`Credentials`]), and is this account still active ([`UserDirectory`])? A real application asks
//! its own database for both.

use std::collections::HashMap;
use std::sync::Arc;

use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::routes::{Credentials, LoginName, Password, Verdict};
use tower_session_auth::telemetry::events::LoginRefusal;
use tower_session_auth::{NewSession, UserId};

use super::passwords::{Answer, Hash, Passwords};

/// A demo user, as listed in `docs/examples.md`.
pub(crate) struct Demo {
    pub(crate) id: &'static str,
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    pub(crate) name: &'static str,
    pub(crate) role: &'static str,
    pub(crate) active: bool,
}

pub(crate) const DEMO: [Demo; 4] = [
    Demo {
        id: "jeju",
        email: "jeju@test.com",
        password: "password123",
        name: "제주삼다수",
        role: "user",
        active: true,
    },
    Demo {
        id: "user",
        email: "user@example.com",
        password: "password123",
        name: "Example User",
        role: "user",
        active: true,
    },
    Demo {
        id: "admin",
        email: "admin@test.com",
        password: "admin123",
        name: "Admin",
        role: "super_admin",
        active: true,
    },
    Demo {
        id: "suspended",
        email: "suspended@test.com",
        password: "password123",
        name: "Suspended",
        role: "user",
        active: false,
    },
];

/// The users who may log in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Users(Arc<Table>);

struct Table {
    by_id: HashMap<UserId, (&'static Demo, Hash)>,
    passwords: Passwords,
}

impl Users {
    pub(crate) async fn demo() -> Result<Self, String> {
        const USERS: &[Demo] = &DEMO;
        let passwords = Passwords::new();
        let mut by_id = HashMap::new();
        for demo in USERS {
            let id = UserId::parse(demo.id).map_err(|error| error.to_string())?;
            let hash = passwords.hash(demo.password).await.map_err(|error| error.to_string())?;
            by_id.insert(id, (demo, hash));
        }
        Ok(Self(Arc::new(Table { by_id, passwords })))
    }
}

impl Credentials for Users {
    async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
        let by_id = &self.0.by_id;
        Ok(match login {
            LoginName::UserId(id) => by_id.contains_key(id).then(|| id.clone()),
            // The case of an e-mail address is ignored, because people type it in different ways.
            LoginName::Email(email) => by_id
                .iter()
                .find(|(_, (demo, _))| demo.email.eq_ignore_ascii_case(email))
                .map(|(id, _)| id.clone()),
            _ => None,
        })
    }

    /// Returns the name in the form in which `find` compares it.
    fn normalized(&self, login: &LoginName) -> String {
        match login {
            LoginName::UserId(id) => id.as_str().to_owned(),
            LoginName::Email(email) => email.to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Does the same work for an unknown user, for a wrong password and for an inactive account.
    async fn verify(
        &self,
        user: Option<&UserId>,
        password: &Password,
    ) -> Result<Verdict, BoxError> {
        let found = user.and_then(|id| Some((id, self.0.by_id.get(id)?)));
        let hash = found.map(|(_, (_, hash))| Arc::clone(hash));
        let answer = self.0.passwords.verify(password.as_str().to_owned(), hash).await;
        Ok(match (answer, found) {
            (Answer::TooBusy, _) => Verdict::Busy,
            (Answer::Right, Some((id, (demo, _)))) if demo.active => Verdict::Accepted(
                NewSession::new(id.clone()).user_name(demo.name).email(demo.email).role(demo.role),
            ),
            (Answer::Right, Some(_)) => Verdict::Refused(LoginRefusal::AccountInactive),
            (Answer::Right | Answer::Wrong, _) => Verdict::Refused(LoginRefusal::Credentials),
        })
    }
}

impl UserDirectory for Users {
    async fn find(&self, user: &UserId) -> Result<Option<User>, BoxError> {
        Ok(self.0.by_id.get(user).map(|(demo, _)| {
            User::new(demo.active).user_name(demo.name).email(demo.email).role(demo.role)
        }))
    }
}
