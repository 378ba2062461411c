//! What workflows count beside what the engine counts of every job. All are this process's.

use domain::billing::reconciliation::Report;
use metrics::counter;

/// Differences between our books and Stripe's that a reconciliation has found, by kind.
pub const STRIPE_MISMATCHES: &str = "stripe_mismatch_total";
/// Subscriptions that a reconciliation has set right.
pub const STRIPE_FIXES: &str = "stripe_fixes_total";

/// What a provider did and never told us, brought in by a reconciler, by provider and object.
pub const INBOX_GAPS: &str = "inbox_gap_total";

/// All of them.
pub const NAMES: [&str; 3] = [STRIPE_MISMATCHES, STRIPE_FIXES, INBOX_GAPS];

/// Something that nobody had told.
pub(crate) fn gap(provider: &'static str, object: &'static str) {
    counter!(INBOX_GAPS, "provider" => provider, "object" => object).increment(1);
}

/// A reconciliation has come to its end. There are twelve kinds.
pub(crate) fn reconciled(report: &Report) {
    for (kind, count) in &report.kinds {
        counter!(STRIPE_MISMATCHES, "kind" => kind.clone()).increment(*count);
    }
    counter!(STRIPE_FIXES).increment(report.tally.fixed);
}
