//! `POST /telephony/sms-status?sm=<our message>`: what became of a text message.

use axum::{extract::State, http::StatusCode};
use clients::twilio::StatusCallback;
use domain::MessageId;
use engine::{Delivery, InboxEntry, Workflow};
use serde_json::json;
use workflows::sms_status::SmsStatus;

use super::twilio::{self, PROVIDER, Signed};
use crate::{
    caller::Caller,
    metrics::{self, Webhook},
    problem::Problem,
    state::ApiState,
};

/// Under which our message's id stands in the callback's address.
const MESSAGE: &str = "sm";

pub(crate) async fn sms_status(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<StatusCode, Problem> {
    let callback =
        StatusCallback::parse(&signed.form).map_err(|why| twilio::malformed(why.to_string()))?;
    let report = report_of(&callback, message_of(&signed.query)?)?;
    let entry = InboxEntry {
        provider: PROVIDER,
        dedupe_key: format!("{}:{}", report.sid, report.status),
        object_key: report.sid.clone(),
        // Neither the number nor the text: whoever reads the inbox need not know them.
        payload: json!({ "sid": report.sid, "status": report.status, "errorCode": report.error_code }),
    };
    let mut job = report.job();
    job.traceparent = caller.traceparent;
    let mut tx = state.begin().await?;
    let delivery = tx.inbox(&entry, job).await?;
    tx.commit().await?;
    metrics::webhook(
        PROVIDER,
        match delivery {
            Delivery::First => Webhook::Accepted,
            Delivery::Repeat(_) => Webhook::Repeated,
        },
    );
    Ok(StatusCode::NO_CONTENT)
}

fn report_of(callback: &StatusCallback, message: Option<MessageId>) -> Result<SmsStatus, Problem> {
    if !is_message_sid(&callback.message_sid) {
        return Err(twilio::malformed("MessageSid is none"));
    }
    let too_large = |_| twilio::malformed("ErrorCode is none");
    Ok(SmsStatus {
        message,
        sid: callback.message_sid.clone(),
        status: callback.status.as_str().to_owned(),
        error_code: callback.error_code.map(i32::try_from).transpose().map_err(too_large)?,
    })
}

/// `SM` or `MM` and 32 hexadecimal digits.
fn is_message_sid(sid: &str) -> bool {
    let digits = sid.strip_prefix("SM").or_else(|| sid.strip_prefix("MM"));
    digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn message_of(query: &str) -> Result<Option<MessageId>, Problem> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let ours = pairs.find(|(name, _)| name == MESSAGE);
    ours.map(|(_, id)| id.parse().map_err(|_| twilio::malformed("sm is no id of ours"))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_id_of_a_message_is_one() {
        assert!(is_message_sid(&format!("SM{}", "0a".repeat(16))));
        assert!(is_message_sid(&format!("MM{}", "0a".repeat(16))));
        for sid in [
            String::new(),
            format!("CA{}", "0a".repeat(16)),
            format!("SM{}", "0A".repeat(16)),
            "SM1".to_owned(),
        ] {
            assert!(!is_message_sid(&sid), "{sid:?}");
        }
    }

    #[test]
    fn our_message_is_named_by_the_query() {
        let id = MessageId::mint();
        assert_eq!(message_of(&format!("x=1&sm={id}")).unwrap(), Some(id));
        assert_eq!(message_of("").unwrap(), None);
        assert!(message_of("sm=1").is_err());
    }
}
