//! Keys of operators: made, listed, rotated, revoked. A key is in one answer only: the first to the order that made it.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::api_keys::{self, ApiKey, NewKey, Role, Scope};
use serde_json::{Value, json};

use super::{
    deed::{BareOrder, Deed, Order},
    key::{Operator, not_for},
};
use crate::{
    idempotency::{Done, Stop},
    json::Fields,
    key_terms::{GRACE, Terms, Words, grace},
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /v1/admin/keys`: all of them, the newest first, without what is secret.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.begin().await?;
    Ok(Json(json!({ "items": api_keys::list(&mut tx).await? })))
}

/// What is asked of a new key.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    terms: Terms,
    scopes: Vec<Scope>,
}

/// `POST /v1/admin/keys`: `{"name","scopes" or "role","expires_in_days"?,"per_minute"?,"reason"?}`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields);
    let by = order.caller.operator.clone();
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    // Nobody hands on what they do not have.
    if let Some(scope) = by.lacks(&wanted.scopes) {
        return Err(not_for(scope).into());
    }
    let key = ApiKey::generate(&mut rand::rng());
    let new = NewKey {
        name: &wanted.terms.name,
        scopes: &wanted.scopes,
        per_minute: wanted.terms.per_minute,
        lasts: wanted.terms.lasts,
        made_by: &by.actor,
    };
    api_keys::create(&mut deed.tx, &key, &new).await?;
    let details = json!({
        "key": key.id(),
        "name": wanted.terms.name,
        "scopes": wanted.scopes,
        "expires_in_days": wanted.terms.days(),
    });
    told_once(deed, "key.created", details, &key).await
}

/// `POST /v1/admin/keys/{id}/rotate`: `{"grace_secs"?,"reason"?}`.
pub(crate) async fn rotate(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let grace = grace(&mut order.fields).unwrap_or(GRACE);
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let id = id_of(&id)?;
    let old = api_keys::lock(&mut deed.tx, id).await?.ok_or_else(no_such_key)?;
    if let Some(scope) = by.lacks(&old.scopes) {
        return Err(not_for(scope).into());
    }
    if old.has_twin {
        let why = "two keys of this line work: revoke one of them first, or wait until the older one is over";
        return Err(Problem::new(Code::WrongState, why).into());
    }
    let key = ApiKey::generate(&mut rand::rng());
    api_keys::replace(&mut deed.tx, id, &key, grace, &by.actor).await?;
    let details = json!({ "key": id, "new": key.id(), "grace_secs": grace.as_secs() });
    told_once(deed, "key.rotated", details, &key).await
}

/// `POST /v1/admin/keys/{id}/revoke`: from the commit on nobody has it.
pub(crate) async fn revoke(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let id = id_of(&id)?;
    if !api_keys::revoke(&mut deed.tx, id, &by.actor).await? {
        return Err(no_such_key().into());
    }
    deed.done("key.revoked", json!({ "key": id }), Done::ok(json!({ "id": id }))).await
}

/// The answer that tells a key. It is not kept: a repeat of the order hears only which key it made.
async fn told_once(
    deed: Deed,
    action: &str,
    details: Value,
    key: &ApiKey,
) -> Result<Response, Stop> {
    let done = Done::created(json!({ "id": key.id() })).telling("key", key.expose());
    deed.done(action, details, done).await
}

/// A key's id from a path. What is none names nothing.
fn id_of(text: &str) -> Result<&str, Problem> {
    ApiKey::is_id(text).then_some(text).ok_or_else(no_such_key)
}

fn no_such_key() -> Problem {
    Problem::new(Code::NotFound, "there is no key of this id that works")
}

impl Wanted {
    fn read(fields: &mut Fields) -> Option<Wanted> {
        let terms = Terms::read(fields, Words::ORDER);
        let scopes = scopes(fields);
        Some(Wanted { terms: terms?, scopes: scopes? })
    }
}

/// A list of scopes, or a role, which is one.
fn scopes(fields: &mut Fields) -> Option<Vec<Scope>> {
    let role = fields.optional("role", |word| {
        let words = Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        word.parse::<Role>().map_err(|_| format!("must be one of {words}"))
    });
    match (fields.take("scopes"), role) {
        (None, Some(role)) => Some(role.scopes().to_vec()),
        (Some(_), Some(_)) => {
            fields.wrong("role", "goes without scopes");
            None
        }
        (words, None) => {
            let words = words.as_ref().and_then(Value::as_array);
            let read = |word: &Value| word.as_str().and_then(|word| word.parse::<Scope>().ok());
            let read = words.and_then(|it| it.iter().map(read).collect::<Option<Vec<_>>>());
            read.filter(|scopes| !scopes.is_empty())
                .map(|scopes| api_keys::sorted(&scopes))
                .or_else(|| {
                    let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                    fields.wrong(
                        "scopes",
                        format!("must be a list of {}, or there is a role", known.join(", ")),
                    );
                    None
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn read(text: &str) -> Option<Wanted> {
        let mut fields = Fields::of_test(text);
        let wanted = Wanted::read(&mut fields);
        fields.refuse_others();
        fields.finish(wanted).ok()
    }

    #[test]
    fn a_key_has_a_name_and_scopes_or_a_role() {
        let wanted = read(r#"{"name":"ada","scopes":["jobs","read","jobs"],"expires_in_days":2}"#);
        let lasts = Some(Duration::from_hours(48));
        let terms = Terms { name: "ada".to_owned(), per_minute: 600, lasts };
        assert_eq!(wanted, Some(Wanted { terms, scopes: vec![Scope::Read, Scope::Jobs] }));
        let viewer = read(r#"{"name":"Zoë B.","role":"viewer"}"#).unwrap();
        assert_eq!(viewer.scopes, vec![Scope::Read]);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bad in [
            r#"{"name":"ada"}"#,
            r#"{"name":"ada","scopes":[]}"#,
            r#"{"name":"ada","scopes":["all"]}"#,
            r#"{"name":"ada","scopes":"read"}"#,
            r#"{"name":"ada","scopes":["read",1]}"#,
            r#"{"name":"ada","role":"root"}"#,
            r#"{"name":"ada","role":"viewer","scopes":["read"]}"#,
            r#"{"name":"ada","role":"viewer","expires_in_days":0}"#,
            r#"{"name":"ada","role":"viewer","key":"tlk_"}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
