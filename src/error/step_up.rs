//! The login that a guard requires, as the challenge in the response describes it.

use std::time::Duration;

use super::ConfigError;

/// The login that a request needs: the parameters of an RFC 9470 challenge.
///
/// All values are valid in a header without escapes. A guard sets the parameters that it checks
/// itself. To set further parameters, pass a `StepUp` to the guard
/// ([`challenge`](crate::guards::RequireFresh::challenge)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUp {
    max_age: Option<Duration>,
    acr_values: Vec<String>,
}

impl StepUp {
    /// The longest authentication context class, in bytes. A session cannot hold a longer one.
    pub const CLASS_LEN: usize = 512;

    /// Requires a login that is at most `max_age` old. The challenge states `max_age` in whole
    /// seconds, rounded down. So a login that meets the challenge also meets the condition of the
    /// guard.
    #[must_use]
    pub fn fresh(max_age: Duration) -> Self {
        Self { max_age: Some(max_age), acr_values: Vec::new() }
    }

    /// Requires a login of one of these classes, the preferred one first.
    ///
    /// # Errors
    ///
    /// [`ConfigError::OutOfRange`] if there is no class, or if a class cannot be part of a
    /// challenge. A class has 1 to [`CLASS_LEN`](Self::CLASS_LEN) printable ASCII characters,
    /// without space, quote and backslash.
    pub fn acr<T: Into<String>>(classes: impl IntoIterator<Item = T>) -> Result<Self, ConfigError> {
        let acr_values: Vec<String> = classes.into_iter().map(Into::into).collect();
        if acr_values.is_empty() || !acr_values.iter().all(|class| is_class(class)) {
            return Err(ConfigError::OutOfRange {
                setting: "acr_values",
                rule: "must be one or more classes, each of 1 to 512 printable ASCII characters \
                       without space, quote and backslash",
            });
        }
        Ok(Self { max_age: None, acr_values })
    }

    /// Combines two requirements. For each parameter, the value of `self` takes precedence; if
    /// `self` does not set the parameter, the value of `other` is used.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let acr_values =
            if self.acr_values.is_empty() { other.acr_values } else { self.acr_values };
        Self { max_age: self.max_age.or(other.max_age), acr_values }
    }

    /// Returns how old the login may be; `None` for any age.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Returns the accepted classes, the preferred one first. Empty if any class is accepted.
    #[must_use]
    pub fn acr_values(&self) -> &[String] {
        &self.acr_values
    }
}

/// Returns whether a text is a valid authentication context class. A class has 1 to
/// [`StepUp::CLASS_LEN`] bytes and consists of `NQCHAR` (RFC 6749 appendix A). These characters
/// need no escape in a quoted-string, and none of them separates words.
fn is_class(class: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=StepUp::CLASS_LEN).contains(&class.len()) && class.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acr_rejects_a_class_that_is_not_valid_in_a_header() {
        let longest = "x".repeat(StepUp::CLASS_LEN);
        for good in ["1", "urn:example:mfa", "https://example.com/loa?a=1&b='2'", "!~", &longest] {
            assert_eq!(StepUp::acr([good]).unwrap().acr_values(), [good]);
        }
        let too_long = "x".repeat(StepUp::CLASS_LEN + 1);
        for bad in
            ["", " ", "a b", "a\"", "a\\", "a\r\nb", "a\tb", "\0", "\u{7f}", "schlüssel", &too_long]
        {
            for classes in [vec![bad], vec!["good", bad], vec![bad, "good"]] {
                let error = StepUp::acr(classes).unwrap_err();
                assert!(matches!(error, ConfigError::OutOfRange { setting: "acr_values", .. }));
            }
        }
        assert!(StepUp::acr(Vec::<String>::new()).is_err(), "an empty list of classes is rejected");
    }

    #[test]
    fn and_keeps_the_settings_of_the_first_step_up() {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let class = |name: &str| StepUp::acr([name]).unwrap();
        let both = StepUp::fresh(minute).and(class("a")).and(StepUp::fresh(hour)).and(class("b"));
        assert_eq!((both.max_age(), both.acr_values()), (Some(minute), &["a".to_owned()][..]));
    }
}
