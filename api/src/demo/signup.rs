//! A sign-up, written down: its row and the job that carries it out stand in one transaction.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use domain::{
    BotId, TenantId, codes,
    signups::{self, Contact, Insertion, NewSignup},
};
use engine::{JobId, NewJob, Workflow};
use serde_json::{Value, json};
use workflows::{
    demo_signup::{DemoSignup, TakeOverSignup},
    events,
};

use super::{contact, limits, status_url};
use crate::{
    caller::Caller,
    json::Body,
    metrics::{self, Signup},
    problem::{Code, Problem},
    state::ApiState,
};

/// `POST /api/demo/create-tenant`.
pub(crate) async fn create_tenant(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let contact = contact::from_form(fields, state.config().demo.region)?;
    let new = new_signup(&state, &caller, &headers, TenantId::mint(), contact);
    sign_up(&state, &caller, &new).await?;
    Ok(accepted(&state, &new, json!({})))
}

/// `POST /api/demo/setup`: by phone alone.
pub(crate) async fn setup(
    State(state): State<ApiState>,
    caller: Caller,
    headers: HeaderMap,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let tenant = TenantId::mint();
    let contact = contact::from_phone(fields, state.config().demo.region, tenant)?;
    let new = new_signup(&state, &caller, &headers, tenant, contact);
    sign_up(&state, &caller, &new).await?;
    let more =
        json!({ "message": "Verification code sent", "expiresIn": codes::LIFETIME.as_secs() });
    Ok(accepted(&state, &new, more))
}

fn new_signup(
    state: &ApiState,
    caller: &Caller,
    headers: &HeaderMap,
    tenant: TenantId,
    contact: Contact,
) -> NewSignup {
    NewSignup {
        tenant,
        bot: BotId::mint(),
        job: JobId::mint().as_uuid(),
        contact,
        locale: contact::locale_of(headers),
        ip_hash: Some(caller.ip_digest(&state.config().pepper)),
    }
}

async fn sign_up(state: &ApiState, caller: &Caller, new: &NewSignup) -> Result<(), Problem> {
    let config = state.config();
    let mut tx = state.begin().await?;
    if let Some(refusal) = limits::refuse_when_disabled(&mut tx).await? {
        metrics::signup(Signup::Disabled);
        return Err(refusal);
    }
    let ip = caller.ip_digest(&config.pepper);
    let phone = new.contact.phone.digest(&config.pepper);
    if let Some(refusal) = limits::refuse_signup(&mut tx, state, &ip, &phone).await? {
        tx.commit().await?;
        metrics::signup(Signup::RateLimited);
        return Err(refusal);
    }
    if let Insertion::AlreadyOpen { expires_at } =
        signups::insert(&mut tx, new, config.demo.lifetime).await?
    {
        tx.commit().await?;
        metrics::signup(Signup::AlreadyOpen);
        return Err(Problem::new(
            Code::DemoAlreadyOpen,
            "this phone and this e-mail belong to a demo that is open",
        )
        .with("expiresAt", expires_at.to_rfc3339_opts(SecondsFormat::Millis, true)));
    }
    tx.enqueue(job_of(new, caller)?).await?;
    tx.commit().await?;
    tracing::info!(
        event = events::DEMO_SETUP,
        tenant_id = %new.tenant,
        job.id = %new.job,
        step = "accepted",
        "a demo is asked for"
    );
    metrics::signup(Signup::Accepted);
    Ok(())
}

/// The job is born with the row that stands beside it: whoever cancels it, however early, ends the sign-up too.
fn job_of(new: &NewSignup, caller: &Caller) -> Result<NewJob, Problem> {
    let job = DemoSignup { tenant: new.tenant, bot: new.bot }.job();
    let mut job = job.id(JobId::from(new.job)).tenant(new.tenant.as_uuid());
    job.traceparent.clone_from(&caller.traceparent);
    Ok(job.with_deed(&TakeOverSignup { tenant: new.tenant }, &())?)
}

/// The ids are ours, the phone is what they sent: nothing in it tells whether we knew it.
fn accepted(state: &ApiState, new: &NewSignup, more: Value) -> Response {
    let url = status_url(state, new.tenant);
    let mut body = json!({
        "success": true,
        "tenantId": new.tenant,
        "botId": new.bot,
        "phoneNumber": new.contact.phone,
        "statusUrl": url,
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    (StatusCode::ACCEPTED, [(LOCATION, url)], Json(body)).into_response()
}
