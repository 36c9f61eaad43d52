//! The user directory is a type without an implementation.

use tower_session_auth::SessionManager;

struct Accounts;

pub fn main() {
    let _ = SessionManager::builder().directory(Accounts);
}
