//! Scans: all sessions, page by page; and cleanup, which frees expired sessions.

use std::collections::HashSet;
use std::time::Duration;

use super::{LONG, Session, Suite, named, odd_names, user};
use crate::id::{SessionId, UserId};
use crate::reason::EndReason;
use crate::store::{Listed, ScanCursor, SessionStore};

/// More pages than a scan of a test store can have. A scan that does not end fails at this number.
const ENDLESS: usize = 1_000_000;

/// Texts that no store uses as a cursor.
const ELSEWHERE: [&str; 7] = ["", "\0", "no position", "{}", "🦀", "-1", ",,,,"];

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn scans(&self) {
        self.a_walk_shows_every_session().await;
        self.a_walk_shows_what_lives_from_its_beginning_to_its_end().await;
        self.a_cleanup_frees_nothing_else().await;
        self.a_position_from_elsewhere_is_none().await;
        self.heads_have_all_that_stands_before_the_first_line_feed().await;
    }

    /// Scans all pages and checks the length of each. `between` runs after each page.
    async fn scan(&self, limit: usize, between: impl AsyncFn(usize)) -> Vec<Listed> {
        let (mut shown, mut from) = (Vec::new(), None);
        for turn in 0..ENDLESS {
            let page = super::ok("scan", self.store.scan(from.as_ref(), limit).await);
            let Some(page) = page else { panic!("a store knows its own positions: {from:?}") };
            assert!(page.sessions.len() <= limit.max(1), "a page has {limit} sessions at most");
            shown.extend(page.sessions);
            between(turn).await;
            let Some(next) = page.next else { return shown };
            // The cursor may travel as text, for example in an HTTP response.
            from = Some(ScanCursor::new(next.as_str()));
        }
        panic!("a walk has an end");
    }

    /// Creates sessions. One user has more of them than fit on a small page.
    async fn many(&self) -> Vec<Session> {
        let mut sessions = Vec::new();
        let crowd = user();
        for _ in 0..9 {
            sessions.push(self.session_of(&crowd, LONG, LONG).await);
        }
        for name in odd_names() {
            let owner = named(&name);
            drop(self.end_all(&owner, EndReason::Admin).await);
            for _ in 0..2 {
                sessions.push(self.session_of(&owner, LONG, LONG).await);
            }
        }
        sessions
    }

    async fn leave(&self, sessions: &[Session]) {
        for session in sessions {
            drop(self.end_all(&session.user, EndReason::Admin).await);
        }
    }

    async fn a_walk_shows_every_session(&self) {
        let sessions = self.many().await;
        let _ = self.touch_one(&sessions[0], Duration::ZERO, Duration::MAX).await;
        let _ = self.write(&sessions[1], 1, b"second").await;
        let brief = self.session_of(&sessions[0].user, self.moment, LONG).await;
        let ended = self.session_of(&sessions[0].user, LONG, LONG).await;
        assert!(self.end(&ended, EndReason::Logout).await, "delete tells that it lived");
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
                assert_eq!(found, Some(expected), "a walk by {limit} shows a session of {user:?}");
            }
            let own: HashSet<(&UserId, &SessionId)> = shown
                .iter()
                .filter(|shown| owners.contains(&shown.user))
                .map(|shown| (&shown.user, &shown.id))
                .collect();
            assert_eq!(own.len(), sessions.len(), "a walk by {limit} shows only living sessions");
        }
        self.assert_ended(&brief, "a walk revives nothing").await;
        self.leave(&sessions).await;
    }

    async fn a_walk_shows_what_lives_from_its_beginning_to_its_end(&self) {
        for limit in [1, 7] {
            let sessions = self.many().await;
            let (kept, leaving): (Vec<_>, Vec<_>) =
                sessions.iter().enumerate().partition(|(i, _)| i % 3 > 0);
            let coming = user();
            let shown = self
                .scan(limit, async |turn| {
                    if let Some((_, leaving)) = leaving.get(turn) {
                        assert!(self.end(leaving, EndReason::Logout).await, "it lived");
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
                assert!(found, "a walk by {limit} shows what lives all the time: {:?}", kept.user);
            }
            self.leave(&sessions).await;
            drop(self.end_all(&coming, EndReason::Admin).await);
        }
    }

    async fn a_cleanup_frees_nothing_else(&self) {
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
        assert!(self.end(&ended, EndReason::Admin).await, "delete tells that it lived");
        let logged_out = user();
        drop(self.end_all(&logged_out, EndReason::LogoutAll).await);
        let guard = self.guard(&logged_out).await;
        let mut expected = Vec::new();
        for session in &sessions {
            expected.push(self.shown(session).await);
        }
        self.pass(self.moment * 2).await;
        for _ in 0..2 {
            let mut from = None;
            for turn in 0.. {
                assert!(turn < ENDLESS, "a cleanup has an end");
                let step = super::ok("cleanup", self.store.cleanup(from.as_ref()).await);
                let Some(step) = step else { panic!("a store knows its own positions") };
                let Some(next) = step.next else { break };
                from = Some(ScanCursor::new(next.as_str()));
            }
            for (session, expected) in sessions.iter().zip(&expected) {
                let shown = self.shown(session).await;
                assert_eq!(shown, *expected, "a cleanup leaves living sessions alone");
            }
            for expired in &expired {
                self.assert_ended(expired, "a cleanup revives nothing").await;
                assert_eq!(self.ended(expired).await, None, "an expired session was not ended");
            }
            let reason = self.ended(&ended).await;
            assert_eq!(reason, Some(EndReason::Admin), "a cleanup forgets no reason");
        }
        assert_eq!(self.guard(&logged_out).await, guard, "a cleanup leaves the login guard alone");
    }

    async fn a_position_from_elsewhere_is_none(&self) {
        let long = "x".repeat(10_000);
        for text in ELSEWHERE.into_iter().chain([long.as_str()]) {
            let cursor = ScanCursor::new(text);
            let page = super::ok("scan", self.store.scan(Some(&cursor), 10).await);
            assert_eq!(page, None, "{text:?} is no position");
            let step = super::ok("cleanup", self.store.cleanup(Some(&cursor)).await);
            assert_eq!(step, None, "{text:?} is no position");
        }
    }

    async fn heads_have_all_that_stands_before_the_first_line_feed(&self) {
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
                assert!(whole.record.payload.starts_with(payload), "a head is a beginning");
                let is_cut = payload.len() < whole.record.payload.len();
                assert!(!is_cut || payload.ends_with(b"\n"), "what is cut off follows a line feed");
                let mut expected = head.clone();
                expected.record.payload = whole.record.payload.clone();
                assert_eq!(expected, whole, "all but the payload is the same");
            }
            assert!(listed.is_some(), "a list of heads has each session");
        }
        self.leave(&sessions).await;
    }
}
