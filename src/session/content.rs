//! The content of a session: the payload of a store's record, as JSON. Only the manager reads it.

mod millis;

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::SessionData;
use crate::clock::Timestamp;
use crate::error::SessionError;

/// A record's payload. Unknown members are ignored, so that older versions can read newer payloads.
#[derive(Deserialize, Serialize)]
pub(crate) struct Content<D> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// Whether the session is narrowed: at the login, it got a role that permits less than the
    /// user's role. A narrowed session keeps this role, whatever role the user directory names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) narrowed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    /// `None` if the user has not authenticated again since the login.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis")]
    pub(crate) authenticated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    /// The application's own claims. Stored only if the session has refresh tokens, because a
    /// refresh signs these claims into the next access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<Map<String, Value>>,
    /// Skipped by serde: [`Content::encode`] writes it as the last member.
    #[serde(skip_serializing)]
    pub(crate) data: D,
}

/// The maximum length of a text field of a session, in bytes.
pub(super) const FIELD_LEN: usize = 512;

/// The limit for all methods of `amr` together, in bytes.
const MAX_AMR: usize = 8 * 1024;

impl Default for Content<()> {
    fn default() -> Self {
        Self {
            user_name: None,
            email: None,
            role: None,
            narrowed: false,
            ip_address: None,
            user_agent: None,
            authenticated_at: None,
            acr: None,
            amr: Vec::new(),
            claims: None,
            data: (),
        }
    }
}

/// The decoded content of a stored session. Sessions that were read from one payload share it.
pub(crate) struct StoredContent<D> {
    /// The JSON from which `content` was decoded.
    pub(crate) payload: Bytes,
    pub(crate) content: Content<D>,
    /// The size of the application's data in `payload`, in bytes of JSON.
    pub(crate) data_len: usize,
    /// The weight in the near cache, in bytes. Zero if the content was not read for the near cache.
    pub(crate) weight: u64,
}

/// The sizes of the parts of a stored content that [`Content::encode`] limits. A stored part that
/// is over its limit may keep its size or shrink, but not grow. The default value is for a new
/// session, which has no stored content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StoredSizes {
    data: usize,
    amr: usize,
}

impl<D> StoredContent<D> {
    /// Wraps the content of a new session. Its `data_len` is only an upper bound, and is not used.
    pub(crate) fn of(content: Content<D>, payload: Bytes) -> Self {
        Self { data_len: payload.len(), payload, content, weight: 0 }
    }

    pub(crate) fn sizes(&self) -> StoredSizes {
        StoredSizes { data: self.data_len, amr: self.content.amr_len() }
    }

    /// Returns an estimate of the memory of this content in bytes. `data_size` is the estimate for
    /// the application's data.
    pub(crate) fn size(&self, data_size: usize) -> usize {
        /// Estimated bytes of memory that a `serde_json::Value` takes for each byte of JSON.
        const DECODED: usize = 8;
        let Content { user_name, email, role, user_agent, acr, amr, claims, .. } = &self.content;
        let rest = self.payload.len().saturating_sub(self.data_len);
        let texts = [user_name, email, role, user_agent, acr].into_iter().flatten();
        let texts = texts.chain(amr).map(|text| text.capacity() + size_of::<String>());
        let claims = claims.as_ref().map_or(0, |_| rest.saturating_mul(DECODED));
        [size_of::<Self>(), self.payload.len(), claims, data_size]
            .into_iter()
            .chain(texts)
            .fold(0, usize::saturating_add)
    }
}

impl<D: DeserializeOwned> StoredContent<D> {
    pub(crate) fn decode(payload: Bytes) -> Result<Self, Undecodable> {
        let content = Content::<&RawValue>::read(&payload)?;
        let json = content.data.get();
        let data_len = json.len();
        let data = serde_json::from_str(json).map_err(|error| Undecodable::of("data", &error))?;
        let content = content.with_data(data);
        Ok(Self { payload, content, data_len, weight: 0 })
    }
}

impl StoredContent<()> {
    /// Decodes everything except the application's data, which a store may have cut off.
    pub(crate) fn decode_without_data(payload: Bytes) -> Result<Self, Undecodable> {
        let content = Content::<IgnoredAny>::read(&head(&payload))?.with_data(());
        Ok(Self { payload, content, data_len: 0, weight: 0 })
    }
}

/// The position at which decoding failed. Omits serde's error text, because that text quotes the
/// payload.
#[derive(Debug, thiserror::Error)]
#[error("the {part} of a session does not fit its type at line {line}, column {column}")]
pub(crate) struct Undecodable {
    part: &'static str,
    line: usize,
    column: usize,
}

