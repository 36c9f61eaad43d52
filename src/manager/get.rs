//! Reading one session.

use super::SessionManager;
use crate::cache::Session;
use crate::error::SessionError;
use crate::id::{SessionId, UserId};
use crate::resilience::Operation;
use crate::session::SessionData;

impl<D: SessionData> SessionManager<D> {
    /// Returns a live session with its exact last activity and idle deadline. Returns `None` if the
    /// session is revoked, expired or unknown.
    ///
    /// Costs two round trips to a remote store. Each has its own timeout.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer, or holds a record that this version
    /// cannot read.
    pub async fn get(
        &self,
        user: &UserId,
        id: &SessionId,
    ) -> Result<Option<Session<D>>, SessionError> {
        let store_client = &self.shared.store_client;
        let Some(record) =
            store_client.ask(Operation::Load, |store| store.load(user, id, None)).await?
        else {
            return Ok(None);
        };
        match self.exact_state(user, id, record).await {
            Ok(state) => Ok(Some(Session::of_state(state))),
            Err(SessionError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a session is live. Costs one round trip to a remote store.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] if the store cannot answer.
    pub async fn exists(&self, user: &UserId, id: &SessionId) -> Result<bool, SessionError> {
        let store_client = &self.shared.store_client;
        Ok(store_client.ask(Operation::Activity, |store| store.activity(user, id)).await?.is_some())
    }
}
