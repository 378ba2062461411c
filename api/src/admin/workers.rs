//! The workers of the fleet: who is there, and who is to take nothing new.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::Thing;
use serde_json::{Value, json};

use super::{
    deed::{BareOrder, Order},
    key::Operator,
    tags::Asked,
};
use crate::{
    idempotency::{Done, Stop},
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /v1/admin/workers`: all of them, by pool.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "items": state.engine().workers().await? })))
}

/// `GET /v1/admin/workers/{id}`.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = worker_of(&id)?;
    let version = state.engine().version(Thing::Worker(id)).await?.ok_or_else(no_such_worker)?;
    let show = async || state.engine().worker(id).await?.ok_or_else(no_such_worker);
    asked.answer(version, show).await
}

/// `POST /v1/admin/workers/{id}/drain`: `{"reason"}`. It takes nothing new, and brings to its end what it has.
pub(crate) async fn drain(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    order: Order,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin_with_reason(&state, Some(())).await?;
    let id = worker_of(&id)?;
    deed.hold(Thing::Worker(id)).await?;
    deed.tx.drain_worker(id, &deed.by).await?;
    let done = Done::accepted(json!({ "id": id }));
    deed.done("worker.drained", json!({ "worker": id }), done).await
}

/// `POST /v1/admin/workers/{id}/resume`.
pub(crate) async fn resume(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let id = worker_of(&id)?;
    deed.hold(Thing::Worker(id)).await?;
    deed.tx.resume_worker(id, &deed.by).await?;
    let done = Done::accepted(json!({ "id": id }));
    deed.done("worker.resumed", json!({ "worker": id }), done).await
}

/// A worker's number from a path. What is none names nothing.
fn worker_of(text: &str) -> Result<i32, Problem> {
    text.parse().map_err(|_| no_such_worker())
}

fn no_such_worker() -> Problem {
    Problem::new(Code::NotFound, "there is no such worker")
}
