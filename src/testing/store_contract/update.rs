//! Updates: the payload is replaced only if the caller passes the current revision.

use std::time::Duration;

use bytes::Bytes;

use super::{LONG, Suite, id, user};
use crate::reason::RevokeReason;
use crate::store::{Created, NewRecord, Opened, SessionStore, Touched, Updated};

impl<St: SessionStore, A: AsyncFn(Duration)> Suite<'_, St, A> {
    pub(super) async fn update(&self) {
        self.update_replaces_only_the_payload().await;
        self.update_with_a_wrong_revision_is_a_conflict().await;
        self.update_of_a_revoked_session_returns_gone().await;
        self.payloads_are_stored_byte_for_byte().await;
    }

    async fn update_replaces_only_the_payload(&self) {
        let session = self.session(LONG, LONG * 2).await;
        let Some(before) = self.load(&session).await else { panic!("load must find the session") };
        let uses = self.uses(&session).await;
        self.pass(self.moment).await;
        let written = self.write(&session, 1, b"second").await;
        assert_eq!(written, Updated::Written(2), "an update increments the revision");
        let Some(after) = self.load(&session).await else {
            panic!("an update must not end the session")
        };
        assert_eq!(after.payload, &b"second"[..], "an update replaces the payload");
        assert_eq!(after.revision, 2, "an update increments the revision");
        assert_eq!(after.created, before.created, "an update does not change `created`");
        assert_eq!(after.idle_ttl, before.idle_ttl, "an update does not change the idle TTL");
        let absolute = before.absolute_deadline;
        assert_eq!(after.absolute_deadline, absolute, "an update does not change deadlines");
        assert_eq!(self.uses(&session).await, uses, "an update is not a use");
        let third = self.write(&session, 2, b"third").await;
        assert_eq!(third, Updated::Written(3), "an update increments the revision");
        let touched = self.touch_one(&session, Duration::ZERO, Duration::ZERO).await;
        assert_eq!(
            touched,
            Touched::Lives(uses.idle_deadline),
            "an update does not change deadlines"
        );
    }

    async fn update_with_a_wrong_revision_is_a_conflict(&self) {
        let session = self.session(LONG, LONG).await;
        let _ = self.write(&session, 1, b"second").await;
        let before = self.load(&session).await;
        for stale in [0, 1, 3, 12, u64::MAX] {
            let updated = self.write(&session, stale, b"stale").await;
            assert_eq!(updated, Updated::Conflict, "revision {stale} is not the current one");
            assert_eq!(self.load(&session).await, before, "a conflict changes nothing");
        }
    }

    async fn update_of_a_revoked_session_returns_gone(&self) {
        let session = self.session(LONG, LONG).await;
        assert!(self.end(&session, RevokeReason::Logout).await, "the session was live");
        let updated = self.write(&session, 1, b"late").await;
        assert_eq!(updated, Updated::Gone, "an update is not an upsert");
        self.assert_ended(&session, "an update is not an upsert").await;
    }

    async fn payloads_are_stored_byte_for_byte(&self) {
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let large = vec![b'x'; 64 * 1024];
        let payloads: [&[u8]; 9] = [
            b"",
            br#"{"roles":[],"meta":{}}"#,
            br#"{"n":9007199254740993,"m":18446744073709551615,"x":1e400,"y":0.1}"#,
            r#"{"name":"Zoë 王 🦀 \u0000"}"#.as_bytes(),
            b"\n1 1 1 1 1\n",
            b"%s %d %%1 ' \" \\ \r\n\t",
            &every_byte,
            &large,
            b"null",
        ];
        for payload in payloads {
            let (owner, id) = (user(), id());
            let new = NewRecord::new(LONG, LONG, Bytes::copy_from_slice(payload));
            let Created::Created(Opened { at, .. }) = self.create(&owner, &id, &new).await else {
                panic!("create must accept a new id");
            };
            let session = super::Session { user: owner, id, at };
            let promise = "a payload is stored byte for byte";
            let shown = String::from_utf8_lossy(payload.get(..40).unwrap_or(payload)).into_owned();
            for revision in 1..=2 {
                let found = self.load(&session).await.map(|record| record.payload);
                assert!(found.is_some_and(|found| found == payload), "{promise}: {shown:?}");
                let _ = self.touch_one(&session, Duration::ZERO, Duration::MAX).await;
                let updated = self.write(&session, revision, payload).await;
                assert_eq!(updated, Updated::Written(revision + 1), "{promise}: {shown:?}");
            }
        }
    }
}
