//! `trunkline api METHOD PATH`: any endpoint, with the operators' key.

use std::process::ExitCode;

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    client::{Client, Told},
    ended::usage,
    show,
};
use crate::{args::AskArgs, runtime};

/// Asks, and prints the answer as it came.
pub(crate) fn run(options: &AskArgs) -> anyhow::Result<ExitCode> {
    let (method, path, body) = request(options).map_err(usage)?;
    let client = Client::at(options.url.as_deref())?;
    let conditions = (options.idempotency_key.as_deref(), options.if_match.as_deref());
    let answer = runtime()?.block_on(client.send(method, path, body.as_ref(), conditions))?;
    Ok(match answer {
        Ok(Value::String(text)) => {
            eprintln!("{text}");
            Told::Done
        }
        Ok(answer) => {
            show::json(&answer)?;
            Told::by(&answer)
        }
        Err(told) => told,
    }
    .exit_code())
}

/// What is to be asked.
fn request(options: &AskArgs) -> anyhow::Result<(Method, &str, Option<Value>)> {
    let (Some(method), Some(path)) = (&options.method, &options.path) else {
        bail!("a method and a path: `trunkline api GET /v1/admin/jobs`")
    };
    if !path.starts_with('/') {
        bail!("{path}: a path begins with /");
    }
    let method: Method = method.to_uppercase().parse().context("the method")?;
    Ok((method, path.as_str(), body(options)?))
}

/// The body: as JSON, or member by member.
fn body(options: &AskArgs) -> anyhow::Result<Option<Value>> {
    if let Some(text) = &options.body {
        return Ok(Some(serde_json::from_str(text).context("--body: not JSON")?));
    }
    let mut members = Map::new();
    for field in &options.field {
        let (name, value) =
            field.split_once('=').with_context(|| format!("{field}: a field is NAME=VALUE"))?;
        // A number, true, null, or an object; what is none of these is a text.
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        members.insert(name.to_owned(), value);
    }
    Ok((!members.is_empty()).then_some(Value::Object(members)))
}
