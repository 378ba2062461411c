//! `POST /telephony/sms`: somebody has written to one of our numbers. The text goes into the product's records, the job gets
//! its id; the answer is an empty TwiML, since whatever is to be said is said by a message of its own.

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use clients::twilio::InboundMessage;
use domain::{
    PhoneNumber,
    keywords::Keyword,
    messages::{self, NewInbound},
};
use workflows::{door::Event, events, sms_inbound::SmsInbound};

use super::{
    door, route,
    sms_status::is_message_sid,
    twilio::{self, Signed},
};
use crate::{caller::Caller, problem::Problem, state::ApiState};

/// No reply (Twilio, "TwiML for Programmable Messaging").
const NO_REPLY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

pub(crate) async fn sms_inbound(
    State(state): State<ApiState>,
    caller: Caller,
    signed: Signed,
) -> Result<Response, Problem> {
    let inbound =
        InboundMessage::parse(&signed.form).map_err(|why| twilio::malformed(why.to_string()))?;
    if !is_message_sid(&inbound.message_sid) {
        return Err(twilio::malformed("MessageSid is none"));
    }
    tracing::info!(
        target: "twilio.sms",
        event = events::TWILIO_SMS_WEBHOOK,
        message_sid = inbound.message_sid,
        "somebody has written"
    );
    let to = PhoneNumber::from_e164(&inbound.to)
        .map_err(|_| twilio::malformed("To is no number of ours"))?;
    // Short codes and names cannot be answered, and nobody at them reads.
    let Ok(from) = PhoneNumber::from_e164(&inbound.from) else { return Ok(no_reply()) };
    let by_provider = inbound.opt_out_type.as_deref().and_then(Keyword::of_provider);
    let keyword = by_provider.or_else(|| Keyword::of(&inbound.body));

    let mut tx = state.begin().await?;
    let served = route::of(&mut tx, &signed, Some(&to)).await?;
    let tenant = match keyword {
        // A word by which somebody opts out or in counts even at a tenant that is closed.
        Some(Keyword::Stop | Keyword::Start) => served.map(|served| served.tenant),
        Some(Keyword::Yes | Keyword::Help) | None => {
            route::refuse_closed(served, route::Begins::Text)?
        }
    };
    let new = NewInbound {
        sid: &inbound.message_sid,
        from: &from,
        to: &to,
        tenant,
        body: &inbound.body,
        keyword,
    };
    let message = messages::receive(&mut tx, new).await?;
    let received = SmsInbound {
        message,
        sid: inbound.message_sid,
        tenant,
        keyword,
        provider_answered: by_provider.is_some(),
    };
    // Neither the numbers nor the text is kept in the inbox: whoever reads it need not know them.
    door::keep(tx, &[Event::MessageReceived(received)], &caller).await?;
    Ok(no_reply())
}

fn no_reply() -> Response {
    ([(CONTENT_TYPE, "text/xml; charset=utf-8")], NO_REPLY).into_response()
}
