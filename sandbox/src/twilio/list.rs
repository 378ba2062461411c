//! Reading messages.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State as Shared},
    http::HeaderMap,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{auth, refusal::Refusal, state::State};

/// Twilio's page, where the request does not say, and its largest.
const PAGE_SIZE: usize = 50;
const PAGE_SIZE_MAX: usize = 1_000;

/// Which messages. Fields that are not known are ignored, as at Twilio's.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "To")]
    to: Option<String>,
    #[serde(rename = "From")]
    from: Option<String>,
    #[serde(rename = "PageSize")]
    page_size: Option<usize>,
    #[serde(rename = "Page")]
    page: Option<usize>,
}

pub(super) async fn list_messages(
    Shared(state): Shared<Arc<State>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let size = filter.page_size.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE_MAX);
    let page = filter.page.unwrap_or(0);
    let start = page.saturating_mul(size);
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    let (texts, more) =
        state.texts(|text| is(&filter.to, &text.to) && is(&filter.from, &text.from), start, size);

    let uri = |page: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("To", &filter.to), ("From", &filter.from)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        format!("/2010-04-01/Accounts/{account_sid}/Messages.json?{}", query.finish())
    };
    Ok(Json(json!({
        "messages": texts.iter().map(|text| text.wire(&account_sid)).collect::<Vec<_>>(),
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + texts.len().saturating_sub(1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "next_page_uri": more.then(|| uri(page + 1)),
        "previous_page_uri": page.checked_sub(1).map(uri),
    })))
}

pub(super) async fn fetch_message(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let text = file.strip_suffix(".json").and_then(|sid| state.text(sid));
    text.map(|text| Json(text.wire(&account_sid))).ok_or(Refusal::not_found())
}
