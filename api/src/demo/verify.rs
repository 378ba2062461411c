//! `POST /api/demo/verify-phone`: a code, tried. The body names the sign-up by its tenant or by its phone.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use domain::{
    PhoneNumber, TenantId,
    code::Code as TypedCode,
    codes::{self, Lookup, VerifyOutcome},
    phone::Region,
    token::Token,
};
use engine::Tx;
use serde_json::{Value, json};
use workflows::demo_signup::VerifiedBy;

use super::{Witness, access, limits, mark_verified, status, status_url};
use crate::{
    caller::Caller,
    json::{Body, Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// Whoever waits holds a connection of ours; longer waits are what the status is for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What was sent.
enum Attempt {
    ByTenant(TenantId, TypedCode),
    ByPhone(PhoneNumber, TypedCode),
}

pub(crate) async fn verify_phone(
    State(state): State<ApiState>,
    caller: Caller,
    Query(query): Query,
    Body(fields): Body,
) -> Result<Response, Problem> {
    let patience = patience_of(query)?;
    let attempt = Attempt::read(fields, state.config().demo.region)?;
    let (tenant, token) = attempt.try_code(&state, &caller).await?;
    let url = status_url(&state, tenant);
    let mut body = json!({
        "success": true,
        "message": "Phone number verified successfully",
        "nextStep": "Demo tenant creation initiated",
        "tenantId": tenant,
        "statusUrl": url,
        "accessToken": token.expose(),
    });
    let ready = match patience {
        Some(patience) => status::until_active(&state, tenant, patience).await?,
        None => false,
    };
    if !ready {
        return Ok((StatusCode::ACCEPTED, [(LOCATION, url)], Json(body)).into_response());
    }
    if let (Value::Object(body), Value::Object(delivery)) =
        (&mut body, access::deliver(&state, tenant).await?)
    {
        body.remove("nextStep");
        body.extend(delivery);
    }
    Ok(Json(body).into_response())
}

impl Attempt {
    /// `{tenantId, code}` or `{phoneNumber, verificationCode}`; a mixture is neither.
    fn read(mut fields: Fields, home: Region) -> Result<Attempt, Problem> {
        let by_phone = fields.has("phoneNumber") || fields.has("verificationCode");
        let attempt = if by_phone {
            let phone = fields.phone("phoneNumber", home);
            let code = fields.required("verificationCode", TypedCode::parse);
            phone.zip(code).map(|(phone, code)| Attempt::ByPhone(phone, code))
        } else {
            let tenant =
                fields.required("tenantId", |text| text.parse().map_err(|_| "must be a UUID"));
            let code = fields.required("code", TypedCode::parse);
            tenant.zip(code).map(|(tenant, code)| Attempt::ByTenant(tenant, code))
        };
        fields.refuse_others();
        fields.finish(attempt)
    }

    /// A wrong attempt is committed, too: otherwise it would not be counted.
    async fn try_code(
        self,
        state: &ApiState,
        caller: &Caller,
    ) -> Result<(TenantId, Token), Problem> {
        let mut tx = state.begin().await?;
        let pepper = &state.config().pepper;
        let outcome = match &self {
            Attempt::ByTenant(tenant, code) => {
                codes::verify(&mut tx, Lookup::Tenant(*tenant), code, pepper).await?
            }
            Attempt::ByPhone(phone, code) => {
                codes::verify(&mut tx, Lookup::Phone(phone), code, pepper).await?
            }
        };
        let refusal = match outcome {
            VerifyOutcome::Verified(verified) => {
                let witness = Witness {
                    by: VerifiedBy::Code,
                    action: "demo.phone_verified",
                    actor: "visitor",
                    reason: None,
                };
                let token = mark_verified(&mut tx, state, caller, verified, witness)
                    .await
                    .map_err(too_late)?;
                tx.commit().await?;
                return Ok((verified.tenant, token));
            }
            VerifyOutcome::Wrong { attempts_left } => wrong(i64::from(attempts_left)),
            VerifyOutcome::Expired => expired(),
            VerifyOutcome::Used => Problem::new(Code::UsedBefore, "a code works once"),
            VerifyOutcome::Exhausted => exhausted(),
            VerifyOutcome::Unknown => self.never_sent(&mut tx, state).await?,
        };
        tx.commit().await?;
        Err(refusal)
    }

    async fn never_sent(&self, tx: &mut Tx, state: &ApiState) -> Result<Problem, Problem> {
        let pepper = &state.config().pepper;
        let key = match self {
            Attempt::ByTenant(tenant, _) => pepper.hash("tenant", &[tenant.as_uuid().as_bytes()]),
            Attempt::ByPhone(phone, _) => phone.digest(pepper),
        };
        let remaining = limits::unknown_code(tx, &key).await?;
        Ok(remaining.map_or_else(exhausted, |remaining| wrong(i64::from(remaining))))
    }
}

fn wrong(attempts_left: i64) -> Problem {
    Problem::new(Code::WrongDigits, "this is not the code that was sent")
        .with("attemptsLeft", attempts_left)
}

/// The sign-up came to nothing at this very moment.
fn too_late(problem: Problem) -> Problem {
    if matches!(problem.code(), Code::NotFound | Code::WrongState) { expired() } else { problem }
}

fn expired() -> Problem {
    Problem::new(Code::TooLate, "please ask for a new one")
}

fn exhausted() -> Problem {
    Problem::new(Code::TriedTooOften, "please ask for a new one")
}

/// `?wait=5s`, `500ms` or bare seconds; more than [`WAIT_MAX`] is cut to it.
fn patience_of(mut query: Fields) -> Result<Option<Duration>, Problem> {
    let wait = query.optional("wait", |text| duration(text).ok_or("must be a duration such as 5s"));
    query.refuse_others();
    query.finish(Some(wait))
}

fn duration(text: &str) -> Option<Duration> {
    let whole = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
    let wanted = match text.strip_suffix("ms") {
        Some(digits) => Duration::from_millis(whole(digits)?),
        None => Duration::from_secs(whole(text.strip_suffix('s').unwrap_or(text))?),
    };
    Some(wanted.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Attempt, Code> {
        Attempt::read(Fields::of_test(text), Region::AT).map_err(|problem| problem.code())
    }

    #[test]
    fn both_forms_are_read_and_mixtures_are_refused() {
        let id = TenantId::mint();
        let by_tenant = format!(r#"{{"tenantId":"{id}","code":"123456"}}"#);
        assert!(matches!(read(&by_tenant), Ok(Attempt::ByTenant(tenant, _)) if tenant == id));
        let by_phone = r#"{"phoneNumber":"0677 12345678","verificationCode":"123456"}"#;
        assert!(
            matches!(read(by_phone), Ok(Attempt::ByPhone(phone, _)) if phone.as_e164() == "+4367712345678")
        );
        for text in [
            "{}",
            r#"{"tenantId":"x","code":"123456"}"#,
            r#"{"phoneNumber":"+4367712345678","code":"123456"}"#,
            r#"{"phoneNumber":"+4367712345678","verificationCode":123456}"#,
            r#"{"phoneNumber":"+4367712345678","verificationCode":"12345"}"#,
            r#"{"phoneNumber":"+4367712345678","verificationCode":"123456","extra":1}"#,
        ] {
            assert_eq!(read(text).err(), Some(Code::InvalidFields), "{text}");
        }
        let bad_phone = r#"{"phoneNumber":"abc","verificationCode":"123456"}"#;
        assert_eq!(read(bad_phone).err(), Some(Code::InvalidPhone));
    }

    #[test]
    fn a_wait_has_a_unit_and_an_end() {
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(duration("3"), Some(Duration::from_secs(3)));
        assert_eq!(duration("3600s"), Some(WAIT_MAX));
        for text in ["", "s", "-1s", "5m", "1.5s"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }
}
