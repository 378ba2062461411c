//! A number that we bought goes back to Twilio, when it has rested and the pool has enough without it.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | sleep | – (its last tenant's callers give up) | – | nothing |
//! | `withdraw_number` | nobody can be given it any more | it is free again, and the first in line is woken | nothing |
//! | pivot | from here on it is seen through | – | nothing |
//! | `release_at_twilio` | it is not ours any more | – (cannot be had back for sure) | nothing |
//! | `forget` | it is not in the pool any more | – | nothing |

use std::time::Duration;

use domain::{
    NumberId, numbers,
    pool::{self, NumberStatus},
    scope,
};
use engine::{Change, Context, Effect, EffectCall, Failure, Registrar, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    allocate_number::call_next,
    app::{Clients, Settings, Trunkline},
    buy_number::{desk, give_back},
    error::of_domain,
};

/// Gives a number back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReturnNumber {
    /// Which.
    pub number: NumberId,
    /// How long it rests before.
    #[serde(default)]
    pub rest_secs: u64,
    /// Also if the pool is short without it: an operator wants it so.
    #[serde(default)]
    pub in_any_case: bool,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returned {
    /// It is not ours any more.
    GivenBack,
    /// It is of use: a tenant has it, or the pool needs it.
    Kept,
}

impl Workflow<Trunkline> for ReturnNumber {
    const KIND: &'static str = "return_number";
    const QUEUE: &'static str = "numbers";
    type Output = Returned;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.change::<WithdrawNumber>().effect::<ReleaseAtTwilio>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Returned, Failure> {
        if self.rest_secs > 0 {
            ctx.sleep(Duration::from_secs(self.rest_secs)).await?;
        }
        let withdraw = WithdrawNumber { number: self.number, in_any_case: self.in_any_case };
        let Withdrawn::Yes { sid } = ctx.change(withdraw).await? else {
            return Ok(Returned::Kept);
        };
        // Half-way back would be a number in the pool that rings nowhere.
        ctx.pivot("the number leaves").await?;
        if let Some(sid) = sid {
            ctx.effect(ReleaseAtTwilio { sid }).await?;
        }
        ctx.transaction("forget", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            pool::forget(tx, self.number).await.map_err(of_domain)
        })
        .await?;
        Ok(Returned::GivenBack)
    }
}

/// Takes the number out of what can be given away.
#[derive(Debug, Serialize, Deserialize)]
pub struct WithdrawNumber {
    number: NumberId,
    in_any_case: bool,
}

/// Whether it could be taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawn {
    /// It is out.
    Yes {
        /// Its id at Twilio, if it is there at all.
        sid: Option<String>,
    },
    /// It is of use.
    No,
}

impl Change<Trunkline> for WithdrawNumber {
    const NAME: &'static str = "withdraw_number";
    type Output = Withdrawn;

    async fn apply(&self, tx: &mut Tx, settings: &Settings) -> Result<Withdrawn, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let found = pool::get(tx, self.number).await.map_err(of_domain)?;
        let Some((status, sid, is_bought)) = found else { return Ok(Withdrawn::No) };
        if !self.in_any_case {
            let level = numbers::pool_count(tx).await.map_err(of_domain)?;
            let enough = i64::from(settings.numbers.threshold(level.total()));
            if !is_bought || level.available <= enough {
                return Ok(Withdrawn::No);
            }
        }
        match status {
            NumberStatus::Allocated => Ok(Withdrawn::No),
            NumberStatus::Available | NumberStatus::Quarantined | NumberStatus::Maintenance => {
                match pool::take_out(tx, self.number, "is given back").await {
                    Ok(()) => Ok(Withdrawn::Yes { sid }),
                    // Somebody was given it between the two statements.
                    Err(domain::Error::IllegalMove { .. }) => Ok(Withdrawn::No),
                    Err(other) => Err(of_domain(other)),
                }
            }
        }
    }

    async fn undo(&self, tx: &mut Tx, _: &Settings, out: &Withdrawn) -> Result<(), Failure> {
        if *out == Withdrawn::No {
            return Ok(());
        }
        scope::platform(tx).await.map_err(of_domain)?;
        pool::put_back(tx, self.number).await.map_err(of_domain)?;
        call_next(tx).await
    }
}

/// Gives the number back to Twilio. Giving back what is gone is no error there, so it may be repeated.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReleaseAtTwilio {
    sid: String,
}

impl Effect<Trunkline> for ReleaseAtTwilio {
    const NAME: &'static str = "release_at_twilio";
    const KEY_IS_HONOURED: bool = true;
    type Output = ();

    async fn apply(&self, clients: &Clients, _: &EffectCall) -> Result<(), Failure> {
        give_back(desk(clients)?, &self.sid).await
    }
}
