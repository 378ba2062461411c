//! What workflows count beside what the engine counts of every job. All are this process's.

use domain::billing::reconciliation::Report;
use metrics::counter;

use crate::operate_stretch::Way;

/// Differences between our books and Stripe's that a reconciliation has found, by kind.
pub const STRIPE_MISMATCHES: &str = "stripe_mismatch_total";
/// Subscriptions that a reconciliation has set right.
pub const STRIPE_FIXES: &str = "stripe_fixes_total";

/// What a provider did and never told us, brought in by a reconciler, by provider and object.
pub const INBOX_GAPS: &str = "inbox_gap_total";

/// Messages of which nobody could tell whether they had left.
pub const SMS_AMBIGUOUS: &str = "sms_ambiguous_total";
/// Messages of unknown outcome that were found at the provider.
pub const SMS_ADOPTED: &str = "sms_adopted_total";
/// Messages that were followed by another one, by why.
pub const SMS_RESENT: &str = "sms_resent_total";
/// Answers of Twilio that concern the whole account: credentials, suspension, balance.
pub const ACCOUNT_REFUSED: &str = "twilio_account_refused_total";

/// Jobs that operations on many jobs have seen to, by what became of each.
pub const OPERATION_JOBS: &str = "operation_jobs_total";

/// All of them.
pub const NAMES: [&str; 8] = [
    STRIPE_MISMATCHES,
    STRIPE_FIXES,
    INBOX_GAPS,
    SMS_AMBIGUOUS,
    SMS_ADOPTED,
    SMS_RESENT,
    ACCOUNT_REFUSED,
    OPERATION_JOBS,
];

/// Nobody can tell whether a message has left.
pub(crate) fn ambiguous() {
    counter!(SMS_AMBIGUOUS).increment(1);
}

/// A message of unknown outcome is at the provider.
pub(crate) fn adopted() {
    counter!(SMS_ADOPTED).increment(1);
}

/// A message is followed by another one: `unknown` (it was never taken), `replaced` (a new code), `undelivered`.
pub(crate) fn resent(why: &'static str) {
    counter!(SMS_RESENT, "why" => why).increment(1);
}

/// Twilio refuses the whole account: somebody has to see to it.
pub(crate) fn account_refused(code: Option<u32>) {
    counter!(ACCOUNT_REFUSED).increment(1);
    tracing::error!(code, "Twilio refuses our account: credentials, suspension or balance");
}

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

/// An operation has come a stretch further.
pub(crate) fn operated(way: Way, done: u32, refused: u32) {
    let (good, bad) = match way {
        Way::There => ("done", "refused"),
        Way::Back => ("undone", "not_undone"),
    };
    counter!(OPERATION_JOBS, "outcome" => good).increment(done.into());
    counter!(OPERATION_JOBS, "outcome" => bad).increment(refused.into());
}
