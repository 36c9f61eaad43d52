//! Selects the effective role of a session: the stored role, or the user directory's.

use serde::Deserialize;

use super::Content;
use super::content::head;
use crate::directory::Role;

impl<D> Content<D> {
    /// Returns the effective role for this answer of the directory.
    pub(crate) fn role_by<'a>(&'a self, directory: &'a Role) -> Option<&'a str> {
        match directory {
            Role::None => None,
            Role::Is(role) if !self.narrowed => Some(role),
            Role::Unchanged | Role::Is(_) => self.role.as_deref(),
        }
    }

    /// Returns the content with the effective role for this answer of the directory.
    pub(crate) fn with_role_by(self, directory: &Role) -> Self {
        let role = self.role_by(directory).map(str::to_owned);
        Self { role, ..self }
    }
}

/// Returns the role in a payload. Does not read the application's data, which a store may have cut
/// off. Returns `None` if there is no role, or if the payload cannot be read.
pub(crate) fn role_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Stored {
        role: Option<String>,
    }
    serde_json::from_slice::<Stored>(&head(payload)).ok()?.role
}
