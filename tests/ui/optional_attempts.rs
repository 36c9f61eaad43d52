//! A store without `impl CountAttempts`.

use tower_session_auth::store::CountAttempts;

struct MyStore;

fn counts<S: CountAttempts>(_: S) {}

pub fn main() {
    counts(MyStore);
}
