//! Bodies and queries, read strictly: a key that stands twice, U+0000 anywhere, or a depth that Postgres' `jsonb` should not
//! be given is refused here, before anything is done.

mod fields;
mod strict;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, request::Parts},
};
use serde_json::Value;

use crate::{
    body,
    problem::{Code, Problem},
};

pub(crate) use self::fields::Fields;

/// No body of ours is near it: a job's arguments have at most 256 KiB.
const BYTES_MAX: usize = 1024 * 1024;

/// A JSON object as the body.
pub(crate) struct Body(pub(crate) Fields);

/// A JSON object as the body, or no body at all.
pub(crate) struct MaybeBody(pub(crate) Fields);

/// The query's parameters, each at most once.
pub(crate) struct Query(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Body, Problem> {
        let (parts, body) = request.into_parts();
        let (fields, _) = object(&parts.headers, body, true).await?;
        Ok(Body(fields))
    }
}

impl<S: Send + Sync> FromRequest<S> for MaybeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<MaybeBody, Problem> {
        let (parts, body) = request.into_parts();
        let (fields, _) = object(&parts.headers, body, false).await?;
        Ok(MaybeBody(fields))
    }
}

/// The object in a body, and the bytes that it was read from. No body at all is an empty object, where one is not needed.
pub(crate) async fn object(
    headers: &HeaderMap,
    body: axum::body::Body,
    is_needed: bool,
) -> Result<(Fields, Bytes), Problem> {
    if is_needed {
        expect_json(headers)?;
    }
    let bytes = body::read(body, BYTES_MAX).await?;
    if bytes.is_empty() && !is_needed {
        let nothing = Value::Object(serde_json::Map::new());
        return Ok((Fields::of_body(nothing)?, bytes));
    }
    expect_json(headers)?;
    Ok((Fields::of_body(parse(&bytes)?)?, bytes))
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query, Problem> {
        Fields::of_query(parts.uri.query().unwrap_or_default()).map(Query)
    }
}

fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    // A form or a plain text is what another site's page can send without asking.
    if body::media_type(headers) == "application/json" {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType, "the content type must be application/json"))
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let value = strict::parse(bytes)?;
    engine::json::check(&value, BYTES_MAX)
        .map_err(|fault| Problem::new(Code::InvalidFields, fault.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<Code> {
        parse(text.as_bytes()).err().map(|problem| problem.code())
    }

    #[test]
    fn what_is_no_json_is_malformed_and_what_cannot_be_kept_is_refused() {
        assert_eq!(code(r#"{"a":1}"#), None);
        for text in ["", "{", "{}x", "{a:1}", r#"{"a":1e999}"#, r#""\ud800""#] {
            assert_eq!(code(text), Some(Code::MalformedJson), "{text}");
        }
        assert_eq!(code(r#"{"a":"\u0000"}"#), Some(Code::InvalidFields));
        assert_eq!(code(r#"{"\u0000":1}"#), Some(Code::InvalidFields));
        assert_eq!(code(r#"{"a":1,"a":2}"#), Some(Code::InvalidFields));
        assert_eq!(code(&("[".repeat(70) + &"]".repeat(70))), Some(Code::InvalidFields));
        assert_eq!(code(&"[".repeat(100_000)), Some(Code::MalformedJson));
        assert_eq!(parse(b"{\"a\":\"\xff\"}").err().map(|p| p.code()), Some(Code::MalformedJson));
    }
}
