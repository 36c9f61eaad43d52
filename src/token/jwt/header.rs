//! A token's header: its key, its algorithm and its type.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::json::{Names, Text, Unique, once};

/// Parameters that change how a token must be read, or that contain a key. The library supports
/// none of them, so a token with any of them is rejected.
const REFUSED: [&str; 9] = ["crit", "b64", "zip", "enc", "cty", "jwk", "jku", "x5u", "x5c"];

/// The three parameters that the library reads. All are required. Unknown parameters are ignored.
#[derive(Debug)]
pub(crate) struct Header<'de> {
    pub(crate) alg: Text<'de>,
    pub(crate) kid: Text<'de>,
    pub(crate) typ: Text<'de>,
}

impl<'de> Header<'de> {
    /// Parses a header. Returns `None` if the header is not a JSON object with these three strings,
    /// or if it contains a duplicate name or one of the [`REFUSED`] parameters.
    pub(crate) fn parse(json: &'de str) -> Option<Self> {
        // The error is dropped here, because serde's text can quote the token.
        serde_json::from_str(json).ok()
    }
}

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut alg, mut kid, mut typ) = (None, None, None);
        let mut others = Names::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            match &*name.0 {
                "alg" => once(&mut alg, map.next_value()?)?,
                "kid" => once(&mut kid, map.next_value()?)?,
                "typ" => once(&mut typ, map.next_value()?)?,
                refused if REFUSED.contains(&refused) => {
                    return Err(A::Error::custom("a parameter that is not supported"));
                }
                _ => {
                    others.add(name)?;
                    map.next_value::<Unique>()?;
                }
            }
        }
        let missing = || A::Error::custom("a parameter is missing");
        Ok(Header {
            alg: alg.ok_or_else(missing)?,
            kid: kid.ok_or_else(missing)?,
            typ: typ.ok_or_else(missing)?,
        })
    }
}
