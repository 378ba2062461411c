//! Dead letters: jobs that failed.

use axum::{Json, extract::State};
use engine::{DeadFilter, GROUPED_MAX};
use serde_json::{Value, json};

use super::{cursor, key::Operator, page};
use crate::{json::Query, problem::Problem, state::ApiState};

/// `GET /v1/admin/dead-letters`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let filter = DeadFilter {
        kind: query.optional("kind", str::parse),
        undone: query.optional("undone", |word| word.parse().map_err(|_| "must be true or false")),
        older_than: query.optional("cursor", cursor::read),
    };
    let limit = page::limit(&mut query);
    query.refuse_others();
    let (filter, limit) = query.finish(Some((filter, limit)))?;
    let items = state.engine().dead_letters(&filter, page::rows(limit)).await?;
    Ok(Json(page::of(items, limit, |last| cursor::after(last.id))))
}

/// `GET /v1/admin/dead-letters/groups`: the newest by kind, by what they say and by whether what they did was taken back.
pub(crate) async fn groups(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    Ok(Json(
        json!({ "items": state.engine().dead_groups().await?, "looked_at_up_to": GROUPED_MAX }),
    ))
}

/// `GET /v1/admin/dead-letters/counts`: by kind, and by whether what they did was taken back.
pub(crate) async fn counts(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "counts": state.engine().dead_letter_count().await? })))
}
