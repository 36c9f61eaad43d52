//! Which role of a session counts: the stored one, or the user directory's.

use serde::Deserialize;

use super::Content;
use super::content::head;
use crate::directory::Role;

impl<D> Content<D> {
    /// The role that counts where the directory says this.
    pub(crate) fn role_by<'a>(&'a self, directory: &'a Role) -> Option<&'a str> {
        match directory {
            Role::None => None,
            Role::Is(role) if !self.narrowed => Some(role),
            Role::Unchanged | Role::Is(_) => self.role.as_deref(),
        }
    }

    /// With the role that counts where the directory says this.
    pub(crate) fn with_role_by(self, directory: &Role) -> Self {
        let role = self.role_by(directory).map(str::to_owned);
        Self { role, ..self }
    }
}

/// The role in a payload, whatever its data are, also where a store has cut those off; `None` also when it cannot be
/// read.
pub(crate) fn role_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Stored {
        role: Option<String>,
    }
    serde_json::from_slice::<Stored>(&head(payload)).ok()?.role
}
