//! What workflows count beside what the engine counts of every job. All are this process's.

use domain::billing::reconciliation::Report;
use metrics::counter;

/// Differences between our books and Stripe's that a reconciliation has found, by kind.
pub const STRIPE_MISMATCHES: &str = "stripe_mismatch_total";
/// Subscriptions that a reconciliation has set right.
pub const STRIPE_FIXES: &str = "stripe_fixes_total";

/// All of them.
pub const NAMES: [&str; 2] = [STRIPE_MISMATCHES, STRIPE_FIXES];

/// A reconciliation has come to its end. There are twelve kinds.
pub(crate) fn reconciled(report: &Report) {
    for (kind, count) in &report.kinds {
        counter!(STRIPE_MISMATCHES, "kind" => kind.clone()).increment(*count);
    }
    counter!(STRIPE_FIXES).increment(report.tally.fixed);
}
