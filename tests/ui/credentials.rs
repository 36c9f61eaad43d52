//! The credentials are a type without an implementation.

use tower_session_auth::SessionManager;
use tower_session_auth::routes::Routes;

struct Accounts;

pub fn main(manager: SessionManager) {
    let _ = Routes::builder(manager, Accounts);
}
