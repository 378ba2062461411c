//! The jobs that an outside clock may ask for: one line each. A job is a schedule of `workflows/src/registry.rs`; those
//! without one are not built yet, and say so.

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct CronJob {
    /// Its name in the address.
    pub(super) name: &'static str,
    /// Its name in the master's answer.
    pub(super) member: &'static str,
    /// The schedule that makes it.
    pub(super) schedule: Option<&'static str>,
}

macro_rules! jobs {
    ($( $name:literal $member:literal $schedule:expr; )+) => {
        /// All of them.
        pub(super) const JOBS: &[CronJob] =
            &[$( CronJob { name: $name, member: $member, schedule: $schedule } ),+];
    };
}

jobs! {
    "cleanup-verification-codes" "cleanupVerificationCodes" Some("cleanup-verification-codes");
    "sweep-calls" "sweepCalls" Some("sweep-calls");
    // A missed call is answered as soon as it is told; what is left to do is to find those that nobody told of.
    "check-missed-calls" "checkMissedCalls" Some("sweep-calls");
    "find-twilio-gaps" "findTwilioGaps" Some("find-twilio-gaps");
    "find-stripe-gaps" "findStripeGaps" Some("find-stripe-gaps");
    "reconcile-messages" "reconcileMessages" Some("reconcile-messages");
    // Planned messages are jobs that begin by themselves; what is left to do is to see that each comes to its end.
    "process-scheduled" "processScheduled" Some("reconcile-messages");
    "serve-waitlist" "serveWaitlist" Some("serve-waitlist");
    "expire-demos" "expireDemos" Some("expire-demos");
    "cleanup-stale-demo-tenants" "cleanupStaleDemoTenants" Some("cleanup-stale-demo-tenants");
    "cleanup-orphaned-phone-mappings" "cleanupOrphanedPhoneMappings" Some("cleanup-orphaned-phone-mappings");
    "refill-pool" "refillPool" Some("refill-pool");
    "chain-audit" "chainAudit" Some("chain-audit");
    "take-vitals" "takeVitals" Some("take-vitals");
    "audit-number-webhooks" "auditNumberWebhooks" Some("audit-number-webhooks");
    "stripe-reconciliation" "stripeReconciliation" Some("stripe-reconciliation");
    "usage-tracking" "usageTracking" Some("usage-tracking");

    "auto-review-response" "autoReviewResponse" None;
    "send-nps" "sendNps" None;
    "trial-reminders" "trialReminders" None;
    "no-show-recovery" "noShowRecovery" None;
    "win-back" "winBack" None;
    "daily-summary" "dailySummary" None;
    "weekly-summary" "weeklySummary" None;
    "agency-digest" "agencyDigest" None;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_job_has_the_name_of_another() {
        let names: BTreeSet<_> = JOBS.iter().map(|job| job.name).collect();
        let members: BTreeSet<_> = JOBS.iter().map(|job| job.member).collect();
        assert_eq!((names.len(), members.len()), (JOBS.len(), JOBS.len()));
    }

    #[test]
    fn a_member_is_the_name_without_its_dashes() {
        for job in JOBS {
            let mut member = String::new();
            for (number, word) in job.name.split('-').enumerate() {
                let (first, rest) = word.split_at(1);
                member += &if number == 0 { first.to_owned() } else { first.to_uppercase() };
                member += rest;
            }
            assert_eq!(job.member, member);
        }
    }
}
