//! Where a message is on its way, and which news about it is newer.

use std::{fmt, str::FromStr};

/// A message's status, in Twilio's words (API definition 2010-04-01).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// Taken; a messaging service will choose the sender.
    Accepted,
    /// Taken, to be sent later.
    Scheduled,
    /// Waiting for its turn with this sender.
    Queued,
    /// On its way to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// The carrier says that the phone has it.
    Delivered,
    /// The carrier says that the phone will not get it.
    Undelivered,
    /// Never reached the carrier.
    Failed,
    /// Taken back before it was sent.
    Canceled,
    /// The person has opened it (channels other than SMS).
    Read,
    /// Some of several recipients have it.
    PartiallyDelivered,
    /// Inbound, still arriving.
    Receiving,
    /// Inbound, complete.
    Received,
}

/// A status word that is not in Twilio's list. The word is kept when it looks like one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown message status {word:?}")]
pub struct UnknownStatus {
    word: String,
}

impl MessageStatus {
    /// Every status, in the order of their ranks.
    pub const ALL: [Self; 13] = [
        Self::Accepted,
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Receiving,
        Self::Sent,
        Self::Delivered,
        Self::Undelivered,
        Self::Failed,
        Self::Canceled,
        Self::PartiallyDelivered,
        Self::Received,
        Self::Read,
    ];

    /// Twilio's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Read => "read",
            Self::PartiallyDelivered => "partially_delivered",
            Self::Receiving => "receiving",
            Self::Received => "received",
        }
    }

    /// How far along it is. Callbacks carry neither time nor number and arrive in any order; the
    /// rank is all there is to tell old news from new.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Accepted | Self::Scheduled => 0,
            Self::Queued => 1,
            Self::Sending | Self::Receiving => 2,
            Self::Sent => 3,
            Self::Delivered
            | Self::Undelivered
            | Self::Failed
            | Self::Canceled
            | Self::PartiallyDelivered
            | Self::Received => 4,
            Self::Read => 5,
        }
    }

    /// Whether nothing but a read receipt can follow.
    pub const fn is_final(self) -> bool {
        self.rank() >= Self::Delivered.rank()
    }

    /// Whether `to` is news after `self`: of higher rank, and the first final status wins, except
    /// that a delivered message may still be read.
    pub fn advances(self, to: Self) -> bool {
        if self.is_final() {
            return self == Self::Delivered && to == Self::Read;
        }
        to.rank() > self.rank()
    }
}

impl fmt::Display for MessageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MessageStatus {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or_else(|| {
            // Whatever else a field may hold (a number, a text) must not reach an error's text.
            let is_word =
                word.len() <= 32 && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
            UnknownStatus { word: if is_word { word.to_owned() } else { "?".to_owned() } }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::MessageStatus::{Accepted, Canceled, Delivered, Failed, Queued, Read, Scheduled};
    use super::MessageStatus::{Sending, Sent, Undelivered};
    use super::*;

    #[test]
    fn every_status_is_read_back_from_its_word() {
        for status in MessageStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }

    #[test]
    fn the_ranks_follow_the_lifecycle() {
        for pair in [Accepted, Queued, Sending, Sent, Delivered, Read].windows(2) {
            assert!(pair[0].advances(pair[1]), "{pair:?}");
            assert!(!pair[1].advances(pair[0]), "{pair:?}");
        }
        assert!(Queued.advances(Delivered), "steps may be skipped");
        assert!(!Accepted.advances(Scheduled), "the same rank is no news");
    }

    #[test]
    fn the_first_final_status_wins_but_a_delivered_message_may_be_read() {
        for last in [Delivered, Undelivered, Failed, Canceled, Read] {
            for next in MessageStatus::ALL {
                assert_eq!(last.advances(next), last == Delivered && next == Read);
            }
        }
    }

    #[test]
    fn no_status_advances_to_itself() {
        assert!(MessageStatus::ALL.into_iter().all(|status| !status.advances(status)));
    }

    #[test]
    fn the_order_of_arrival_does_not_change_where_a_message_ends() {
        let shuffles =
            [[Queued, Sent, Delivered], [Delivered, Sent, Queued], [Sent, Delivered, Queued]];
        for shuffle in shuffles {
            let end = shuffle.into_iter().fold(
                Accepted,
                |at, news| {
                    if at.advances(news) { news } else { at }
                },
            );
            assert_eq!(end, Delivered);
        }
    }

    #[test]
    fn an_unknown_word_is_an_error_that_shows_words_only() {
        let error = |word: &str| word.parse::<MessageStatus>().unwrap_err().to_string();
        assert_eq!(error("teleported"), r#"unknown message status "teleported""#);
        assert_eq!(error("+4367712345678"), r#"unknown message status "?""#);
    }
}
