//! A rule for the JSON in a token, which serde does not enforce: no object has a duplicate name, at
//! any depth.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON string. It borrows from the input if the string has no escapes. (serde always
/// deserializes a plain `Cow` as an owned string.)
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text)))
    }
}

/// Accepts any JSON value in which no object has a duplicate name. Does not keep the value.
#[derive(Debug)]
pub(crate) struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without duplicate names")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Unique, A::Error> {
        while seq.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            names.add(name)?;
            map.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

/// The names seen in one object. It allocates when the first name is added.
#[derive(Default)]
pub(crate) struct Names<'de>(HashSet<Text<'de>>);

impl<'de> Names<'de> {
    pub(crate) fn add<E: Error>(&mut self, name: Text<'de>) -> Result<(), E> {
        // The error does not quote the name, because the name comes from the client.
        if self.0.insert(name) { Ok(()) } else { Err(E::custom("a name appears twice")) }
    }
}

/// Stores a member in its field. Fails if the field already has a value.
pub(crate) fn once<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a name appears twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unique(json: &str) -> bool {
        serde_json::from_str::<Unique>(json).is_ok()
    }

    #[test]
    fn duplicate_member_names_are_rejected_at_any_depth() {
        for good in [r#"{"a":1,"b":[{"a":null},{"a":true}],"c":{"a":-1.5,"b":"x"}}"#, "[]", "7"] {
            assert!(unique(good), "{good}");
        }
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"[{"x":[{"a":1,"b":2,"a":3}]}]"#,
            r#""\ud800""#,
            "1e999",
        ] {
            assert!(!unique(bad), "{bad}");
        }
    }

    #[test]
    fn nesting_depth_is_limited() {
        assert!(unique(&format!("{}{}", "[".repeat(100), "]".repeat(100))));
        assert!(!unique(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000))));
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(serde_json::from_str(r#""abc""#), Ok(Text(Cow::Borrowed("abc")))));
        assert!(matches!(serde_json::from_str(r#""\u0061""#), Ok(Text(Cow::Owned(_)))));
    }
}
