//! The data of the sessions cannot be written as JSON.

use tower_session_auth::SessionManager;

struct Cart {
    pub items: Vec<u64>,
}

pub fn main() {
    let _ = SessionManager::builder().data::<Cart>();
}
