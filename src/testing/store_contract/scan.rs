//! Scans return all sessions, page by page. Cleanup frees expired sessions.

use std::collections::HashSet;
use std::time::Duration;

use super::{LONG, Session, Suite, named, odd_names, user};
use crate::id::{SessionId, UserId};
use crate::reason::RevokeReason;
use crate::store::{Listed, ScanCursor, SessionStore, StoreError, StoreErrorKind};

/// More pages than any test store has. A scan that does not end fails at this number of pages.
const ENDLESS: usize = 1_000_000;

/// Texts that no store uses as a cursor.
const ELSEWHERE: [&str; 7] = ["", "\0", "no position", "{}", "🦀", "-1", ",,,,"];

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    /// Returns whether the store can scan.
    pub(super) async fn can_scan(&self) -> bool {
        let unsupported = |error: StoreError| error.kind() == StoreErrorKind::Unsupported;
        !self.store.scan(None, 1).await.is_err_and(unsupported)
    }

    pub(super) async fn scans(&self) {
        self.scan_returns_every_live_session().await;
        self.scan_returns_sessions_that_stay_live_during_the_scan().await;
        self.cleanup_keeps_live_sessions_tombstones_and_login_fences().await;
        self.foreign_cursor_is_rejected().await;
        self.heads_contain_the_payload_up_to_the_first_line_feed().await;
    }

    /// Scans all pages and checks the length of each page. `between` runs after each page.
    async fn scan(&self, limit: usize, between: impl AsyncFn(usize)) -> Vec<Listed> {
        let (mut shown, mut from) = (Vec::new(), None);
        for turn in 0..ENDLESS {
            let page = super::ok("scan", self.store.scan(from.as_ref(), limit).await);
            let Some(page) = page else { panic!("a store must accept its own cursor: {from:?}") };
            assert!(page.sessions.len() <= limit.max(1), "a page has at most {limit} sessions");
            shown.extend(page.sessions);
            between(turn).await;
            let Some(next) = page.next else { return shown };
            // The cursor may travel as text, for example in an HTTP response.
            from = Some(ScanCursor::new(next.as_str()));
        }
        panic!("a scan must end");
    }

    /// Creates sessions. One user has more sessions than fit on a small page.
    async fn create_many(&self) -> Vec<Session> {
        let mut sessions = Vec::new();
        let crowd = user();
        for _ in 0..9 {
            sessions.push(self.session_of(&crowd, LONG, LONG).await);
        }
        for name in odd_names() {
            let owner = named(&name);
            drop(self.end_all(&owner, RevokeReason::Admin).await);
            for _ in 0..2 {
                sessions.push(self.session_of(&owner, LONG, LONG).await);
            }
        }
        sessions
    }

    async fn revoke_sessions_of(&self, sessions: &[Session]) {
        for session in sessions {
            drop(self.end_all(&session.user, RevokeReason::Admin).await);
        }
    }

    async fn scan_returns_every_live_session(&self) {
        let sessions = self.create_many().await;
        let _ = self.touch_one(&sessions[0], Duration::ZERO, Duration::MAX).await;
        let _ = self.write(&sessions[1], 1, b"second").await;
        let brief = self.session_of(&sessions[0].user, self.moment, LONG).await;
        let ended = self.session_of(&sessions[0].user, LONG, LONG).await;
        assert!(self.end(&ended, RevokeReason::Logout).await, "the session was live");
        self.pass(self.moment * 2).await;
        let mut expected = Vec::new();
        for session in &sessions {
            expected.push(self.shown(session).await);
        }
        let owners: HashSet<&UserId> = sessions.iter().map(|session| &session.user).collect();
        for limit in [1, 2, 7, 1_000, 0, usize::MAX] {
            let shown = self.scan(limit, async |_| {}).await;
            for expected in &expected {
                let Listed { user, id, .. } = expected;
                let found = shown.iter().find(|shown| (&shown.user, &shown.id) == (user, id));
                assert_eq!(
                    found,
                    Some(expected),
                    "a scan with limit {limit} returns a session of {user:?}"
                );
            }
            let own: HashSet<(&UserId, &SessionId)> = shown
                .iter()
                .filter(|shown| owners.contains(&shown.user))
                .map(|shown| (&shown.user, &shown.id))
                .collect();
            assert_eq!(
                own.len(),
                sessions.len(),
                "a scan with limit {limit} returns only live sessions"
            );
        }
        self.assert_ended(&brief, "a scan does not revive a session").await;
        self.revoke_sessions_of(&sessions).await;
    }

    async fn scan_returns_sessions_that_stay_live_during_the_scan(&self) {
        for limit in [1, 7] {
            let sessions = self.create_many().await;
            let (kept, leaving): (Vec<_>, Vec<_>) =
                sessions.iter().enumerate().partition(|(i, _)| i % 3 > 0);
            let coming = user();
            let shown = self
                .scan(limit, async |turn| {
                    if let Some((_, leaving)) = leaving.get(turn) {
                        assert!(
                            self.end(leaving, RevokeReason::Logout).await,
                            "the session was live"
                        );
                    }
                    if turn < 40 {
                        drop(self.session_of(&coming, LONG, LONG).await);
                        drop(self.session(LONG, LONG).await);
                    }
                })
                .await;
            let shown: HashSet<_> = shown.iter().map(|shown| (&shown.user, &shown.id)).collect();
            for (_, kept) in kept {
                let found = shown.contains(&(&kept.user, &kept.id));
                assert!(
                    found,
                    "a scan with limit {limit} returns a session that stays live: {:?}",
                    kept.user
                );
            }
            self.revoke_sessions_of(&sessions).await;
            drop(self.end_all(&coming, RevokeReason::Admin).await);
        }
    }

    async fn cleanup_keeps_live_sessions_tombstones_and_login_fences(&self) {
        let mut sessions = Vec::new();
        let mut expired = Vec::new();
        for i in 0..30 {
            let owner = user();
            expired.push(self.session_of(&owner, self.moment, LONG).await);
            if i % 2 == 0 {
                sessions.push(self.session_of(&owner, LONG, LONG).await);
            }
        }
        let ended = self.session(LONG, LONG).await;
        assert!(self.end(&ended, RevokeReason::Admin).await, "the session was live");
        let logged_out = user();
        drop(self.end_all(&logged_out, RevokeReason::LogoutAll).await);
        let login_fence = self.login_fence(&logged_out).await;
        let mut expected = Vec::new();
        for session in &sessions {
            expected.push(self.shown(session).await);
        }
        self.pass(self.moment * 2).await;
        for _ in 0..2 {
            let mut from = None;
            for turn in 0.. {
                assert!(turn < ENDLESS, "a cleanup must end");
                let step = super::ok("cleanup", self.store.cleanup(from.as_ref()).await);
                let Some(step) = step else { panic!("a store must accept its own cursor") };
                let Some(next) = step.next else { break };
                from = Some(ScanCursor::new(next.as_str()));
            }
            for (session, expected) in sessions.iter().zip(&expected) {
                let shown = self.shown(session).await;
                assert_eq!(shown, *expected, "a cleanup does not change live sessions");
            }
            for expired in &expired {
                self.assert_ended(expired, "a cleanup does not revive a session").await;
                assert_eq!(
                    self.revoke_reason(expired).await,
                    None,
                    "an expired session has no tombstone"
                );
            }
            let reason = self.revoke_reason(&ended).await;
            assert_eq!(reason, Some(RevokeReason::Admin), "a cleanup keeps tombstones");
        }
        assert_eq!(
            self.login_fence(&logged_out).await,
            login_fence,
            "a cleanup keeps the login fence"
        );
    }

    async fn foreign_cursor_is_rejected(&self) {
        let long = "x".repeat(10_000);
        for text in ELSEWHERE.into_iter().chain([long.as_str()]) {
            let cursor = ScanCursor::new(text);
            let page = super::ok("scan", self.store.scan(Some(&cursor), 10).await);
            assert_eq!(page, None, "{text:?} is not a cursor");
            let step = super::ok("cleanup", self.store.cleanup(Some(&cursor)).await);
            assert_eq!(step, None, "{text:?} is not a cursor");
        }
    }

    async fn heads_contain_the_payload_up_to_the_first_line_feed(&self) {
        let payloads: [&[u8]; 5] = [
            b"{\"role\":\"user\",\n\"data\":{\"a\":\"\\n\"}}",
            b"{\n\"data\":null}",
            b"{\"role\":\"user\",\"data\":null}",
            b"no JSON\nand\nmore\n",
            b"",
        ];
        let owner = user();
        let mut sessions = Vec::new();
        for payload in payloads {
            let session = self.session_of(&owner, LONG, LONG).await;
            let _ = self.write(&session, 1, payload).await;
            sessions.push(session);
        }
        let mut whole = self.list(&owner).await;
        whole.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let mut heads = super::ok("list_heads", self.store.list_heads(&owner).await);
        heads.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let page = super::ok("scan_heads", self.store.scan_heads(None, usize::MAX).await);
        let page = page.map_or_else(Vec::new, |page| page.sessions);
        for whole in whole {
            let listed = heads.iter().find(|head| head.id == whole.id);
            let scanned = page.iter().find(|head| head.id == whole.id);
            // The page may end before it reaches this user's sessions.
            for head in listed.into_iter().chain(scanned) {
                let payload = &head.record.payload;
                assert!(
                    whole.record.payload.starts_with(payload),
                    "a head is a prefix of the payload"
                );
                let is_cut = payload.len() < whole.record.payload.len();
                assert!(
                    !is_cut || payload.ends_with(b"\n"),
                    "a head is cut only after a line feed"
                );
                let mut expected = head.clone();
                expected.record.payload = whole.record.payload.clone();
                assert_eq!(expected, whole, "a head differs only in the payload");
            }
            assert!(listed.is_some(), "list_heads returns each session");
        }
        self.revoke_sessions_of(&sessions).await;
    }
}
