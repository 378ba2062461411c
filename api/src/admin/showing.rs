//! Three demos to show, with a past: for people who look at the product for the first time, and for those who try out what
//! operators do.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    BotId, TenantId,
    shows::Show,
    signups::{self, Insertion, NewSignup},
};
use engine::{JobId, Tx, Workflow};
use serde_json::{Value, json};
use workflows::{demo_signup::OpenSignup, show_demo::ShowDemo};

use super::{key::Operator, order::note, steer::reason};
use crate::{
    caller::Caller,
    json::MaybeBody,
    problem::{Code, Problem},
    state::ApiState,
};

/// `POST /v1/admin/demo-tenants`: those of the three that are not there.
pub(crate) async fn seed(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    MaybeBody(mut fields): MaybeBody,
) -> Result<Response, Problem> {
    let despite = match fields.take("despite_production") {
        None => false,
        Some(Value::Bool(despite)) => despite,
        Some(_) => {
            fields.wrong("despite_production", "must be true or false");
            false
        }
    };
    let reason = reason(&mut fields);
    fields.refuse_others();
    fields.finish(Some(()))?;
    if !state.config().is_of_this_machine() && !despite {
        return Err(Problem::new(
            Code::WrongState,
            "others reach this API: say despite_production if tenants that do not exist belong here",
        ));
    }
    let mut tx = state.begin().await?;
    let mut tenants = Vec::new();
    for show in Show::ALL {
        tenants.push(put(&mut tx, &state, &caller, *show, reason.as_deref()).await?);
    }
    tx.commit().await?;
    let is_new = tenants.iter().any(|tenant| tenant["is_new"] == true);
    let status = if is_new { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(json!({ "tenants": tenants }))).into_response())
}

/// One of them: its sign-up, and the job that sets it up. The index of open sign-ups knows whether it is there.
async fn put(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    show: Show,
    reason: Option<&str>,
) -> Result<Value, Problem> {
    let story = show.story();
    let contact = story.contact();
    let contact = contact.ok_or(domain::Error::Unreadable { what: "story" })?;
    let (tenant, bot, job) = (TenantId::mint(), BotId::mint(), JobId::mint());
    let new =
        NewSignup { tenant, bot, job: job.as_uuid(), contact, locale: story.locale, ip_hash: None };
    let name = story.company();
    match signups::insert(tx, &new, state.config().demo.lifetime).await? {
        Insertion::AlreadyOpen { expires_at } => {
            Ok(json!({ "name": name, "is_new": false, "expires_at": expires_at }))
        }
        Insertion::Inserted => {
            let run = ShowDemo { tenant, bot, show }.job().id(job).tenant(tenant.as_uuid());
            let mut run = run.with_deed(&OpenSignup { tenant }, &())?;
            run.traceparent.clone_from(&caller.traceparent);
            tx.enqueue(run).await?;
            let details = json!({ "show": show, "job": job, "reason": reason });
            note(tx, state, caller, "demo.shown", Some(tenant), details).await?;
            Ok(json!({ "name": name, "is_new": true, "tenant_id": tenant, "job_id": job }))
        }
    }
}
