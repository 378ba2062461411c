//! `POST /telephony/sms-status?sm=<our message>`: what became of a text message.

use axum::{extract::State, http::StatusCode};
use clients::twilio::StatusCallback;
use domain::MessageId;
use workflows::{door::Event, sms_status::SmsStatus};

use super::{
    door,
    twilio::{self, Signed},
};
use crate::{caller::Caller, problem::Problem, state::ApiState};

/// Under which our message's id stands in the callback's address.
const MESSAGE: &str = "sm";

pub(crate) async fn sms_status(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<StatusCode, Problem> {
    let callback =
        StatusCallback::parse(&signed.form).map_err(|why| twilio::malformed(why.to_string()))?;
    let report = report_of(&callback, message_of(&signed)?)?;
    tracing::debug!(target: "twilio.messaging", message_sid = report.sid, status = report.status, "news of a message");
    // Neither the number nor the text is kept: whoever reads the inbox need not know them.
    door::keep_alone(&state, &Event::MessageStatus(report), &caller).await?;
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
pub(super) fn is_message_sid(sid: &str) -> bool {
    let digits = sid.strip_prefix("SM").or_else(|| sid.strip_prefix("MM"));
    digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

fn message_of(signed: &Signed) -> Result<Option<MessageId>, Problem> {
    let ours = signed.query(MESSAGE);
    ours.map(|id| id.parse().map_err(|_| twilio::malformed("sm is no id of ours"))).transpose()
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
}
