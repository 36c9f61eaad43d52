//! The mount points of the routes.

use std::collections::BTreeSet;

use super::delivery::Delivery;
use super::endpoints::Group;
use crate::error::ConfigError;

/// The mount points of the routes. Both the router and the OpenAPI document are made from this
/// list.
///
/// A prefix has one or more segments. Each segment is `/` and at least one letter, digit, `-`, `_`,
/// `.` or `~`: `/auth`, `/api/v1/sessions`.
///
/// ```
/// use tower_session_auth::routes::Mounts;
///
/// # fn main() -> Result<(), tower_session_auth::error::ConfigError> {
/// let mounts = Mounts::new().auth("/v1/auth")?.session("/v1/session")?.health("/health")?;
/// assert!(mounts.auth("/v1/session").is_err()); // both have a `/me`
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts {
    places: Vec<(Group, String)>,
}

impl Mounts {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the standard mount points: auth routes at `/api/auth` and `/auth`, session routes at
    /// `/api/session`, health routes at `/health`.
    #[must_use]
    pub fn standard() -> Self {
        let places = [
            (Group::Auth, "/api/auth"),
            (Group::Auth, "/auth"),
            (Group::Session, "/api/session"),
            (Group::Health, "/health"),
        ];
        Self { places: places.map(|(group, prefix)| (group, prefix.to_owned())).into() }
    }

    /// Mounts the auth routes at `prefix`: the routes of [`Routes::auth`](super::Routes::auth).
    ///
    /// The path of the refresh cookie is `prefix`. If `prefix` lies below other auth mount points,
    /// the path is the prefix of the outermost one. If
    /// [`RefreshCookie::path`](super::RefreshCookie::path) is set, that path applies instead.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if `prefix` is not a valid prefix, or if two routes would have
    /// the same path.
    pub fn auth(self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        self.and(Group::Auth, prefix.into())
    }

    /// Mounts the session routes at `prefix`: the routes of
    /// [`Routes::session`](super::Routes::session).
    ///
    /// # Errors
    ///
    /// As for [`auth`](Self::auth).
    pub fn session(self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        self.and(Group::Session, prefix.into())
    }

    /// Mounts the health routes at `prefix`: the routes of
    /// [`Routes::health`](super::Routes::health).
    ///
    /// # Errors
    ///
    /// As for [`auth`](Self::auth).
    pub fn health(self, prefix: impl Into<String>) -> Result<Self, ConfigError> {
        self.and(Group::Health, prefix.into())
    }

    fn and(mut self, group: Group, prefix: String) -> Result<Self, ConfigError> {
        let refused = |rule| ConfigError::OutOfRange { setting: "prefix", rule };
        if !is_prefix(&prefix) {
            return Err(refused(
                "must be one or more segments, each of `/` and letters, digits, `-`, `_`, `.`, `~`",
            ));
        }
        let taken: BTreeSet<_> =
            self.places().flat_map(|(group, prefix)| paths(group, prefix)).collect();
        if paths(group, &prefix).any(|path| taken.contains(&path)) {
            return Err(refused("must not give two routes the same path"));
        }
        self.places.push((group, prefix));
        Ok(self)
    }

    /// Returns the path of the refresh cookie of a mount point, if `RefreshCookie::path` is not
    /// set.
    ///
    /// The path is the mount point's own prefix. If the mount point lies below other auth mount
    /// points, the path is the prefix of the outermost one, so that all of them share one cookie.
    /// With different paths, a browser would send two cookies to the inner mount point.
    pub(super) fn cookie_path<'a>(&'a self, mount: &'a str) -> &'a str {
        let auth = self.places().filter(|(group, _)| *group == Group::Auth);
        let around = auth.map(|(_, prefix)| prefix).filter(|prefix| {
            mount.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        around.min_by_key(|prefix| prefix.len()).unwrap_or(mount)
    }

    /// Checks that auth routes are mounted at `prefix`.
    pub(super) fn check_auth(&self, prefix: &str) -> Result<(), ConfigError> {
        if self.places().any(|place| place == (Group::Auth, prefix)) {
            return Ok(());
        }
        let rule = "must be the prefix of auth routes in these `Mounts`, exactly as `Mounts::auth` \
                    or `Mounts::standard` has it";
        Err(ConfigError::OutOfRange { setting: "prefix", rule })
    }

    pub(super) fn places(&self) -> impl Iterator<Item = (Group, &str)> {
        self.places.iter().map(|(group, prefix)| (*group, prefix.as_str()))
    }
}

/// Returns the paths of all routes of a group below a prefix. The paths do not depend on the type
/// of the session data.
fn paths(group: Group, prefix: &str) -> impl Iterator<Item = String> + use<> {
    let prefix = prefix.to_owned();
    group
        .endpoints::<()>(&Delivery::widest())
        .into_iter()
        .map(move |endpoint| endpoint.path_below(&prefix))
}

/// Returns whether a text is a valid prefix.
fn is_prefix(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let Some(segments) = text.strip_prefix('/') else { return false };
    segments.split('/').all(|segment| !segment.is_empty() && segment.bytes().all(allowed))
}
