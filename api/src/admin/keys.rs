//! Keys of operators: made, listed, rotated, revoked. A key is in one answer only: the first to the order that made it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::api_keys::{self, ApiKey, NewKey, Scope};
use serde_json::{Value, json};

use super::{
    key::Operator,
    once::{BareOrder, Deed, Done, Order, Stop},
    queues::number,
};
use crate::{
    json::Fields,
    problem::{Code, Problem},
    state::ApiState,
};

/// A name is for the record.
const NAME_CHARS_MAX: usize = 60;

/// Ten years; a key that is to last longer has no end.
const DAYS_MAX: u64 = 3650;

/// A hundred a second: more is no operator and no script of one.
const PER_MINUTE_MAX: u64 = 6000;

/// Where nobody says otherwise: ten a second.
const PER_MINUTE: u32 = 600;

/// How long the old key works beside the one that takes its place, where nobody says otherwise: a day, to bring the new one
/// to everybody.
const GRACE: Duration = Duration::from_hours(24);

/// Thirty days; who needs longer makes another key.
const GRACE_SECS_MAX: u64 = 30 * 24 * 3600;

/// `GET /v1/admin/keys`: all of them, the newest first, without what is secret.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.begin().await?;
    Ok(Json(json!({ "items": api_keys::list(&mut tx).await? })))
}

/// What is asked of a new key.
struct Wanted {
    name: String,
    scopes: Vec<Scope>,
    per_minute: u32,
    lasts: Option<Duration>,
}

/// `POST /v1/admin/keys`: `{"name","scopes","expires_in_days"?,"per_minute"?,"reason"?}`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields);
    let may = order.caller.operator.scopes.clone();
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    // Nobody hands on what they do not have.
    if let Some(scope) = wanted.scopes.iter().find(|scope| !may.contains(scope)) {
        return Err(Problem::new(Code::ScopeRequired, format!("your key does not have {scope}")).into());
    }
    let key = ApiKey::generate(&mut rand::rng());
    let made_by = deed.actor().to_owned();
    let new = NewKey {
        name: &wanted.name,
        scopes: &wanted.scopes,
        per_minute: wanted.per_minute,
        lasts: wanted.lasts,
        made_by: &made_by,
    };
    api_keys::create(&mut deed.tx, &key, &new).await?;
    let details = json!({ "key": key.id(), "name": wanted.name, "scopes": wanted.scopes });
    told_once(deed, "key.created", details, &key).await
}

/// `POST /v1/admin/keys/{id}/rotate`: `{"grace_secs"?,"reason"?}`.
pub(crate) async fn rotate(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let grace = number(&mut order.fields, "grace_secs", GRACE_SECS_MAX);
    let grace = grace.map_or(GRACE, Duration::from_secs);
    let may = order.caller.operator.scopes.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let old = api_keys::list(&mut deed.tx).await?.into_iter().find(|key| key.id == id && key.works);
    let old = old.ok_or_else(no_such_key)?;
    if let Some(scope) = old.scopes.iter().find(|scope| !may.contains(scope)) {
        return Err(Problem::new(Code::ScopeRequired, format!("your key does not have {scope}")).into());
    }
    let key = ApiKey::generate(&mut rand::rng());
    let by = deed.actor().to_owned();
    api_keys::rotate(&mut deed.tx, &id, &key, grace, &by).await?.ok_or_else(no_such_key)?;
    let details = json!({ "key": id, "new": key.id(), "grace_secs": grace.as_secs() });
    told_once(deed, "key.rotated", details, &key).await
}

/// `POST /v1/admin/keys/{id}/revoke`: from the commit on nobody has it.
pub(crate) async fn revoke(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let by = deed.actor().to_owned();
    if !api_keys::revoke(&mut deed.tx, &id, &by).await? {
        return Err(no_such_key().into());
    }
    deed.done("key.revoked", json!({ "key": id }), Done::ok(json!({ "id": id }))).await
}

/// The answer that tells a key. A repeat of the order hears all but that.
async fn told_once(
    deed: Deed,
    action: &str,
    details: Value,
    key: &ApiKey,
) -> Result<Response, Stop> {
    let done = Done::created(json!({ "id": key.id(), "key": null })).telling("key", key.expose());
    deed.done(action, details, done).await
}

fn no_such_key() -> Problem {
    Problem::new(Code::NotFound, "there is no key of this id that works")
}

impl Wanted {
    fn read(fields: &mut Fields) -> Option<Wanted> {
        let name = fields.required("name", |name| {
            let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
            let is_plain = name.chars().all(|c| c.is_alphanumeric() || " -_.@".contains(c));
            if fits && is_plain {
                return Ok(name.to_owned());
            }
            Err(format!("must be a name of 1 to {NAME_CHARS_MAX} letters, digits, blanks or -_.@"))
        });
        let scopes = scopes(fields);
        let days = number(fields, "expires_in_days", DAYS_MAX);
        let per_minute = number(fields, "per_minute", PER_MINUTE_MAX);
        let per_minute = per_minute.and_then(|it| u32::try_from(it).ok()).unwrap_or(PER_MINUTE);
        let lasts = days.map(|days| Duration::from_secs(days * 24 * 3600));
        Some(Wanted { name: name?, scopes: scopes?, per_minute, lasts })
    }
}

fn scopes(fields: &mut Fields) -> Option<Vec<Scope>> {
    let words = fields.take("scopes");
    let words = words.as_ref().and_then(Value::as_array);
    let read = |word: &Value| word.as_str().and_then(|word| word.parse::<Scope>().ok());
    let read = words.and_then(|words| words.iter().map(read).collect::<Option<Vec<_>>>());
    let mut scopes = read.filter(|scopes| !scopes.is_empty()).or_else(|| {
        let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        fields.wrong("scopes", format!("must be a list of {}", known.join(", ")));
        None
    })?;
    scopes.sort_by_key(|scope| scope.as_str());
    scopes.dedup();
    Some(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_and_scopes() {
        let read = |text: &str| {
            let mut fields = Fields::of_test(text);
            let wanted = Wanted::read(&mut fields);
            fields.refuse_others();
            fields.finish(wanted).ok().map(|wanted| (wanted.scopes, wanted.per_minute))
        };
        let both = vec![Scope::Jobs, Scope::Read];
        assert_eq!(read(r#"{"name":"ada","scopes":["read","jobs","read"]}"#), Some((both, 600)));
        for bad in [
            r#"{"name":"ada"}"#,
            r#"{"name":"ada","scopes":[]}"#,
            r#"{"name":"ada","scopes":["all"]}"#,
            r#"{"name":"ada","scopes":"read"}"#,
            r#"{"name":"","scopes":["read"]}"#,
            r#"{"name":"a\nb","scopes":["read"]}"#,
            r#"{"name":"ada","scopes":["read"],"expires_in_days":0}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
