//! The settings of the user directory.

use std::sync::Arc;
use std::time::Duration;

use super::SessionManagerBuilder;
use crate::directory::UserDirectory;
use crate::session::SessionData;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the directory that tells whether a user's account is active. Default: none. The manager
    /// then checks only the session.
    pub fn directory(mut self, directory: impl UserDirectory) -> Self {
        self.settings.accounts.directory = Some(Arc::new(directory));
        self
    }

    /// Sets the timeout of one call to the user directory, counted from its start. Default: 250
    /// milliseconds. Range: 1 millisecond to 10 seconds.
    pub fn directory_timeout(mut self, timeout: Duration) -> Self {
        self.settings.accounts.timeout = timeout;
        self
    }

    /// Sets how long this process uses the answer "active" before it asks the directory again. Also
    /// sets how long this process uses a cache entry before it asks the store, if no invalidation
    /// arrives. Default: 30 seconds. Maximum: 1 hour. With zero, every request asks the directory
    /// and the store.
    ///
    /// [`suspend`](crate::SessionManager::suspend) takes effect without this delay.
    pub fn revalidate_after(mut self, time: Duration) -> Self {
        self.settings.accounts.revalidate_after = time;
        self
    }

    /// Uses the roles of the [user directory](Self::directory). By default the role of a request is
    /// the session's role, and the directory's role is ignored.
    ///
    /// A change in the directory takes effect within [`revalidate_after`](Self::revalidate_after)
    /// for guards, routes, extractors and refreshed tokens. The stored sessions are updated in the
    /// background. [Roles](crate::directory#roles) has the rules.
    ///
    /// This setting needs no extra directory call, because the role comes with the answer about the
    /// account. A change of the role costs one list and one write of the user's sessions. The
    /// setting requires a [`directory`](Self::directory).
    pub fn directory_roles(mut self) -> Self {
        self.settings.accounts.with_roles = true;
        self
    }
}
