//! `POST /_sandbox/inbound`: a person writes a text. What Twilio does then: it keeps to the words by which people opt out, and
//! posts the text to the number's webhook.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use clients::twilio::signature;
use serde::Deserialize;
use serde_json::json;

use super::{
    control::{Misunderstood, read},
    state::State,
};

/// Twilio's own words (Help Center, "Twilio support for opt-out keywords").
const STOP: [&str; 8] =
    ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"];
const START: [&str; 3] = ["START", "YES", "UNSTOP"];

/// A text that a person writes.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbound {
    /// The person's phone.
    pub from: String,
    /// Our number.
    pub to: String,
    /// What it says.
    pub body: String,
    /// Where the number's webhook is; none for the account's own.
    #[serde(default)]
    pub url: Option<String>,
    /// Its id; a new one if none is given. The same again is the same text, posted again.
    #[serde(default)]
    pub sid: Option<String>,
    /// Set by Twilio's Advanced Opt-Out, where an account uses it.
    #[serde(default)]
    pub opt_out_type: Option<String>,
}

/// What the webhook answered.
#[derive(Clone, Debug)]
pub struct InboundAnswer {
    /// The text's id.
    pub sid: String,
    /// The HTTP status.
    pub status: u16,
    /// The body: TwiML, if all is well.
    pub body: String,
}

pub(super) async fn post(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<Response, Misunderstood> {
    let inbound: Inbound = read(&body)?;
    if inbound.url.is_none() && state.options.inbound_url.is_none() {
        return Err(Misunderstood(json!({ "error": "url: where is the number's webhook?" })));
    }
    Ok(match deliver(&state, inbound).await {
        Ok(answer) => Json(json!({
            "sid": answer.sid, "status": answer.status, "body": answer.body,
        }))
        .into_response(),
        Err(error) => {
            let error = error.without_url().to_string();
            (StatusCode::BAD_GATEWAY, Json(json!({ "error": error }))).into_response()
        }
    })
}

/// Keeps to the word, if it is one, then posts the text.
pub(super) async fn deliver(
    state: &State,
    inbound: Inbound,
) -> Result<InboundAnswer, reqwest::Error> {
    let word = inbound.body.trim().to_uppercase();
    if STOP.contains(&word.as_str()) {
        state.stop_sender(&inbound.to, &inbound.from);
    } else if START.contains(&word.as_str()) {
        state.start_sender(&inbound.to, &inbound.from);
    }
    let sid = inbound.sid.clone().unwrap_or_else(|| state.new_sid("SM"));
    let params = form(&inbound, &sid, &state.options.account_sid);
    let account_url = || state.options.inbound_url.as_ref().map(ToString::to_string);
    let url = inbound.url.or_else(account_url).unwrap_or_default();
    let signature = signature::sign(&url, &params, &state.options.auth_token);
    let request = state
        .http
        .post(url)
        .header("X-Twilio-Signature", signature)
        .header("I-Twilio-Idempotency-Token", &sid)
        .form(&params);
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok(InboundAnswer { sid, status, body: response.text().await? })
}

fn form(inbound: &Inbound, sid: &str, account_sid: &str) -> Vec<(String, String)> {
    let mut fields = vec![
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("SmsMessageSid", sid),
        ("AccountSid", account_sid),
        ("From", inbound.from.as_str()),
        ("To", inbound.to.as_str()),
        ("Body", inbound.body.as_str()),
        ("SmsStatus", "received"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("ApiVersion", "2010-04-01"),
    ];
    if let Some(kind) = &inbound.opt_out_type {
        fields.push(("OptOutType", kind));
    }
    fields.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Who has said to which of our numbers that they want no more.
#[derive(Default)]
pub(super) struct Stopped(BTreeSet<(String, String)>);

impl Stopped {
    pub(super) fn stop(&mut self, sender: &str, phone: &str) {
        self.0.insert((sender.to_owned(), phone.to_owned()));
    }

    pub(super) fn start(&mut self, sender: &str, phone: &str) {
        self.0.remove(&(sender.to_owned(), phone.to_owned()));
    }

    pub(super) fn holds(&self, sender: &str, phone: &str) -> bool {
        self.0.contains(&(sender.to_owned(), phone.to_owned()))
    }
}
