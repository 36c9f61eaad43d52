//! The part of a live session that an application can change.

use std::fmt;

use super::Content;

/// The part of a live session that the closure of
/// [`SessionManager::update`](crate::SessionManager::update) can change.
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
    /// Applies `change` to the editable part of the content.
    pub(crate) fn edited(self, change: impl FnOnce(&mut SessionEdit<D>)) -> Self {
        let Self { user_name, email, role, data, .. } = self;
        let mut edit = SessionEdit { user_name, email, role, data };
        change(&mut edit);
        let SessionEdit { user_name, email, role, data } = edit;
        Self { user_name, email, role, data, ..self }
    }
}

// Names and e-mail addresses stay out of logs.
impl<D> fmt::Debug for SessionEdit<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEdit").finish_non_exhaustive()
    }
}
