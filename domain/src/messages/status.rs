//! The order of a message's news.

use crate::word::words;

words! {
    /// Where a message stands: our own words `pending` and `skipped`, the others are the provider's.
    pub enum MessageStatus ("message status") {
        /// Not handed over, or not known whether it was.
        Pending = "pending",
        /// Decided never to hand it over.
        Skipped = "skipped",
        /// The provider will choose a sender.
        Accepted = "accepted",
        /// The provider will send it later.
        Scheduled = "scheduled",
        /// The provider has it in its queue.
        Queued = "queued",
        /// On its way to the carrier.
        Sending = "sending",
        /// The carrier has it.
        Sent = "sent",
        /// The phone has it.
        Delivered = "delivered",
        /// The carrier says that the phone did not get it.
        Undelivered = "undelivered",
        /// Could not be sent.
        Failed = "failed",
        /// Taken back before it was sent.
        Canceled = "canceled",
        /// Some of the receivers have it.
        PartiallyDelivered = "partially_delivered",
        /// The receiver opened it.
        Read = "read",
        /// Coming in.
        Receiving = "receiving",
        /// Came in.
        Received = "received",
    }
}

impl MessageStatus {
    /// News of a rank that is not higher is late. Callbacks carry neither time nor sequence, so the status is all there is to
    /// order them by. The schema has the same list.
    pub fn rank(self) -> i16 {
        match self {
            Self::Pending => 0,
            Self::Accepted | Self::Scheduled | Self::Receiving => 1,
            Self::Queued => 2,
            Self::Sending => 3,
            Self::Sent => 4,
            Self::Delivered
            | Self::Undelivered
            | Self::Failed
            | Self::Canceled
            | Self::Skipped
            | Self::PartiallyDelivered
            | Self::Received => 5,
            Self::Read => 6,
        }
    }

    /// Whether this is a move forward. The end is the end, except that what was delivered may still be read.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Undelivered | Self::Failed | Self::Canceled | Self::Skipped | Self::Received => {
                false
            }
            Self::Pending
            | Self::Accepted
            | Self::Scheduled
            | Self::Queued
            | Self::Sending
            | Self::Sent
            | Self::Delivered
            | Self::PartiallyDelivered
            | Self::Read
            | Self::Receiving => {
                next.rank() > self.rank() && (next != Self::Skipped || self == Self::Pending)
            }
        }
    }

    /// Whether the story is over, but for being read.
    pub fn is_final(self) -> bool {
        self.rank() >= Self::Delivered.rank()
    }
}

#[cfg(test)]
mod tests {
    use super::MessageStatus::{self, *};

    #[test]
    fn any_order_of_callbacks_ends_in_the_same_place() {
        let apply = |news: [MessageStatus; 4]| {
            news.into_iter()
                .fold(Pending, |now, next| if now.may_become(next) { next } else { now })
        };
        for at in 0..24 {
            let mut left = vec![Queued, Sending, Sent, Delivered];
            let (a, b, c) = (at / 6, at / 2 % 3, at % 2);
            let order = [left.remove(a), left.remove(b), left.remove(c), left.remove(0)];
            assert_eq!(apply(order), Delivered, "{order:?}");
        }
    }

    #[test]
    fn the_end_is_the_end_except_that_what_was_delivered_may_be_read() {
        assert!(Delivered.may_become(Read));
        for ended in [Undelivered, Failed, Canceled, Skipped, Received, Read] {
            for &next in MessageStatus::ALL {
                assert!(!ended.may_become(next), "{ended} -> {next}");
            }
        }
        for next in [Undelivered, Failed, Canceled, Sent, Queued, Delivered] {
            assert!(!Delivered.may_become(next), "{next}");
        }
    }

    #[test]
    fn only_what_was_never_handed_over_can_be_skipped() {
        assert!(Pending.may_become(Skipped));
        assert!(!Queued.may_become(Skipped));
    }
}
