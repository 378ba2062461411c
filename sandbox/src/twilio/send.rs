//! Taking a message.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{MatchedPath, Path, State as Shared},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{auth, gate::form, refusal::Refusal, state::State, validate::Draft};

/// The only kind of body that Twilio reads; fields in any other are not there for it.
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) async fn create_message(
    Shared(state): Shared<Arc<State>>,
    Path(account_sid): Path<String>,
    path: MatchedPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| kind.starts_with(FORM));
    let draft = Draft::read(&if is_form { form(&body) } else { Vec::new() })?;

    let (text, receipt) = state.take(draft, path.as_str())?;
    if let Some(receipt) = receipt {
        // Taken, but not on disk: an answer that says nothing for sure is the true one.
        receipt.await.map_err(|_| Refusal::failed())?;
    }
    Ok((StatusCode::CREATED, Json(text.wire(&account_sid))).into_response())
}
