//! The session, ended. Without one there is nothing to do, and that is no error.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use domain::sessions;
use serde_json::json;

use super::{origin::OwnOrigin, session};
use crate::{json::MaybeBody, problem::Problem, state::ApiState};

/// `POST /api/auth/logout`.
pub(crate) async fn logout(
    State(state): State<ApiState>,
    headers: HeaderMap,
    _: OwnOrigin,
    MaybeBody(mut fields): MaybeBody,
) -> Result<Response, Problem> {
    fields.refuse_others();
    fields.finish(Some(()))?;
    if let Some(token) = session::token_of(&headers) {
        let mut tx = state.begin().await?;
        sessions::revoke(&mut tx, &token.digest()).await?;
        tx.commit().await?;
    }
    let cookie = session::closing_cookie(state.config().is_https());
    Ok(([(SET_COOKIE, cookie)], Json(json!({ "success": true }))).into_response())
}
