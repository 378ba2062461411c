//! E-mail and password for a session. An account that does not exist, a wrong password and one that was changed a moment ago
//! give the same answer after the same time.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::header::SET_COOKIE,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use domain::{
    Email,
    audit::{self, Entry},
    limits::{self, Hit},
    sessions, tenants,
    token::Token,
    users::{self, Candidate},
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    me,
    origin::OwnOrigin,
    session::{self, LIFETIME},
};
use crate::{
    caller::Caller,
    demo::too_many,
    json::{Body, Fields},
    metrics,
    problem::{Code, Problem},
    state::ApiState,
};

/// Attempts from one address with one e-mail: enough for a person who tries all their passwords, far too few for a list.
const LIMIT: &str = "auth.login_per_ip_and_email";
const ATTEMPTS_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_mins(15);

/// `POST /api/auth/login`.
pub(crate) async fn login(
    State(state): State<ApiState>,
    caller: Caller,
    _: OwnOrigin,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let (email, password) = read(fields)?;
    let candidates = candidates(&state, &caller, &email).await?;
    // Outside of any transaction: a hash takes tens of milliseconds.
    let found = users::verify_password(candidates, password).await?.ok_or_else(refused)?;
    open(&state, &caller, &found).await
}

fn read(mut fields: Fields) -> Result<(Email, SecretString), Problem> {
    let email = fields.required("email", Email::parse);
    let password = fields.required("password", |text| Ok::<_, &str>(SecretString::from(text)));
    fields.refuse_others();
    fields.finish(email.zip(password))
}

/// Counts the attempt, and finds the accounts that it may be for.
async fn candidates(
    state: &ApiState,
    caller: &Caller,
    email: &Email,
) -> Result<Vec<Candidate>, Problem> {
    let mut tx = state.begin().await?;
    let pepper = &state.config().pepper;
    let ip = caller.ip_digest(pepper);
    let key = pepper.hash("login", &[ip.as_bytes(), email.as_str().to_lowercase().as_bytes()]);
    let hit = limits::hit(&mut tx, LIMIT, &key, ATTEMPTS_MAX, WINDOW).await?;
    let candidates = users::candidates(&mut tx, email).await?;
    tx.commit().await?;
    match hit {
        Hit::Allowed { .. } => Ok(candidates),
        Hit::Refused { retry_after } => {
            metrics::rate_limited(LIMIT);
            Err(too_many(retry_after))
        }
    }
}

async fn open(state: &ApiState, caller: &Caller, found: &Candidate) -> Result<Response, Problem> {
    let mut tx = state.begin().await?;
    session::admit(tenants::admission(&mut tx, found.tenant).await?)?;
    let token = Token::generate(&mut rand::rng());
    let expires_at = match sessions::create(&mut tx, found, &token.digest(), LIFETIME).await {
        Ok(expires_at) => expires_at,
        Err(domain::Error::Outdated { .. }) => return Err(refused()),
        Err(other) => return Err(other.into()),
    };
    let user = users::get(&mut tx, found.user).await?.ok_or_else(refused)?;
    let entry = Entry {
        action: "session.opened",
        tenant: Some(found.tenant),
        actor: &format!("user:{}", found.user),
        phone: None,
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details: json!({ "request": caller.request_id }),
    };
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let cookie = session::open_cookie(&token, state.config().is_https());
    let body = json!({
        "success": true,
        "mustChangePassword": user.must_change_password,
        "expiresAt": expires_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        "user": me::person(&user),
    });
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}

fn refused() -> Problem {
    Problem::new(Code::InvalidCredentials, "")
}
