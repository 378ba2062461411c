//! Where a call is, and what news does to it. Pure.
//!
//! News is merged, not replayed: whatever the order and the repeats, the same news lead to the same call. That is why
//! nothing here asks which came first, except for two different ends, which no call has.

use chrono::{DateTime, Utc};

use crate::word::words;

words! {
    /// A call's status, in Twilio's words ("Call resource", Status; `initiated` is told by callbacks only).
    pub enum CallStatus ("call status") {
        /// Waiting for its turn.
        Queued = "queued",
        /// On its way.
        Initiated = "initiated",
        /// Ringing.
        Ringing = "ringing",
        /// Being spoken.
        InProgress = "in-progress",
        /// Answered, and over.
        Completed = "completed",
        /// The line was taken.
        Busy = "busy",
        /// It could not be connected.
        Failed = "failed",
        /// Nobody picked up.
        NoAnswer = "no-answer",
        /// Taken back before it was answered.
        Canceled = "canceled",
    }
}

impl CallStatus {
    /// Its place in the order of news; only a higher one moves a call.
    pub fn rank(self) -> i16 {
        match self {
            Self::Queued => 0,
            Self::Initiated => 1,
            Self::Ringing => 2,
            Self::InProgress => 3,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled => 4,
        }
    }

    /// Whether the call is over.
    pub fn is_final(self) -> bool {
        self.rank() == Self::Completed.rank()
    }
}

/// What the provider says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Where it is.
    pub status: CallStatus,
    /// Since when, by the provider's clock.
    pub at: Option<DateTime<Utc>>,
    /// How long it was spoken, if it is over.
    pub duration_secs: Option<i32>,
    /// Why the network ended it (RFC 3261).
    pub sip_response_code: Option<i32>,
}

/// How far a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub status: CallStatus,
    /// The earliest instant that was told of it.
    pub started_at: DateTime<Utc>,
    /// When it was answered, if that was told.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How long it was spoken.
    pub duration_secs: Option<i32>,
    /// Why the network ended it.
    pub sip_response_code: Option<i32>,
}

/// The call after the news. `heard_at` stands for an instant that the provider did not tell.
pub fn advance(before: Option<&Progress>, news: &News, heard_at: DateTime<Utc>) -> Progress {
    let at = news.at.unwrap_or(heard_at);
    let answered = (news.status == CallStatus::InProgress).then_some(at);
    let Some(before) = before else {
        return Progress {
            status: news.status,
            started_at: at,
            answered_at: answered,
            ended_at: news.status.is_final().then_some(at),
            duration_secs: news.duration_secs.filter(|_| news.status.is_final()),
            sip_response_code: news.sip_response_code,
        };
    };
    let moves = news.status.rank() > before.status.rank();
    let tells_the_end = news.status.is_final() && (moves || news.status == before.status);
    // An instant that the provider told goes before one at which we happened to hear.
    let earliest = |known: Option<DateTime<Utc>>| match (known, news.at) {
        (Some(known), Some(told)) => Some(known.min(told)),
        (Some(known), None) => Some(known),
        (None, _) => Some(at),
    };
    Progress {
        status: if moves { news.status } else { before.status },
        started_at: before.started_at.min(at),
        answered_at: answered.and(earliest(before.answered_at)).or(before.answered_at),
        ended_at: if tells_the_end { earliest(before.ended_at) } else { before.ended_at },
        duration_secs: before.duration_secs.or(news.duration_secs.filter(|_| tells_the_end)),
        sip_response_code: before.sip_response_code.or(news.sip_response_code),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + secs, 0).unwrap()
    }

    /// One call's news, as Twilio tells them: in order, with instants, one end.
    fn a_history() -> impl Strategy<Value = Vec<News>> {
        let end = prop_oneof![
            Just(CallStatus::Completed),
            Just(CallStatus::Busy),
            Just(CallStatus::Failed),
            Just(CallStatus::NoAnswer),
            Just(CallStatus::Canceled),
        ];
        (end, 0_i32..7200, any::<[bool; 4]>()).prop_map(|(end, spoken, told)| {
            let steps = [
                CallStatus::Queued,
                CallStatus::Initiated,
                CallStatus::Ringing,
                CallStatus::InProgress,
            ];
            let steps = steps.into_iter().zip(told).filter(|(_, told)| *told).map(|(step, _)| step);
            let news = |(number, status): (usize, CallStatus)| News {
                status,
                at: Some(at(i64::try_from(number).unwrap())),
                duration_secs: status.is_final().then_some(spoken),
                sip_response_code: status.is_final().then_some(200),
            };
            steps.chain([end]).enumerate().map(news).collect()
        })
    }

    proptest! {
        #[test]
        fn any_order_and_any_repeats_lead_to_the_same_call(
            history in a_history(),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let fold = |news: &[News]| {
                news.iter().fold(None, |before, news| Some(advance(before.as_ref(), news, at(999))))
            };
            let mut shuffled: Vec<News> = order.iter().map(|pick| pick.get(&history).clone()).collect();
            shuffled.extend(history.iter().rev().cloned());
            prop_assert_eq!(fold(&shuffled), fold(&history));
        }

        #[test]
        fn news_never_take_a_call_back(history in a_history(), more in a_history()) {
            let mut call: Option<Progress> = None;
            for news in history.iter().chain(&more) {
                let next = advance(call.as_ref(), news, at(999));
                if let Some(before) = &call {
                    prop_assert!(next.status.rank() >= before.status.rank());
                    prop_assert!(!before.status.is_final() || next.status == before.status);
                    prop_assert!(before.duration_secs.is_none() || next.duration_secs == before.duration_secs);
                }
                prop_assert_eq!(next.ended_at.is_some(), next.status.is_final());
                prop_assert!(next.duration_secs.is_none() || next.status.is_final());
                call = Some(next);
            }
        }
    }

    #[test]
    fn an_end_that_comes_first_is_completed_by_what_comes_late() {
        let end = News {
            status: CallStatus::Completed,
            at: Some(at(60)),
            duration_secs: Some(42),
            sip_response_code: None,
        };
        let answer = News {
            status: CallStatus::InProgress,
            at: Some(at(18)),
            duration_secs: None,
            ..end.clone()
        };
        let call = advance(None, &end, at(61));
        let call = advance(Some(&call), &answer, at(62));
        assert_eq!((call.status, call.answered_at), (CallStatus::Completed, Some(at(18))));
        assert_eq!((call.started_at, call.ended_at), (at(18), Some(at(60))));
        assert_eq!(call.duration_secs, Some(42));
    }

    #[test]
    fn where_no_instant_was_told_ours_stands_in_until_one_is() {
        let untold =
            |status| News { status, at: None, duration_secs: None, sip_response_code: None };
        let call = advance(None, &untold(CallStatus::Completed), at(100));
        assert_eq!(call.ended_at, Some(at(100)));
        let told =
            News { at: Some(at(90)), duration_secs: Some(5), ..untold(CallStatus::Completed) };
        let call = advance(Some(&call), &told, at(100) + TimeDelta::seconds(5));
        assert_eq!((call.ended_at, call.duration_secs), (Some(at(90)), Some(5)));
    }
}
