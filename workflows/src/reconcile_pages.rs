//! A stretch of a reconciliation: some pages, each fetched and then compared. A crash goes on at the page that it came to.

use chrono::{DateTime, Utc};
use domain::{
    billing::{
        Facts,
        reconciliation::{self, Payer, Tally},
    },
    scope,
};
use engine::{Context, Failure, JobId, Retention, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::{Clients, Trunkline},
    error::{of_domain, of_stripe_read},
    stripe::{account, facts},
};

/// Pages of one stretch: what a run remembers while it lasts stays below a megabyte.
const PAGES: usize = 25;

/// Subscriptions that are asked for by name at a time. There are few of them.
const UNSEEN: i64 = 20;

/// Compares a stretch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcilePages {
    /// Of which reconciliation.
    pub run: JobId,
    /// What is walked through.
    pub part: Part,
    /// From where.
    pub after: Option<String>,
    /// What was compared before.
    pub so_far: Tally,
    /// So much differed that nothing is set right any more.
    pub suspicious: bool,
}

/// What is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All subscriptions at Stripe.
    Subscriptions,
    /// Those of ours that Stripe did not show.
    Unseen,
    /// All customers at Stripe.
    Customers,
}

impl Part {
    /// In their order.
    pub const ALL: [Part; 3] = [Part::Subscriptions, Part::Unseen, Part::Customers];

    /// What is being compared, for whoever looks on.
    pub(crate) const fn note(self) -> &'static str {
        match self {
            Part::Subscriptions => "comparing subscriptions at Stripe",
            Part::Unseen => "asking for those of ours that Stripe did not show",
            Part::Customers => "comparing customers at Stripe",
        }
    }
}

/// Where a stretch has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Where the next one begins; none at the end.
    pub after: Option<String>,
    /// What was compared.
    pub so_far: Tally,
    /// So much differed that nothing is set right any more.
    pub suspicious: bool,
}

/// A page, as far as it is compared.
#[derive(Debug, Serialize, Deserialize)]
struct Fetched {
    subscriptions: Vec<Facts>,
    payers: Vec<Payer>,
    /// Subscriptions of ours that Stripe does not know, by name.
    gone: Vec<String>,
    after: Option<String>,
}

/// Where a page has come to, and when.
#[derive(Debug, Serialize, Deserialize)]
struct Compared {
    tally: Tally,
    now: DateTime<Utc>,
}

impl Workflow<Trunkline> for ReconcilePages {
    const KIND: &'static str = "reconcile_pages";
    const QUEUE: &'static str = "billing";
    const RETENTION: Retention = Retention::Brief;
    type Output = Stretch;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Stretch, Failure> {
        let is_live = ctx.settings().stripe_is_live.unwrap_or_default();
        let mut stretch =
            Stretch { after: self.after.clone(), so_far: self.so_far, suspicious: self.suspicious };
        let mut asked_at = ctx.now().await?;
        for _ in 0..PAGES {
            let after = stretch.after.as_deref();
            let unseen = match self.part {
                Part::Unseen => Some(self.unseen(ctx, after).await?),
                Part::Subscriptions | Part::Customers => None,
            };
            let share = unseen.as_ref().map(|(_, share)| *share).unwrap_or_default();
            stretch.suspicious |= share.is_suspicious() || share.is_an_exodus();
            let ids = unseen.map(|(ids, _)| ids);
            let fetched = ctx
                .step("fetch", async |clients, _| self.fetch(clients, after, ids.clone()).await)
                .await?;
            let may_fix = !stretch.suspicious;
            let compared = ctx
                .transaction("compare", async |tx| {
                    self.compare(tx, &fetched, asked_at, is_live, may_fix).await
                })
                .await?;
            asked_at = compared.now;
            stretch.so_far = stretch.so_far.plus(compared.tally);
            stretch.suspicious |= stretch.so_far.is_suspicious() && self.part != Part::Customers;
            stretch.after = fetched.after;
            if stretch.after.is_none() {
                break;
            }
        }
        Ok(stretch)
    }
}

impl ReconcilePages {
    async fn unseen(
        &self,
        ctx: &Context<'_, Trunkline>,
        after: Option<&str>,
    ) -> Result<(Vec<String>, Tally), Failure> {
        let after = after.unwrap_or_default();
        ctx.transaction("unseen", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            let run = self.run.as_uuid();
            let found = reconciliation::unseen(tx, run, after, UNSEEN).await.map_err(of_domain)?;
            Ok((found.ids, found.share))
        })
        .await
    }

    async fn fetch(
        &self,
        clients: &Clients,
        after: Option<&str>,
        unseen: Option<Vec<String>>,
    ) -> Result<Fetched, Failure> {
        let account = account(clients)?;
        let mut fetched = Fetched {
            subscriptions: Vec::new(),
            payers: Vec::new(),
            gone: Vec::new(),
            after: None,
        };
        match self.part {
            Part::Subscriptions => {
                account.turn().await;
                let page = account.stripe.list_subscriptions(after, None).await;
                let page = page.map_err(|error| of_stripe_read(&error))?;
                let last = page.items.last().map(|it| it.id.clone());
                fetched.after = last.filter(|_| page.has_more);
                fetched.subscriptions = page.items.iter().filter_map(facts).collect();
                let unread = page.items.len() - fetched.subscriptions.len();
                if unread > 0 {
                    tracing::error!(
                        unread,
                        "subscriptions at Stripe are in states that we do not know"
                    );
                }
            }
            Part::Customers => {
                account.turn().await;
                let page = account.stripe.list_customers(after, None).await;
                let page = page.map_err(|error| of_stripe_read(&error))?;
                let last = page.items.last().map(|it| it.id.clone());
                fetched.after = last.filter(|_| page.has_more);
                let payer = |it: clients::stripe::Customer| Payer {
                    id: it.id,
                    livemode: it.livemode,
                    created: it.created,
                };
                fetched.payers = page.items.into_iter().map(payer).collect();
            }
            Part::Unseen => {
                let ids = unseen.unwrap_or_default();
                let is_full = i64::try_from(ids.len()).is_ok_and(|len| len == UNSEEN);
                fetched.after = ids.last().filter(|_| is_full).cloned();
                for id in ids {
                    account.turn().await;
                    match account.stripe.retrieve_subscription(&id).await {
                        Ok(found) => fetched.subscriptions.extend(facts(&found)),
                        Err(error) if error.is_missing() => fetched.gone.push(id),
                        Err(error) => return Err(of_stripe_read(&error)),
                    }
                }
            }
        }
        Ok(fetched)
    }

    async fn compare(
        &self,
        tx: &mut Tx,
        fetched: &Fetched,
        asked_at: DateTime<Utc>,
        is_live: bool,
        may_fix: bool,
    ) -> Result<Compared, Failure> {
        scope::platform(tx).await.map_err(of_domain)?;
        let run = self.run.as_uuid();
        let page = &fetched.subscriptions;
        let mut tally = reconciliation::compare_page(tx, run, page, asked_at, is_live, may_fix)
            .await
            .map_err(of_domain)?;
        for id in &fetched.gone {
            let one = reconciliation::end(tx, run, id, asked_at, is_live, may_fix).await;
            tally = tally.plus(one.map_err(of_domain)?);
        }
        let payers = reconciliation::compare_customers(tx, run, &fetched.payers, is_live).await;
        tally = tally.plus(payers.map_err(of_domain)?);
        let now = reconciliation::now(tx).await.map_err(of_domain)?;
        Ok(Compared { tally, now })
    }
}
