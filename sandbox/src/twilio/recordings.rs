//! Recordings, as far as they can be deleted.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Path, State as Shared},
    http::{HeaderMap, StatusCode},
};

use super::{auth, refusal::Refusal, state::State};

pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    path: MatchedPath,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let sid = file.strip_suffix(".json").unwrap_or_default();
    let gone = state.delete_recording(sid, path.as_str());
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::not_found()) }
}
