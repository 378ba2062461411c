//! Erasing a person or a tenant: how much there is, the order, and the list of orders, which is gone through once more after a
//! restore. A number comes in a body and goes nowhere else: what is kept and answered is its keyed hash.

use axum::{Json, extract::State, response::Response};
use domain::{
    ErasureId, PhoneNumber, TenantId,
    erasures::{self, NewErasure, Whom},
    phone::Region,
    tenants,
};
use engine::{JobId, Tx, Workflow};
use serde_json::{Value, json};
use workflows::erase::{Erase, is_over};

use super::{
    deed::Order,
    key::Operator,
    order::{address, no_such_business},
    page,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// The shortest number has so many digits; a date with its time has fewer in a row.
const NUMBER_DIGITS: usize = 7;

/// `GET /v1/admin/erasures`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let older_than = query.optional("cursor", |text| {
        text.parse::<ErasureId>().map_err(|_| "must be a next_cursor of an earlier answer")
    });
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some(()))?;
    let rows_max = i64::try_from(page::rows(limit)).unwrap_or(1);
    let mut tx = state.begin().await?;
    let items = erasures::list(&mut tx, older_than, rows_max).await?;
    Ok(Json(page::of(items, limit, |last| last.id.to_string())))
}

/// `POST /v1/admin/erasures/preview`: `{"phone"}`, with `{"tenant"}`, or `{"tenant","whole_tenant":true}`: how much there is.
/// Nothing is done.
pub(crate) async fn preview(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields, state.config().demo.region, false);
    let (wanted, mut deed) = order.begin(&state, wanted).await?;
    wanted.check(&mut deed.tx).await?;
    let whom = match (&wanted.who, wanted.tenant) {
        (Who::Phone(phone), at) => Whom::Person { phone, at },
        (Who::Tenant(tenant), _) => Whom::Tenant(*tenant),
        (Who::Hash(_), _) => return Err(no_preview().into()),
    };
    let counts = erasures::counts(&mut deed.tx, whom).await?;
    deed.keep(Done::ok(json!({ "tenant": wanted.tenant, "counts": counts }))).await
}

/// `POST /v1/admin/erasures`: the same, or `{"person"}`, a hash of the list, with a `reason`.
pub(crate) async fn erase(
    State(state): State<ApiState>,
    mut order: Order,
) -> Result<Response, Stop> {
    let wanted = Wanted::read(&mut order.fields, state.config().demo.region, true);
    let (actor, traceparent) =
        (order.caller.operator.actor.clone(), order.caller.traceparent.clone());
    let (wanted, mut deed) = order.begin_with_reason(&state, wanted).await?;
    let reason = deed.reason().to_owned();
    if has_number(&reason) {
        let why = "the reason is kept: it must not hold a phone number";
        return Err(Problem::new(Code::InvalidFields, why).into());
    }
    wanted.check(&mut deed.tx).await?;
    let erasure = ErasureId::mint();
    let (person, phone) = match &wanted.who {
        Who::Phone(phone) => {
            let hash = phone.digest(&state.config().pepper).as_bytes().to_vec();
            (Some(hash), Some(deed.tx.seal(phone)?))
        }
        Who::Hash(hash) => (Some(hash.clone()), None),
        Who::Tenant(_) => (None, None),
    };
    let new = NewErasure {
        erasure,
        tenant: wanted.tenant,
        person: person.as_deref(),
        asked_by: &actor,
        reason: &reason,
    };
    erasures::order(&mut deed.tx, &new).await?;
    let id = JobId::from(erasure.as_uuid());
    let mut job = Erase { erasure, phone }.job().id(id);
    if let Some(tenant) = wanted.tenant {
        job = job.tenant(tenant.as_uuid());
    }
    job.traceparent = traceparent;
    deed.tx.enqueue(job).await?;
    let person = person.as_deref().map(erasures::hash_to_hex);
    let details = json!({ "erasure": erasure, "tenant": wanted.tenant, "person": person });
    let body = json!({ "id": erasure, "tenant": wanted.tenant, "person": person });
    deed.done("erasure.ordered", details, Done::accepted(body).at(address(id))).await
}

/// Who is meant.
#[derive(Debug, PartialEq, Eq)]
enum Who {
    /// Whoever has this number.
    Phone(PhoneNumber),
    /// Whoever has the number of this keyed hash.
    Hash(Vec<u8>),
    /// A tenant, and whoever has to do with it.
    Tenant(TenantId),
}

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    who: Who,
    tenant: Option<TenantId>,
}

