//! A store without `impl MaintainStore`.

use tower_session_auth::store::MaintainStore;

struct MyStore;

fn maintains<S: MaintainStore>(_: S) {}

pub fn main() {
    maintains(MyStore);
}
