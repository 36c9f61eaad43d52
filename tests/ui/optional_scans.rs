//! A store without `impl ScanSessions`.

use tower_session_auth::store::ScanSessions;

struct MyStore;

fn scans<S: ScanSessions>(_: S) {}

pub fn main() {
    scans(MyStore);
}
