//! `POST /webhooks/stripe`: what Stripe says has happened. Checked over the raw body, kept once under the event's id; what is
//! true is asked of Stripe later, by the job.

use axum::{
    extract::{FromRequest, Request, State},
    http::{HeaderName, StatusCode},
};
use clients::stripe::signature;
use serde::Deserialize;
use workflows::{
    door::{Event, STRIPE, StripeHint},
    events,
};

use super::door;
use crate::{
    body,
    caller::Caller,
    metrics::{self, Webhook},
    problem::{Code, Problem},
    state::ApiState,
};

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

/// An event holds its whole object: an invoice with many lines has a few hundred kilobytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Names of Stripe's are much shorter.
const ID_CHARS_MAX: usize = 200;

/// A body that Stripe has signed just now.
pub(crate) struct Signed(axum::body::Bytes);

impl FromRequest<ApiState> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Signed, Problem> {
        let (parts, body) = request.into_parts();
        let header = parts.headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
        let Some(header) = header else { return Err(refused("Stripe-Signature is missing")) };
        let bytes = body::read(body, BYTES_MAX).await?;
        let secrets = state.config().stripe_webhook_secrets.all();
        let Ok(signed) = signature::verify(&bytes, header, &secrets) else {
            return Err(refused("Stripe-Signature does not fit"));
        };
        // Whoever got this far has the secret, so the database may be asked what time it is.
        let now = state.engine().now().await?;
        if !signed.is_recent(now) {
            return Err(refused("Stripe-Signature is too old"));
        }
        Ok(Signed(bytes))
    }
}

/// An event, as far as it is read. Objects differ; each has its id, but for a few that nothing is kept of.
#[derive(Deserialize)]
struct Told {
    id: String,
    object: String,
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: Option<String>,
}

pub(crate) async fn stripe(
    State(state): State<ApiState>,
    caller: Caller,
    Signed(body): Signed,
) -> Result<StatusCode, Problem> {
    let told: Told =
        serde_json::from_slice(&body).map_err(|_| malformed("the body is no event of Stripe's"))?;
    if told.object != "event" || !is_id(&told.id) || !told.id.starts_with("evt_") {
        return Err(malformed("the body is no event of Stripe's"));
    }
    // About an object without a name there is nothing to be asked.
    let Some(object) = told.data.object.id.filter(|id| is_id(id)) else {
        metrics::webhook(STRIPE, Webhook::Accepted);
        return Ok(StatusCode::NO_CONTENT);
    };
    let hint = StripeHint { event: told.id, object, kind: told.r#type };
    door::keep_alone(&state, &Event::Stripe(hint), &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Letters, digits and underscores.
fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn refused(why: &'static str) -> Problem {
    tracing::warn!(
        event = events::WEBHOOK_VALIDATION_FAILED,
        why,
        "a webhook of Stripe's was refused"
    );
    metrics::webhook(STRIPE, Webhook::BadSignature);
    Problem::new(Code::BadSignature, why)
}

fn malformed(why: &'static str) -> Problem {
    tracing::warn!(
        event = events::WEBHOOK_VALIDATION_FAILED,
        why,
        "a webhook of Stripe's is not what was asked for"
    );
    metrics::webhook(STRIPE, Webhook::Malformed);
    Problem::new(Code::MalformedWebhook, why)
}
