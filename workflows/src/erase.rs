//! A person, or a whole tenant, is erased: what was written and said, recordings at the provider, names and numbers. Facts that
//! are counted and paid for stay without them.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `subject` | – (who is meant; a tenant has to be over) | – | nothing |
//! | `look` | – (whose hash it is, where only that is known) | – | nothing |
//! | `release_number` (child) | of a tenant: its number rests in the pool | it has it again | the same |
//! | pivot | from here on it is seen through | – | nothing |
//! | `recordings`, `delete_recording`, `recordings_gone` | the provider has them no more | – (what is deleted is deleted) | nothing |
//! | a step for each part | so many rows at a time | – (the same) | nothing |
//! | sleep | – (while a call goes on, or was over just now: what is told of it may still come) | – | nothing |
//! | `finish` | what it came to is in the record | – | nothing |

use std::{collections::BTreeMap, time::Duration};

use domain::{
    ErasureId, PhoneNumber, TenantId,
    erasures::{self, Found, Kept, Part, Subject, Whom},
    scope,
    tenants::{self, TenantStatus},
};
use engine::{Context, Effect, EffectCall, Failure, Registrar, Retention, Sealed, Tx, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_twilio_read},
    release_number::ReleaseNumber,
};

/// Rows of a step: well below a second, so that nobody waits for its locks.
const ROWS: i64 = 1_000;

/// Steps for one part in one round: two million rows. Whoever has more is erased by another order.
const STEPS_MAX: usize = 2_000;

/// Recordings looked up at once.
const RECORDINGS: i64 = 50;

/// And so often: a run's ledger has room for so many deeds.
const RECORDINGS_PAGES_MAX: usize = 600;

/// Looks through all numbers, of twenty thousand each: twenty million numbers.
const LOOKS_MAX: usize = 1_000;

/// Between two rounds, while a call goes on.
const PAUSE: Duration = Duration::from_mins(10);

/// A day of them: no call lasts longer than four hours.
const ROUNDS_MAX: usize = 144;

/// Erases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Erase {
    /// The order; it says who is meant.
    pub erasure: ErasureId,
    /// The number, where it is known; otherwise the order's hash is looked for.
    pub phone: Option<Sealed<PhoneNumber>>,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Rows, by what they were.
    pub counts: BTreeMap<String, u64>,
    /// Whether nothing is left.
    pub complete: bool,
}

/// Who is meant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Meant {
    tenant: Option<TenantId>,
    is_person: bool,
}

/// What a look through the numbers found.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Look {
    Is(Sealed<PhoneNumber>),
    NotUpTo(Sealed<PhoneNumber>),
    Nobody,
}

impl Workflow<Trunkline> for Erase {
    const KIND: &'static str = "erase";
    const QUEUE: &'static str = "maintenance";
    /// Its arguments hold the number, sealed: they go soonest.
    const RETENTION: Retention = Retention::Brief;
    type Output = Erased;

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<DeleteRecording>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Erased, Failure> {
        let meant = ctx.transaction("subject", async |tx| self.meant(tx).await).await?;
        let phone = match (&self.phone, meant.is_person) {
            (_, false) => None,
            (Some(phone), true) => Some(phone.clone()),
            (None, true) => match self.look(ctx).await? {
                Some(phone) => Some(phone),
                None => return self.finish(ctx, &meant, BTreeMap::new(), true).await,
            },
        };
        if let (None, Some(tenant)) = (&phone, meant.tenant) {
            ctx.child(ReleaseNumber { tenant }).await?;
        }
        ctx.pivot("what is erased stays erased").await?;
        let mut all = Going { meant, phone, counts: BTreeMap::new(), complete: true };
        let mut goes_on = true;
        for _ in 0..ROUNDS_MAX {
            all.recordings(ctx).await?;
            for part in Part::ALL.iter().filter(|part| **part != Part::Calls) {
                all.part(ctx, *part).await?;
            }
            goes_on = all.is_in_a_call(ctx).await?;
            if !goes_on {
                break;
            }
            ctx.sleep(PAUSE).await?;
        }
        // Whoever rings all day long is erased up to here, and the record says that it is not all.
        all.complete &= !goes_on;
        all.part(ctx, Part::Calls).await?;
        self.finish(ctx, &all.meant, all.counts, all.complete).await
    }
}

