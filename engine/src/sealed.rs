//! Arguments and outputs that only a process with the key can read. In the database, the API and logs there is a box.
//!
//! A box is XChaCha20-Poly1305 over the JSON of the value, with a random nonce of 24 bytes (long enough to be drawn blindly
//! for as many boxes as we like). The key's id and the format's version are authenticated with it. Old keys stay in the
//! list until every box has been rewrapped.
mod sealer;

use std::{fmt, marker::PhantomData};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;
use thiserror::Error;

pub use self::sealer::{OpenError, SealError, Sealer, SealerError};

const KEY_ID_BYTES_MAX: usize = 32;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// The first of a box's bytes. JSON without a version means this one.
const VERSION: u8 = 1;

/// What operators and API users see instead of a box.
const SHOWN: &str = "sealed";

/// Reads keys with or without padding, as the tools that make them differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes are no box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("these bytes are no sealed value")]
pub struct MalformedBox;

/// A `T` that only a [`Sealer`] with the right key can read.
///
/// As JSON it is `{"sealed":{"key":"<id>","box":"<base64 of nonce and ciphertext>"}}`, as bytes: version, length of the
/// key's id, the id, nonce, ciphertext.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    content: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// For a `bytea` column.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// For a `bytea` column.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// From a `bytea` column. Whether it can be opened is another question.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Sealed<T>, MalformedBox> {
        let [VERSION, id_bytes, rest @ ..] = bytes.as_slice() else {
            return Err(MalformedBox);
        };
        let (id, content) = rest.split_at_checked(usize::from(*id_bytes)).ok_or(MalformedBox)?;
        let is_id = str::from_utf8(id).is_ok_and(is_key_id);
        if !is_id || content.len() < NONCE_BYTES + TAG_BYTES {
            return Err(MalformedBox);
        }
        Ok(Sealed { bytes, content: PhantomData })
    }

    /// Which key opens it.
    pub fn key_id(&self) -> &str {
        str::from_utf8(self.parts().0).expect("checked where the box was made")
    }

    /// The key's id, and nonce with ciphertext.
    fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes[2..].split_at(usize::from(self.bytes[1]))
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Sealed { bytes: self.bytes.clone(), content: PhantomData }
    }
}

/// The same box; the same content sealed twice is not equal.
impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Sealed<T> {}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl<T> fmt::Display for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    sealed: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    key: String,
    #[serde(rename = "box")]
    content: String,
}

impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let content = BASE64.encode(self.parts().1);
        let key = self.key_id().to_owned();
        Envelope { sealed: Content { key, content } }.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Content { key, content } = Envelope::deserialize(deserializer)?.sealed;
        let content = BASE64.decode(content).map_err(|_| de::Error::custom(MalformedBox))?;
        if !is_key_id(&key) {
            return Err(de::Error::custom(MalformedBox));
        }
        let bytes = [header(&key), content].concat();
        Sealed::from_bytes(bytes).map_err(de::Error::custom)
    }
}

/// Whether this is the JSON of a [`Sealed`].
pub fn is_sealed(value: &Value) -> bool {
    let Some(envelope) = value.as_object().filter(|envelope| envelope.len() == 1) else {
        return false;
    };
    envelope
        .get("sealed")
        .is_some_and(|sealed| ["key", "box"].iter().all(|name| sealed[name].is_string()))
}

/// A copy for people: every box in it, however deep, is the word `sealed`.
pub fn redact(value: &Value) -> Value {
    let mut copy = value.clone();
    let mut open = vec![&mut copy];
    while let Some(value) = open.pop() {
        if is_sealed(value) {
            *value = SHOWN.into();
            continue;
        }
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values_mut()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    copy
}

/// A new value for an old one of which a person saw a copy for people: where it says `sealed` at the place of a box, the
/// box stays. Both must have passed [`crate::json::check`], which limits how deep they are.
pub(crate) fn keep(old: &Value, new: Value) -> Value {
    if is_sealed(old) && new == SHOWN {
        return old.clone();
    }
    match (old, new) {
        (Value::Array(old), Value::Array(new)) => {
            let mut old = old.iter();
            new.into_iter().map(|item| keep(old.next().unwrap_or(&Value::Null), item)).collect()
        }
        (Value::Object(old), Value::Object(new)) => {
            let keep = |(name, value)| {
                let value = keep(old.get(&name).unwrap_or(&Value::Null), value);
                (name, value)
            };
            Value::Object(new.into_iter().map(keep).collect())
        }
        (_, new) => new,
    }
}

fn is_key_id(id: &str) -> bool {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=KEY_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(allowed)
}

/// The front of a box; authenticated with it, so that neither version nor key can be exchanged.
fn header(key_id: &str) -> Vec<u8> {
    let length = u8::try_from(key_id.len()).expect("a key's id has at most 32 bytes");
    [&[VERSION, length], key_id.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
