//! A code, spoken on the phone: for those whom no text reaches.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `may_call` | – (asks whether calls are switched off) | – | nothing |
//! | `place_call` | Twilio rings and says the code, twice | – (cannot be taken back) | the call |
//! | `look_at_call` | – (what became of it) | – | the call |
//!
//! The words go to Twilio with the request and are served by no address. A call whose outcome is unknown is looked up in
//! Twilio's list; the same code twice on the same phone would do no harm, but would be a nuisance.

use std::time::Duration;

use clients::twilio::{Call, CallStatus, Error, NewCall, say};
use domain::{
    PhoneNumber,
    locale::Locale,
    scope,
    switches::{self, Switch},
};
use engine::{
    Context, Effect, EffectCall, Failure, Gates, Probe, Registrar, RetryPolicy, Sealed, Workflow,
};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_twilio, of_twilio_read},
    send_sms::{TWILIO, sender},
};

/// Calls in all, if the first is not answered.
const CALLS_MAX: usize = 2;

/// How long it rings.
const RINGS_SECS: u32 = 30;

/// Between two looks at a call, and how many: three minutes, longer than it can ring and speak.
const LOOK_EVERY: Duration = Duration::from_secs(15);
const LOOKS_MAX: usize = 12;

/// Twilio starts one call a second for an account ("Calls per second").
const CALL_EVERY: Duration = Duration::from_secs(1);

/// No longer than a code lives.
const DEADLINE: Duration = Duration::from_mins(10);

/// Twilio's clock and ours may differ by this much.
const CLOCKS_DIFFER: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// Calls between two numbers that are looked through.
const LOOK_AT: u16 = 20;

/// Speaks a code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OtpByVoice {
    /// To whom.
    pub to: Sealed<PhoneNumber>,
    /// What is said.
    pub words: Sealed<String>,
    /// In which language.
    pub locale: Locale,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spoken {
    /// Somebody, or something, picked up.
    Heard,
    /// Nobody did.
    NotHeard,
    /// There is no provider.
    Skipped,
    /// Operators have switched the provider off.
    Bypassed,
}

impl Workflow<Trunkline> for OtpByVoice {
    const KIND: &'static str = "otp_by_voice";
    const QUEUE: &'static str = "sms";
    const DEADLINE: Option<Duration> = Some(DEADLINE);
    type Output = Spoken;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<PlaceCall>();
    }

    fn gates(&self) -> Gates {
        Gates::none().rate("twilio-calls", "", CALL_EVERY, 1).breaker(TWILIO)
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Spoken, Failure> {
        if ctx.settings().sms_from.is_none() {
            return Ok(Spoken::Skipped);
        }
        let bypassed = ctx
            .transaction("may_call", async |tx| {
                scope::platform(tx).await.map_err(of_domain)?;
                Ok(switches::is_on(tx, Switch::SmsBypass).await.map_err(of_domain)?.is_some())
            })
            .await?;
        if bypassed {
            return Ok(Spoken::Bypassed);
        }
        let mut before = Vec::new();
        for _ in 0..CALLS_MAX {
            let place = PlaceCall {
                to: self.to.clone(),
                words: self.words.clone(),
                locale: self.locale,
                not: before.clone(),
            };
            let Placed { sid } = ctx.effect(place).await?;
            if is_heard(ctx, &sid).await? {
                return Ok(Spoken::Heard);
            }
            before.push(sid);
        }
        Ok(Spoken::NotHeard)
    }
}

/// Waits for a call's end. One of which nobody says the end counts as heard: the code is good until it is used.
async fn is_heard(ctx: &Context<'_, Trunkline>, sid: &str) -> Result<bool, Failure> {
    for _ in 0..LOOKS_MAX {
        ctx.sleep(LOOK_EVERY).await?;
        let ended = ctx
            .step("look_at_call", async |clients, _| {
                let call = sender(clients)?.twilio.fetch_call(sid).await;
                let call = call.map_err(|error| of_twilio_read(&error))?;
                Ok(match call.status {
                    Some(CallStatus::UnderWay) | None => None,
                    Some(CallStatus::Completed) => Some(true),
                    Some(
                        CallStatus::Busy
                        | CallStatus::NoAnswer
                        | CallStatus::Failed
                        | CallStatus::Canceled,
                    ) => Some(false),
                })
            })
            .await?;
        if let Some(heard) = ended {
            return Ok(heard);
        }
    }
    Ok(true)
}

/// Has Twilio ring and speak.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlaceCall {
    to: Sealed<PhoneNumber>,
    words: Sealed<String>,
    locale: Locale,
    /// Calls of this run that are over: a look must not take one of them for this one.
    #[serde(default)]
    not: Vec<String>,
}

/// A call that Twilio has taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Twilio's id for it.
    sid: String,
}

impl Effect<Trunkline> for PlaceCall {
    const NAME: &'static str = "place_call";
    const RETRY: RetryPolicy = RetryPolicy::STEP;
    type Output = Placed;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Placed, Failure> {
        let sender = sender(clients)?;
        let (language, voice) = voice(self.locale);
        let words = call.open(&self.words)?;
        let new = NewCall {
            to: call.open(&self.to)?.as_e164().to_owned(),
            from: sender.from.as_e164().to_owned(),
            twiml: say(&words, language, voice, 2),
            timeout_secs: RINGS_SECS,
        };
        match sender.twilio.create_call(&new).await {
            Ok(placed) => Ok(Placed { sid: placed.sid }),
            // It answered: one look at its list tells.
            Err(Error::ServerError { status }) => match self.look(clients, call).await {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(Failure::retry(format!("Twilio failed with status {status}"))),
                Err(_) => Err(of_twilio(&Error::ServerError { status })),
            },
            Err(error) => Err(of_twilio(&error)),
        }
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<Placed>, Failure> {
        if let Some(found) = self.look(clients, call).await? {
            return Ok(Probe::Happened(found));
        }
        match sender(clients)?.second_look.checked_sub(call.age) {
            Some(early) if !early.is_zero() => Ok(Probe::NotYet(early)),
            Some(_) | None => Ok(Probe::DidNotHappen),
        }
    }
}

impl PlaceCall {
    /// Looks for the call in Twilio's list: same numbers, not older than the attempt, none of those before.
    async fn look(&self, clients: &Clients, call: &EffectCall) -> Result<Option<Placed>, Failure> {
        let sender = sender(clients)?;
        let to = call.open(&self.to)?;
        let listed = sender.twilio.list_calls(to.as_e164(), sender.from.as_e164(), LOOK_AT).await;
        let listed = listed.map_err(|error| of_twilio_read(&error))?;
        let of_this_attempt = |call_there: &Call| {
            call_there.direction == "outbound-api"
                && !self.not.contains(&call_there.sid)
                && call_there.date_created.is_some_and(|at| at >= call.begun_at - CLOCKS_DIFFER)
        };
        let oldest = listed.into_iter().filter(of_this_attempt).min_by_key(|it| it.date_created);
        Ok(oldest.map(|found| Placed { sid: found.sid }))
    }
}

/// Twilio's voices ("Text-to-Speech", "Available voices and languages").
fn voice(locale: Locale) -> (&'static str, &'static str) {
    match locale {
        Locale::De => ("de-DE", "Polly.Vicki"),
        Locale::En => ("en-US", "Polly.Joanna"),
    }
}