impl Erase {
    /// A tenant is erased when it is over: until then its people and its calls would bring things back.
    async fn meant(&self, tx: &mut Tx) -> Result<Meant, Failure> {
        let Subject { tenant, person } = self.subject(tx).await?;
        if let (Some(tenant), None) = (tenant, &person)
            && let Some(found) = tenants::get(tx, tenant).await.map_err(of_domain)?
            && !is_over(found.status)
        {
            return Err(Failure::permanent(format!("the tenant is at {}", found.status)));
        }
        Ok(Meant { tenant, is_person: person.is_some() })
    }

    async fn subject(&self, tx: &mut Tx) -> Result<Subject, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let found = erasures::subject(tx, self.erasure).await.map_err(of_domain)?;
        found.ok_or_else(|| Failure::permanent("there is no such order to erase"))
    }

    /// Whose hash it is.
    async fn look(
        &self,
        ctx: &Context<'_, Trunkline>,
    ) -> Result<Option<Sealed<PhoneNumber>>, Failure> {
        let pepper = &ctx.settings().pepper;
        let mut after: Option<Sealed<PhoneNumber>> = None;
        for _ in 0..LOOKS_MAX {
            let look = ctx
                .transaction("look", async |tx| {
                    let person = self.subject(tx).await?.person.unwrap_or_default();
                    let after = after.as_ref().map(|after| tx.open(after)).transpose()?;
                    let found = erasures::find(tx, &person, pepper, after.as_ref()).await;
                    Ok(match found.map_err(of_domain)? {
                        Found::Yes(phone) => Look::Is(tx.seal(&phone)?),
                        Found::NotUpTo(phone) => Look::NotUpTo(tx.seal(&phone)?),
                        Found::Nobody => Look::Nobody,
                    })
                })
                .await?;
            match look {
                Look::Is(phone) => return Ok(Some(phone)),
                Look::NotUpTo(phone) => after = Some(phone),
                Look::Nobody => return Ok(None),
            }
        }
        Err(Failure::permanent("there are more numbers than one run looks through"))
    }

    async fn finish(
        &self,
        ctx: &Context<'_, Trunkline>,
        meant: &Meant,
        counts: BTreeMap<String, u64>,
        complete: bool,
    ) -> Result<Erased, Failure> {
        ctx.transaction("finish", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            if let (Some(tenant), false) = (meant.tenant, meant.is_person) {
                close(tx, tenant).await?;
            }
            let counts = json!(counts);
            erasures::finish(tx, self.erasure, &counts, complete).await.map_err(of_domain)
        })
        .await?;
        Ok(Erased { counts, complete })
    }
}

/// What is left of a tenant can neither be let in again nor be known.
async fn close(tx: &mut Tx, tenant: TenantId) -> Result<(), Failure> {
    let Some(found) = tenants::lock(tx, tenant).await.map_err(of_domain)? else { return Ok(()) };
    if found.status.may_become(TenantStatus::Offboarded) {
        tenants::move_to(tx, tenant, TenantStatus::Offboarded, "erased")
            .await
            .map_err(of_domain)?;
    }
    erasures::husk(tx, tenant).await.map_err(of_domain).map(drop)
}

/// Whether a tenant that stands there can be erased.
pub fn is_over(status: TenantStatus) -> bool {
    match status {
        TenantStatus::Suspended | TenantStatus::Expired | TenantStatus::Offboarded => true,
        TenantStatus::DemoPending | TenantStatus::Trial | TenantStatus::Active => false,
    }
}

