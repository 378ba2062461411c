//! Hours of use that Stripe was not told of: which there are, and what a person found out about one of them.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::{
    TenantId,
    billing::left::{self, Found, Metered, Place},
    tenants,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    deed::Order,
    key::Operator,
    order::{business_of, no_such_business},
    page,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /v1/admin/billing/usage-left`: the oldest hour first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let after = query.optional("cursor", |text| {
        cursor(text).ok_or("must be a next_cursor of an earlier answer")
    });
    let limit = page::limit(&mut query);
    query.refuse_others();
    query.finish(Some(()))?;
    let rows_max = i64::try_from(page::rows(limit)).unwrap_or(1);
    let mut tx = state.begin().await?;
    let items = left::list(&mut tx, after, rows_max).await?;
    Ok(Json(page::of(items, limit, |last| written(last.place()))))
}

/// `POST /v1/admin/businesses/{tenant}/usage/settle`: `{"hour","kind","found","reason"}`.
pub(crate) async fn settle(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let tenant = business_of(&id)?;
    let wanted = read(&mut order.fields, tenant);
    let ((place, found), mut deed) = order.begin_with_reason(&state, wanted).await?;
    tenants::get(&mut deed.tx, tenant).await?.ok_or_else(no_such_business)?;
    let was = left::settle(&mut deed.tx, place, found).await?;
    let Some(was) = was else {
        let why = "this hour was not left to a person, or somebody has settled it";
        return Err(Problem::new(Code::WrongState, why).into());
    };
    let details = json!({ "was": was, "found": found });
    let body = json!({ "tenant": tenant, "hour": was.hour, "kind": was.kind, "found": found });
    deed.about(tenant).done("usage.settled", details, Done::ok(body)).await
}

fn read(fields: &mut Fields, tenant: TenantId) -> Option<(Place, Found)> {
    let hour = fields.required("hour", hour);
    let kind = fields.required("kind", |word| {
        word.parse::<Metered>().map_err(|_| "must be messages_out or talk_secs")
    });
    let found = fields.required("found", |word| {
        word.parse::<Found>().map_err(|_| "must be counted or not_counted")
    });
    Some((Place { hour: hour?, tenant, kind: kind? }, found?))
}

/// The beginning of an hour, as it is listed.
fn hour(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let read = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    read.filter(|at| at.timestamp_subsec_nanos() == 0 && at.timestamp() % 3600 == 0)
        .ok_or("must be the beginning of an hour such as 2026-11-22T14:00:00Z")
}

/// A place as a cursor: opaque to clients, so that it may change.
fn written(place: Place) -> String {
    let Place { hour, tenant, kind } = place;
    format!("u{}_{}_{kind}", hour.timestamp(), tenant.as_uuid().simple())
}

fn cursor(text: &str) -> Option<Place> {
    let mut parts = text.strip_prefix('u')?.splitn(3, '_');
    let hour = DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?;
    let tenant = TenantId::from(Uuid::try_parse(parts.next()?).ok()?);
    Some(Place { hour, tenant, kind: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        for kind in Metered::ALL {
            let hour = hour("2026-11-22T14:00:00Z").unwrap();
            let place = Place { hour, tenant: TenantId::mint(), kind: *kind };
            assert_eq!(cursor(&written(place)), Some(place));
        }
        for bad in ["", "u", "u1", "u1_2_talk_secs", "j1", "u99999999999999999_x_talk_secs"] {
            assert_eq!(cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_hour_begins_at_its_beginning() {
        assert_eq!(hour("2026-11-22T15:00:00+01:00"), hour("2026-11-22T14:00:00Z"));
        for bad in ["2026-11-22T14:00:01Z", "2026-11-22T14:30:00Z", "2026-11-22", ""] {
            assert!(hour(bad).is_err(), "{bad}");
        }
    }
}
