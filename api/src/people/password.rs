//! A new password. It ends every session of the person; whoever changed it gets a new one.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::header::SET_COOKIE,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use domain::{
    audit::{self, Entry},
    limits::{self, Hit},
    password::{self, PasswordHash, Salt},
    scope, sessions,
    sessions::Session,
    token::Token,
    users::{self, Candidate},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{
    origin::OwnOrigin,
    session::{self, LIFETIME, SignedIn},
};
use crate::{
    caller::Caller,
    demo::too_many,
    json::{Body, Fields},
    metrics,
    problem::{Code, Problem},
    state::ApiState,
};

/// Whoever has found an open browser must not be able to try passwords in it.
const LIMIT: &str = "auth.change_password_per_user";
const ATTEMPTS_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_mins(15);

/// `POST /api/auth/change-password`.
pub(crate) async fn change_password(
    State(state): State<ApiState>,
    caller: Caller,
    SignedIn(session): SignedIn,
    _: OwnOrigin,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let (current, new) = read(fields)?;
    let account = account(&state, &session).await?;
    let wrong = || Problem::new(Code::WrongPassword, "");
    let account = users::verify_password(vec![account], current).await?.ok_or_else(wrong)?;
    let salt = Salt::generate(&mut rand::rng());
    let hash = password::hash(new, salt).await?;
    store(&state, &caller, account, &hash).await
}

fn read(mut fields: Fields) -> Result<(SecretString, SecretString), Problem> {
    let secret = |text: &str| Ok::<_, &str>(SecretString::from(text));
    let current = fields.required("currentPassword", secret);
    let new = fields.required("newPassword", |text| {
        let chosen = SecretString::from(text);
        password::check(&chosen).map(|()| chosen)
    });
    if let (Some(current), Some(new)) = (&current, &new)
        && current.expose_secret() == new.expose_secret()
    {
        fields.wrong("newPassword", "must differ from the current one");
    }
    fields.refuse_others();
    fields.finish(current.zip(new))
}

/// Counts the attempt, and finds the account.
async fn account(state: &ApiState, session: &Session) -> Result<Candidate, Problem> {
    let mut tx = state.begin().await?;
    let key = state.config().pepper.hash("user", &[session.user.as_uuid().as_bytes()]);
    let hit = limits::hit(&mut tx, LIMIT, &key, ATTEMPTS_MAX, WINDOW).await?;
    let account = users::candidate(&mut tx, session.user).await?;
    tx.commit().await?;
    if let Hit::Refused { retry_after } = hit {
        metrics::rate_limited(LIMIT);
        return Err(too_many(retry_after));
    }
    account.ok_or_else(|| Problem::new(Code::TenantContextRequired, ""))
}

async fn store(
    state: &ApiState,
    caller: &Caller,
    mut account: Candidate,
    hash: &PasswordHash,
) -> Result<Response, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, account.tenant).await?;
    account.session_version = users::change_password(&mut tx, &account, hash).await?;
    let token = Token::generate(&mut rand::rng());
    let expires_at = sessions::create(&mut tx, &account, &token.digest(), LIFETIME).await?;
    let entry = Entry {
        action: "password.changed",
        tenant: Some(account.tenant),
        actor: &format!("user:{}", account.user),
        phone: None,
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details: json!({ "request": caller.request_id }),
    };
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let cookie = session::open_cookie(&token, state.config().is_https());
    let expires_at = expires_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let body = json!({ "success": true, "mustChangePassword": false, "expiresAt": expires_at });
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}
