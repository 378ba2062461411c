//! Runs that wait for a person, and the person's answers.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::{Answer, Cause, ParkedFilter, Thing};
use serde_json::{Value, json};

use super::{by_hand::Hand, cursor, deed::Order, jobs::job_of, key::Operator, page, tags::Asked};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// The answers, as they are written.
const ANSWERS: [&str; 7] =
    ["retry", "edit_input", "skip", "resolve", "happened", "did_not_happen", "resume_forward"];

/// `GET /v1/admin/parked`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let filter = ParkedFilter {
        cause: query.optional("cause", |word| word.parse::<Cause>().map_err(|why| why.to_string())),
        kind: query.optional("kind", str::parse),
        older_than: query.optional("cursor", cursor::read),
    };
    let limit = page::limit(&mut query);
    query.refuse_others();
    let (filter, limit) = query.finish(Some((filter, limit)))?;
    let items = state.engine().parked(&filter, page::rows(limit)).await?;
    Ok(Json(page::of(items, limit, |last| cursor::after(last.id))))
}

/// `GET /v1/admin/parked/counts`: by what is to be decided.
pub(crate) async fn counts(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let counts = state.engine().parked_count().await?;
    let count = |(cause, runs): &(Option<Cause>, i64)| json!({ "cause": cause, "runs": runs });
    Ok(Json(json!({ "counts": counts.iter().map(count).collect::<Vec<_>>() })))
}

/// `GET /v1/admin/parked/{id}`: what one is waiting for.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = job_of(&id)?;
    let missing = || Problem::new(Code::NotFound, "no such run is parked");
    let version = state.engine().version(Thing::Job(id)).await?.ok_or_else(missing)?;
    let run = state.engine().parked_run(id).await?.ok_or_else(missing)?;
    asked.answer(version, async || Ok(run)).await
}

/// `POST /v1/admin/jobs/{id}/answer`: what a person has decided about this very parking.
pub(crate) async fn answer(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let id = job_of(&id)?;
    let read = read(&mut order.fields);
    let ((claim, word, answer), mut deed) = order.begin(&state, read).await?;
    deed.hold(Thing::Job(id)).await?;
    // What a deed is told to do is changed only by whoever could order it.
    if matches!(answer, Answer::EditInput(_))
        && let Some(kind) = deed.tx.kind_of(id).await?
    {
        Hand::of(&kind).check(&deed.caller.operator)?;
    }
    deed.tx.answer(id, claim, answer, &deed.by).await?;
    let details = json!({ "job": id, "claim": claim, "answer": word });
    deed.done("job.answered", details, Done::accepted(json!({ "id": id }))).await
}

/// `{"claim":N,"answer":"…","value":…}`: which parking, what, and with which value where the answer has one.
fn read(fields: &mut Fields) -> Option<(i32, &'static str, Answer)> {
    let claim = fields.take("claim");
    let claim = claim.and_then(|it| it.as_i64()).and_then(|it| i32::try_from(it).ok());
    if claim.is_none() {
        fields.wrong("claim", "must be the number that the parked run shows");
    }
    let word = fields.required("answer", |word| {
        let known = ANSWERS.into_iter().find(|known| *known == word);
        known.ok_or_else(|| format!("must be one of {}", ANSWERS.join(", ")))
    });
    let wants_value = matches!(word, Some("edit_input" | "happened"));
    if word.is_some() && wants_value != fields.has("value") && !fields.names_null("value") {
        let detail = if wants_value { "is missing" } else { "is not for this answer" };
        fields.wrong("value", detail);
    }
    let value = fields.take("value").unwrap_or_default();
    let answer = match word? {
        "retry" => Answer::Retry,
        "edit_input" => Answer::EditInput(value),
        "skip" => Answer::Skip,
        "resolve" => Answer::Resolve,
        "happened" => Answer::Happened(value),
        "did_not_happen" => Answer::DidNotHappen,
        _ => Answer::ResumeForward,
    };
    Some((claim?, word?, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_parking_and_has_a_value_where_it_needs_one() {
        let answer = |text: &str| {
            let mut fields = Fields::of_test(text);
            let read = read(&mut fields);
            fields.refuse_others();
            fields.finish(read).ok().map(|(claim, _, answer)| (claim, answer))
        };
        assert_eq!(answer(r#"{"claim":3,"answer":"retry"}"#), Some((3, Answer::Retry)));
        let happened = answer(r#"{"claim":3,"answer":"happened","value":{"sid":"x"}}"#);
        assert_eq!(happened, Some((3, Answer::Happened(json!({ "sid": "x" })))));
        let nothing = answer(r#"{"claim":3,"answer":"happened","value":null}"#);
        assert_eq!(nothing, Some((3, Answer::Happened(Value::Null))), "a deed may yield nothing");
        for bad in [
            r#"{"answer":"retry"}"#,
            r#"{"claim":"3","answer":"retry"}"#,
            r#"{"claim":3}"#,
            r#"{"claim":3,"answer":"forget"}"#,
            r#"{"claim":3,"answer":"edit_input"}"#,
            r#"{"claim":3,"answer":"skip","value":1}"#,
        ] {
            assert_eq!(answer(bad), None, "{bad}");
        }
    }
}
