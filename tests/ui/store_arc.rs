//! The store is given in an `Arc`.

use std::sync::Arc;

use tower_session_auth::SessionManager;
use tower_session_auth::store::MemoryStore;

pub fn main() {
    let _ = SessionManager::builder().store(Arc::new(MemoryStore::new()));
}
