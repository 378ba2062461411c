//! Keys of a tenant's programs, as its people see to them: made, listed, revoked. For people only: a key makes no other.

use std::time::Duration;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Request, State},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    audit::{self, Entry},
    limits::{self, Hit},
    scope,
    sessions::Session,
    tenant_keys::{self, Listed},
};
use engine::Tx;
use serde_json::{Value, json};

use super::{origin::OwnOrigin, session::OwnPassword};
use crate::{
    admin::tenant_keys::{details, id_of, make, no_such_key},
    caller::Caller,
    demo::too_many,
    idempotency::{Done, Key, Stop},
    json::{self, Fields, MaybeBody},
    key_terms::{PER_MINUTE, Terms, Words},
    metrics,
    problem::Problem,
    state::ApiState,
};

/// What a person says of a new key. A higher limit is an operator's to give.
const WORDS: Words =
    Words { days: "expiresInDays", per_minute: "perMinute", per_minute_max: PER_MINUTE };

/// Keys that one person makes in a day: all that a tenant may have, and as many again; what is revoked is kept for a year.
const LIMIT: &str = "tenant.keys_made_per_user";
const MADE_MAX: u32 = 40;
const WINDOW: Duration = Duration::from_hours(24);

/// `GET /api/keys`: the newest first, without what is secret.
pub(crate) async fn keys(
    State(state): State<ApiState>,
    OwnPassword(session): OwnPassword,
) -> Result<Json<Value>, Problem> {
    let mut tx = of_tenant(&state, &session).await?;
    let items = tenant_keys::list(&mut tx, session.tenant).await?;
    Ok(Json(json!({ "items": items.iter().map(view).collect::<Vec<_>>() })))
}

/// A person's order for a key: by whom, on which page, and under which `Idempotency-Key`.
pub(crate) struct KeyOrder {
    fields: Fields,
    session: Session,
    caller: Caller,
    key: Option<Key>,
}

impl FromRequest<ApiState> for KeyOrder {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<KeyOrder, Problem> {
        let (mut parts, body) = request.into_parts();
        // Before anything else: what a stranger sends is not even read.
        let OwnPassword(session) = OwnPassword::from_request_parts(&mut parts, state).await?;
        OwnOrigin::from_request_parts(&mut parts, state).await?;
        let Ok(caller) = Caller::from_request_parts(&mut parts, state).await;
        let (fields, bytes) = json::object(&parts.headers, body, true).await?;
        let key = Key::of(&state.config().pepper, &actor(&session), &parts, &bytes)?;
        Ok(KeyOrder { fields, session, caller, key })
    }
}

/// `POST /api/keys`: `{"name","expiresInDays"?,"perMinute"?}`. The answer is the only one that tells the key: a repeat under
/// its `Idempotency-Key` makes no other, and hears which one it was.
pub(crate) async fn make_key(
    State(state): State<ApiState>,
    order: KeyOrder,
) -> Result<Response, Stop> {
    let KeyOrder { mut fields, session, caller, key: once } = order;
    let terms = Terms::read(&mut fields, WORDS);
    fields.refuse_others();
    let terms = fields.finish(terms)?;
    // A repeat is counted as well: it has a transaction of its own, which does not wait inside of another one.
    count(&state, &session).await?;
    let mut tx = of_tenant(&state, &session).await?;
    if let Some(once) = &once {
        once.take(&mut tx).await?;
    }
    let key = make(&mut tx, session.tenant, &terms, &actor(&session)).await?;
    let details = details(&terms, &key);
    note(&mut tx, &state, &caller, &session, ("tenant_key.created", details)).await?;
    let done = Done::created(json!({ "id": key.id() })).telling("key", key.expose());
    if let Some(once) = &once {
        once.keep(&mut tx, &done).await?;
    }
    tx.commit().await?;
    Ok(done.into_response())
}

/// `POST /api/keys/{id}/revoke`: from the commit on nobody has it.
pub(crate) async fn revoke_key(
    State(state): State<ApiState>,
    caller: Caller,
    OwnPassword(session): OwnPassword,
    _: OwnOrigin,
    Path(id): Path<String>,
    MaybeBody(mut fields): MaybeBody,
) -> Result<Json<Value>, Problem> {
    fields.refuse_others();
    fields.finish(Some(()))?;
    let id = id_of(&id)?;
    let mut tx = of_tenant(&state, &session).await?;
    if !tenant_keys::revoke(&mut tx, session.tenant, id, &actor(&session)).await? {
        return Err(no_such_key());
    }
    note(&mut tx, &state, &caller, &session, ("tenant_key.revoked", json!({ "key": id }))).await?;
    tx.commit().await?;
    Ok(Json(json!({ "id": id })))
}

fn actor(session: &Session) -> String {
    format!("user:{}", session.user)
}

async fn of_tenant(state: &ApiState, session: &Session) -> Result<Tx, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, session.tenant).await?;
    Ok(tx)
}

/// In a transaction of its own: it counts whatever becomes of the order.
async fn count(state: &ApiState, session: &Session) -> Result<(), Problem> {
    let mut tx = state.begin().await?;
    let user = state.config().pepper.hash("user", &[session.user.as_uuid().as_bytes()]);
    let hit = limits::hit(&mut tx, LIMIT, &user, MADE_MAX, WINDOW).await?;
    tx.commit().await?;
    let Hit::Refused { retry_after } = hit else { return Ok(()) };
    metrics::rate_limited(LIMIT);
    Err(too_many(retry_after))
}

async fn note(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    session: &Session,
    (action, mut details): (&str, Value),
) -> Result<(), Problem> {
    details["request"] = json!(caller.request_id);
    let entry = Entry {
        action,
        tenant: Some(session.tenant),
        actor: &actor(session),
        phone: None,
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details,
    };
    Ok(audit::record(tx, entry).await?)
}

fn view(key: &Listed) -> Value {
    let at = |it: DateTime<Utc>| it.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "id": key.id,
        "name": key.name,
        "perMinute": key.per_minute,
        "madeAt": at(key.made_at),
        "madeBy": who(&key.made_by),
        "expiresAt": key.expires_at.map(at),
        "lastUsedAt": key.last_used_at.map(at),
        "revokedAt": key.revoked_at.map(at),
        "revokedBy": key.revoked_by.as_deref().map(who),
        "replaces": key.replaces,
        "works": key.works,
    })
}

/// Which of our operators it was is no business of a tenant's.
fn who(actor: &str) -> &str {
    actor.split_once(':').map_or(actor, |(kind, _)| if kind == "user" { actor } else { kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_not_named_and_a_person_is() {
        assert_eq!(who("operator:ada (0123456789ab)"), "operator");
        assert_eq!(who("user:5a"), "user:5a");
        assert_eq!(who("system"), "system");
    }
}
