//! Masks: fixed names in place of values that differ between runs.

/// Known values, with the names that replace them.
#[derive(Clone, Default)]
pub(crate) struct Masks(Vec<(String, String)>);

impl Masks {
    /// Masks `value` as `<kind number>` from now on. Does nothing if it is empty or already known.
    pub(crate) fn add(&mut self, kind: &str, value: &str) {
        if value.is_empty() || self.0.iter().any(|(known, _)| known == value) {
            return;
        }
        let start = format!("<{kind} ");
        let number = self.0.iter().filter(|(_, name)| name.starts_with(&start)).count() + 1;
        self.0.push((value.to_owned(), format!("{start}{number}>")));
    }

    /// Returns the text with all known values and all times masked.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // Replaces the longest value first, because an id may be part of a token.
        let mut known = self.0.clone();
        known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        for (value, name) in &known {
            text = text.replace(value, name);
        }
        mask_times(&text)
    }
}

/// Replaces times with `<time>`: Unix times in digits, and RFC 3339.
fn mask_times(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, found) = rest.split_at(at);
        shown.push_str(before);
        let digits = found.bytes().take_while(u8::is_ascii_digit).count();
        let length = if is_rfc3339(found) { 20 } else { digits };
        let (time, after) = found.split_at(length);
        // Among the numbers sent, only Unix times in seconds or milliseconds have 10 digits or
        // more.
        shown.push_str(if length > 9 { "<time>" } else { time });
        rest = after;
    }
    shown + rest
}

fn is_rfc3339(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(form, byte): (&u8, u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => *form == byte,
    };
    text.len() >= FORM.len() && FORM.iter().zip(text.bytes()).all(fits)
}
