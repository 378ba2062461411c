//! Speech on the telephone: G.711 μ-law, 8,000 bytes a second, in base64. Twilio and OpenAI write it alike, so that it is passed
//! on as it comes: checked, never decoded.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// One sample is one byte, and there are 8,000 in a second.
pub const BYTES_PER_MS: usize = 8;

/// A frame of Twilio's: 20 ms.
pub const FRAME_BYTES: usize = 20 * BYTES_PER_MS;

/// Silence.
pub const SILENCE: u8 = 0xff;

/// What is no base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audio that is no base64")]
pub struct BadAudio;

/// Audio in base64, checked: it consists of nothing that would end a string in JSON, and can be written into one as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Mulaw<'a>(Cow<'a, str>);

impl<'a> Mulaw<'a> {
    /// Takes a text that is base64 with its padding.
    pub fn read(text: impl Into<Cow<'a, str>>) -> Result<Self, BadAudio> {
        let text = text.into();
        let padding = padding(&text);
        let body = text.len().checked_sub(padding).ok_or(BadAudio)?;
        let whole = text.len().is_multiple_of(4) && text.bytes().take(body).all(is_digit);
        if whole { Ok(Self(text)) } else { Err(BadAudio) }
    }

    /// Writes bytes as base64.
    pub fn encode(mulaw: &[u8]) -> Mulaw<'static> {
        Mulaw(Cow::Owned(STANDARD.encode(mulaw)))
    }

    /// The base64.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How much audio it is, without decoding it: bytes of μ-law, each an eighth of a millisecond.
    pub fn bytes(&self) -> usize {
        self.0.len() / 4 * 3 - padding(&self.0)
    }

    /// How long it takes to be heard, in milliseconds, rounded down.
    pub fn millis(&self) -> u64 {
        (self.bytes() / BYTES_PER_MS) as u64
    }

    /// Appends the bytes to a buffer.
    ///
    /// # Errors
    ///
    /// Where the last digit holds bits that are no byte.
    pub fn decode_into(&self, buffer: &mut Vec<u8>) -> Result<(), BadAudio> {
        STANDARD.decode_vec(self.as_str(), buffer).map_err(|_| BadAudio)
    }

    /// The same, independent of where it was read from.
    pub fn into_owned(self) -> Mulaw<'static> {
        Mulaw(Cow::Owned(self.0.into_owned()))
    }
}

impl std::fmt::Debug for Mulaw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mulaw({} bytes)", self.bytes())
    }
}

fn padding(text: &str) -> usize {
    text.bytes().rev().take(2).take_while(|byte| *byte == b'=').count()
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_base64_is_refused() {
        for bad in ["a", "ab=", "abc\"", "a===", "====", "ab\\=", "äb==", "ab c", "=abc", "ab=c"] {
            assert_eq!(Mulaw::read(bad), Err(BadAudio), "{bad}");
        }
        assert_eq!(Mulaw::read("").unwrap().bytes(), 0);
        assert_eq!(Mulaw::encode(&[SILENCE; FRAME_BYTES]).millis(), 20);
    }

    #[test]
    fn debug_does_not_show_what_is_heard() {
        assert_eq!(format!("{:?}", Mulaw::encode(b"hello")), "Mulaw(5 bytes)");
    }

    proptest! {
        #[test]
        fn its_length_is_known_without_decoding(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let audio = Mulaw::encode(&bytes);
            let read = Mulaw::read(audio.as_str()).unwrap();
            let mut decoded = Vec::new();
            read.decode_into(&mut decoded).unwrap();
            prop_assert_eq!((read.bytes(), decoded), (bytes.len(), bytes));
        }
    }
}
