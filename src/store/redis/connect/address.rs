//! The address of a Redis server, and the detection of common mistakes in it.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError};

use crate::error::ConfigError;

/// Address of a Redis server. It is created from a URL, from `("host", 6379)`, or from a
/// `ConnectionAddr` or `ConnectionInfo` of the `redis` crate.
///
/// | URL | connection |
/// |---|---|
/// | `redis://user:password@host:6379/0` | TCP |
/// | `rediss://user:password@host:6379/0` | TLS; needs the feature `tls` |
/// | `unix:///path/to/socket?db=0&user=name&pass=password` | Unix socket |
///
/// The schemes `valkey`, `valkeys` and `valkey+unix` mean the same as `redis`, `rediss` and `unix`.
///
/// In a URL, user name and password must be percent-encoded: the password `p@ss/1#` is written
/// `p%40ss%2F1%23`. In the URL of a Unix socket, the password `p&ss+1#` is written `p%26ss%2B1%23`.
/// The URL of a Unix socket accepts only the parameters `db`, `user`, `pass` and `protocol`, each
/// at most once. To avoid percent-encoding, pass user name and password separately
/// (`ConnectionInfo`), or use
/// [`credentials_provider`](crate::store::redis::RedisStoreBuilder::credentials_provider).
pub struct Address(pub(crate) Result<ConnectionInfo, ConfigError>);

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        if let Some(text) = raw_characters(url) {
            return Self(Err(ConfigError::Store(text)));
        }
        Self(url.into_connection_info().map_err(|error| refused(&error)))
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        url.as_str().into()
    }
}

impl From<&String> for Address {
    fn from(url: &String) -> Self {
        url.as_str().into()
    }
}

impl<T: Into<String>> From<(T, u16)> for Address {
    fn from(host_and_port: (T, u16)) -> Self {
        Self(host_and_port.into_connection_info().map_err(|error| refused(&error)))
    }
}

impl From<ConnectionAddr> for Address {
    fn from(address: ConnectionAddr) -> Self {
        Self(address.into_connection_info().map_err(|error| refused(&error)))
    }
}

impl From<ConnectionInfo> for Address {
    fn from(info: ConnectionInfo) -> Self {
        Self(Ok(info))
    }
}

// `Debug` shows nothing of the address, because it may hold a password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

/// Returns the error for a URL with an unencoded special character. In such a URL, the driver would
/// read a user name or a password that the application did not intend.
fn raw_characters(url: &str) -> Option<&'static str> {
    let (scheme, rest) = url.split_once(':')?;
    if scheme.to_ascii_lowercase().ends_with("unix") {
        return has_raw_characters_of_query(rest).then_some(NOT_ENCODED_IN_QUERY);
    }
    let rest = rest.strip_prefix("//")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // The driver would read the text after `end` as the path or as another host.
    rest.rfind('@').is_some_and(|at| at > end).then_some(NOT_ENCODED)
}

/// Returns whether the driver would misread the URL of a Unix socket. The driver reports no error,
/// but it drops the text after a `#`, ends a value at a `&`, reads a `+` as a space, ignores unknown
/// parameters, and uses only the last value of a repeated parameter. So a URL is accepted only if it
/// holds a path and the driver's own parameters, each of them at most once, and nothing else.
fn has_raw_characters_of_query(rest: &str) -> bool {
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    if rest.contains('#') || query.is_empty() {
        return rest.contains('#');
    }
    let mut allowed = SOCKET_PARAMETERS.to_vec();
    query.split('&').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let is_allowed =
            allowed.iter().position(|known| *known == name).map(|at| allowed.remove(at));
        is_allowed.is_none() || value.contains('+')
    })
}

/// Maps the driver's error to a fixed text, because the driver's text may quote parts of the URL.
fn refused(error: &RedisError) -> ConfigError {
    let text = error.to_string();
    ConfigError::Store(if text.contains("TLS") {
        NO_TLS
    } else if text.contains("database number") {
        NO_DATABASE
    } else {
        NO_URL
    })
}

pub(crate) const NO_TLS: &str =
    "an address with rediss:// needs the feature `tls` of tower-session-auth";

const NOT_ENCODED: &str = "the user name or the password in the URL holds a special character: \
                           percent-encode it, for example `p@ss/1#` as `p%40ss%2F1%23`";

const NOT_ENCODED_IN_QUERY: &str = "the URL holds a raw `&`, `#` or `+`, a repeated parameter, or \
                                    one other than `db`, `user`, `pass` and `protocol`: \
                                    percent-encode special characters, for example `p&ss+1#` as \
                                    `p%26ss%2B1%23`";

