//! A number more for the pool, bought once.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | hold `number_purchases` | one purchase at a time, so that limits hold | with the run | nothing |
//! | `need` | – (a look at the pool) | – | nothing |
//! | `search` | – (what Twilio offers) | – | nothing |
//! | `buy_at_twilio` | the number is ours, under our key and with our addresses | it is given back to Twilio | nothing |
//! | `pool_number` | the number is free for tenants, and the first in line is woken | it leaves the pool | `waitlisted` until then |
//!
//! Twilio knows no idempotency key for purchases, but can be asked for a number's `FriendlyName`: ours holds the run's id.
//! So a purchase whose outcome is unknown is looked up by that name before anything is bought again, and before a number that
//! is refused as taken counts as somebody else's: perhaps it was taken by us.

use std::time::Duration;

use clients::twilio::{Error, NewNumber, RejectedClass};
use domain::{NumberId, PhoneNumber, numbers, pool, scope};
use engine::{
    Change, Context, Effect, EffectCall, Failure, JobId, Probe, Registrar, Sealed, Tx, Workflow,
};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::call_next,
    app::{Clients, NumberDesk, Settings, Trunkline},
    error::{of_domain, of_twilio, of_twilio_read},
};

/// What the name of every number begins with that we bought ourselves.
pub const NAME_PREFIX: &str = "va:";

/// Numbers that are tried one after the other. Others buy too; so many in a row are a shortage.
const CANDIDATES_MAX: u16 = 10;

/// Buys one number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BuyNumber {
    /// Only if fewer than so many are free; none: in any case.
    #[serde(default)]
    pub if_below: Option<u32>,
}

impl Workflow<Trunkline> for BuyNumber {
    const KIND: &'static str = "buy_number";
    const QUEUE: &'static str = "numbers";
    /// A country that is out of numbers, or Twilio, may take a day to come back; then somebody should look.
    const DEADLINE: Option<Duration> = Some(Duration::from_hours(24));
    /// The number's id in the pool; none if there was no need any more.
    type Output = Option<NumberId>;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<BuyAtTwilio>().change::<PoolNumber>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Option<NumberId>, Failure> {
        // Held until the run ends: two purchases at once would both see the same gap.
        let _alone = ctx.hold("number_purchases", "", 1).await?;
        let is_needed =
            ctx.transaction("need", async |tx| self.need(tx, ctx.settings()).await).await?;
        if !is_needed {
            return Ok(None);
        }
        let offers: Vec<Sealed<PhoneNumber>> = ctx
            .step("search", async |clients, _| {
                let offers = search(desk(clients)?).await?;
                offers.iter().map(|offer| ctx.seal(offer)).collect()
            })
            .await?;
        for phone in offers {
            match ctx.effect(BuyAtTwilio { phone: phone.clone() }).await? {
                Bought::Ours { sid } => {
                    let job = ctx.job_id();
                    return ctx.change(PoolNumber { sid, phone, job }).await.map(Some);
                }
                Bought::Taken => {}
            }
        }
        Err(Failure::undo("every number that was offered was taken before we had it"))
    }
}

impl BuyNumber {
    async fn need(&self, tx: &mut Tx, settings: &Settings) -> Result<bool, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let pool = numbers::pool_count(tx).await.map_err(of_domain)?;
        let free = u32::try_from(pool.available).unwrap_or(u32::MAX);
        if self.if_below.is_some_and(|below| free >= below) {
            return Ok(false);
        }
        if pool.total() >= i64::from(settings.numbers.size_max) {
            return Err(Failure::permanent("the pool has as many numbers as it may have"));
        }
        Ok(true)
    }
}

/// Numbers that can be bought now, without those that cannot be read.
async fn search(desk: &NumberDesk) -> Result<Vec<PhoneNumber>, Failure> {
    let search = clients::twilio::NumberSearch { page_size: CANDIDATES_MAX, ..desk.search.clone() };
    let offers =
        desk.twilio.search_numbers(&search).await.map_err(|error| of_twilio_read(&error))?;
    let offers: Vec<_> = offers.iter().filter_map(|it| PhoneNumber::from_e164(it).ok()).collect();
    if offers.is_empty() {
        return Err(Failure::retry("Twilio offers no number there"));
    }
    Ok(offers)
}

/// A purchase.
#[derive(Debug, Serialize, Deserialize)]
pub struct BuyAtTwilio {
    phone: Sealed<PhoneNumber>,
}

/// What Twilio said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bought {
    /// It is ours.
    Ours {
        /// `PN` and 32 hex digits.
        sid: String,
    },
    /// Somebody else was faster.
    Taken,
}

