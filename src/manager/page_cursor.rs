//! Cursors as applications and clients receive them. Each is the store's own cursor with a
//! signature.

use std::fmt;

use super::SessionManager;
use crate::error::SessionError;
use crate::session::SessionData;
use crate::store::ScanCursor;

/// Marks where a scan over all sessions continues. The application can hand a cursor to a client:
/// the cursor is signed, so a client cannot forge one.
#[derive(Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The purpose that cursors are signed for.
    const PURPOSE: &str = "cursor";

    /// Wraps a cursor that a client sent back. The manager checks its signature when an operation
    /// uses the cursor.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text for a client: letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

// The text stays out of logs, because it names users.
impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("bytes", &self.0.len()).finish()
    }
}

impl<D: SessionData> SessionManager<D> {
    /// Signs the store's own cursor together with the kind of the store.
    pub(super) fn signed_cursor(&self, cursor: &ScanCursor) -> Result<Cursor, SessionError> {
        let text = format!("{}\n{}", self.shared.store_client.kind(), cursor.as_str());
        self.shared.policy.load().seal(Cursor::PURPOSE, &text).map(Cursor)
    }

    /// Checks the signature of a cursor. Also checks that the cursor was made for a store of the
    /// same kind as this manager's store. Returns the store's own cursor.
    pub(super) fn checked_cursor(
        &self,
        cursor: Option<&Cursor>,
    ) -> Result<Option<ScanCursor>, SessionError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let text = self.shared.policy.load().unseal(Cursor::PURPOSE, cursor.as_str());
        let (text, _) = text.ok_or(SessionError::Cursor)?;
        match text.split_once('\n') {
            Some((kind, cursor)) if kind == self.shared.store_client.kind() => {
                Ok(Some(ScanCursor::new(cursor)))
            }
            _ => Err(SessionError::Cursor),
        }
    }
}
