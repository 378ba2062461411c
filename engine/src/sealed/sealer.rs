//! The keys, and what they can do.

use std::{fmt, marker::PhantomData};

use base64::Engine as _;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, Payload},
};
use secrecy::{ExposeSecret, SecretBox, zeroize::Zeroizing};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{BASE64, NONCE_BYTES, Sealed, header, is_key_id};

pub(super) const KEY_BYTES: usize = 32;

/// Why keys are not usable. Positions count from 1; no text of an entry is shown unless it is surely no key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealerError {
    /// The first key is needed to seal anything.
    #[error("there is no key")]
    Empty,
    /// An entry is not `id:base64`.
    #[error("key {position} is not of the form id:base64")]
    Form {
        /// Which entry.
        position: usize,
    },
    /// An id is something else than 1 to 32 of `a-z`, `0-9`, `_`, `-`.
    #[error("the id of key {position} is not 1 to 32 characters of a-z, 0-9, _ and -")]
    KeyId {
        /// Which entry.
        position: usize,
    },
    /// The key is not base64.
    #[error("key {position} is not base64")]
    Base64 {
        /// Which entry.
        position: usize,
    },
    /// The key is not 32 bytes long.
    #[error("key {position} has {bytes} bytes instead of 32")]
    Length {
        /// Which entry.
        position: usize,
        /// How many there are.
        bytes: usize,
    },
    /// Two keys have the same id.
    #[error("key {position} has the id of an earlier one")]
    Duplicate {
        /// Which entry.
        position: usize,
    },
}

/// The value cannot be written as JSON. The cause stays untold: it can quote the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the value to be sealed cannot be written as JSON")]
pub struct SealError;

/// Why a box stays closed. No variant quotes what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// This process does not have the key.
    #[error("sealed with the key {key_id:?}, which this process does not have")]
    UnknownKey {
        /// The key's id.
        key_id: String,
    },
    /// Changed since it was sealed, or sealed with another key of the same id.
    #[error("the sealed value was changed, or sealed with another key of the same id")]
    Tampered,
    /// Opened, but the content is no `T`.
    #[error("the sealed value is of another type")]
    Decode,
}

struct Key {
    id: String,
    secret: SecretBox<[u8; KEY_BYTES]>,
}

/// The keys of a process. The first one seals, all of them open.
pub struct Sealer {
    keys: Vec<Key>,
}

impl Sealer {
    /// From ids and keys; the first is the primary.
    pub fn new(keys: Vec<(String, [u8; KEY_BYTES])>) -> Result<Sealer, SealerError> {
        let mut sealer = Sealer { keys: Vec::with_capacity(keys.len()) };
        for (id, secret) in keys {
            sealer.add(id, SecretBox::new(Box::new(secret)))?;
        }
        sealer.not_empty()
    }

    /// From `id:base64,id2:base64`, as it stands in the environment; the first is the primary.
    pub fn parse(text: &str) -> Result<Sealer, SealerError> {
        let mut sealer = Sealer { keys: Vec::new() };
        if text.trim().is_empty() {
            return sealer.not_empty();
        }
        for (entry, position) in text.split(',').zip(1..) {
            let (id, key) = entry.trim().split_once(':').ok_or(SealerError::Form { position })?;
            let bytes = BASE64.decode(key).map_err(|_| SealerError::Base64 { position })?;
            let bytes = Zeroizing::new(bytes);
            let secret = <[u8; KEY_BYTES]>::try_from(bytes.as_slice())
                .map_err(|_| SealerError::Length { position, bytes: bytes.len() })?;
            sealer.add(id.to_owned(), SecretBox::new(Box::new(secret)))?;
        }
        sealer.not_empty()
    }

    fn add(&mut self, id: String, secret: SecretBox<[u8; KEY_BYTES]>) -> Result<(), SealerError> {
        let position = self.keys.len() + 1;
        if !is_key_id(&id) {
            return Err(SealerError::KeyId { position });
        }
        if self.keys.iter().any(|key| key.id == id) {
            return Err(SealerError::Duplicate { position });
        }
        self.keys.push(Key { id, secret });
        Ok(())
    }

    fn not_empty(self) -> Result<Sealer, SealerError> {
        if self.keys.is_empty() { Err(SealerError::Empty) } else { Ok(self) }
    }

    /// The id of the key that seals.
    pub fn primary(&self) -> &str {
        &self.keys[0].id
    }

    /// Encrypts with the primary key.
    pub fn seal<T: Serialize>(&self, value: &T) -> Result<Sealed<T>, SealError> {
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError)?);
        Ok(self.wrap(&plain))
    }

    /// Decrypts with the key that the box names.
    pub fn open<T: DeserializeOwned>(&self, sealed: &Sealed<T>) -> Result<T, OpenError> {
        let plain = self.unwrap(sealed)?;
        serde_json::from_slice(&plain).map_err(|_| OpenError::Decode)
    }

    /// Whether the box was sealed with another key than the primary.
    pub fn needs_rewrap<T>(&self, sealed: &Sealed<T>) -> bool {
        sealed.key_id() != self.keys[0].id
    }

    /// The same content under the primary key, whatever its type (`Sealed<()>` will do).
    pub fn rewrap<T>(&self, sealed: &Sealed<T>) -> Result<Sealed<T>, OpenError> {
        Ok(self.wrap(&self.unwrap(sealed)?))
    }

    fn wrap<T>(&self, plain: &[u8]) -> Sealed<T> {
        let Key { id, secret } = &self.keys[0];
        let nonce = XNonce::generate(); // from the operating system, which does not run dry
        let header = header(id);
        let boxed = XChaCha20Poly1305::new(secret.expose_secret().into())
            .encrypt(&nonce, Payload { msg: plain, aad: &header })
            .expect("only a message of more than 256 GB cannot be encrypted");
        Sealed { bytes: [&header, &*nonce, &boxed].concat(), content: PhantomData }
    }

    fn unwrap<T>(&self, sealed: &Sealed<T>) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let key_id = sealed.key_id();
        let key = self
            .keys
            .iter()
            .find(|key| key.id == key_id)
            .ok_or_else(|| OpenError::UnknownKey { key_id: key_id.to_owned() })?;
        let (nonce, boxed) =
            sealed.parts().1.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Tampered)?;
        XChaCha20Poly1305::new(key.secret.expose_secret().into())
            .decrypt(nonce.into(), Payload { msg: boxed, aad: &header(key_id) })
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Tampered)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}