/// An erasure that is on its way.
struct Going {
    meant: Meant,
    phone: Option<Sealed<PhoneNumber>>,
    counts: BTreeMap<String, u64>,
    complete: bool,
}

impl Going {
    /// What the provider has recorded of calls that are over.
    async fn recordings(&mut self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let mut after = String::new();
        for _ in 0..RECORDINGS_PAGES_MAX {
            let Kept { sids } = ctx
                .transaction("recordings", async |tx| {
                    self.with(tx, async |tx, whom| {
                        erasures::kept(tx, whom, &after, RECORDINGS).await
                    })
                    .await
                })
                .await?;
            let Some(last) = sids.last() else { return Ok(()) };
            after.clone_from(last);
            let mut gone = Vec::with_capacity(sids.len());
            for sid in sids {
                match ctx.effect(DeleteRecording { sid: sid.clone() }).await? {
                    Deleted::Yes => gone.push(sid),
                    Deleted::NobodyToAsk => self.complete = false,
                }
            }
            let count = ctx
                .transaction("recordings_gone", async |tx| {
                    scope::platform(tx).await.map_err(of_domain)?;
                    erasures::mark_gone(tx, &gone).await.map_err(of_domain)
                })
                .await?;
            self.count("call_recordings", count);
        }
        self.complete = false;
        Ok(())
    }

    async fn part(&mut self, ctx: &Context<'_, Trunkline>, part: Part) -> Result<(), Failure> {
        let pepper = &ctx.settings().pepper;
        for _ in 0..STEPS_MAX {
            let rows = ctx
                .transaction(part.as_str(), async |tx| {
                    self.with(tx, async |tx, whom| {
                        erasures::wipe(tx, part, whom, pepper, ROWS).await
                    })
                    .await
                })
                .await?;
            self.count(part.as_str(), rows);
            // Where a batch was not full, nothing was left.
            if rows < ROWS.unsigned_abs() {
                return Ok(());
            }
        }
        self.complete = false;
        Ok(())
    }

    async fn is_in_a_call(&self, ctx: &Context<'_, Trunkline>) -> Result<bool, Failure> {
        ctx.transaction("calls_under_way", async |tx| {
            self.with(tx, async |tx, whom| erasures::is_in_a_call(tx, whom).await).await
        })
        .await
    }

    /// The number is opened for as long as a statement takes.
    async fn with<T>(
        &self,
        tx: &mut Tx,
        work: impl AsyncFnOnce(&mut Tx, Whom<'_>) -> Result<T, domain::Error>,
    ) -> Result<T, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let phone = self.phone.as_ref().map(|phone| tx.open(phone)).transpose()?;
        let whom = match (&phone, self.meant.tenant) {
            (Some(phone), at) => Whom::Person { phone, at },
            (None, Some(tenant)) => Whom::Tenant(tenant),
            (None, None) => return Err(Failure::permanent("the order names nobody")),
        };
        work(tx, whom).await.map_err(of_domain)
    }

    fn count(&mut self, what: &str, rows: u64) {
        *self.counts.entry(what.to_owned()).or_default() += rows;
    }
}

/// Deletes a recording at the provider. One that is gone is no error there, so it may be repeated.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeleteRecording {
    sid: String,
}

/// What became of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deleted {
    /// The provider has it no more.
    Yes,
    /// No account is configured.
    NobodyToAsk,
}

impl Effect<Trunkline> for DeleteRecording {
    const NAME: &'static str = "delete_recording";
    const KEY_IS_HONOURED: bool = true;
    type Output = Deleted;

    async fn apply(&self, clients: &Clients, _: &EffectCall) -> Result<Deleted, Failure> {
        let Some(sender) = &clients.sms else { return Ok(Deleted::NobodyToAsk) };
        let deleted = sender.twilio.delete_recording(&self.sid).await;
        deleted.map(|()| Deleted::Yes).map_err(|error| of_twilio_read(&error))
    }
}
