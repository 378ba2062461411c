//! How our books compare with Stripe's, a page at a time: nothing here grows with the number of subscriptions but rows.

mod customers; // who pays at Stripe and is nobody here
mod page; // a page of subscriptions
mod report; // what a run has found
mod unseen; // what Stripe did not show

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::{
    customers::{Payer, compare_customers},
    page::compare_page,
    report::{Report, begin, duplicates, finish, latest, now},
    unseen::{Unseen, end, unseen},
};
use super::compare::Kind;
use crate::{Conn, Error, TenantId, error::During};

/// What was compared, and what it came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Compared.
    pub checked: u64,
    /// Of those, different.
    pub mismatches: u64,
    /// Of those, set right.
    pub fixed: u64,
    /// Left for the next run, because somebody was just changing it.
    pub skipped: u64,
}

impl Tally {
    /// With another part of the same run.
    #[must_use]
    pub fn plus(self, other: Tally) -> Tally {
        Tally {
            checked: self.checked + other.checked,
            mismatches: self.mismatches + other.mismatches,
            fixed: self.fixed + other.fixed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Whether so much differs that a wrong key is likelier than so many mistakes: then nothing is set right.
    pub fn is_suspicious(self) -> bool {
        self.checked >= CHECKED_MIN && self.mismatches * 100 > self.checked * MISMATCH_PERCENT_MAX
    }

    /// Whether so many are gone at Stripe that another account was asked: of those too few to say so, one by one, the mode of
    /// the account tells.
    pub fn is_an_exodus(self) -> bool {
        self.mismatches >= GONE_MIN && self.mismatches * 100 > self.checked * MISMATCH_PERCENT_MAX
    }
}

/// So many customers do not go in a night without our having heard of any.
const GONE_MIN: u64 = 4;

/// Below that, a share says nothing.
const CHECKED_MIN: u64 = 200;

/// More than one in five is no drift: an account was exchanged, or a deploy went wrong.
const MISMATCH_PERCENT_MAX: u64 = 20;

/// One finding, kept with its run.
struct Finding<'a> {
    run: Uuid,
    kind: Kind,
    stripe_object: &'a str,
    tenant: Option<TenantId>,
    fixed: bool,
    before: Option<Value>,
    after: Option<Value>,
}

/// Twice is once: a page that is compared again finds its own findings.
async fn note(conn: &mut Conn, finding: Finding<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.reconciliation_findings
             (run_id, stripe_object, kind, tenant_id, outcome, before, after)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        finding.run,
        finding.stripe_object,
        finding.kind.as_str(),
        finding.tenant.map(TenantId::as_uuid),
        if finding.fixed { "fixed" } else { "reported" },
        finding.before,
        finding.after,
    )
    .execute(conn)
    .await
    .during("reconciliation: note")?;
    Ok(())
}

fn told(facts: &super::Facts) -> Value {
    json!(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_mistakes_are_set_right_and_a_flood_is_not() {
        let tally = |checked, mismatches| Tally { checked, mismatches, ..Tally::default() };
        assert!(!tally(100, 100).is_suspicious());
        assert!(!tally(10_000, 100).is_suspicious());
        assert!(!tally(1_000, 200).is_suspicious());
        assert!(tally(1_000, 201).is_suspicious());
    }
}
