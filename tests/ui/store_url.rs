//! The store is given as its address.

use tower_session_auth::SessionManager;

pub fn main() {
    let _ = SessionManager::builder().store("redis://127.0.0.1");
}
