//! Speech whose words can be heard by a program: a tone as loud as a voice, with the letters between its samples.
//!
//! Calls carry G.711 μ-law byte for byte, so what one side says arrives at the other as it was said, unless frames are lost or
//! played audio is cut off; then words are missing, too. That is what a test of a call wants to know, and no side channel could
//! tell it.

use std::sync::LazyLock;

use clients::audio::{FRAME_BYTES, SILENCE};

/// How fast people speak: about 150 words a minute.
pub const CHARS_PER_SEC: u32 = 15;

/// Frames in a second.
const FRAMES_PER_SEC: u32 = 50;

/// What letters follow. Its zero is in no text.
const MARK: [u8; 4] = [0x00, 0x80, 0x01, 0x81];

/// More would not fit between a mark and the frame's end.
const FRAME_LETTERS_MAX: usize = FRAME_BYTES / 2;

/// The mean level from which something is a voice, of 32,767.
const VOICE_LEVEL: u32 = 800;

/// Says a text, at so many characters a second; whole frames of 20 ms.
pub fn say(text: &str, chars_per_sec: u32) -> Vec<u8> {
    let letters: Vec<char> = text.chars().filter(|c| *c != '\0').collect();
    let frames = frames_of(letters.len(), chars_per_sec);
    let mut audio = Vec::with_capacity(frames * FRAME_BYTES);
    for number in 0..frames {
        let part = number * letters.len() / frames..(number + 1) * letters.len() / frames;
        frame(&letters[part].iter().collect::<String>(), &mut audio);
    }
    audio
}

/// How long a text takes to be said, in milliseconds.
pub fn millis(text: &str, chars_per_sec: u32) -> u64 {
    let frames = frames_of(text.chars().filter(|c| *c != '\0').count(), chars_per_sec);
    frames as u64 * u64::from(1_000 / FRAMES_PER_SEC)
}

/// The words in what was heard.
pub fn words(audio: &[u8]) -> String {
    let mut letters = Vec::new();
    let mut rest = audio;
    while let Some(at) = rest.windows(MARK.len()).position(|four| four == MARK) {
        rest = &rest[at + MARK.len()..];
        let Some((length, after)) = rest.split_first() else { break };
        let Some(found) = after.get(..usize::from(*length)) else { break };
        letters.extend_from_slice(found);
        rest = &after[found.len()..];
    }
    String::from_utf8_lossy(&letters).into_owned()
}

/// Whether somebody speaks.
pub fn is_voice(audio: &[u8]) -> bool {
    let sum: u32 = audio.iter().map(|byte| u32::from(LEVELS[usize::from(*byte)])).sum();
    !audio.is_empty() && sum / u32::try_from(audio.len()).unwrap_or(u32::MAX) >= VOICE_LEVEL
}

fn frames_of(letters: usize, chars_per_sec: u32) -> usize {
    let wanted = letters * FRAMES_PER_SEC as usize / chars_per_sec.max(1) as usize;
    // A letter of UTF-8 has four bytes at most.
    let fewest = (letters * 4).div_ceil(FRAME_LETTERS_MAX);
    wanted.max(fewest).max(1)
}

fn frame(letters: &str, audio: &mut Vec<u8>) {
    let end = audio.len() + FRAME_BYTES;
    if let (Ok(length @ 1..), bytes) = (u8::try_from(letters.len()), letters.as_bytes()) {
        audio.extend_from_slice(&MARK);
        audio.push(length);
        audio.extend_from_slice(bytes);
    }
    // 400 Hz: ten samples up, ten down.
    let tone = [[0x95; 10], [0x15; 10]].concat();
    audio.extend(tone.into_iter().cycle().take(end - audio.len()));
}

/// How loud each byte of μ-law is (ITU-T G.711, table 2a).
static LEVELS: LazyLock<[u16; 256]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let code = !u8::try_from(byte).unwrap_or(SILENCE);
        let (exponent, mantissa) = ((code >> 4) & 7, u16::from(code & 15));
        (((mantissa << 3) + 132) << exponent) - 132
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_and_lasts_as_long_as_its_words() {
        for text in ["Grüß Gott, my knee hurts 👋", "a", ""] {
            for pace in [CHARS_PER_SEC, 500, 1_000_000] {
                let audio = say(text, pace);
                assert_eq!(words(&audio), text, "{pace}");
                assert_eq!(audio.len() as u64 / 8, millis(text, pace));
                assert_eq!(audio.len() % FRAME_BYTES, 0);
            }
        }
        assert_eq!(millis("fifteen letters", CHARS_PER_SEC), 1_000);
    }

    #[test]
    fn what_is_cut_off_is_not_heard() {
        let audio = say("hello there", CHARS_PER_SEC);
        let heard = words(&audio[..audio.len() / 2]);
        assert!("hello there".starts_with(&heard) && (4..=6).contains(&heard.len()), "{heard}");
    }

    #[test]
    fn a_voice_is_told_from_silence() {
        assert!(say("hello", CHARS_PER_SEC).chunks(FRAME_BYTES).all(is_voice));
        assert!(!is_voice(&[SILENCE; FRAME_BYTES]) && !is_voice(&[0x7f; FRAME_BYTES]));
        assert!(!is_voice(&[]));
    }
}
