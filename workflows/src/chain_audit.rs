//! Chains what was written into the records of who did what, once a minute, so that a change of them shows.
//!
//! | step | effect | undo | what the customer sees if we stop here |
//! | --- | --- | --- | --- |
//! | `link` (again and again) | rows of both records have their links | – | nothing; the next run goes on |

use domain::{audit_links, scope};
use engine::{
    Context, Failure, Retention, RetryPolicy, Tx, Workflow,
    chain::{self, Head, Unlinked},
};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain};

/// Rows of one transaction: some hundred milliseconds.
const BATCH: i64 = 5_000;

/// Half a million rows in a run: more than an operation writes in a minute. More wait for the next one.
const BATCHES_MAX: usize = 100;

/// Chains. Runs every minute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChainAudit {}

/// What a batch has chained.
#[derive(Debug, Serialize, Deserialize)]
struct Chained {
    rows: usize,
    is_more: bool,
}

impl Workflow<Trunkline> for ChainAudit {
    const KIND: &'static str = "chain_audit";
    const QUEUE: &'static str = "maintenance";
    /// The next tick comes in a minute.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    /// How many rows.
    type Output = usize;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<usize, Failure> {
        let mut rows = 0;
        for number in 0..BATCHES_MAX {
            let chained = ctx.transaction("link", async |tx| batch(tx, number == 0).await).await?;
            rows += chained.rows;
            if !chained.is_more {
                break;
            }
        }
        Ok(rows)
    }
}

/// Both records. Two who chain at once take turns.
async fn batch(tx: &mut Tx, late: bool) -> Result<Chained, Failure> {
    let (of_engine, end) = tx.chain_audit(late, BATCH).await?;
    told("engine", of_engine, end);
    scope::platform(tx).await.map_err(of_domain)?;
    audit_links::lock(tx).await.map_err(of_domain)?;
    let head = audit_links::head(tx).await.map_err(of_domain)?;
    let head = head.map(|it| Head { link: it.link, id: it.id, hash: it.hash });
    let rows = audit_links::unlinked(tx, late, BATCH).await.map_err(of_domain)?;
    let rows: Vec<_> =
        rows.into_iter().map(|row| Unlinked { id: row.id, digest: row.digest }).collect();
    let links = chain::links(head, &rows);
    let stored: Vec<_> = links
        .iter()
        .map(|it| audit_links::Link { link: it.link, id: it.id, hash: it.hash.clone() })
        .collect();
    audit_links::insert(tx, &stored).await.map_err(of_domain)?;
    told("product", links.len(), links.last().cloned());
    let most = usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(Chained { rows: of_engine + links.len(), is_more: of_engine.max(links.len()) == most })
}

/// The end of a chain, in the log, where nobody who has only the database can change it.
fn told(record: &'static str, rows: usize, end: Option<Head>) {
    if let Some(end) = end.filter(|_| rows > 0) {
        tracing::info!(record, rows, link = end.link, hash = end.hex(), "the record is chained");
    }
}