impl Undecodable {
    fn of(part: &'static str, error: &serde_json::Error) -> Self {
        Self { part, line: error.line(), column: error.column() }
    }
}

impl<'de, D: Deserialize<'de>> Content<D> {
    fn read(payload: &'de [u8]) -> Result<Self, Undecodable> {
        serde_json::from_slice(payload).map_err(|error| Undecodable::of("record", &error))
    }
}

impl<D> Content<D> {
    fn amr_len(&self) -> usize {
        self.amr.iter().map(String::len).sum()
    }

    pub(super) fn with_data<E>(self, data: E) -> Content<E> {
        let Self {
            user_name,
            email,
            role,
            narrowed,
            ip_address,
            user_agent,
            authenticated_at,
            acr,
            amr,
            claims,
            data: _,
        } = self;
        Content {
            user_name,
            email,
            role,
            narrowed,
            ip_address,
            user_agent,
            authenticated_at,
            acr,
            amr,
            claims,
            data,
        }
    }
}

impl<D: SessionData> Content<D> {
    /// Returns the payload for this content. `max_data` limits the application's data, in bytes of
    /// JSON. Data above this limit are accepted if they are not larger than the `stored` data.
    pub(crate) fn encode(
        &self,
        max_data: usize,
        stored: StoredSizes,
    ) -> Result<Bytes, SessionError> {
        let fields = [
            ("user_name", &self.user_name),
            ("email", &self.email),
            ("role", &self.role),
            ("acr", &self.acr),
        ];
        let fields = fields.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?)));
        for (field, value) in fields.chain(self.amr.iter().map(|method| ("amr", method))) {
            if value.len() > FIELD_LEN {
                return Err(SessionError::FieldTooLong { field, limit: FIELD_LEN });
            }
        }
        if self.amr_len() > MAX_AMR.max(stored.amr) {
            return Err(SessionError::FieldTooLong { field: "amr", limit: MAX_AMR });
        }
        let mut payload = serde_json::to_vec(self).map_err(SessionError::Encode)?;
        // The data go before the closing brace, which is appended again below.
        payload.pop();
        if payload.len() > 1 {
            payload.push(b',');
        }
        payload.extend_from_slice(DATA);
        let before = payload.len();
        serde_json::to_writer(&mut payload, &self.data).map_err(SessionError::Encode)?;
        let size = payload.len() - before;
        if size > max_data.max(stored.data) {
            return Err(SessionError::TooLarge { size, limit: max_data });
        }
        payload.push(b'}');
        Ok(payload.into())
    }
}

/// The text before the application's data in a payload. JSON escapes line feeds, so the line feed
/// of this text is the first one in a payload. A store can therefore cut the data off without
/// parsing JSON. Older versions wrote no line feed.
const DATA: &[u8] = b"\n\"data\":";

/// Returns whether two payloads are equal apart from line feeds, which older versions did not
/// write.
pub(crate) fn same_payload(one: &[u8], other: &[u8]) -> bool {
    let text = |payload| <[u8]>::iter(payload).filter(|byte| **byte != b'\n');
    one == other || text(one).eq(text(other))
}

