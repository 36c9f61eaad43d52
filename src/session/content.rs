//! The part of a session that only the manager reads: the payload of a store's record, as JSON.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{NewSession, SessionData};
use crate::clock::Timestamp;
use crate::error::SessionError;

/// The largest payload of a record, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 64 * 1024;

/// A record's payload. Unknown members are ignored, so that an older version reads what a newer one wrote.
#[derive(Deserialize, Serialize)]
pub(crate) struct Content<D> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ip_address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    /// Only when it is not the time of creation.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "millis")]
    pub(crate) authenticated_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    /// The application's own claims for each access token; kept only where refresh tokens bring further ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) data: D,
}

impl Default for Content<()> {
    fn default() -> Self {
        Self {
            user_name: None,
            email: None,
            role: None,
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

impl<D> Content<D> {
    pub(super) fn with_data<E>(self, data: E) -> Content<E> {
        let Self {
            user_name,
            email,
            role,
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
    pub(crate) fn encode(&self) -> Result<Bytes, SessionError> {
        let fields = [
            ("user_name", &self.user_name),
            ("email", &self.email),
            ("role", &self.role),
            ("acr", &self.acr),
        ];
        let fields = fields.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?)));
        for (field, value) in fields.chain(self.amr.iter().map(|method| ("amr", method))) {
            if value.len() > NewSession::FIELD_LEN {
                return Err(SessionError::FieldTooLong { field, limit: NewSession::FIELD_LEN });
            }
        }
        let payload = serde_json::to_vec(self).map_err(SessionError::Encode)?;
        if payload.len() > MAX_PAYLOAD {
            return Err(SessionError::TooLarge { size: payload.len(), limit: MAX_PAYLOAD });
        }
        Ok(payload.into())
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }
}

/// The role in a payload, whatever its data are; `None` also when it cannot be read.
pub(crate) fn role_of(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Role {
        role: Option<String>,
    }
    serde_json::from_slice::<Role>(payload).ok()?.role
}

/// A point in time as its milliseconds.
mod millis {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::clock::Timestamp;

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::as_millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Cart {
        items: Vec<u64>,
    }

    #[test]
    fn content_survives_the_trip_through_the_store() {
        let content = Content {
            user_name: Some("제주삼다수".to_owned()),
            ip_address: Some("::1".parse().unwrap()),
            authenticated_at: Some(Timestamp::from_millis(1_893_456_000_001)),
            ..Content::default()
        }
        .with_data(Cart { items: vec![u64::MAX] });
        let back = Content::<Cart>::decode(&content.encode().unwrap()).unwrap();
        assert_eq!(back.user_name, content.user_name);
        assert_eq!(back.ip_address, content.ip_address);
        assert_eq!(back.authenticated_at, content.authenticated_at);
        assert_eq!(back.data, content.data);
        assert_eq!(back.email, None);
    }

    #[test]
    fn a_member_from_a_newer_version_is_ignored_and_missing_data_is_an_error() {
        assert!(Content::<()>::decode(br#"{"data":null,"colour":"blue"}"#).is_ok());
        assert!(Content::<Cart>::decode(br#"{"user_name":"x"}"#).is_err());
        assert!(Content::<()>::decode(b"\xff").is_err());
    }

    #[test]
    fn what_is_too_large_is_refused_with_its_size() {
        let content = Content::default().with_data("x".repeat(MAX_PAYLOAD));
        assert!(matches!(content.encode(), Err(SessionError::TooLarge { limit: MAX_PAYLOAD, .. })));
        let content = Content { role: Some("r".repeat(513)), ..Content::default() };
        assert!(matches!(content.encode(), Err(SessionError::FieldTooLong { field: "role", .. })));
    }
}
