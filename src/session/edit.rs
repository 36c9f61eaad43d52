//! What a change of a living session may touch.

use std::fmt;

use super::Content;

/// The part of a session that can be changed while it lives, as a closure sees it in
/// [`SessionManager::update`](crate::SessionManager::update).
#[non_exhaustive]
pub struct SessionEdit<D = ()> {
    /// The user's display name.
    pub user_name: Option<String>,
    /// The user's e-mail address.
    pub email: Option<String>,
    /// The user's role.
    pub role: Option<String>,
    /// The application's own data.
    pub data: D,
}

impl<D> Content<D> {
    /// Lets `change` have its part of the content.
    pub(crate) fn edited(self, change: impl FnOnce(&mut SessionEdit<D>)) -> Self {
        let Self { user_name, email, role, data, .. } = self;
        let mut edit = SessionEdit { user_name, email, role, data };
        change(&mut edit);
        let SessionEdit { user_name, email, role, data } = edit;
        Self { user_name, email, role, data, ..self }
    }
}

// Names and addresses of people stay out of logs.
impl<D> fmt::Debug for SessionEdit<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEdit").finish_non_exhaustive()
    }
}