/// Replaces the application's data by `null`. A payload of an older version stays unchanged.
pub(super) fn head(payload: &[u8]) -> Cow<'_, [u8]> {
    match payload.iter().position(|byte| *byte == b'\n') {
        Some(end) => [payload.get(..end).unwrap_or_default(), DATA, b"null}"].concat().into(),
        None => payload.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::role_of;

    const LIMIT: usize = 1_000;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Cart {
        items: Vec<u64>,
    }

    fn decode<D: SessionData>(payload: &'static [u8]) -> Result<StoredContent<D>, Undecodable> {
        StoredContent::decode(Bytes::from_static(payload))
    }

    fn encode<D: SessionData>(content: &Content<D>) -> Result<Bytes, SessionError> {
        content.encode(LIMIT, StoredSizes::default())
    }

    #[test]
    fn content_is_unchanged_after_encode_and_decode() {
        let content = Content {
            user_name: Some("제주삼다수".to_owned()),
            ip_address: Some("::1".parse().unwrap()),
            authenticated_at: Some(Timestamp::from_millis(1_893_456_000_001)),
            ..Content::default()
        }
        .with_data(Cart { items: vec![u64::MAX] });
        let back = StoredContent::<Cart>::decode(encode(&content).unwrap()).unwrap();
        assert_eq!(back.content.user_name, content.user_name);
        assert_eq!(back.content.ip_address, content.ip_address);
        assert_eq!(back.content.authenticated_at, content.authenticated_at);
        assert_eq!(back.content.data, content.data);
        assert_eq!(back.content.email, None);
        assert_eq!(back.data_len, r#"{"items":[18446744073709551615]}"#.len());
    }

    #[test]
    fn decode_ignores_unknown_members_and_rejects_missing_data() {
        assert!(decode::<()>(br#"{"data":null,"color":"blue"}"#).is_ok());
        assert!(decode::<Cart>(br#"{"user_name":"x"}"#).is_err());
        assert!(decode::<()>(b"\xff").is_err());
    }

    #[test]
    fn decode_error_names_the_part_and_hides_its_content() {
        let error = decode::<Cart>(br#"{"data":{"items":"secret"}}"#).err().unwrap().to_string();
        assert!(error.starts_with("the data of a session does not fit"), "{error}");
        assert!(!error.contains("secret"), "{error}");
        let error = decode::<()>(br#"{"role":{"secret":1},"data":null}"#).err().unwrap();
        assert!(error.to_string().starts_with("the record of a session"), "{error}");
    }

    #[test]
    fn first_line_feed_of_the_payload_is_before_the_data() {
        let content = Content { user_name: Some("a\nb".to_owned()), ..Content::default() };
        let content = content.with_data(["c\nd"; 2].join("\n"));
        let payload = encode(&content).unwrap();
        let (head, data) = payload.split_at(payload.iter().position(|b| *b == b'\n').unwrap());
        assert_eq!(head, br#"{"user_name":"a\nb","#);
        assert_eq!(data, b"\n\"data\":\"c\\nd\\nc\\nd\"}");
        assert_eq!(&encode(&Content::default()).unwrap()[..], b"{\n\"data\":null}");
    }

    #[test]
    fn same_payload_accepts_the_format_of_an_older_version() {
        let content = Content { role: Some("user".to_owned()), ..Content::default() };
        let new = encode(&content).unwrap();
        assert!(same_payload(&new, br#"{"role":"user","data":null}"#));
        assert!(!same_payload(&new, br#"{"role":"usex","data":null}"#));
        assert!(!same_payload(&new, br#"{"role":"user","data":null"#));
    }

    #[test]
    fn decode_without_data_skips_the_application_data() {
        let payload = Bytes::from_static(br#"{"role":"user","data":{"of":["another type"]}}"#);
        let content = StoredContent::decode_without_data(payload).unwrap();
        assert_eq!(content.content.role.as_deref(), Some("user"));
    }

    #[test]
    fn decode_without_data_reads_a_payload_that_is_cut_before_its_data() {
        for role in [None, Some("user".to_owned())] {
            let content = Content { role: role.clone(), ..Content::default() };
            let whole = encode(&content.with_data("data".to_owned())).unwrap();
            let end = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            for payload in [whole.clone(), whole.slice(..end)] {
                assert_eq!(role_of(&payload), role);
                let read = StoredContent::decode_without_data(payload).unwrap();
                assert_eq!(read.content.role, role);
            }
        }
    }

    #[test]
    fn encode_rejects_data_over_the_limit_and_reports_its_size() {
        let data = |len: usize| Content::default().with_data("x".repeat(len - 2));
        assert!(encode(&data(LIMIT)).is_ok());
        let refused = encode(&data(LIMIT + 1));
        let Err(SessionError::TooLarge { size, limit }) = refused else { panic!("{refused:?}") };
        assert_eq!((size, limit), (LIMIT + 1, LIMIT));
    }

    #[test]
    fn stored_data_over_the_limit_may_stay_or_shrink_but_not_grow() {
        let text = "x".repeat(5_000);
        let payload = Bytes::from(format!(r#"{{"role":"admin","data":"{text}"}}"#));
        let stored = StoredContent::<String>::decode(payload).unwrap();
        let sizes = stored.sizes();
        let mut content = stored.content;
        content.role = Some("user".to_owned());
        assert!(content.encode(LIMIT, sizes).is_ok(), "the data may keep its size");
        content.data.pop();
        assert!(content.encode(LIMIT, sizes).is_ok(), "the data may shrink");
        content.data.push_str("xx");
        let refused = content.encode(LIMIT, sizes);
        assert!(matches!(refused, Err(SessionError::TooLarge { size: 5_003, limit: LIMIT })));
    }

    #[test]
    fn encode_rejects_a_field_over_its_limit_and_names_it() {
        let content = Content { role: Some("r".repeat(513)), ..Content::default() };
        assert!(matches!(encode(&content), Err(SessionError::FieldTooLong { field: "role", .. })));
        let content = Content { amr: vec!["m".repeat(512); 17], ..Content::default() };
        assert!(matches!(
            encode(&content),
            Err(SessionError::FieldTooLong { field: "amr", limit: MAX_AMR })
        ));
    }
}
