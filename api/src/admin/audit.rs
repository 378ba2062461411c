//! The record of what operators did.

use axum::{Json, extract::State};
use domain::{TenantId, audit};
use serde_json::Value;

use super::{key::Operator, page};
use crate::{
    json::{Fields, Query},
    problem::Problem,
    state::ApiState,
};

/// `GET /v1/admin/audit`: what was done over this API and to tenants, newest first.
pub(crate) async fn product(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let action = query.optional("action", str::parse::<String>);
    let tenant =
        query.optional("tenant", |text| text.parse::<TenantId>().map_err(|_| "must be a UUID"));
    let (older_than, limit) = (cursor(&mut query), page::limit(&mut query));
    query.refuse_others();
    query.finish(Some(()))?;
    let filter = audit::Filter { action: action.as_deref(), tenant, older_than };
    let mut tx = state.begin().await?;
    let rows_max = i64::try_from(page::rows(limit)).unwrap_or(1);
    let items = audit::list(&mut tx, &filter, rows_max).await?;
    Ok(Json(page::of(items, limit, |last| last.id.to_string())))
}

/// `GET /v1/admin/audit/engine`: what was done to jobs, queues, schedules and workers, with what was there before.
pub(crate) async fn engine(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let job = query
        .optional("job", |text| text.parse::<engine::JobId>().map_err(|_| "must be a job's id"));
    let (older_than, limit) = (cursor(&mut query), page::limit(&mut query));
    query.refuse_others();
    query.finish(Some(()))?;
    let items = state.engine().audit(job, older_than, page::rows(limit)).await?;
    Ok(Json(page::of(items, limit, |last| last.id.to_string())))
}

pub(super) fn cursor(query: &mut Fields) -> Option<i64> {
    query.optional("cursor", |text| {
        let id = text.parse::<i64>().ok().filter(|id| *id > 0);
        id.ok_or("must be a next_cursor of an earlier answer")
    })
}
