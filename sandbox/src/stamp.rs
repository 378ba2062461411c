//! When a frame was sent, written into its last samples, so quietly that nobody hears it. Both ends of a call are stand-ins of
//! ours, on one machine: what lies between them can be measured by its only clock, without another word.

use clients::audio::FRAME_BYTES;

/// What a stamp begins with: four of the quietest samples, in an order that no voice has.
const MARK: [u8; 4] = [0xf0, 0x70, 0xf1, 0x71];

/// Sixteen digits of four bits, each one of the quietest samples.
const DIGITS: usize = 16;

const STAMP_BYTES: usize = MARK.len() + DIGITS;

/// Older than this is no delay, but an old recording.
const NANOS_MAX: u64 = 60_000_000_000;

/// Now, in nanoseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "two processes of one machine have no other clock in common"
)]
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}

/// Writes the moment over the end of a piece of audio.
pub(crate) fn put(audio: &mut [u8], now: u64) {
    let Some(at) = audio.len().checked_sub(STAMP_BYTES) else { return };
    let (mark, digits) = audio[at..].split_at_mut(MARK.len());
    mark.copy_from_slice(&MARK);
    for (number, digit) in digits.iter_mut().enumerate() {
        let nibble = (now >> (4 * number)) & 15;
        *digit = 0xf0 | u8::try_from(nibble).unwrap_or_default();
    }
}

/// How long ago audio was stamped, in microseconds; none if it was not.
pub(crate) fn age_micros(audio: &[u8], now: u64) -> Option<u64> {
    let at = audio.len().checked_sub(STAMP_BYTES)?;
    let (mark, digits) = audio[at..].split_at(MARK.len());
    if mark != MARK {
        return None;
    }
    let sent = digits.iter().rev().try_fold(0_u64, |sum, digit| {
        (digit & 0xf0 == 0xf0).then_some((sum << 4) | u64::from(digit & 15))
    })?;
    now.checked_sub(sent).filter(|age| *age < NANOS_MAX).map(|age| age / 1_000)
}

/// The ages of all frames in a piece of audio.
pub(crate) fn ages(audio: &[u8], now: u64) -> impl Iterator<Item = u64> {
    audio.chunks_exact(FRAME_BYTES).filter_map(move |frame| age_micros(frame, now))
}

#[cfg(test)]
mod tests {
    use clients::audio::SILENCE;

    use super::*;
    use crate::speech;

    #[test]
    fn a_stamp_is_read_back_and_heard_by_nobody() {
        let mut frame = [SILENCE; FRAME_BYTES];
        put(&mut frame, 5_000_000_123);
        assert!(!speech::is_voice(&frame));
        assert_eq!(age_micros(&frame, 5_000_250_123), Some(250));
        assert_eq!(ages(&frame.repeat(3), 5_000_250_123).count(), 3);
        assert_eq!(age_micros(&frame, 1), None);
        assert_eq!(age_micros(&[SILENCE; FRAME_BYTES], 1), None);
        let mut said = speech::say("hello", 50);
        put(&mut said, 7);
        assert_eq!(speech::words(&said), "hello");
    }
}
