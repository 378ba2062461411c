//! What Twilio posts about a call ("Call resource", `StatusCallback`) and about its recordings ("Recording status callbacks").

use std::fmt;

use chrono::{DateTime, Utc};

use super::fields::{BadWebhook, Fields};

/// Where a call is. Repeated and out of order by nature.
#[derive(Clone, PartialEq, Eq)]
pub struct CallReport {
    /// `CA` and 32 hex digits.
    pub call_sid: String,
    /// Twilio's word.
    pub status: String,
    /// Whether somebody rang us; none if it is not said.
    pub is_inbound: Option<bool>,
    /// The caller: a phone, or something else (withheld, SIP).
    pub from: Option<String>,
    /// The callee.
    pub to: Option<String>,
    /// Since when it is there.
    pub at: Option<DateTime<Utc>>,
    /// How long it was spoken; with an end only.
    pub duration_secs: Option<i32>,
    /// Why the network ended it.
    pub sip_response_code: Option<i32>,
}

impl CallReport {
    /// Reads the form.
    ///
    /// # Errors
    ///
    /// [`BadWebhook`], with the field that is wrong.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadWebhook> {
        let fields = Fields(form);
        fields.sid("AccountSid", &["AC"])?;
        Ok(Self {
            call_sid: fields.sid("CallSid", &["CA"])?,
            status: fields.required("CallStatus")?.to_owned(),
            is_inbound: fields.text("Direction").map(|word| word == "inbound"),
            from: fields.text("From").map(ToOwned::to_owned),
            to: fields.text("To").map(ToOwned::to_owned),
            at: fields.instant("Timestamp")?,
            duration_secs: fields.number("CallDuration")?,
            sip_response_code: fields.number("SipResponseCode")?,
        })
    }
}

impl fmt::Debug for CallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallReport")
            .field("call_sid", &self.call_sid)
            .field("status", &self.status)
            .field("duration_secs", &self.duration_secs)
            .finish_non_exhaustive()
    }
}

/// Where a recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingReport {
    /// `RE` and 32 hex digits.
    pub recording_sid: String,
    /// The call that was recorded.
    pub call_sid: String,
    /// Twilio's word; without one, as with a call's end, it is there.
    pub status: String,
    /// How long it is.
    pub duration_secs: Option<i32>,
    /// 1: both sides on one track; 2: a track for each.
    pub channels: Option<i32>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// Why it failed; 0 is no error.
    pub error_code: Option<i32>,
}

impl RecordingReport {
    /// Whether the form speaks of a recording at all.
    pub fn is_in(form: &[(String, String)]) -> bool {
        Fields(form).text("RecordingSid").is_some()
    }

    /// Reads the form.
    ///
    /// # Errors
    ///
    /// [`BadWebhook`], with the field that is wrong.
    pub fn parse(form: &[(String, String)]) -> Result<Self, BadWebhook> {
        let fields = Fields(form);
        fields.sid("AccountSid", &["AC"])?;
        Ok(Self {
            recording_sid: fields.sid("RecordingSid", &["RE"])?,
            call_sid: fields.sid("CallSid", &["CA"])?,
            status: fields.text("RecordingStatus").unwrap_or("completed").to_owned(),
            duration_secs: fields.number("RecordingDuration")?,
            channels: fields.number("RecordingChannels")?,
            started_at: fields.instant("RecordingStartTime")?,
            error_code: fields.number("ErrorCode")?.filter(|code| *code != 0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "CA0123456789abcdef0123456789abcdef";
    const ACCOUNT: &str = "AC00000000000000000000000000000001";

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_calls_end_is_read_and_shows_no_phone() {
        let report = CallReport::parse(&form(&[
            ("CallSid", CALL),
            ("AccountSid", ACCOUNT),
            ("CallStatus", "completed"),
            ("Direction", "outbound-api"),
            ("From", "+4367712345678"),
            ("CallDuration", "42"),
            ("Timestamp", "Thu, 24 Aug 2023 05:01:45 +0000"),
            ("SequenceNumber", "3"),
        ]))
        .unwrap();
        assert_eq!((report.is_inbound, report.duration_secs), (Some(false), Some(42)));
        assert_eq!(report.at.unwrap().to_rfc3339(), "2023-08-24T05:01:45+00:00");
        assert!(!format!("{report:?}").contains("43677"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let right = [("CallSid", CALL), ("AccountSid", ACCOUNT), ("CallStatus", "ringing")];
        assert!(CallReport::parse(&form(&right)).is_ok());
        for gone in 0..right.len() {
            let mut part = right.to_vec();
            let (field, _) = part.remove(gone);
            assert_eq!(CallReport::parse(&form(&part)), Err(BadWebhook::Missing { field }));
        }
        for (field, value) in [
            ("CallDuration", "long"),
            ("CallDuration", "-1"),
            ("CallDuration", "99999999999"),
            ("Timestamp", "yesterday"),
            ("SipResponseCode", "no"),
        ] {
            let mut odd = right.to_vec();
            odd.push((field, value));
            assert_eq!(CallReport::parse(&form(&odd)), Err(BadWebhook::Wrong { field }));
        }
    }

    #[test]
    fn a_recording_without_a_status_is_there() {
        let sid = "RE0123456789abcdef0123456789abcdef";
        let told = form(&[("RecordingSid", sid), ("CallSid", CALL), ("AccountSid", ACCOUNT)]);
        assert!(RecordingReport::is_in(&told) && !RecordingReport::is_in(&[]));
        assert_eq!(RecordingReport::parse(&told).unwrap().status, "completed");
        let odd = form(&[("RecordingSid", CALL), ("CallSid", CALL), ("AccountSid", ACCOUNT)]);
        let wrong = BadWebhook::Wrong { field: "RecordingSid" };
        assert_eq!(RecordingReport::parse(&odd), Err(wrong));
    }
}
