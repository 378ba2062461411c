//! Calls that the account places: rung, said, over.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{MatchedPath, Path, Query, State as Shared},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use url::Url;

use super::{auth, gate::form, live::Live, refusal::Refusal, state::State, text::DATE};

/// Twilio's limit for `Twiml`, in characters.
const TWIML_CHARS_MAX: usize = 4_000;

/// Calls that are remembered.
pub(super) const CALLS_MAX: usize = 10_000;

/// A call that was placed.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// `CA` and 32 hex digits.
    pub sid: String,
    /// Who was rung.
    pub to: String,
    /// From which number.
    pub from: String,
    /// What was said, as markup; of a call with an address instead, that address.
    pub twiml: String,
    /// How it ended: `completed`, `busy`, `no-answer` or `failed`.
    pub status: &'static str,
    /// When it was placed.
    #[serde(serialize_with = "moment_write")]
    pub created_at: DateTime<Utc>,
}

/// How calls end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// Somebody picks up and listens.
    #[default]
    Answers,
    /// The line is taken.
    Busy,
    /// Nobody picks up.
    NoAnswer,
}

impl Callee {
    /// Reads the name on the wire.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "answers" => Some(Self::Answers),
            "busy" => Some(Self::Busy),
            "no-answer" => Some(Self::NoAnswer),
            _ => None,
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Answers => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
        }
    }
}

impl Call {
    pub(super) fn placed(
        draft: CallDraft,
        sid: String,
        callee: Callee,
        now: DateTime<Utc>,
    ) -> Self {
        let CallDraft { to, from, twiml } = draft;
        Self { sid, to, from, twiml, status: callee.end(), created_at: now }
    }

    fn wire(&self, account_sid: &str, status: &str) -> Value {
        let date = self.created_at.format(DATE).to_string();
        json!({
            "sid": self.sid,
            "account_sid": account_sid,
            "to": self.to,
            "from": self.from,
            "status": status,
            "direction": "outbound-api",
            "api_version": "2010-04-01",
            "date_created": date,
            "date_updated": date,
            "start_time": date,
            "end_time": date,
            "duration": "7",
            "price": null,
            "price_unit": "USD",
            "answered_by": null,
            "parent_call_sid": null,
            "uri": format!("/2010-04-01/Accounts/{account_sid}/Calls/{}.json", self.sid),
        })
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A call that may be placed.
#[derive(PartialEq, Eq)]
pub(super) struct CallDraft {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) twiml: String,
}

impl CallDraft {
    /// Reads the form of a request to call. The magic numbers are those of Twilio's test credentials
    /// (<https://www.twilio.com/docs/iam/test-credentials>).
    fn read(form: &[(String, String)]) -> Result<Self, Refusal> {
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
        };
        let to = field("To").ok_or(Refusal::of(21201, "'To' is required"))?;
        let from = field("From").ok_or(Refusal::of(21213, "'From' is required"))?;
        let twiml = match (field("Twiml"), field("Url")) {
            (Some(twiml), _) if twiml.chars().count() > TWIML_CHARS_MAX => {
                return Err(Refusal::of(21205, "'Twiml' is longer than 4000 characters"));
            }
            (Some(twiml), _) => twiml.to_owned(),
            (None, Some(url)) if url.parse::<Url>().is_ok() => url.to_owned(),
            (None, _) => return Err(Refusal::of(21205, "'Url' or 'Twiml' is required")),
        };
        match to {
            "+15005550001" => return Err(Refusal::of(21217, "'To' is not valid")),
            "+15005550002" => return Err(Refusal::of(21214, "'To' cannot be reached")),
            "+15005550003" => return Err(Refusal::of(21215, "the region of 'To' is not enabled")),
            "+15005550004" => return Err(Refusal::of(21216, "'To' is blocked")),
            _ => {}
        }
        if from == "+15005550001" {
            return Err(Refusal::of(21212, "'From' is not valid"));
        }
        Ok(Self { to: to.to_owned(), from: from.to_owned(), twiml })
    }
}

