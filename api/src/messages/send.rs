//! A message that somebody of the tenant sends: written down with its job, now or for later. Whether it may be sent is asked
//! when its time has come.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::{
    MessageId, PhoneNumber,
    conversations::{self, ConversationMode},
    sending::{self, Occasion},
};
use engine::{Start, Tx, Workflow};
use serde_json::json;
use workflows::send_sms::{SendSms, Sender};

use super::conversations::of_member;
use crate::{
    admin::instant,
    idempotency::{Done, Stop},
    json::Fields,
    people::{MemberOrder, Orderer},
    problem::{Code, Problem},
    state::ApiState,
};

/// Twilio's limit for a text.
const BODY_CHARS_MAX: usize = 1600;

/// In Twilio's queue for no longer than half a working day.
const VALIDITY_SECS: u32 = 4 * 3600;

/// Nobody plans a text for later than this; a date that far away is a slip of the pen.
const AHEAD_MAX: chrono::TimeDelta = chrono::TimeDelta::days(366);

/// What is to be said, and when.
struct Wanted {
    body: String,
    send_at: Option<DateTime<Utc>>,
}

/// `POST /api/conversations/{conversation}/messages`: a person answers, and has taken the conversation over by that.
pub(crate) async fn answer(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    MemberOrder { fields, by }: MemberOrder,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(fields)?;
    let mut tx = by.begin(&state).await?;
    let conversation = of_member(&mut tx, &by.member, &id).await?;
    conversations::set_mode(&mut tx, conversation.conversation, ConversationMode::Human).await?;
    wanted.send(tx, &state, &by, (&conversation.phone, Occasion::Answer)).await
}

/// `POST /api/messages`: a notice to somebody, now or at `sendAt`. At night it waits until the morning.
pub(crate) async fn schedule(
    State(state): State<ApiState>,
    MemberOrder { mut fields, by }: MemberOrder,
) -> Result<Response, Stop> {
    let to = fields.phone("to", state.config().demo.region);
    let (wanted, fields) = Wanted::take(fields);
    let (to, wanted) = fields.finish(to.zip(wanted))?;
    let tx = by.begin(&state).await?;
    wanted.send(tx, &state, &by, (&to, Occasion::Notice)).await
}

impl Wanted {
    fn read(fields: Fields) -> Result<Wanted, Problem> {
        let (wanted, fields) = Wanted::take(fields);
        fields.finish(wanted)
    }

    fn take(mut fields: Fields) -> (Option<Wanted>, Fields) {
        let body = fields.required("body", |text| match text.trim() {
            "" => Err("must not be empty".to_owned()),
            text if text.chars().count() > BODY_CHARS_MAX => {
                Err(format!("must not be longer than {BODY_CHARS_MAX} characters"))
            }
            text => Ok(text.to_owned()),
        });
        let send_at = fields.optional("sendAt", instant);
        fields.refuse_others();
        (body.map(|body| Wanted { body, send_at }), fields)
    }

    /// Writes it down with its job, and who wanted it.
    async fn send(
        self,
        mut tx: Tx,
        state: &ApiState,
        by: &Orderer,
        (to, occasion): (&PhoneNumber, Occasion),
    ) -> Result<Response, Stop> {
        self.check(&mut tx).await?;
        let message = MessageId::mint();
        let send = SendSms {
            message,
            for_tenant: Some(by.member.tenant),
            purpose: if occasion == Occasion::Answer { "answer" } else { "notice" }.to_owned(),
            to: tx.seal(to)?,
            body: tx.seal(&self.body)?,
            validity_secs: VALIDITY_SECS,
            occasion,
            sender: Sender::Tenant,
            every_ms: state.config().sms_every_ms,
            patience_secs: None,
        };
        let start = self.send_at.map_or(Start::After(Duration::ZERO), Start::At);
        let mut job = send.job().tenant(by.member.tenant.as_uuid()).start(start);
        job.traceparent.clone_from(&by.caller.traceparent);
        let job = tx.enqueue(job).await?.id();
        let details = json!({ "message": message, "job": job });
        let done = Done::accepted(json!({ "messageId": message, "jobId": job }));
        by.done(tx, ("message.ordered", to, details), done).await
    }

    /// By the database's clock: a time that has passed is now, one that is far away is a mistake.
    async fn check(&self, tx: &mut Tx) -> Result<(), Problem> {
        let now = sending::now(tx).await?;
        if self.send_at.is_some_and(|at| at > now + AHEAD_MAX) {
            return Err(Problem::new(Code::InvalidFields, "sendAt is more than a year away"));
        }
        Ok(())
    }
}
