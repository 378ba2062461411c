//! Who takes a call: operators may have switched calls off, the tenant has a mode and hours, and its plan has an end.

use std::time::Duration;

use domain::{
    CallId, Locale, PhoneNumber, TenantId, VoiceSessionId, bots,
    call_limits::{self, MayCall},
    calls::answers::{self, Answer, Outcome},
    messaging,
    switches::{self, Switch},
    tenants,
    voice_settings::{self, Greeting, VoiceSettings},
};
use engine::Tx;

use super::words;
use crate::problem::Problem;

/// No speech session is longer (OpenAI, "Realtime API", session limits), and no sensible call is.
const TALK_MAX: Duration = Duration::from_hours(1);

/// What was decided.
pub(super) struct Decision {
    outcome: Outcome,
    locale: Locale,
    words: String,
    transfer_phone: Option<PhoneNumber>,
    talk_max: Option<Duration>,
}

impl Decision {
    /// As it is written down.
    pub(super) fn answer(self, call: CallId, tenant: TenantId) -> Answer {
        let session = (self.outcome == Outcome::Assistant).then(VoiceSessionId::mint);
        let Decision { outcome, locale, words, transfer_phone, talk_max } = self;
        Answer { call, tenant, outcome, locale, words, transfer_phone, talk_max, session }
    }
}

/// Decides, holding the tenant's subscription until the transaction ends: of calls at once only as many are let in as there is room for.
pub(super) async fn decide(tx: &mut Tx, tenant: TenantId) -> Result<Decision, Problem> {
    let wishes = voice_settings::get(tx, tenant).await?;
    let (outcome, talk_max) = outcome(tx, tenant, &wishes).await?;
    let tag = bots::locale_of(tx, tenant).await?;
    let locale = tag.map_or(Locale::En, |tag| Locale::of_tag(&tag));
    let company = tenants::get(tx, tenant).await?;
    let company = company.map(|tenant| tenant.company_name).unwrap_or_default();
    let own = wishes.greeting.as_ref().map(Greeting::as_str);
    let words = match outcome {
        Outcome::Assistant => own.map_or_else(|| words::greeting(locale, &company), str::to_owned),
        Outcome::Person
        | Outcome::NoSubscription
        | Outcome::DailyCalls
        | Outcome::TalkTime
        | Outcome::VoiceOff
        | Outcome::OutOfHours
        | Outcome::CallsDisabled => words::of(locale, outcome, &company),
    };
    let transfer_phone = wishes.transfer_phone.filter(|_| outcome == Outcome::Person);
    Ok(Decision { outcome, locale, words, transfer_phone, talk_max })
}

/// The gates, one after the other; the one that locks is the last.
async fn outcome(
    tx: &mut Tx,
    tenant: TenantId,
    wishes: &VoiceSettings,
) -> Result<(Outcome, Option<Duration>), Problem> {
    if switches::is_on(tx, Switch::CallsDisabled).await?.is_some() {
        return Ok((Outcome::CallsDisabled, None));
    }
    let zone = messaging::get(tx, tenant).await?.zone;
    let is_open = wishes.hours.are_open(zone, tx.now().await?);
    let turn = answers::whose_turn(wishes.mode, is_open, wishes.transfer_phone.is_some());
    if !turn.is_taken() {
        return Ok((turn, None));
    }
    match call_limits::may_call(tx, tenant).await? {
        MayCall::No(why) => Ok((why.into(), None)),
        MayCall::Yes { talk_left, .. } => Ok((turn, Some(talk_left.min(TALK_MAX)))),
    }
}
