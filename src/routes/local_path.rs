//! Paths of the application's own, as targets of redirects.

use std::fmt;
use std::str::FromStr;

use http::HeaderValue;

/// A path of the application, to which a login redirects the browser. It consists of path, query
/// and fragment, for example `/orders?open=1#latest`.
///
/// If a request names the target of a redirect, such as `next=…`, and the application does not
/// check this text, the redirect is an open redirect. A `LocalPath` never leads to another host:
/// its text begins with exactly one `/` and contains only visible ASCII without `\`. These rules
/// are necessary because browsers read `//host` and `/\host` as another host. Browsers also remove
/// tabs and line breaks from an address before they read it.
///
/// ```
/// use tower_session_auth::routes::LocalPath;
///
/// assert!(LocalPath::parse("/orders?open=1").is_ok());
/// assert!(LocalPath::parse("//evil.example").is_err());
/// // A text from a request, with `/` in place of a text that is not allowed:
/// let next = LocalPath::parse("https://evil.example").unwrap_or_default();
/// assert_eq!(next.as_str(), "/");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LocalPath(HeaderValue);

impl LocalPath {
    /// Longest path, in bytes.
    pub const MAX_LEN: usize = 2048;

    /// Parses a path of 1 to [`MAX_LEN`](Self::MAX_LEN) bytes. Percent-encode `\` and all
    /// characters that are not visible ASCII.
    ///
    /// # Errors
    ///
    /// [`LocalPathError`] if the text is not allowed. The error says what is allowed, and does not
    /// contain `raw`.
    pub fn parse(raw: &str) -> Result<Self, LocalPathError> {
        let mut bytes = raw.bytes();
        if bytes.next() != Some(b'/') || matches!(bytes.next(), Some(b'/' | b'\\')) {
            return Err(LocalPathError::NotLocal);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(LocalPathError::Length(raw.len()));
        }
        if !raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
            return Err(LocalPathError::Character);
        }
        HeaderValue::from_str(raw).map(Self).map_err(|_| LocalPathError::Character)
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // The value is visible ASCII, so this fallback is never used.
        self.0.to_str().unwrap_or("/")
    }

    /// Returns the value of the header `Location`.
    pub(super) fn location(&self) -> HeaderValue {
        self.0.clone()
    }
}

/// The path `/`.
impl Default for LocalPath {
    fn default() -> Self {
        Self(HeaderValue::from_static("/"))
    }
}

impl FromStr for LocalPath {
    type Err = LocalPathError;

    fn from_str(raw: &str) -> Result<Self, LocalPathError> {
        Self::parse(raw)
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalPath({:?})", self.as_str())
    }
}

/// Why a text is not a [`LocalPath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocalPathError {
    /// The text does not begin with `/`, or it begins with `//` or `/\`.
    #[error("a local path must begin with exactly one `/`")]
    NotLocal,
    /// The text holds a `\`, a blank, a control character, or a character that is not ASCII.
    #[error("a local path must hold only visible ASCII without `\\`")]
    Character,
    /// The text is too long. The value is its length in bytes.
    #[error("a local path must be at most {max} bytes long, not {0}", max = LocalPath::MAX_LEN)]
    Length(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_query_and_fragment_is_local() {
        for good in ["/", "/a", "/a/b?c=//d&e=https://f#g", "/?a", "/#a", "/a//b", "/%2F%5C", "/:8"]
        {
            assert_eq!(LocalPath::parse(good).map(|path| path.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn text_that_may_lead_to_another_host_is_not_local() {
        use LocalPathError::{Character, Length, NotLocal};
        for (bad, error) in [
            ("", NotLocal),
            ("a", NotLocal),
            ("?a", NotLocal),
            (" /a", NotLocal),
            ("//evil", NotLocal),
            ("///evil", NotLocal),
            ("/\\evil", NotLocal),
            ("\\\\evil", NotLocal),
            ("\\/evil", NotLocal),
            ("https://evil", NotLocal),
            ("https:/evil", NotLocal),
            ("javascript:alert(1)", NotLocal),
            ("evil.example", NotLocal),
            ("/\t/evil", Character),
            ("/\r\n/evil", Character),
            ("/a\r\nset-cookie: a=b", Character),
            ("/a\0", Character),
            ("/a b", Character),
            ("/a\\b", Character),
            ("/\u{7f}", Character),
            ("/\u{e4}", Character),
            ("/\u{ff0f}evil", Character),
        ] {
            assert_eq!(LocalPath::parse(bad), Err(error), "{bad:?}");
        }
        let longest = format!("/{}", "a".repeat(LocalPath::MAX_LEN - 1));
        assert!(LocalPath::parse(&longest).is_ok());
        assert_eq!(LocalPath::parse(&format!("{longest}a")), Err(Length(LocalPath::MAX_LEN + 1)));
    }

    #[test]
    fn default_is_the_root_path() {
        assert_eq!(LocalPath::default().as_str(), "/");
        assert_eq!("//evil".parse::<LocalPath>().unwrap_or_default(), LocalPath::default());
    }
}
