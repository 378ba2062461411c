//! What providers know us by: set, exchanged, retired. A secret comes in and is in no answer, no record and no list; what stands
//! there is its fingerprint.
//!
//! A retirement is a POST as that of a key is: it needs a reason, and a DELETE's body is dropped by some on its way.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::provider_credentials::{self, COUNTING_MAX, Credential, NewVersion};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use workflows::credentials;

use super::{deed::Order, key::Operator, steer::flag};
use crate::{
    idempotency::{Done, Stop},
    key_terms::{GRACE, grace},
    problem::{Code, Problem},
    state::ApiState,
};

/// Shorter ones are made up: as with those of the environment.
const SECRET_CHARS_MIN: usize = 16;

/// OpenAI's have about 170.
const SECRET_CHARS_MAX: usize = 500;

/// `GET /v1/admin/provider-credentials`: all versions there ever were, the newest first, without what is secret.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.begin().await?;
    let listed = provider_credentials::list(&mut tx).await?;
    let item = |it: &provider_credentials::Listed| {
        let mut item = json!(it);
        let provider = it.credential.parse::<Credential>().ok().map(Credential::provider);
        item["provider"] = json!(provider);
        item
    };
    Ok(Json(json!({ "items": listed.iter().map(item).collect::<Vec<_>>() })))
}

/// `POST /v1/admin/provider-credentials/{name}`: `{"secret","grace_secs"?,"reason"}`. The newest from the commit on; what it takes
/// the place of counts for its grace yet, where signatures are checked.
pub(crate) async fn set(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let credential = name.parse::<Credential>().ok();
    let secret = order.fields.required("secret", |text| secret(credential, text));
    let grace = grace(&mut order.fields).unwrap_or(GRACE);
    let by = order.caller.operator.clone();
    let (secret, mut deed) = order.begin_with_reason(&state, secret).await?;
    let credential = credential.ok_or_else(no_such_credential)?;
    let fingerprint = credential.fingerprint(&state.config().pepper, secret.expose_secret());
    // Of two at once, the second finds the first one's.
    provider_credentials::lock(&mut deed.tx).await?;
    let standing = provider_credentials::standing(&mut deed.tx, credential).await?;
    if standing.newest.as_ref() == Some(&fingerprint) {
        return Err(Problem::new(Code::WrongState, "the newest one is the same secret").into());
    }
    if standing.counting >= COUNTING_MAX {
        let why = format!(
            "{COUNTING_MAX} of it count already: retire those that were replaced, or wait until their grace is over"
        );
        return Err(Problem::new(Code::WrongState, why).into());
    }
    let sealed = credentials::seal(&deed.tx, credential, &secret)?;
    let new = NewVersion {
        credential,
        sealed: sealed.as_bytes(),
        fingerprint: &fingerprint,
        grace,
        by: &by.actor,
    };
    let version = provider_credentials::set(&mut deed.tx, new).await?;
    let said = json!({ "credential": credential, "version": version, "fingerprint": fingerprint });
    let mut details = said.clone();
    details["grace_secs"] = json!(grace.as_secs());
    deed.done("provider_credential.set", details, Done::created(said)).await
}

/// `POST /v1/admin/provider-credentials/{name}/retire`: `{"previous_only"?,"reason"}`. Without the flag all of it, and the
/// environment counts again; with it what a newer one has taken the place of.
pub(crate) async fn retire(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let previous_only = flag(&mut order.fields, "previous_only").unwrap_or(false);
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin_with_reason(&state, Some(())).await?;
    let credential = name.parse::<Credential>().map_err(|_| no_such_credential())?;
    provider_credentials::lock(&mut deed.tx).await?;
    let tx = &mut deed.tx;
    let retired = provider_credentials::retire(tx, credential, previous_only, &by.actor).await?;
    if retired == 0 {
        return Err(
            Problem::new(Code::NotFound, "nothing of it counts that could be retired").into()
        );
    }
    let said = json!({ "credential": credential, "retired": retired });
    let mut details = said.clone();
    details["previous_only"] = json!(previous_only);
    deed.done("provider_credential.retired", details, Done::ok(said)).await
}

/// A secret as its provider makes them. What is wrong is said without it.
fn secret(credential: Option<Credential>, text: &str) -> Result<SecretString, String> {
    let fits = (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&text.len());
    if !fits || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "must be {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} characters of ASCII without blanks"
        ));
    }
    let starts: &[&str] = match credential {
        Some(Credential::StripeSecretKey) => &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        Some(Credential::StripeWebhookSecret) => &["whsec_"],
        Some(Credential::TwilioAuthToken | Credential::OpenAiApiKey) | None => &[""],
    };
    if !starts.iter().any(|start| text.starts_with(start)) {
        return Err(format!("must begin with {}", starts.join(", ")));
    }
    Ok(text.into())
}

fn no_such_credential() -> Problem {
    let known: Vec<_> = Credential::ALL.iter().map(|it| it.as_str()).collect();
    Problem::new(
        Code::NotFound,
        format!("there is no such credential; known are {}", known.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_another_thing_is_refused_without_being_quoted() {
        let read = |credential, text: &str| secret(Some(credential), text).map(drop);
        assert_eq!(read(Credential::TwilioAuthToken, &"0".repeat(32)), Ok(()));
        assert_eq!(read(Credential::StripeSecretKey, "rk_live_0123456789"), Ok(()));
        assert_eq!(read(Credential::StripeWebhookSecret, "whsec_0123456789"), Ok(()));
        for (credential, bad) in [
            (Credential::TwilioAuthToken, "canary"),
            (Credential::TwilioAuthToken, "canary canary canary"),
            (Credential::TwilioAuthToken, "canary-canary-canarü"),
            (Credential::StripeSecretKey, "whsec_canary0123456789"),
            (Credential::StripeWebhookSecret, "sk_live_canary0123456789"),
        ] {
            let why = read(credential, bad).unwrap_err();
            assert!(!why.contains("canary"), "{why}");
        }
        assert!(read(Credential::OpenAiApiKey, &"x".repeat(501)).is_err());
    }
}
