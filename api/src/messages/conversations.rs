//! Conversations: the list, one with what was said, and the hand-over between the assistant and a person.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, SecondsFormat};
use domain::{
    ConversationId,
    audit::{self, Entry},
    conversations::{self, After, Conversation, ConversationMode},
    scope,
};
use engine::Tx;
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    json::{Body, Fields, Query},
    people::Member,
    problem::{Code, Problem},
    state::ApiState,
};

/// As many as are shown at once, and as many as anybody may ask for.
const SHOWN: u32 = 50;
const SHOWN_MAX: u32 = 200;

/// `GET /api/conversations`: the latest first.
pub(crate) async fn conversations(
    State(state): State<ApiState>,
    member: Member,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let (after, limit) = page_of(query)?;
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let mut found = conversations::list(&mut tx, member.tenant, after, limit + 1).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = found.len() > page;
    found.truncate(page);
    let next = found.last().filter(|_| is_more).map(cursor_after);
    Ok(Json(json!({ "items": found.iter().map(view).collect::<Vec<_>>(), "next_cursor": next })))
}

/// `GET /api/conversations/{conversation}`: with what was said last, oldest first.
pub(crate) async fn conversation(
    State(state): State<ApiState>,
    member: Member,
    Path(id): Path<String>,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let limit = limit_of(query)?;
    let mut tx = state.engine().begin().await?;
    let found = of_member(&mut tx, &member, &id).await?;
    let said = conversations::history(&mut tx, found.conversation, limit).await?;
    let messages: Vec<_> = said
        .into_iter()
        .map(|said| {
            json!({
                "id": said.message,
                "direction": if said.inbound { "inbound" } else { "outbound" },
                "body": said.body,
                "status": said.status,
                "at": said.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            })
        })
        .collect();
    let mut shown = view(&found);
    shown["messages"] = messages.into();
    Ok(Json(shown))
}

/// `POST /api/conversations/{conversation}/mode`: `{"mode":"human"}` takes it over, `{"mode":"ai"}` gives it back.
pub(crate) async fn set_mode(
    State(state): State<ApiState>,
    caller: Caller,
    member: Member,
    Path(id): Path<String>,
    Body(mut fields): Body,
) -> Result<Json<Value>, Problem> {
    let mode = fields.required("mode", |word| match word {
        "human" => Ok(ConversationMode::Human),
        "ai" => Ok(ConversationMode::Ai),
        _ => Err("must be human or ai"),
    });
    fields.refuse_others();
    let mode = fields.finish(mode)?;
    let mut tx = state.engine().begin().await?;
    let found = of_member(&mut tx, &member, &id).await?;
    if conversations::set_mode(&mut tx, found.conversation, mode).await? {
        let ip = caller.ip_digest(&state.config().pepper);
        let details = json!({ "conversation": found.conversation, "mode": mode });
        let entry = member.entry("conversation.mode", &ip, details);
        let entry = Entry { phone: Some(&found.phone), ..entry };
        audit::record(&mut tx, entry).await?;
    }
    let found = of_member(&mut tx, &member, &id).await?;
    tx.commit().await?;
    Ok(Json(view(&found)))
}

/// A conversation of the member's tenant. Another's is not there.
pub(super) async fn of_member(
    tx: &mut Tx,
    member: &Member,
    id: &str,
) -> Result<Conversation, Problem> {
    scope::tenant(tx, member.tenant).await?;
    let missing = || Problem::new(Code::NotFound, "there is no such conversation");
    let id: ConversationId = id.parse().map_err(|_| missing())?;
    conversations::get(tx, id).await?.ok_or_else(missing)
}

fn limit_of(mut query: Fields) -> Result<i64, Problem> {
    let limit = limit_in(&mut query);
    query.refuse_others();
    query.finish(Some(limit))
}

fn page_of(mut query: Fields) -> Result<(Option<After>, i64), Problem> {
    let limit = limit_in(&mut query);
    let after = query.optional("cursor", |text| {
        cursor_read(text).ok_or("must be a next_cursor of an earlier answer")
    });
    query.refuse_others();
    query.finish(Some((after, limit)))
}

fn limit_in(query: &mut Fields) -> i64 {
    let limit = query.optional("limit", |text| {
        let wanted = text.parse::<u32>().ok().filter(|limit| (1..=SHOWN_MAX).contains(limit));
        wanted.ok_or(format!("must be a number from 1 to {SHOWN_MAX}"))
    });
    limit.unwrap_or(SHOWN).into()
}

/// Opaque to clients: which kind of cursor, microseconds, and the conversation.
fn cursor_after(last: &Conversation) -> String {
    let micros = last.last_message_at.timestamp_micros();
    format!("c1.{micros}.{}", last.conversation)
}

fn cursor_read(text: &str) -> Option<After> {
    let (micros, conversation) = text.strip_prefix("c1.")?.split_once('.')?;
    let last_message_at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(After { last_message_at, conversation: conversation.parse().ok()? })
}

fn view(conversation: &Conversation) -> Value {
    let at = |instant: DateTime<chrono::Utc>| instant.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "id": conversation.conversation,
        "channel": "sms",
        "phoneNumber": conversation.phone.as_e164(),
        "mode": conversation.mode,
        "modeChangedAt": at(conversation.mode_changed_at),
        "lastMessageAt": at(conversation.last_message_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_what_is_none_names_nothing() {
        let id = ConversationId::mint();
        let read = cursor_read(&format!("c1.1700000000000001.{id}")).unwrap();
        assert_eq!(read.last_message_at.timestamp_micros(), 1_700_000_000_000_001);
        assert_eq!(read.conversation, id);
        for text in
            ["", "c1.", "c1.1.x", "c2.1.x", &format!("c1.x.{id}"), &format!("c1.{}.{id}", i64::MAX)]
        {
            assert!(cursor_read(text).is_none(), "{text}");
        }
    }
}