impl Effect<Trunkline> for BuyAtTwilio {
    const NAME: &'static str = "buy_at_twilio";
    type Output = Bought;

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<Bought, Failure> {
        let desk = desk(clients)?;
        let new = NewNumber {
            phone: call.open(&self.phone)?.as_e164().to_owned(),
            friendly_name: name_of(call.job),
            urls: desk.urls.clone(),
            address_sid: desk.address_sid.clone(),
            bundle_sid: desk.bundle_sid.clone(),
        };
        match desk.twilio.buy_number(&new).await {
            Ok(number) => Ok(Bought::Ours { sid: number.sid }),
            // By somebody else, or by an attempt before, which failed after it had had its effect.
            Err(Error::Rejected { class: RejectedClass::NumberTaken, .. }) => {
                match self.look(desk, call).await? {
                    Some(found) => Ok(found),
                    // It may show up late in the list: the probe waits for that, once.
                    None if call.attempt == 2 => {
                        Err(Failure::unknown("the number is taken, perhaps by the attempt before"))
                    }
                    None => Ok(Bought::Taken),
                }
            }
            // A failure of Twilio's own: it answered, so one look at its list tells.
            Err(Error::ServerError { status }) => match self.look(desk, call).await {
                Ok(Some(found)) => Ok(found),
                Ok(None) => Err(Failure::retry(format!("Twilio failed with status {status}"))),
                Err(_) => Err(of_twilio(&Error::ServerError { status })),
            },
            Err(error) => Err(of_twilio(&error)),
        }
    }

    async fn undo(
        &self,
        clients: &Clients,
        _: &EffectCall,
        bought: &Bought,
    ) -> Result<(), Failure> {
        match bought {
            Bought::Ours { sid } => give_back(desk(clients)?, sid).await,
            Bought::Taken => Ok(()),
        }
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<Bought>, Failure> {
        let desk = desk(clients)?;
        if let Some(found) = self.look(desk, call).await? {
            return Ok(Probe::Happened(found));
        }
        // A purchase may show up late in the list.
        match desk.second_look.checked_sub(call.age) {
            Some(early) if !early.is_zero() => Ok(Probe::NotYet(early)),
            Some(_) | None => Ok(Probe::DidNotHappen),
        }
    }
}

impl BuyAtTwilio {
    /// This number, if this run has bought it. Another one of the run's is no answer: it would be pooled under this one's
    /// digits.
    async fn look(&self, desk: &NumberDesk, call: &EffectCall) -> Result<Option<Bought>, Failure> {
        let phone = call.open(&self.phone)?;
        let named = desk.twilio.numbers_named(&name_of(call.job)).await;
        let named = named.map_err(|error| of_twilio_read(&error))?;
        let mut bought = named.into_iter().filter(|number| number.phone == phone.as_e164());
        Ok(bought.next().map(|number| Bought::Ours { sid: number.sid }))
    }
}

/// Gives a number back to Twilio. Harmless twice.
pub(crate) async fn give_back(desk: &NumberDesk, sid: &str) -> Result<(), Failure> {
    desk.twilio.release_number(sid).await.map_err(|error| of_twilio_read(&error))
}

fn name_of(job: JobId) -> String {
    format!("{NAME_PREFIX}{job}")
}

/// The run that bought a number of this name, if we did.
pub(crate) fn buyer_of(friendly_name: &str) -> Option<JobId> {
    friendly_name.strip_prefix(NAME_PREFIX)?.parse().ok()
}

/// The configuration may have changed since the run began: it may come back.
pub(crate) fn desk(clients: &Clients) -> Result<&NumberDesk, Failure> {
    clients.numbers.as_ref().ok_or_else(|| Failure::permanent("no account at Twilio is configured"))
}

/// The number in the pool.
#[derive(Debug, Serialize, Deserialize)]
pub struct PoolNumber {
    sid: String,
    phone: Sealed<PhoneNumber>,
    job: JobId,
}

impl Change<Trunkline> for PoolNumber {
    const NAME: &'static str = "pool_number";
    type Output = NumberId;

    async fn apply(&self, tx: &mut Tx, _: &Settings) -> Result<NumberId, Failure> {
        let phone = tx.open(&self.phone)?;
        scope::platform(tx).await.map_err(of_domain)?;
        let bought_by = Some(self.job.as_uuid());
        let (number, _) =
            pool::add(tx, &phone, Some(&self.sid), bought_by).await.map_err(of_domain)?;
        call_next(tx).await?;
        Ok(number)
    }

    /// One that a tenant has got meanwhile stays theirs: a person has to decide.
    async fn undo(&self, tx: &mut Tx, _: &Settings, number: &NumberId) -> Result<(), Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        match pool::take_out(tx, *number, "its purchase is taken back").await {
            Ok(()) => pool::forget(tx, *number).await.map_err(of_domain),
            Err(domain::Error::NotFound { .. }) => Ok(()),
            Err(other) => Err(of_domain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_number_leads_back_to_the_run_that_bought_it() {
        let job = JobId::mint();
        assert_eq!(buyer_of(&name_of(job)), Some(job));
        assert!(name_of(job).len() <= clients::twilio::FRIENDLY_NAME_CHARS_MAX);
        for name in ["", "va:", "va:x", "Reception", &job.to_string()] {
            assert_eq!(buyer_of(name), None, "{name}");
        }
    }
}
