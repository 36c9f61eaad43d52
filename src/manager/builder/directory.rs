//! The settings of the user directory.

use std::sync::Arc;
use std::time::Duration;

use super::SessionManagerBuilder;
use crate::directory::UserDirectory;
use crate::session::SessionData;

impl<D: SessionData> SessionManagerBuilder<D> {
    /// Sets the directory that states whether a user's account is active. Default: none. Without a
    /// directory, the manager checks only the session.
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

    /// Sets how long this process uses the directory's answer "active" before it calls the
    /// directory again. If no invalidation arrives for a cache entry, this process uses the entry
    /// for at most the same time, and then asks the store again. Default: 30 seconds. Maximum: 1
    /// hour. With zero, every request calls the directory and the store.
    ///
    /// [`suspend`](crate::SessionManager::suspend) takes effect without this delay.
    pub fn revalidate_after(mut self, time: Duration) -> Self {
        self.settings.accounts.revalidate_after = time;
        self
    }

    /// Uses the roles of the [user directory](Self::directory). By default the role of a request is
    /// the session's role, and the directory's role is ignored.
    ///
    /// A change of the role in the directory takes effect within
    /// [`revalidate_after`](Self::revalidate_after) for guards, routes, extractors and refreshed
    /// tokens. A background task updates the stored sessions. The section
    /// [Roles](crate::directory#roles) has the details.
    ///
    /// This setting requires a [`directory`](Self::directory). It causes no additional directory
    /// call, because the directory's answer about the account contains the role. For each change of
    /// a role, the manager lists the user's sessions once and writes all of them in one step.
    pub fn directory_roles(mut self) -> Self {
        self.settings.accounts.with_roles = true;
        self
    }
}
