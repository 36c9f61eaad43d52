//! Concurrent operations on one session.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, join_all, user};
use crate::reason::RevokeReason;
use crate::store::{Created, NewRecord, Opened, SessionStore, Updated};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn race(&self) {
        self.one_of_many_concurrent_creates_of_one_id_succeeds().await;
        self.concurrent_updates_are_not_lost().await;
        self.operations_concurrent_with_delete_do_not_revive_the_session().await;
        self.one_of_many_concurrent_deletes_reports_a_live_session().await;
    }

    async fn one_of_many_concurrent_creates_of_one_id_succeeds(&self) {
        for _ in 0..10 {
            let (owner, id) = (user(), id());
            let news: Vec<_> = (0..20_u8)
                .map(|i| NewRecord::new(LONG, LONG, Bytes::copy_from_slice(&[i])))
                .collect();
            let made = join_all(news.iter().map(|new| self.create(&owner, &id, new))).await;
            let mut won =
                news.iter().zip(made).filter(|(_, made)| matches!(made, Created::Created(_)));
            let Some((first, Created::Created(Opened { at, .. }))) = won.next() else {
                panic!("one of many creates of one id must succeed");
            };
            assert!(won.next().is_none(), "only one of many creates of one id may succeed");
            let found = self.load(&super::Session { user: owner.clone(), id, at }).await;
            let payload = found.map(|record| record.payload);
            assert_eq!(
                payload.as_ref(),
                Some(&first.payload),
                "the payload of the successful create is stored"
            );
        }
    }

    async fn concurrent_updates_are_not_lost(&self) {
        let session = self.session(LONG, LONG).await;
        assert_eq!(
            self.write(&session, 1, b"0").await,
            Updated::Written(2),
            "the first update succeeds"
        );
        let add_ten = || async {
            for _ in 0..10 {
                loop {
                    let Some(found) = self.load(&session).await else {
                        panic!("an update must not end the session");
                    };
                    let text = String::from_utf8_lossy(&found.payload).into_owned();
                    let sum: u64 = text.parse().unwrap_or_else(|_| panic!("{text:?}"));
                    let next = (sum + 1).to_string();
                    match self.write(&session, found.revision, next.as_bytes()).await {
                        Updated::Written(_) => break,
                        Updated::Conflict => {}
                        Updated::Gone => panic!("an update must not end the session"),
                    }
                    let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
                }
            }
        };
        drop(join_all((0..8).map(|_| add_ten())).await);
        let found = self.load(&session).await.map(|record| (record.revision, record.payload));
        let expected = Some((82, Bytes::from_static(b"80")));
        assert_eq!(found, expected, "each update is done exactly once");
    }

    async fn operations_concurrent_with_delete_do_not_revive_the_session(&self) {
        for turn in 0..20_usize {
            let session = self.session(LONG, LONG).await;
            let verb = |i: usize| {
                let session = &session;
                async move {
                    match (i + turn) % 5 {
                        0 => drop(self.touch_one(session, Duration::ZERO, Duration::MAX).await),
                        1 => drop(self.write(session, 1, b"late").await),
                        2 => {
                            let new = NewRecord::new(LONG, LONG, Bytes::new());
                            let again = self.create(&session.user, &session.id, &new).await;
                            assert_eq!(again, Created::AlreadyExists, "an id in use is rejected");
                        }
                        3 => drop(self.load(session).await),
                        _ => drop(self.end(session, RevokeReason::Logout).await),
                    }
                }
            };
            drop(join_all((0..25).map(verb)).await);
            self.assert_ended(&session, "no concurrent operation revives a deleted session").await;
            assert_eq!(
                self.revoke_reason(&session).await,
                Some(RevokeReason::Logout),
                "the tombstone holds the reason"
            );
        }
    }

    async fn one_of_many_concurrent_deletes_reports_a_live_session(&self) {
        let session = self.session(LONG, LONG).await;
        let ends = (0..10).map(|_| self.end(&session, RevokeReason::Logout));
        let lived = join_all(ends).await.into_iter().filter(|lived| *lived).count();
        assert_eq!(lived, 1, "only one delete returns that the session was live");
        let session = self.session(LONG, LONG).await;
        let ends = (0..10).map(|_| self.end_all(&session.user, RevokeReason::LogoutAll));
        let told: Vec<_> = join_all(ends).await.into_iter().flatten().collect();
        assert_eq!(told, [session.id], "only one revocation returns the session");
    }
}
