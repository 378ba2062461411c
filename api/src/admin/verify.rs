//! Whether the records of who did what are what they were.

use axum::{Json, extract::State};
use domain::audit_links;
use engine::{
    chain::{Head, LinkedRow},
    verify::{self, LINKS_AT_ONCE, Noted, Stretch, Verified, WAITING_MAX},
};
use serde_json::{Value, json};

use super::{audit::cursor, key::Operator};
use crate::{json::Query, problem::Problem, state::ApiState};

/// `GET /v1/admin/audit/verify`: whether a record is what it was when it was chained, so many rows at a time.
pub(crate) async fn verify(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let record = query.optional("record", |word| match word {
        "engine" | "product" => Ok(word.to_owned()),
        _ => Err("must be engine or product"),
    });
    let noted = query.optional("noted", str::parse::<Noted>);
    let after = cursor(&mut query).unwrap_or(0);
    query.refuse_others();
    query.finish(Some(()))?;
    let record = record.as_deref().unwrap_or("product");
    let found = if record == "engine" {
        state.engine().verify_audit(after, noted).await?
    } else {
        of_product(&state, after, noted).await?
    };
    let next_cursor = (found.is_more && found.broken.is_none()).then(|| found.last.to_string());
    Ok(Json(json!({
        "record": record,
        "checked": found.checked,
        "broken": found.broken,
        "last": found.last,
        "hash": found.hash,
        "waiting": found.waiting,
        "next_cursor": next_cursor,
    })))
}

async fn of_product(
    state: &ApiState,
    after: i64,
    noted: Option<Noted>,
) -> Result<Verified, Problem> {
    let mut tx = state.begin().await?;
    let head = audit_links::at(&mut tx, after).await?.map(read);
    let rows = audit_links::page(&mut tx, after, LINKS_AT_ONCE).await?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| LinkedRow { link: read(row.link), digest: row.digest })
        .collect();
    let from = head.as_ref().map_or(0, |head| head.id);
    let inserted = audit_links::inserted(&mut tx, from, verify::last_id(&rows)).await?;
    let waiting = audit_links::waiting(&mut tx, WAITING_MAX).await?;
    let noted = match noted {
        Some(noted) => {
            let found = audit_links::at(&mut tx, noted.link).await?.map(read);
            Some((noted, found))
        }
        None => None,
    };
    let head = head.or_else(|| verify::gone(after));
    Ok(Verified::of(Stretch { head, rows, inserted, waiting, noted }))
}

fn read(link: audit_links::Link) -> Head {
    Head { link: link.link, id: link.id, hash: link.hash }
}
