//! How long, how often and how much: every limit of a call, with its reason. Pure.

use domain::voice::Outcome;

/// The speech service ends a conversation after an hour (OpenAI, "Realtime conversations", maximum duration).
pub(super) const TALK_MAX_SECS: u32 = 59 * 60;

/// A token lives for a minute: after that no audio can come any more.
pub(super) const CONNECT_WITHIN_MS: u64 = 65_000;

/// Frames come every 20 ms, silence included.
pub(super) const FRAMES_WITHIN_MS: u64 = 15_000;

/// From a stream that has broken off to its next one: the phone company asks where to at once, and its shortest pauses are
/// a second.
pub(super) const BACK_WITHIN_MS: u64 = 20_000;

/// From the request to say something to its end, as long as nothing is heard of it.
pub(super) const ANSWER_WITHIN_MS: u64 = 20_000;

/// Between two keys of one number.
pub(super) const DIGITS_WITHIN_MS: u64 = 2_000;

/// A credit card has 19 digits; nobody types more.
pub(super) const DIGITS_MAX: usize = 32;

/// For the last sentence.
pub(super) const GOOD_BYE_MS: u64 = 10_000;

/// After that, a service that is lost again is a new outage.
pub(super) const OUTAGE_OVER_MS: u64 = 120_000;

/// Nobody says anything: then the assistant asks whether anybody is there; then it ends.
const SILENCE_MS: u64 = 20_000;

/// A caller who has begun to speak and is never through: their side's noise. Then it counts as silence.
const SPEECH_MAX_MS: u64 = 120_000;

/// Answers that fail in a row are asked for again so often.
const AGAIN_MAX: u32 = 2;

/// Questions without an answer in one conversation.
pub(super) const QUESTIONS_MAX: usize = 8;

/// Of a turn; a minute of speech has a thousand letters.
pub(super) const TURN_BYTES_MAX: usize = 8 * 1024;

/// Of what the model asks for.
pub(super) const ARGUMENTS_BYTES_MAX: usize = 8 * 1024;

/// Of what it is answered.
pub(super) const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// Said after somebody else has spoken before, or the service was lost.
pub(super) const INTERRUPTED: &str = "The line was interrupted for a moment. Say so in one short sentence in the caller's language, \
    then go on exactly where the conversation was.";

/// Said into a long silence.
pub(super) const STILL_THERE: &str = "Nobody has said anything for a while. Ask briefly, in the caller's language, whether the caller is \
    still there.";

/// Said when the call is as long as it may be.
pub(super) const TIME_UP: &str = "The call has reached its longest duration. Say so briefly in the caller's language, offer that somebody \
    will get back to the caller, and say good-bye.";

/// Whether the silence can be borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    Bearable,
    Ask,
    TooLong,
}

/// How long nobody has said anything, and how often that was asked about.
#[derive(Debug)]
pub(super) struct Patience {
    since_ms: u64,
    /// The caller has begun to speak then, and not stopped yet.
    speaking_since_ms: Option<u64>,
    has_asked: bool,
    failed: u32,
}

impl Patience {
    pub(super) fn new(now_ms: u64) -> Patience {
        Patience { since_ms: now_ms, speaking_since_ms: None, has_asked: false, failed: 0 }
    }

    /// Something was heard or done.
    pub(super) fn busy(&mut self, now_ms: u64) {
        self.since_ms = now_ms;
        self.speaking_since_ms = None;
    }

    /// The caller has begun to speak: they are there.
    pub(super) fn speaks(&mut self, now_ms: u64) {
        self.busy(now_ms);
        self.speaking_since_ms = Some(now_ms);
        self.has_asked = false;
        self.failed = 0;
    }

    /// Whether an answer that failed is worth another try.
    pub(super) fn may_ask_again(&mut self) -> bool {
        self.failed += 1;
        self.failed <= AGAIN_MAX
    }

    /// `is_quiet`: nothing is played, and nothing is being made.
    pub(super) fn look(&mut self, now_ms: u64, is_quiet: bool) -> Silence {
        let is_speaking = self
            .speaking_since_ms
            .is_some_and(|since| now_ms.saturating_sub(since) < SPEECH_MAX_MS);
        if !is_quiet || is_speaking {
            self.since_ms = now_ms;
            return Silence::Bearable;
        }
        if now_ms.saturating_sub(self.since_ms) < SILENCE_MS {
            return Silence::Bearable;
        }
        self.since_ms = now_ms;
        if std::mem::replace(&mut self.has_asked, true) { Silence::TooLong } else { Silence::Ask }
    }
}

/// How long may be talked yet in a call of which so much was talked before, with other workers.
pub(super) fn talk_left_ms(talk_max_secs: u32, talked_ms: u32) -> u64 {
    let left = (u64::from(talk_max_secs) * 1000).saturating_sub(u64::from(talked_ms));
    left.min(u64::from(TALK_MAX_SECS) * 1000)
}

/// How a call ended whose caller is gone: as it was about to, or by them.
pub(super) fn when_gone(ending: Option<(Outcome, u64)>) -> Outcome {
    match ending {
        // Whoever hangs up while being put through has hung up.
        Some((Outcome::Transferred, _)) | None => Outcome::HungUp,
        Some((outcome, _)) => outcome,
    }
}

/// At most so many bytes of a text, whole letters.
pub(super) fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_asked_about_once_and_then_ends_the_call() {
        let mut patience = Patience::new(0);
        assert_eq!(patience.look(19_999, true), Silence::Bearable);
        assert_eq!(patience.look(20_000, true), Silence::Ask);
        assert_eq!(patience.look(30_000, false), Silence::Bearable, "it is being asked");
        assert_eq!(patience.look(50_000, true), Silence::TooLong);
        let mut patience = Patience::new(0);
        assert_eq!(patience.look(20_000, true), Silence::Ask);
        patience.speaks(21_000);
        patience.busy(22_000);
        assert_eq!(patience.look(42_000, true), Silence::Ask, "they were there in between");
    }

    #[test]
    fn whoever_speaks_is_not_silent_but_noise_is() {
        let mut patience = Patience::new(0);
        patience.speaks(1_000);
        assert_eq!(patience.look(60_000, true), Silence::Bearable);
        assert_eq!(patience.look(120_000, true), Silence::Bearable);
        assert_eq!(patience.look(139_000, true), Silence::Bearable, "the clock begins anew");
        assert_eq!(patience.look(140_000, true), Silence::Ask);
    }

    #[test]
    fn what_was_talked_before_counts_and_a_conversation_is_no_longer_than_it_can_be() {
        assert_eq!(talk_left_ms(120, 0), 120_000);
        assert_eq!(talk_left_ms(120, 100_000), 20_000);
        assert_eq!(talk_left_ms(120, 130_000), 0);
        assert_eq!(talk_left_ms(7200, 600_000), 59 * 60 * 1000);
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(cut("äöü".to_owned(), 3), "ä");
        assert_eq!(cut("abc".to_owned(), 3), "abc");
    }
}
