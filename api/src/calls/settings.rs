//! How a tenant's calls are taken: for its people, and for operators.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId,
    audit::{self, Entry},
    scope, tenants,
    voice_settings::{self, VoiceSettings},
};
use engine::{Tx, Version};
use serde_json::{Value, json};

use super::wishes::{read, view};
use crate::{
    admin::{Asked, IfMatch, Operator},
    caller::Caller,
    json::{Body, Fields},
    people::Member,
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /api/voice`.
pub(crate) async fn voice(
    State(state): State<ApiState>,
    member: Member,
    asked: Asked,
) -> Result<Response, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    told(asked, &voice_settings::get(&mut tx, member.tenant).await?).await
}

/// `POST /api/voice`: what is not named stays as it is.
pub(crate) async fn put_voice(
    State(state): State<ApiState>,
    caller: Caller,
    member: Member,
    condition: IfMatch,
    Body(fields): Body,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let wanted =
        change(&mut tx, &state, &caller, member.tenant, &member.actor, (condition, fields)).await?;
    tx.commit().await?;
    Ok(Json(view(&wanted)))
}

/// `GET /v1/admin/businesses/{tenant}/voice`.
pub(crate) async fn admin_voice(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = state.begin().await?;
    let tenant = known(&mut tx, &id).await?;
    told(asked, &voice_settings::get(&mut tx, tenant).await?).await
}

/// `POST /v1/admin/businesses/{tenant}/voice`: as a tenant's own people would.
pub(crate) async fn admin_put_voice(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    condition: IfMatch,
    Path(id): Path<String>,
    Body(fields): Body,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.begin().await?;
    let tenant = known(&mut tx, &id).await?;
    let actor = &caller.operator.actor;
    let wanted = change(&mut tx, &state, &caller, tenant, actor, (condition, fields)).await?;
    tx.commit().await?;
    Ok(Json(view(&wanted)))
}

/// The settings, with a tag that is made of them.
async fn told(asked: Asked, settings: &VoiceSettings) -> Result<Response, Problem> {
    let view = view(settings);
    asked.answer(version(&view), async || Ok(view)).await
}

fn version(view: &Value) -> Version {
    Version::of("voice", view)
}

async fn known(tx: &mut Tx, id: &str) -> Result<TenantId, Problem> {
    let missing = || Problem::new(Code::NotFound, "there is no such tenant");
    let tenant: TenantId = id.parse().map_err(|_| missing())?;
    tenants::get(tx, tenant).await?.map(|_| tenant).ok_or_else(missing)
}

/// Reads, writes and notes it, if it is still what was read: who answers a company's phone is nobody's secret. The audit has the fields' names, not what is in them.
async fn change(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    tenant: TenantId,
    actor: &str,
    (condition, fields): (IfMatch, Fields),
) -> Result<VoiceSettings, Problem> {
    // Two who change different things at once: the second one begins with what the first has written.
    tenants::lock(tx, tenant).await?;
    let before = voice_settings::get(tx, tenant).await?;
    condition.check(version(&view(&before)))?;
    let names = fields.names();
    let wanted = read(fields, before.clone(), state.config().demo.region)?;
    if wanted == before {
        return Ok(wanted);
    }
    voice_settings::put(tx, tenant, &wanted).await?;
    let entry = Entry {
        action: "voice.settings",
        tenant: Some(tenant),
        actor,
        phone: None,
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details: json!({ "fields": names }),
    };
    audit::record(tx, entry).await?;
    Ok(wanted)
}
