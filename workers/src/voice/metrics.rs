//! What a voice worker counts and measures. All are this process's.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Lines that are open.
pub const LINES: &str = "voice_calls";
/// From a frame's arrival to its departure on the other side, by direction.
pub const FRAME_TIME: &str = "voice_frame_seconds";
/// From the news that the caller speaks to the departure of the order to be silent.
pub const BARGE_IN_TIME: &str = "voice_barge_in_seconds";
/// From the opening of a line to a conversation with the speech service.
pub const DIAL_TIME: &str = "voice_dial_seconds";
/// From a stream's handshake to its admission.
pub const ADMIT_TIME: &str = "voice_admit_seconds";
/// Frames of callers that were left out because the speech service was slow.
pub const DROPPED: &str = "voice_frames_dropped_total";
/// Frames that could not be read.
pub const BAD_FRAMES: &str = "voice_bad_frames_total";
/// Streams that were refused or shown out, by reason.
pub const REFUSED: &str = "voice_streams_refused_total";
/// Streams that were closed because nobody read them.
pub const SLOW: &str = "voice_slow_readers_total";
/// How often the speech service could not be had, or was lost.
pub const SPEECH_LOST: &str = "voice_speech_lost_total";

/// All of them.
pub const NAMES: [&str; 10] = [
    LINES,
    FRAME_TIME,
    BARGE_IN_TIME,
    DIAL_TIME,
    ADMIT_TIME,
    DROPPED,
    BAD_FRAMES,
    REFUSED,
    SLOW,
    SPEECH_LOST,
];

/// Why a stream was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Lost,
    Unsigned,
    BadSignature,
    NoSocket,
    TooMany,
    Silent,
    Malformed,
    OtherAccount,
    BadToken,
    OldToken,
    NoLine,
}

impl Door {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Door::Lost => "other_worker",
            Door::Unsigned => "unsigned",
            Door::BadSignature => "bad_signature",
            Door::NoSocket => "no_socket",
            Door::TooMany => "too_many",
            Door::Silent => "silent",
            Door::Malformed => "malformed",
            Door::OtherAccount => "other_account",
            Door::BadToken => "bad_token",
            Door::OldToken => "old_token",
            Door::NoLine => "no_line",
        }
    }
}

pub(super) fn lines(open: usize) {
    #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
    gauge!(LINES).set(open as f64);
}

pub(super) fn passed_up(time: Duration) {
    histogram!(FRAME_TIME, "direction" => "up").record(time.as_secs_f64());
}

pub(super) fn passed_down(time: Duration) {
    histogram!(FRAME_TIME, "direction" => "down").record(time.as_secs_f64());
}

pub(super) fn barged_in(time: Duration) {
    histogram!(BARGE_IN_TIME).record(time.as_secs_f64());
}

pub(super) fn dialed(time: Duration) {
    histogram!(DIAL_TIME).record(time.as_secs_f64());
}

pub(super) fn admitted(time: Duration) {
    histogram!(ADMIT_TIME).record(time.as_secs_f64());
}

pub(super) fn dropped_up() {
    counter!(DROPPED).increment(1);
}

pub(super) fn bad_frame() {
    counter!(BAD_FRAMES).increment(1);
}

pub(super) fn door(why: Door) {
    counter!(REFUSED, "reason" => why.as_str()).increment(1);
}

pub(super) fn slow_reader() {
    counter!(SLOW).increment(1);
}

pub(super) fn speech_lost() {
    counter!(SPEECH_LOST).increment(1);
}
