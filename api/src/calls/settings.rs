//! How a tenant's calls are taken: for its people, and for operators.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId, audit, scope, tenants,
    voice_settings::{self, VoiceSettings},
};
use engine::{Tx, Version};
use serde_json::{Value, json};

use super::wishes::{read, view};
use crate::{
    admin::{Asked, IfMatch, Operator, Order},
    caller::Caller,
    idempotency::{Done, Stop},
    json::{Body, Fields},
    people::Member,
    problem::{Code, Problem},
    state::ApiState,
};

/// What the record calls a change.
const ACTION: &str = "voice.settings";

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
    let names = fields.names();
    let change = change(&mut tx, &state, member.tenant, (&condition, fields)).await?;
    if !change.is_none {
        let ip = caller.ip_digest(&state.config().pepper);
        let entry = member.entry(ACTION, &ip, json!({ "fields": names }));
        audit::record(&mut tx, entry).await?;
    }
    tx.commit().await?;
    Ok(Json(view(&change.settings)))
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
    Path(id): Path<String>,
    order: Order,
) -> Result<Response, Stop> {
    let (fields, mut deed) = order.open(&state).await?;
    let tenant = known(&mut deed.tx, &id).await?;
    let names = fields.names();
    let change = change(&mut deed.tx, &state, tenant, (&deed.condition, fields)).await?;
    let done = Done::ok(view(&change.settings));
    if change.is_none {
        return deed.keep(done).await;
    }
    deed.about(tenant).done(ACTION, json!({ "fields": names }), done).await
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

/// What became of what somebody wants.
struct Change {
    settings: VoiceSettings,
    /// They were so before.
    is_none: bool,
}

/// Reads and writes it, if it is still what was read. Whoever calls notes it: who answers a company's phone is nobody's secret,
/// but the record has the fields' names, not what is in them.
async fn change(
    tx: &mut Tx,
    state: &ApiState,
    tenant: TenantId,
    (condition, fields): (&IfMatch, Fields),
) -> Result<Change, Problem> {
    // Two who change different things at once: the second one begins with what the first has written.
    tenants::lock(tx, tenant).await?;
    let before = voice_settings::get(tx, tenant).await?;
    condition.check(version(&view(&before)))?;
    let settings = read(fields, before.clone(), state.config().demo.region)?;
    let is_none = settings == before;
    if !is_none {
        voice_settings::put(tx, tenant, &settings).await?;
    }
    Ok(Change { settings, is_none })
}