impl Wanted {
    fn read(fields: &mut Fields, home: Region, takes_hash: bool) -> Option<Wanted> {
        let tenant = fields
            .optional("tenant", |text| text.parse::<TenantId>().map_err(|_| "must be a UUID"));
        let phone = fields.optional("phone", |text| {
            // As it is kept, where it is in that form: also one that could not be given out today.
            PhoneNumber::from_e164(text).or_else(|_| PhoneNumber::parse(text, home))
        });
        let hash = if takes_hash { fields.optional("person", hash_of) } else { None };
        let whole = match fields.take("whole_tenant") {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                fields.wrong("whole_tenant", "must be true or false");
                false
            }
        };
        let who = match (phone, hash, whole, tenant) {
            (Some(phone), None, false, _) => Who::Phone(phone),
            (None, Some(hash), false, _) => Who::Hash(hash),
            (None, None, true, Some(tenant)) => Who::Tenant(tenant),
            (None, None, true, None) => {
                fields.wrong("tenant", "is missing: which of them");
                return None;
            }
            _ => {
                fields.wrong("phone", "say who: a person, or whole_tenant with its tenant");
                return None;
            }
        };
        Some(Wanted { who, tenant })
    }

    /// What cannot be erased as things are is refused before it begins.
    async fn check(&self, tx: &mut Tx) -> Result<(), Problem> {
        match &self.who {
            Who::Phone(phone) => {
                if erasures::is_ours(tx, phone).await? {
                    let why = "this number is one of ours and not a person's";
                    return Err(Problem::new(Code::WrongState, why));
                }
                let open = erasures::has_open_signup(tx, phone, self.tenant).await?;
                if !open.is_empty() {
                    let why = "this person has a demo that is not over: end it, then erase the whole tenant";
                    return Err(Problem::new(Code::WrongState, why).with("tenants", json!(open)));
                }
            }
            Who::Hash(_) => {}
            Who::Tenant(tenant) => {
                let found = tenants::get(tx, *tenant).await?.ok_or_else(no_such_business)?;
                if !is_over(found.status) {
                    let why = format!("the tenant is at {}: end or suspend it first", found.status);
                    return Err(Problem::new(Code::WrongState, why)
                        .with("tenantStatus", found.status.as_str()));
                }
            }
        }
        Ok(())
    }
}

fn hash_of(text: &str) -> Result<Vec<u8>, &'static str> {
    erasures::hash_of_hex(text).ok_or("must be the person of an earlier order: 64 hex digits")
}

/// Whether somebody wrote a number where only words belong. So many digits in a row are one, also with spaces between them.
fn has_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != ' ')
        .any(|row| row.bytes().filter(u8::is_ascii_digit).count() >= NUMBER_DIGITS)
}

fn no_preview() -> Problem {
    Problem::new(Code::InvalidFields, "a hash cannot be looked for without an order")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn read(text: &str) -> Option<Wanted> {
        let mut fields = Fields::of_test(text);
        let wanted = Wanted::read(&mut fields, Region::AT, true);
        fields.refuse_others();
        fields.finish(wanted).ok()
    }

    #[test]
    fn a_reason_with_a_number_in_it_is_recognised() {
        assert!(has_number("erase +436641234567") && has_number("06641234567, by letter"));
        assert!(has_number("0664 123 45 67 has written"));
        assert!(!has_number("asked on 2026-11-22, ticket 4711") && !has_number(""));
    }

    #[test]
    fn a_person_or_a_whole_tenant_is_meant_and_never_one_for_the_other() {
        let phone = Who::Phone(PhoneNumber::from_e164("+436641234567").unwrap());
        let wanted = read(r#"{"phone":"0664 1234567"}"#).unwrap();
        assert_eq!(wanted, Wanted { who: phone, tenant: None });
        let tenant: TenantId = TENANT.parse().unwrap();
        let at = read(&format!(r#"{{"phone":"+436641234567","tenant":"{TENANT}"}}"#)).unwrap();
        assert_eq!(at.tenant, Some(tenant));
        let whole = read(&format!(r#"{{"tenant":"{TENANT}","whole_tenant":true}}"#)).unwrap();
        assert_eq!(whole, Wanted { who: Who::Tenant(tenant), tenant: Some(tenant) });
        let again = read(&format!(r#"{{"person":"{}"}}"#, "ab".repeat(32))).unwrap();
        assert_eq!(again.who, Who::Hash(vec![0xab; 32]));
        for bad in [
            "{}".to_owned(),
            format!(r#"{{"tenant":"{TENANT}"}}"#),
            format!(r#"{{"tenant":"{TENANT}","whole_tenant":false}}"#),
            format!(r#"{{"phone":"+436641234567","tenant":"{TENANT}","whole_tenant":true}}"#),
            r#"{"whole_tenant":true}"#.to_owned(),
            r#"{"phone":"none"}"#.to_owned(),
            r#"{"person":"ab"}"#.to_owned(),
            format!(r#"{{"phone":"+436641234567","person":"{}"}}"#, "ab".repeat(32)),
        ] {
            assert_eq!(read(&bad), None, "{bad}");
        }
    }
}
