//! What webhooks say ("Request parameters", "Status callbacks" in Twilio's documentation).

use chrono::{DateTime, Utc};

use super::{super::text::DATE, hand::Live};

pub(super) type Form = Vec<(String, String)>;

fn form(fields: &[(&str, &str)]) -> Form {
    fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What every webhook about a call says.
pub(super) fn of_call(call: &Live, status: &str) -> Form {
    let (from, to) = (call.placement.from.as_str(), call.placement.to.as_str());
    form(&[
        ("CallSid", &call.sid),
        ("AccountSid", &call.account_sid),
        ("From", from),
        ("To", to),
        ("Caller", from),
        ("Called", to),
        ("CallStatus", status),
        ("Direction", "inbound"),
        ("ApiVersion", "2010-04-01"),
        ("FromCity", ""),
        ("FromCountry", "AT"),
        ("ToCountry", "AT"),
    ])
}

/// That a call is over.
pub(super) fn of_end(call: &Live, status: &str, secs: u64, now: DateTime<Utc>) -> Form {
    let mut form = of_call(call, status);
    let mut add = |key: &str, value: String| form.push((key.to_owned(), value));
    if status == "completed" {
        add("CallDuration", secs.to_string());
        add("Duration", secs.div_ceil(60).to_string());
    }
    add("Timestamp", now.format(DATE).to_string());
    add("CallbackSource", "call-progress-events".to_owned());
    add("SequenceNumber", "0".to_owned());
    form
}

/// What a stream does.
pub(super) fn of_stream(
    call: &Live,
    stream_sid: &str,
    name: Option<&str>,
    event: &str,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Form {
    let mut form = form(&[
        ("AccountSid", &call.account_sid),
        ("CallSid", &call.sid),
        ("StreamSid", stream_sid),
        ("StreamName", name.unwrap_or(stream_sid)),
        ("StreamEvent", event),
        ("Timestamp", &now.to_rfc3339()),
    ]);
    if let Some(error) = error {
        form.push(("StreamError".to_owned(), error.to_owned()));
    }
    form
}

/// That a recording can be fetched.
pub(super) fn of_recording(
    call: &Live,
    recording_sid: &str,
    secs: u64,
    now: DateTime<Utc>,
) -> Form {
    let url = format!(
        "{}2010-04-01/Accounts/{}/Recordings/{recording_sid}",
        call.base_url, call.account_sid
    );
    form(&[
        ("AccountSid", &call.account_sid),
        ("CallSid", &call.sid),
        ("RecordingSid", recording_sid),
        ("RecordingUrl", &url),
        ("RecordingStatus", "completed"),
        ("RecordingDuration", &secs.to_string()),
        ("RecordingChannels", "1"),
        ("RecordingStartTime", &now.format(DATE).to_string()),
        ("RecordingSource", "RecordVerb"),
        ("ErrorCode", "0"),
    ])
}
