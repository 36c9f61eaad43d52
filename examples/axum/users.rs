//! The demo users. A real application asks its own database here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use tower_session_auth::UserId;

use crate::passwords::{Hash, Passwords};

/// One demo user, as README shows it.
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

pub(crate) struct User {
    pub(crate) id: UserId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
    pub(crate) hash: Hash,
    active: AtomicBool,
}

impl User {
    pub(crate) fn active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(crate) fn switch_off(&self) {
        self.active.store(false, Ordering::Relaxed);
    }
}

pub(crate) struct Users {
    by_id: HashMap<String, User>,
}

impl Users {
    pub(crate) async fn demo(passwords: &Passwords) -> Result<Self, String> {
        let mut by_id = HashMap::new();
        for demo in DEMO {
            let user = User {
                id: UserId::parse(demo.id).ok_or("a user id is 1 to 256 bytes")?,
                name: demo.name.to_owned(),
                email: demo.email.to_owned(),
                role: demo.role.to_owned(),
                hash: passwords.hash(demo.password).await?,
                active: AtomicBool::new(demo.active),
            };
            by_id.insert(demo.id.to_owned(), user);
        }
        Ok(Self { by_id })
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&User> {
        self.by_id.get(id)
    }

    /// E-mail addresses are compared without regard to case, as people type them.
    pub(crate) fn by_email(&self, email: &str) -> Option<&User> {
        self.by_id.values().find(|user| user.email.eq_ignore_ascii_case(email))
    }
}