/// The parameters that the driver reads in the URL of a Unix socket.
const SOCKET_PARAMETERS: [&str; 4] = ["db", "user", "pass", "protocol"];

const NO_DATABASE: &str = "the path of the URL is not the number of a database, as in \
                           redis://host:6379/0 (special characters in a password must be \
                           percent-encoded, for example `p@ss/1#` as `p%40ss%2F1%23`)";

const NO_URL: &str = "the address is not a URL with redis://, rediss:// (TLS), valkey:// or \
                      unix:// (special characters in a password must be percent-encoded, for \
                      example `p@ss/1#` as `p%40ss%2F1%23`)";

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the error text for a URL. Also checks that the text is the same for each string
    /// type.
    fn error(url: &str) -> String {
        let text = |address: Address| address.0.unwrap_err().to_string();
        let expected = text(url.into());
        assert_eq!(text(url.to_owned().into()), expected);
        assert_eq!(text((&url.to_owned()).into()), expected);
        expected
    }

    #[test]
    fn unencoded_password_is_rejected_with_an_example_and_hidden() {
        for password in [
            "hunter2/x",
            "hunter2?x",
            "hunter2#x",
            "12/4",
            "12#4",
            "12?4",
            "#",
            "/",
            "?",
            "a@b/c",
            "hunter2%2F/",
            "hunter2\\/",
            "[hunter2/",
            "hunter2:/",
        ] {
            for url in [
                format!("redis://app:{password}@host/"),
                format!("redis://:{password}@host:6379/0"),
                format!("rediss://app:{password}@host"),
                format!("valkey://{password}:app@host"),
            ] {
                let shown = error(&url);
                assert!(shown.contains("percent-encode it, for example"), "{url}: {shown}");
                assert!(!shown.contains("hunter2") && !shown.contains("host"), "{url}: {shown}");
            }
        }
    }

    #[test]
    fn unencoded_socket_url_is_rejected_with_an_example_and_hidden() {
        for query in [
            "user=app&pass=hunter2&x",
            "user=app&pass=hunter2&x=1",
            "user=app&pass=hunter2&",
            "pass=hunter2#x&user=app",
            "pass=hunter2#",
            "user=a+b&pass=hunter2",
            "pass=hunter2+x",
            "pass=hunter2&pass=x",
            "password=hunter2",
        ] {
            for scheme in ["unix://", "redis+unix://", "valkey+unix://", "UNIX://", "unix:"] {
                let shown = error(&format!("{scheme}/tmp/socket?{query}"));
                assert!(shown.contains("percent-encode"), "{scheme} {query}: {shown}");
                assert!(shown.contains("`p%26ss%2B1%23`"), "{scheme} {query}: {shown}");
                assert!(!shown.contains("hunter2") && !shown.contains("socket"), "{shown}");
            }
        }
        for good in ["unix:///tmp/socket", "unix:///tmp/a+b&c?", "unix:///tmp/socket?db=1"] {
            assert!(Address::from(good).0.is_ok(), "{good}");
        }
    }

    #[test]
    fn percent_encoded_password_is_decoded() {
        for (url, password) in [
            ("redis://app:p%40ss%2F1%23@host/2", "p@ss/1#"),
            ("redis://app:a@b@host/2", "a@b"),
            ("redis://app:a:b%25%3F@host/2", "a:b%?"),
            ("unix:///tmp/a@b?user=app&pass=p%40ss%2F1%23", "p@ss/1#"),
            ("unix:///tmp/a?pass=p%26ss%2B1%23&user=app&db=2", "p&ss+1#"),
            ("unix:///tmp/a?protocol=3&pass=a?b=c/d&user=app", "a?b=c/d"),
        ] {
            let info = Address::from(url).0.unwrap();
            assert_eq!(info.redis_settings().password(), Some(password), "{url}");
            assert_eq!(info.redis_settings().username(), Some("app"), "{url}");
        }
    }

    #[test]
    fn invalid_address_is_rejected_with_the_expected_format_and_hidden() {
        for (url, expected) in [
            ("", "is not a URL with redis://"),
            ("hunter2", "is not a URL with redis://"),
            ("http://:hunter2@host/", "is not a URL with redis://"),
            ("redis://:hunter2@host:99999/", "is not a URL with redis://"),
            ("redis://:hunter2@host/database", "is not the number of a database"),
        ] {
            let shown = error(url);
            assert!(shown.contains(expected), "{url}: {shown}");
            assert!(!shown.contains("hunter2"), "{url}: {shown}");
        }
    }
}
