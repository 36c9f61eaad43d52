//! `Desk` checks credentials and is a user directory, both with demo users. A test chooses how a
//! desk behaves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tower_session_auth::directory::{BoxError, User, UserDirectory};
use tower_session_auth::routes::{Credentials, LoginName, Password, Verdict};
use tower_session_auth::telemetry::events::LoginRefusal;
use tower_session_auth::{NewSession, UserId};

use crate::support::user;

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub password: &'static str,
    pub role: Option<&'static str>,
    pub active: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Answer,
    Busy,
    FailToFind,
    FailToVerify,
    Hang,
    Panic,
    /// Every login is accepted, even for an unknown user.
    AcceptAll,
    /// The desk accepts the login, but with a new session for another user.
    MistakeUser,
    /// The user directory fails, while the credential check works.
    FailDirectory,
}

/// The limit for a test's wait for a login. The clock is paused, so this wait takes no real time.
const PATIENCE: Duration = Duration::from_secs(600);

/// Pauses one call of `verify`, after the call has compared the password.
#[derive(Default)]
pub(crate) struct Pause {
    reached: Notify,
    go: Notify,
}

impl Pause {
    pub(crate) async fn reached(&self) {
        let reached = timeout(PATIENCE, self.reached.notified()).await;
        reached.expect("a login must reach `verify`");
    }

    pub(crate) fn go(&self) {
        self.go.notify_one();
    }
}

/// All clones share one state.
#[derive(Clone)]
pub(crate) struct Desk(Arc<State>);

struct State {
    people: Mutex<HashMap<String, Person>>,
    mood: Mutex<Mood>,
    pauses: Mutex<Vec<Arc<Pause>>>,
    finds: AtomicUsize,
    verifies: Mutex<Vec<Option<String>>>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let person = |password, role, active| Person { password, role, active };
        let people = [
            ("jeju", person("password123", Some("user"), true)),
            ("user", person("password123", Some("user"), true)),
            ("admin", person("admin123", Some("super_admin"), true)),
            ("suspended", person("password123", Some("user"), false)),
            ("nobody in particular", person("password123", None, true)),
        ];
        let people = people.map(|(name, person)| (name.to_owned(), person)).into();
        Self(Arc::new(State {
            people: Mutex::new(people),
            mood: Mutex::new(Mood::Answer),
            pauses: Mutex::default(),
            finds: AtomicUsize::new(0),
            verifies: Mutex::default(),
        }))
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.0.mood.lock().unwrap()
    }

    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Person)) {
        change(self.0.people.lock().unwrap().get_mut(id).unwrap());
    }

    pub(crate) fn add(&self, id: &str, password: &'static str) {
        let person = Person { password, role: Some("user"), active: true };
        self.0.people.lock().unwrap().insert(id.to_owned(), person);
    }

    /// Pauses the next call of `verify` that is not paused yet.
    pub(crate) fn pause(&self) -> Arc<Pause> {
        let pause = Arc::new(Pause::default());
        self.0.pauses.lock().unwrap().insert(0, Arc::clone(&pause));
        pause
    }

    pub(crate) fn finds(&self) -> usize {
        self.0.finds.load(Ordering::Relaxed)
    }

    /// Returns the user of each call of `verify` so far. For an unknown user, the entry is `None`.
    pub(crate) fn verifies(&self) -> Vec<Option<String>> {
        self.0.verifies.lock().unwrap().clone()
    }

    fn person(&self, id: &UserId) -> Option<Person> {
        self.0.people.lock().unwrap().get(id.as_str()).cloned()
    }
}

impl Credentials for Desk {
    async fn find(&self, login: &LoginName) -> Result<Option<UserId>, BoxError> {
        self.0.finds.fetch_add(1, Ordering::Relaxed);
        if self.mood() == Mood::FailToFind {
            return Err("the database at db.internal does not answer".into());
        }
        Ok(match login {
            LoginName::UserId(id) => self.person(id).map(|_| id.clone()),
            // `jeju+anything@test.com` belongs to the user `jeju`, although `normalized` does not
            // remove the tag. `Jeju@test.com` belongs to no user, although `normalized` ignores the
            // case.
            LoginName::Email(email) => email
                .strip_suffix("@test.com")
                .and_then(|name| UserId::parse(name.split('+').next()?).ok())
                .filter(|id| self.person(id).is_some()),
            _ => None,
        })
    }

    async fn verify(&self, id: Option<&UserId>, password: &Password) -> Result<Verdict, BoxError> {
        self.0.verifies.lock().unwrap().push(id.map(ToString::to_string));
        match self.mood() {
            Mood::Busy => return Ok(Verdict::Busy),
            Mood::FailToVerify => return Err("the database at db.internal does not answer".into()),
            Mood::Hang => std::future::pending().await,
            Mood::Panic => panic!("the desk panics, as the test wants"),
            Mood::AcceptAll => return Ok(Verdict::Accepted(NewSession::new(user("somebody")))),
            Mood::MistakeUser => return Ok(Verdict::Accepted(NewSession::new(user("admin")))),
            Mood::Answer | Mood::FailToFind | Mood::FailDirectory => {}
        }
        let verdict = match id.and_then(|id| Some((id, self.person(id)?))) {
            Some((_, person)) if person.password != password.as_str() => {
                Verdict::Refused(LoginRefusal::Credentials)
            }
            Some((_, person)) if !person.active => Verdict::Refused(LoginRefusal::AccountInactive),
            Some((id, person)) => {
                let new = NewSession::new(id.clone()).user_name(format!("Name of {id}"));
                let new = new.email(format!("{id}@test.com"));
                Verdict::Accepted(match person.role {
                    Some(role) => new.role(role),
                    None => new,
                })
            }
            None => Verdict::Refused(LoginRefusal::Credentials),
        };
        let pause = self.0.pauses.lock().unwrap().pop();
        if let Some(pause) = pause {
            pause.reached.notify_one();
            pause.go.notified().await;
        }
        Ok(verdict)
    }
}

impl UserDirectory for Desk {
    async fn find(&self, id: &UserId) -> Result<Option<User>, BoxError> {
        if self.mood() == Mood::FailDirectory {
            return Err("the directory at ldap.internal does not answer".into());
        }
        let user = |person: Person| {
            let user = User::new(person.active).user_name(format!("Name of {id}"));
            let user = user.email(format!("{id}@test.com"));
            match person.role {
                Some(role) => user.role(role),
                None => user.without_role(),
            }
        };
        Ok(self.person(id).map(user))
    }
}
