//! `POST /api/demo/verify-phone`: a code, tried. The body names the sign-up by its tenant or by its phone.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use domain::{
    Digest, Pepper, PhoneNumber, TenantId,
    code::Code as TypedCode,
    codes::{self, Lookup, VerifyOutcome},
    guesses,
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
        let guess = self.guess(&mut tx, state).await?;
        let outcome = guess.judge(&mut tx, &self, &state.config().pepper).await?;
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
                guesses::right(&mut tx, &guess.key).await?;
                tx.commit().await?;
                return Ok((verified.tenant, token));
            }
            VerifyOutcome::Wrong { attempts_left } => {
                if guess.told != (Told::ByThePhone { left: None }) {
                    guesses::wrong(&mut tx, &guess.key).await?;
                }
                guess.wrong(i64::from(attempts_left))
            }
            VerifyOutcome::Expired => expired(),
            VerifyOutcome::Used => Problem::new(Code::UsedBefore, "a code works once"),
            VerifyOutcome::Exhausted => exhausted(),
            VerifyOutcome::Paused => guess.paused(),
            VerifyOutcome::Unknown => self.never_sent(&mut tx, state, &guess).await?,
        };
        tx.commit().await?;
        Err(refusal)
    }

    /// What is known before anything is looked up.
    async fn guess(&self, tx: &mut Tx, state: &ApiState) -> Result<Guess, Problem> {
        let pepper = &state.config().pepper;
        let key = match self {
            Attempt::ByPhone(phone, _) => phone.digest(pepper),
            Attempt::ByTenant(tenant, _) => match codes::phone_of(tx, *tenant).await? {
                Some(phone) => phone.digest(pepper),
                None => pepper.hash("tenant", &[tenant.as_uuid().as_bytes()]),
            },
        };
        let pause = guesses::pause(tx, &key).await?;
        let told = match self {
            Attempt::ByPhone(..) => {
                Told::ByThePhone { left: limits::unknown_code(tx, &key).await? }
            }
            Attempt::ByTenant(..) => Told::ByTheCode,
        };
        Ok(Guess { key, pause, told })
    }

    async fn never_sent(
        &self,
        tx: &mut Tx,
        state: &ApiState,
        guess: &Guess,
    ) -> Result<Problem, Problem> {
        let remaining = match (guess.told, self) {
            (Told::ByThePhone { left }, _) => left,
            (Told::ByTheCode, Attempt::ByTenant(tenant, _)) => {
                let tenant = tenant.as_uuid();
                let key = state.config().pepper.hash("tenant", &[tenant.as_bytes()]);
                limits::unknown_code(tx, &key).await?
            }
            (Told::ByTheCode, Attempt::ByPhone(..)) => None,
        };
        let Some(remaining) = remaining else { return Ok(exhausted()) };
        if let Some(pause) = guess.pause {
            return Ok(limits::too_many(pause));
        }
        guesses::wrong(tx, &guess.key).await?;
        Ok(wrong(i64::from(remaining)))
    }
}

/// An attempt, as it is counted. By the phone alone everything that is told comes from here, and so is the same whether or not
/// there is a sign-up, and whatever became of it. Only the right code tells more.
struct Guess {
    /// In whose name wrong codes are counted.
    key: Digest,
    /// How long nobody may try.
    pause: Option<Duration>,
    told: Told,
}

/// From where whoever tried learns how many attempts remain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// From the code itself: they know the tenant.
    ByTheCode,
    /// From what was tried with the phone.
    ByThePhone { left: Option<u32> },
}

impl Guess {
    async fn judge(
        &self,
        tx: &mut Tx,
        attempt: &Attempt,
        pepper: &Pepper,
    ) -> Result<VerifyOutcome, Problem> {
        let may_try = self.pause.is_none();
        Ok(match attempt {
            Attempt::ByTenant(tenant, code) => {
                codes::verify(tx, Lookup::Tenant(*tenant), code, pepper, may_try).await?
            }
            Attempt::ByPhone(phone, code) => {
                codes::verify(tx, Lookup::Phone(phone), code, pepper, may_try).await?
            }
        })
    }

    /// Another code than the one that was sent.
    fn wrong(&self, attempts_left: i64) -> Problem {
        match self.told {
            Told::ByTheCode => wrong(attempts_left),
            Told::ByThePhone { left: Some(left) } => wrong(i64::from(left)),
            Told::ByThePhone { left: None } => exhausted(),
        }
    }

    fn paused(&self) -> Problem {
        match (self.told, self.pause) {
            (Told::ByThePhone { left: None }, _) | (_, None) => exhausted(),
            (_, Some(pause)) => limits::too_many(pause),
        }
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
