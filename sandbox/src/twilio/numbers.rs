//! Phone numbers: offered, bought, configured, listed, given back.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{MatchedPath, Path, Query, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    auth,
    gate::form,
    market::Market,
    number::{Change, offer, prefix},
    refusal::Refusal,
    state::State,
};

/// Twilio's page, where the request does not say, and its largest.
const PAGE_SIZE: usize = 50;
const PAGE_SIZE_MAX: usize = 1_000;

/// How many numbers are offered, where the request does not say.
const OFFERS: usize = 30;

/// Fields that are not known are ignored, as at Twilio's.
#[derive(Deserialize)]
pub(super) struct Wish {
    #[serde(rename = "PageSize")]
    page_size: Option<usize>,
}

pub(super) async fn search(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, country, file)): Path<(String, String, String)>,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let kind = file.strip_suffix(".json").unwrap_or_default();
    let known = ["Local", "Mobile", "National", "TollFree"].contains(&kind);
    let prefix = prefix(&country).filter(|_| known).ok_or(Refusal::not_found())?;
    let count = wish.page_size.unwrap_or(OFFERS).min(PAGE_SIZE_MAX);
    let phones = state.offers(prefix, count);
    Ok(Json(json!({
        "available_phone_numbers": phones.iter().map(|phone| offer(phone, &country)).collect::<Vec<_>>(),
        "uri": format!("/2010-04-01/Accounts/{account_sid}/AvailablePhoneNumbers/{country}/{file}"),
    })))
}

pub(super) async fn buy(
    Shared(state): Shared<Arc<State>>,
    Path(account_sid): Path<String>,
    path: MatchedPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let form = form(&body);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| &**value);
    let change = Change::read(&form)?;
    let number = state.buy(field("PhoneNumber"), field("AreaCode"), change, path.as_str())?;
    Ok((StatusCode::CREATED, Json(number.wire(&account_sid))).into_response())
}

/// Which of our numbers. Fields that are not known are ignored, as at Twilio's.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "PhoneNumber")]
    phone: Option<String>,
    #[serde(rename = "FriendlyName")]
    friendly_name: Option<String>,
    #[serde(rename = "PageSize")]
    page_size: Option<usize>,
    #[serde(rename = "Page")]
    page: Option<usize>,
}

pub(super) async fn list(
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
    let found: Vec<_> = state
        .market(Market::listed)
        .into_iter()
        .rev()
        .filter(|it| is(&filter.phone, &it.phone) && is(&filter.friendly_name, &it.friendly_name))
        .collect();
    let shown: Vec<_> =
        found.iter().skip(start).take(size).map(|it| it.wire(&account_sid)).collect();
    let uri = |page: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("PhoneNumber", &filter.phone), ("FriendlyName", &filter.friendly_name)]
        {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        format!("/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers.json?{}", query.finish())
    };
    Ok(Json(json!({
        "incoming_phone_numbers": shown,
        "page": page,
        "page_size": size,
        "start": start,
        "end": start + shown.len().saturating_sub(1),
        "uri": uri(page),
        "first_page_uri": uri(0),
        "next_page_uri": (start + size < found.len()).then(|| uri(page + 1)),
        "previous_page_uri": page.checked_sub(1).map(uri),
    })))
}

pub(super) async fn fetch(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let number = state.owned().into_iter().find(|number| Some(&*number.sid) == sid(&file));
    number.map(|number| Json(number.wire(&account_sid))).ok_or(Refusal::not_found())
}

pub(super) async fn update(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    path: MatchedPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let change = Change::read(&form(&body))?;
    let number = state.configure(sid(&file).unwrap_or_default(), change, path.as_str());
    number.map(|number| Json(number.wire(&account_sid))).ok_or(Refusal::not_found())
}

pub(super) async fn give_back(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    path: MatchedPath,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let gone = state.give_back(sid(&file).unwrap_or_default(), path.as_str());
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(Refusal::not_found()) }
}

fn sid(file: &str) -> Option<&str> {
    file.strip_suffix(".json")
}
