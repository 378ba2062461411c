//! Three demos to show, with a past: for people who look at the product for the first time, and for those who try out what
//! operators do.

use axum::{extract::State, response::Response};
use domain::{
    BotId, TenantId,
    shows::Show,
    signups::{self, Insertion, NewSignup},
};
use engine::{JobId, Workflow};
use serde_json::{Value, json};
use workflows::{demo_signup::TakeOverSignup, show_demo::ShowDemo};

use super::{
    deed::{BareOrder, Deed},
    steer::flag,
};
use crate::{
    idempotency::{Done, Stop},
    problem::{Code, Problem},
    state::ApiState,
};

/// `POST /v1/admin/demo-tenants`: those of the three that are not there.
pub(crate) async fn seed(
    State(state): State<ApiState>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let despite = flag(&mut order.fields, "despite_production").unwrap_or(false);
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    if !state.config().is_of_this_machine() && !despite {
        return Err(Problem::new(
            Code::WrongState,
            "others reach this API: say despite_production if tenants that do not exist belong here",
        )
        .into());
    }
    let mut tenants = Vec::new();
    for show in Show::ALL {
        tenants.push(put(&mut deed, &state, *show).await?);
    }
    let is_new = tenants.iter().any(|tenant| tenant["is_new"] == true);
    let shown = json!({ "tenants": tenants });
    deed.keep(if is_new { Done::accepted(shown) } else { Done::ok(shown) }).await
}

/// One of them: its sign-up, and the job that sets it up. The index of open sign-ups knows whether it is there.
async fn put(deed: &mut Deed, state: &ApiState, show: Show) -> Result<Value, Problem> {
    let story = show.story();
    let contact = story.contact();
    let contact = contact.ok_or(domain::Error::Unreadable { what: "story" })?;
    let (tenant, bot, job) = (TenantId::mint(), BotId::mint(), JobId::mint());
    let new =
        NewSignup { tenant, bot, job: job.as_uuid(), contact, locale: story.locale, ip_hash: None };
    let name = story.company();
    match signups::insert(&mut deed.tx, &new, state.config().demo.lifetime).await? {
        Insertion::AlreadyOpen { expires_at } => {
            Ok(json!({ "name": name, "is_new": false, "expires_at": expires_at }))
        }
        Insertion::Inserted => {
            let run = ShowDemo { tenant, bot, show }.job().id(job).tenant(tenant.as_uuid());
            let mut run = run.with_deed(&TakeOverSignup { tenant }, &())?;
            run.traceparent.clone_from(&deed.caller.traceparent);
            deed.tx.enqueue(run).await?;
            let details = json!({ "show": show, "job": job });
            deed.note("demo.shown", Some(tenant), details).await?;
            Ok(json!({ "name": name, "is_new": true, "tenant_id": tenant, "job_id": job }))
        }
    }
}