pub(super) async fn create_call(
    Shared(state): Shared<Arc<State>>,
    Path(account_sid): Path<String>,
    path: MatchedPath,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let call = state.place(CallDraft::read(&form(&body))?, path.as_str());
    Ok((StatusCode::CREATED, Json(call.wire(&account_sid, "queued"))).into_response())
}

/// Which calls. Fields that are not known are ignored, as at Twilio's.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "To")]
    to: Option<String>,
    #[serde(rename = "From")]
    from: Option<String>,
    #[serde(rename = "PageSize")]
    page_size: Option<usize>,
}

pub(super) async fn list_calls(
    Shared(state): Shared<Arc<State>>,
    Path(account_sid): Path<String>,
    headers: HeaderMap,
    Query(filter): Query<Filter>,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    let size = filter.page_size.unwrap_or(50).clamp(1, 1_000);
    let calls = state.calls();
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| is(&filter.to, &call.to) && is(&filter.from, &call.from))
        .take(size)
        .map(|call| call.wire(&account_sid, call.status))
        .collect();
    Ok(Json(json!({ "calls": calls, "page": 0, "page_size": size, "next_page_uri": null })))
}

pub(super) async fn fetch_call(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let calls = state.calls();
    let call = file.strip_suffix(".json").and_then(|sid| calls.iter().find(|it| it.sid == sid));
    if let Some(call) = call {
        return Ok(Json(call.wire(&account_sid, call.status)));
    }
    let live = file.strip_suffix(".json").and_then(|sid| state.live(sid));
    live.map(|live| Json(of_person(&live, &account_sid))).ok_or(Refusal::not_found())
}

/// Ends a call that somebody has placed: `Status=completed`. One that is over cannot be ended (code 21220).
pub(super) async fn update_call(
    Shared(state): Shared<Arc<State>>,
    Path((account_sid, file)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    auth::check(&state.options, &headers, &account_sid)?;
    let live = file.strip_suffix(".json").and_then(|sid| state.live(sid));
    let live = live.ok_or(Refusal::not_found())?;
    let wanted = form(&body).into_iter().find(|(key, _)| key == "Status").map(|(_, value)| value);
    if wanted.as_deref() != Some("completed") {
        return Err(Refusal::of(21218, "'Status' must be completed"));
    }
    if !matches!(live.status(), "ringing" | "in-progress") {
        return Err(Refusal::of(21220, "the call is over"));
    }
    live.end();
    Ok(Json(of_person(&live, &account_sid)))
}

/// A call that somebody has placed, as Twilio's API shows it.
fn of_person(live: &Live, account_sid: &str) -> Value {
    let date = live.placed_at.format(DATE).to_string();
    json!({
        "sid": live.sid,
        "account_sid": account_sid,
        "to": live.to(),
        "from": live.from(),
        "status": live.status(),
        "direction": "inbound",
        "api_version": "2010-04-01",
        "date_created": date,
        "date_updated": date,
        "start_time": date,
        "end_time": null,
        "duration": null,
        "price": null,
        "price_unit": "USD",
        "uri": format!("/2010-04-01/Accounts/{account_sid}/Calls/{}.json", live.sid),
    })
}

fn moment_write<S: Serializer>(moment: &DateTime<Utc>, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, &str)]) -> Result<(), u32> {
        let mut fields =
            vec![("To", "+4367712345678"), ("From", "+15005550006"), ("Twiml", "<Response/>")];
        for (name, value) in changes {
            fields.retain(|(key, _)| key != name);
            fields.push((name, value));
        }
        let form: Vec<_> =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        CallDraft::read(&form).map(drop).map_err(Refusal::code)
    }

    #[test]
    fn a_call_needs_somebody_to_ring_and_something_to_say() {
        assert_eq!(read(&[]), Ok(()));
        assert_eq!(read(&[("Twiml", ""), ("Url", "http://127.0.0.1/twiml")]), Ok(()));
        assert_eq!(read(&[("Twiml", "")]), Err(21205));
        assert_eq!(read(&[("Twiml", &"x".repeat(4_001))]), Err(21205));
        assert_eq!(read(&[("To", "")]), Err(21201));
        assert_eq!(read(&[("To", "+15005550002")]), Err(21214));
    }
}
